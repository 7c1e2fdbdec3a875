package cli

import "time"

// lookSettings are those of looks at sessions.
type lookSettings struct {
	expireAfter time.Duration // of the sandbox's
}
