package contact

import "os"

// Times is how often something is tried: SWEEP=whole leaves nothing out, however long it takes, and SWEEP=thin is for what
// is ten times slower and does not look at results, such as the race detector.
func Times(usual int) int {
	switch os.Getenv("SWEEP") {
	case "whole":
		return 4 * usual
	case "thin":
		return usual / 10
	}
	return usual
}
