package reader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"hppsend/pipeline"
)

// spoolName begins the name of the file that standard input is kept in.
const spoolName = "hppsend-stdin-"

// spooled is standard input, kept since it has to be read more than once. It holds contacts, which nothing
// but this process is to see: where the system allows, the file has no name, and ends with the process
// however that ends. Elsewhere it has one until it is closed, or until a later run sweeps it away.
type spooled struct {
	file  *os.File
	named bool
}

// spool keeps what can be read only once. It ends with the context, though a read that is under way then
// goes on in the background.
func spool(ctx context.Context, in io.Reader) (spooled, error) {
	sweep()
	file, err := os.CreateTemp("", spoolName) // only its owner can read it
	if err != nil {
		return spooled{}, notKept(err)
	}
	err = os.Remove(file.Name())
	s := spooled{file, err != nil && !errors.Is(err, fs.ErrNotExist)} // another run may have swept it first
	copied := make(chan error, 1)                                     // read by nobody when the context has ended first
	go func() {
		copied <- pipeline.Guarded(func() error {
			_, err := io.Copy(file, in)
			return err
		})
	}()
	select {
	case err = <-copied:
	case <-ctx.Done():
		err = ctx.Err()
	}
	var ours *fs.PathError
	switch {
	case err == nil:
		return s, nil
	case errors.As(err, &ours) && ours.Path == file.Name():
		err = notKept(err)
	case ctx.Err() == nil:
		err = problem{"standard input cannot be read to its end", "see that the program before it writes a table and ends well"}.at(Stdin, cause(err))
	}
	return spooled{}, errors.Join(err, s.close())
}

func (s spooled) close() error {
	err := s.file.Close()
	if s.named {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	return err
}

// sweep removes what runs that were killed have left. A file that is in use either cannot be removed, by
// the systems that keep names of open files, or needs its name no more.
func sweep() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), spoolName+"*")) // the pattern is well-formed, or finds nothing
	for _, path := range left {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			os.Remove(path) // what is another user's stays
		}
	}
}

func notKept(err error) error {
	return &pipeline.Error{
		Kind:    pipeline.BadInput,
		Place:   pipeline.Place{File: Stdin},
		Problem: fmt.Sprintf("standard input, which has to be read more than once, cannot be kept in the folder %s", os.TempDir()),
		Todo:    "see that the folder is there and has room, or name another one in the environment (TMPDIR; TMP on Windows); or save the table to a file first",
		Err:     cause(err),
	}
}

// cause is an error without the path of a file that nobody knows.
func cause(err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}
