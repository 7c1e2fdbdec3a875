//go:build unix

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// systemPolicy is where the policy of a machine stands.
const systemPolicy = "/etc/hppsend/policy.yaml"

// ownedBy refuses what another owns, or can change.
func ownedBy(info fs.FileInfo, owner int) error {
	of, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return errors.New("it cannot be told whose it is")
	case int(of.Uid) != owner:
		return fmt.Errorf("its owner is user %d, and has to be user %d", of.Uid, owner)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others than its owner can change it (its mode is %04o)", info.Mode().Perm())
	}
	return nil
}
