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
	if err != nil || !os.SameFile(info, f.info) {
		return false, err
	}
	now, err := OpenRegular(path)
	if err != nil {
		return false, err
	}
	defer now.Close()
	if info, err = now.Stat(); err != nil || !os.SameFile(info, f.info) {
		return false, err
	}
	return f.holds(now, info.Size())
}

// touched reports whether anything was written to the file since it was opened.
func (f *File) touched() (bool, error) {
	info, err := f.file.Stat()
	return err == nil && (!info.ModTime().Equal(f.info.ModTime()) || info.Size() != f.info.Size()), err
}

// changed reports whether the file holds other bytes than when it was opened.
func (f *File) changed() (bool, error) {
	touched, err := f.touched()
	if !touched {
		return false, err
	}
	info, err := f.file.Stat()
	if err != nil {
		return false, err
	}
	same, err := f.holds(f.file, info.Size())
	return !same, err
}

// holds reports whether so many bytes are those that were opened.
func (f *File) holds(bytes io.ReaderAt, size int64) (bool, error) {
	if size != f.input.Size {
		return false, nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(bytes, 0, size)); err != nil {
		return false, err
	}
	return [32]byte(sum.Sum(nil)) == f.sum, nil
}
