package move

import (
	"os"

	"golang.org/x/sys/unix"
)

func renameNew(from, to string) error {
	if err := unix.RenamexNp(from, to, unix.RENAME_EXCL); err != nil { // ENOTSUP is ErrUnsupported by itself
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}
