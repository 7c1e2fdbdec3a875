package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hppsend/pipeline"
)

// placeOf gives the one name of a ledger, whatever links and folders lead to it: the secret, the locks and
// what SQLite keeps beside the database all go by its name, and under two names one ledger would be two.
// What is not there yet is named as it will be.
func placeOf(path string) (string, error) {
	if !filepath.IsAbs(path) {
		dir, err := os.Getwd()
		if err != nil {
			return "", err
		}
		path = dir + string(filepath.Separator) + path // not Join: behind a link .. is another folder
	}
	for end := len(path) - 1; end > len(filepath.VolumeName(path)) && os.IsPathSeparator(path[end]); end-- {
		path = path[:end]
	}
	const maxLinks = 40
	for range maxLinks {
		real, err := filepath.EvalSymlinks(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return real, err
		}
		folder, base := filepath.Split(path)
		switch target, lerr := os.Readlink(path); { // a link to what is not there yet
		case lerr == nil && filepath.IsAbs(target):
			path = target
			continue
		case lerr == nil:
			path = folder + target
			continue
		case base == "" || base == "..":
			return "", err
		}
		real, err = placeOf(folder)
		return filepath.Join(real, base), err
	}
	return "", fmt.Errorf("%s: its links lead in a circle", path)
}

// oneName refuses a database with a second name of its own, a hard link: each name would have its own
// write-ahead log and locks, and SQLite cannot see that they are of one file.
func oneName(path string) error {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || names(info) < 2 {
		return nil // that it cannot be had is told where it is opened
	}
	return wrong(pipeline.Usage, path, "the file has another name too, a hard link, and locks under one do not hold under the other",
		"copy it instead of linking it (cp and mv, with nothing running), so that the file has one name")
}
