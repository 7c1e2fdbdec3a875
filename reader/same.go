package reader

import (
	"crypto/sha256"
	"io"
	"os"
)

// Is reports whether the file at a path is the very one that was opened, with the bytes that it had then:
// not another under its name, and not changed in place. It may be asked after Close, too.
func (f *File) Is(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil || !os.SameFile(info, f.info) || info.Size() != f.input.Size {
		return false, err
	}
	now, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer now.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, now); err != nil {
		return false, err
	}
	return [32]byte(sum.Sum(nil)) == f.input.SHA256, nil
}
