package writer

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"hppsend/internal/move"
	"hppsend/pipeline"
)

// unwritten says why the report at a path could not be written.
func unwritten(path string, err error) error {
	todo := "see that the disk has room, or name another place with -o; the report can be made again at any time"
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		todo = "make the folder writable, or name another place with -o"
	case errors.Is(err, fs.ErrNotExist):
		todo = "create the folder first, or name another place with -o"
	case errors.Is(err, syscall.ENAMETOOLONG):
		todo = "give the file a shorter name, or name another place with -o"
	case errors.Is(err, ErrColumns):
		todo = "take out columns that nobody needs, also empty ones under a header far to the right, or say --format csv"
	}
	return &pipeline.Error{Kind: pipeline.Unwritten, Problem: "write report " + path, Todo: todo, Err: err}
}

// draft is a file that nobody sees before it is complete. It lies in a folder of its own, which only
// the owner can enter, beside the place where it will be; other temporary files may lie there too. It has
// there the name that it will have, so that one that the file system does not take is refused at once.
type draft struct {
	path   string
	folder string
	mode   fs.FileMode
	file   *os.File
	chmod  func(fs.FileMode) error // of the file
	loose  bool                    // others may be able to read it
	buf    *bufio.Writer
	sum    hash.Hash
}

// newDraft begins the file for path. Its mode will be 0600, less what the file named like lacks.
func newDraft(path, like string) (*draft, error) {
	d := &draft{path: path, mode: 0o600, sum: sha256.New()}
	if info, err := os.Stat(like); err == nil {
		d.mode &= info.Mode()
	}
	removeStale(filepath.Dir(path))
	var err error
	if d.folder, err = os.MkdirTemp(filepath.Dir(path), ".hppsend-*"); err != nil {
		return nil, d.fault(err)
	}
	d.file, err = os.OpenFile(filepath.Join(d.folder, filepath.Base(path)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		d.discard()
		return nil, d.fault(err)
	}
	d.chmod = d.file.Chmod
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
		folder := filepath.Join(dir, e.Name())
		if !e.IsDir() || !strings.HasPrefix(e.Name(), ".hppsend-") {
			continue
		}
		if at := lastWritten(folder); !at.IsZero() && time.Since(at) > staleAfter {
			_ = os.RemoveAll(folder) // what cannot be removed is in nobody's way
		}
	}
}

// lastWritten is when a file in a folder was written last; zero when there is none, or it cannot be told.
func lastWritten(folder string) (last time.Time) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return time.Time{}
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return time.Time{}
		}
		if info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}

func (d *draft) Write(p []byte) (int, error) { return d.buf.Write(p) }

// finish puts the file on the disk, where nobody sees it yet. The file system may not keep its mode, and
// may know no such thing as syncing.
func (d *draft) finish() (sum [32]byte, err error) {
	if err = d.buf.Flush(); err != nil {
		return sum, err
	}
	if err = d.narrow(); err != nil {
		return sum, err
	}
	if err = d.file.Sync(); err != nil && !unknown(err) {
		return sum, err
	}
	return [32]byte(d.sum.Sum(nil)), d.file.Close() // Windows renames no file that is open
}

// narrow sets the mode where the file has another, and notes when that leaves it open to others.
func (d *draft) narrow() error {
	info, err := d.file.Stat()
	if err != nil || info.Mode().Perm() == d.mode.Perm() || runtime.GOOS == "windows" {
		return err
	}
	_ = d.chmod(d.mode) // what it came to is looked at
	if info, err = d.file.Stat(); err == nil {
		d.loose = info.Mode().Perm()&^d.mode.Perm() != 0
	}
	return err
}

// placing is how often a place is tried at which files come and go.
const placing = 5

// place moves the finished file to a path in its folder. What is there already makes way if mayReplace
// says so of it, and goes back if it turns out to be another by then; else the error is fs.ErrExist.
func (d *draft) place(path string, mayReplace func(path string) (bool, error)) error {
	old := d.folder + "-old" // not in the folder, which goes when the program is killed and an hour has passed
	for range placing {
		err := move.New(d.file.Name(), path)
		if !errors.Is(err, fs.ErrExist) || mayReplace == nil {
			return err
		}
		switch err = move.If(regular(mayReplace), path, old); {
		case errors.Is(err, fs.ErrNotExist): // gone just now
			continue
		case errors.Is(err, move.ErrOther):
			return fs.ErrExist
		case err != nil:
			return err
		}
		if err = move.New(d.file.Name(), path); err == nil || errors.Is(err, fs.ErrExist) {
			return errors.Join(err, os.Remove(old))
		}
		if back := move.New(old, path); back != nil {
			err = &move.StrandedError{From: path, At: old, Err: back}
		}
		return err
	}
	return fs.ErrExist
}

// regular asks only of what is a file: a pipe would hold up whoever reads it.
func regular(mayReplace func(path string) (bool, error)) func(path string) (bool, error) {
	return func(path string) (bool, error) {
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
			return false, err
		}
		return mayReplace(path)
	}
}

// discard removes the folder with all that is in it. It is harmless when called again.
func (d *draft) discard() {
	if d.file != nil {
		_ = d.file.Close() // closed already once it is finished
	}
	_ = os.RemoveAll(d.folder)
}

// fault wraps an error of the file, less the names of temporary files, which tell nobody anything.
func (d *draft) fault(err error) error { return d.faultAt(d.path, err) }

func (d *draft) faultAt(path string, err error) error {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	switch {
	case errors.As(err, &pathErr):
		err = pathErr.Err
	case errors.As(err, &linkErr):
		err = linkErr.Err
	}
	return unwritten(path, err)
}

// syncFolder makes a rename durable where the system can do that.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) { // a folder to put things in, and not to look into
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	if err = dir.Sync(); unknown(err) {
		return nil
	}
	return err
}

// unknown reports whether a file system does not know what it was asked for, as some of the network do not.
func unknown(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}
