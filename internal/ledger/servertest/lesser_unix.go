//go:build unix

package servertest

import (
	"os"
	"os/exec"
	"syscall"
)

// AsLesser has a command run as a user that is not root.
func AsLesser(cmd *exec.Cmd) {
	if os.Getuid() != 0 {
		return
	}
	if uid, gid, err := lesser(); err == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
}
