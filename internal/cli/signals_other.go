//go:build !unix

package cli

import (
	"os"
	"syscall"
)

var (
	endings        = []os.Signal{os.Interrupt, syscall.SIGTERM}
	ignoredSignals []os.Signal
)

func noCore() {}
