//go:build !unix

package cli

import (
	"os"
	"syscall"
)

var (
	endings = []os.Signal{os.Interrupt, syscall.SIGTERM}
	unasked []os.Signal
)

func noCore() {}
