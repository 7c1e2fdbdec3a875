package campaign

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hppsend/internal/move"
	"hppsend/pipeline"
	"hppsend/reader"
	"hppsend/writer"
)

// maxNames bounds every search for a name that is free.
const maxNames = 10_000

// putAway sees to an input whose report is written: it says when the file at its path is not the one that
// was sent, and moves one that needs nobody any more, and its report, into the archive. It gives the place
// of the report.
func (c *campaign) putAway(file int, s FileResult) (report string, err error) {
	in := c.plan.Files[file].Input
	switch left := s.Tally.Left; {
	case in.Path == reader.Stdin, c.Upload != nil:
		return s.Report, nil
	case c.Archive == "" || !c.done(s.Tally):
		return s.Report, c.unchanged(c.files[file])
	case left > 0: // refused by something that is not HPP, which binds no later run
		say(c.Observer, "not_archived", fmt.Sprintf("%s is not archived: a later run sends %s of it.", in.Path, counted(left)))
		return s.Report, c.unchanged(c.files[file])
	}
	to, err := c.archived(c.files[file])
	if errors.Is(err, fs.ErrNotExist) && c.handed[file] {
		to, err = c.archivedBefore(in, err)
	}
	var stranded *move.StrandedError
	switch {
	case errors.Is(err, move.ErrOther), errors.As(err, &stranded):
		return s.Report, replaced(in.Path, err)
	case err != nil:
		return s.Report, c.unarchived(in.Path, err)
	}
	if s.Report == "" || s.Report == stdout {
		return s.Report, nil
	}
	format := pipeline.Format(strings.TrimPrefix(filepath.Ext(s.Report), "."))
	sum, err := HashFile(s.Report)
	if err == nil {
		report, err = toFree(s.Report, sum, sameBytes(sum), func(n int) string { return writer.Name(to, format, n) })
	}
	if errors.Is(err, fs.ErrNotExist) && c.handed[file] { // it went with another's
		report = writer.Name(to, format, 1)
		_, err = os.Lstat(report)
	}
	if err != nil {
		return s.Report, c.unarchived(s.Report, err)
	}
	return report, nil
}

// unchanged says when the file at an input's path is not the one that was sent: rows that came while the
// run went on are then unsent. One that is gone has none.
func (c *campaign) unchanged(f *reader.File) error {
	path := f.Input().Path
	same, err := f.Is(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		say(c.Observer, "input_gone", path+" was taken away while the run went on; all of it was read")
		return nil
	case err == nil && !same:
		err = move.ErrOther
	case err == nil:
		return nil
	}
	return replaced(path, pipeline.WithoutPath(err))
}

// archivedBefore finds an input that is gone in the archive, where somebody else has moved it who waited for the same
// workers; else the error is that it is gone.
func (c *campaign) archivedBefore(in pipeline.Input, gone error) (to string, err error) {
	base, ext := archiveName(in.Path)
	entries, err := os.ReadDir(c.Archive)
	if err != nil {
		return "", err
	}
	for _, e := range slices.Backward(entries) { // the latest first
		if !strings.HasPrefix(e.Name(), base+"-") || !strings.HasSuffix(e.Name(), ext) {
			continue
		}
		if info, err := e.Info(); err != nil || info.Size() != in.Size {
			continue
		}
		to = filepath.Join(c.Archive, e.Name())
		if same, err := sameBytes(in.SHA256)(to); err == nil && same {
			say(c.Observer, "archived_before", fmt.Sprintf("%s is in the archive already: another who waited for this run has moved it.", in.Path))
			return to, nil
		}
	}
	return "", gone
}

// archiveName gives the parts of a file's name in the archive before and after the time.
func archiveName(path string) (base, ext string) {
	ext = filepath.Ext(path)
	base = strings.TrimSuffix(filepath.Base(path), ext)
	if strings.EqualFold(ext, ".gz") {
		ext = filepath.Ext(base) + ext
		base = strings.TrimSuffix(base, filepath.Ext(base))
	}
	return base, ext
}

// archived moves an input to the archive and gives its new place.
func (c *campaign) archived(f *reader.File) (to string, err error) {
	in := f.Input()
	if err := os.MkdirAll(c.Archive, 0o700); err != nil {
		return "", err
	}
	base, ext := archiveName(in.Path)
	name := filepath.Join(c.Archive, base+"-"+c.started.UTC().Format("20060102T150405Z"))
	f.Close() // Windows moves no file that is open
	return toFree(in.Path, in.SHA256, f.Is, func(n int) string {
		if n > 1 {
			return fmt.Sprintf("%s-%d%s", name, n, ext)
		}
		return name + ext
	})
}

// toFree moves a file to the first of its names that is free.
func toFree(from string, sum [32]byte, meant func(string) (bool, error), name func(n int) string) (to string, err error) {
	for n := 1; n <= maxNames; n++ {
		to = name(n)
		if err = transfer(from, to, sum, meant); !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return to, err
}

// transfer moves a file that is as meant, with bytes of the given SHA-256, and no other. A link leads to
// what stays where it is, so what moves is a copy, as it does to another disk.
func transfer(from, to string, sum [32]byte, meant func(string) (bool, error)) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
	case !info.Mode().IsRegular():
		return move.ErrOther
	default:
		err := move.If(meant, from, to)
		var stranded *move.StrandedError
		if err == nil || errors.Is(err, move.ErrOther) || errors.As(err, &stranded) ||
			errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := copyNew(from, to, sum); err != nil {
		return err
	}
	aside := filepath.Join(filepath.Dir(from), ".hppsend-"+strings.ToLower(rand.Text()[:8]))
	if err := move.If(meant, from, aside); err != nil {
		return errors.Join(err, os.Remove(to))
	}
	return os.Remove(aside)
}

// copyNew copies a file to a path where nothing is, onto the disk.
func copyNew(from, to string, sum [32]byte) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, hash), in)
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil && [32]byte(hash.Sum(nil)) != sum {
		err = move.ErrOther
	}
	if err != nil {
		os.Remove(to)
	}
	return err
}

// sameBytes reports whether a file has the bytes of a SHA-256.
func sameBytes(sum [32]byte) func(path string) (bool, error) {
	return func(path string) (bool, error) {
		now, err := HashFile(path)
		return now == sum, err
	}
}

// unarchived says that a file could not be moved away.
func (c *campaign) unarchived(path string, err error) error {
	return &pipeline.Error{
		Problem: fmt.Sprintf("move %s to the archive %s", path, c.Archive), Err: pipeline.WithoutPath(err),
		Todo: "the run itself is complete: move the file by hand, or leave it, since a further run sends nothing twice",
	}
}

// replaced says that what lies at the path of an input is not what was sent.
func replaced(path string, err error) error {
	todo := "it stays where it is; the same command sends what is new in it, and nothing twice"
	var stranded *move.StrandedError
	if errors.As(err, &stranded) {
		todo = "move " + stranded.At + " back, to be sent"
	}
	return &pipeline.Error{
		Problem: fmt.Sprintf("%s is not as it was when the run began: %v; rows that came since were not sent", path, err), Todo: todo,
	}
}
