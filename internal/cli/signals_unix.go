//go:build unix

package cli

import (
	"os"
	"syscall"
)

// unasked are signals that must not end a run: of a reader of our lines that has gone, and of a limit
// on the size of files, which is an error of the write as well.
var unasked = []os.Signal{syscall.SIGPIPE, syscall.SIGXFSZ}
