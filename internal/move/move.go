// Package move renames files so that none is lost by it: a file never takes the place of another ([New]),
// and one that turns out to be another than was meant goes back to where it lay ([If]).
//
// Both work on files within one file system. Neither syncs anything to the disk.
package move

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// New renames a file to a path where nothing is. An error that is [fs.ErrExist] says that something is
// there; nothing has changed then. On a file system that knows neither such a rename nor hard links,
// what comes to the path within the same instant is replaced.
func New(from, to string) error {
	if err := renameNew(from, to); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return byLink(from, to)
}

// byLink is New where the system has no such rename.
func byLink(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		if err = os.Remove(from); err != nil {
			err = errors.Join(err, os.Remove(to))
		}
		return err
	}
	if _, there := os.Lstat(to); there == nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist}
	}
	return os.Rename(from, to) // no links either: FAT, some network file systems
}

// ErrOther says that a file is not the one that was meant; it lies where it lay.
var ErrOther = errors.New("it is another file by now")

// StrandedError says that a file was moved and is another than was meant, and that it could not be moved
// back: something else has come to its place meanwhile.
type StrandedError struct {
	From, At string // where it lay, and where it lies now
	Err      error  // why it could not go back
}

func (e *StrandedError) Error() string {
	return fmt.Sprintf("what lay at %s is another file by now, and lies at %s: it could not be put back: %v", e.From, e.At, e.Err)
}

// If renames a file to a path where nothing is, if it is what the caller means. That is asked of the file
// where it lies, and again once it has been moved, when nobody who knows it by its name can replace it any
// more; another file goes back. The errors are ErrOther, a *StrandedError, those of meant, and those of New.
func If(meant func(path string) (bool, error), from, to string) error {
	if ok, err := meant(from); err != nil || !ok {
		return orOther(err)
	}
	if err := New(from, to); err != nil {
		return err
	}
	ok, err := meant(to)
	if err == nil && ok {
		return nil
	}
	if back := New(to, from); back != nil {
		return &StrandedError{from, to, back}
	}
	return orOther(err)
}

func orOther(err error) error {
	if err == nil {
		err = ErrOther
	}
	return err
}
