//go:build unix

package cli

import (
	"os"
	"syscall"
)

// endings are the signals by which somebody ends the process in the midst of its calls. Most of them Go
// would answer with a crash and exit status 2, which is ours for "nothing was sent".
var endings = []os.Signal{
	syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGABRT,
	syscall.SIGILL, syscall.SIGTRAP, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGSEGV, syscall.SIGSYS,
}

// ignoredSignals are signals that must not end a run: of a reader of our lines that has gone, and of a limit
// on the size of files, which is an error of the write as well.
var ignoredSignals = []os.Signal{syscall.SIGPIPE, syscall.SIGXFSZ}

// noCore keeps a crash from leaving the memory, with its contacts and the password, in a file.
func noCore() {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_CORE, &limit) == nil {
		limit.Cur = 0
		syscall.Setrlimit(syscall.RLIMIT_CORE, &limit)
	}
}
