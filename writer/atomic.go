package writer

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Error says why a report could not be written.
type Error struct {
	Path string // of the report
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("write report %s: %v", e.Path, e.Err) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *Error) Hint() string {
	switch {
	case errors.Is(e.Err, fs.ErrPermission), errors.Is(e.Err, syscall.EROFS):
		return "make the folder writable, or name another place with -o"
	case errors.Is(e.Err, fs.ErrNotExist):
		return "create the folder first, or name another place with -o"
	case errors.Is(e.Err, errNotAFile):
		return "name a file with -o"
	}
	return "see that the disk has room, or name another place with -o; the report can be made again at any time"
}

var errNotAFile = errors.New("there is something under this path that is not a file")

// draft is a file that nobody sees before it is complete. It lies in a folder of its own, which only
// the owner can enter, beside the place where it will be; other temporary files may lie there too.
type draft struct {
	path   string
	folder string
	mode   fs.FileMode
	file   *os.File
	buf    *bufio.Writer
	sum    hash.Hash
}

// newDraft begins the file for path. Its mode will be 0600, less what the file named like lacks.
func newDraft(path, like string) (*draft, error) {
	d := &draft{path: path, mode: 0o600, sum: sha256.New()}
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, d.fault(errNotAFile) // a rename over a device or a pipe would take its place
	}
	if info, err := os.Stat(like); err == nil {
		d.mode &= info.Mode()
	}
	removeStale(filepath.Dir(path))
	var err error
	if d.folder, err = os.MkdirTemp(filepath.Dir(path), ".hppsend-*"); err != nil {
		return nil, d.fault(err)
	}
	d.file, err = os.OpenFile(filepath.Join(d.folder, "report"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		d.discard()
		return nil, d.fault(err)
	}
	d.buf = bufio.NewWriterSize(io.MultiWriter(d.file, d.sum), 1<<16)
	return d, nil
}

// staleAfter is how long a draft may go without a write before it is taken for one that a killed
// process left behind. Writing pauses for reads of the input and the ledger only.
const staleAfter = time.Hour

// removeStale removes the drafts of killed processes, since they hold contacts.
func removeStale(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".hppsend-") {
			continue
		}
		folder := filepath.Join(dir, e.Name())
		if info, err := os.Stat(filepath.Join(folder, "report")); err == nil && time.Since(info.ModTime()) > staleAfter {
			_ = os.RemoveAll(folder) // what cannot be removed is in nobody's way
		}
	}
}

func (d *draft) Write(p []byte) (int, error) { return d.buf.Write(p) }

// commit puts the file on disk and then under its path.
func (d *draft) commit() (sum [32]byte, err error) {
	if err = d.buf.Flush(); err != nil {
		return sum, err
	}
	if err = d.file.Chmod(d.mode); err != nil {
		return sum, err
	}
	if err = d.file.Sync(); err != nil {
		return sum, err
	}
	if err = d.file.Close(); err != nil {
		return sum, err
	}
	if err = os.Rename(d.file.Name(), d.path); err != nil {
		return sum, err
	}
	return [32]byte(d.sum.Sum(nil)), syncFolder(filepath.Dir(d.path))
}

// discard removes the folder with all that is in it. It is harmless when called again.
func (d *draft) discard() {
	if d.file != nil {
		_ = d.file.Close() // closed already after commit
	}
	_ = os.RemoveAll(d.folder)
}

// fault wraps an error of the file, less the names of temporary files, which tell nobody anything.
func (d *draft) fault(err error) error {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	switch {
	case errors.As(err, &pathErr):
		err = pathErr.Err
	case errors.As(err, &linkErr):
		err = linkErr.Err
	}
	return &Error{Path: d.path, Err: err}
}

// syncFolder makes a rename durable where the system can do that.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err = dir.Sync(); errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		return nil // some network file systems know no such thing
	}
	return err
}
