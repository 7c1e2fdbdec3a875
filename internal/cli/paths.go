package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// pathFlag is a setting that names a file or a folder. Its value is absolute, so that what is printed of
// it can be found again. Where it may be a ledger it may be the address of a database too, which stays as it is.
type pathFlag struct {
	value  *string
	ledger bool
}

func (p pathFlag) Type() string   { return "PATH" }
func (p pathFlag) String() string { return *p.value }

func (p pathFlag) Set(text string) error { return p.from("", text) }

// from takes a relative path from a folder; the empty one is the current.
func (p pathFlag) from(folder, text string) (err error) {
	if p.ledger && ledger.OnServer(text) {
		*p.value = text
		return nil
	}
	if p.ledger && noFile.MatchString(text) { // a file of such a name would be another ledger for each machine
		return errors.New("it is neither a file nor the address of a database: write that like postgres://user@host/database; a password is taken from PGPASSWORD or ~/.pgpass")
	}
	*p.value, err = absolute(folder, text)
	return err
}

// noFile is what is meant as the address of a database, and is none that is understood.
var noFile = regexp.MustCompile(`(?i)://|(^|\s)(host|hostaddr|port|user|password|dbname|service)\s*=|^[^/\\]*:\d+/|^[^/\\\s]+@[^/\\\s]+/`)

// percents is how Windows writes a variable.
var percents = regexp.MustCompile(`%\w+%`)

// absolute gives the path that is meant: ~ is the home folder, and a relative one lies in a folder. What
// only a shell expands is refused: taken as it stands it names another file, and a ledger at another
// place would send everything again. Its errors do not show the path, which may be a password put in the
// wrong place.
func absolute(folder, text string) (string, error) {
	home, ofHome := strings.CutPrefix(text, "~")
	switch {
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", errors.New("there is a line break or another control character in it")
	case strings.Contains(text, "$") || runtime.GOOS == "windows" && percents.MatchString(text):
		return "", errors.New("a path is taken as it stands, and the variable in it is not replaced by its value: write the value")
	case text == "" || text == stdout || filepath.IsAbs(text):
		return tidy(text), nil
	case ofHome && home != "" && !os.IsPathSeparator(home[0]):
		return "", errors.New("a path that begins with ~ and a name is not understood: write the folder; ./~name is a file of such a name")
	case ofHome:
		dir, err := homeFolder()
		return tidy(dir + home), err
	}
	if folder == "" {
		dir, err := os.Getwd()
		if err != nil {
			return "", fmt.Errorf("the current folder cannot be told, from which it would be taken: %w", pipeline.WithoutPath(err))
		}
		folder = dir
	}
	return tidy(folder + string(filepath.Separator) + text), nil
}

// tidy takes out of a path what means nothing. A .. stays: behind a link it is another folder than the
// text lets one think. So does a separator at the end, which says that a folder is meant.
func tidy(path string) string {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r < 0x80 && os.IsPathSeparator(uint8(r)) })
	if len(parts) == 0 || path == stdout || slices.Contains(parts, "..") {
		return path
	}
	clean := filepath.Clean(path)
	if os.IsPathSeparator(path[len(path)-1]) {
		clean += string(filepath.Separator)
	}
	return clean
}

func homeFolder() (string, error) {
	dir, err := os.UserHomeDir()
	if err == nil && !filepath.IsAbs(dir) {
		err = errors.New("it is not absolute")
	}
	if err != nil {
		return "", fmt.Errorf("the home folder cannot be told: %w", err)
	}
	return dir, nil
}

// commandFlag is a program and its arguments, given one by one, or in one text without quotes.
type commandFlag struct{ value *[]string }

func (commandFlag) several()         {}
func (c commandFlag) Type() string   { return "COMMAND" }
func (c commandFlag) String() string { return strings.Join(*c.value, " ") }

func (c commandFlag) Set(text string) error {
	*c.value = append(*c.value, text)
	return nil
}

// resolve splits what was given in one text, and finds the program where it is named by a path. A bare
// name is looked for where the system looks for programs.
func (c commandFlag) resolve(folder string) (err error) {
	words := *c.value
	if len(words) == 1 {
		words = strings.Fields(words[0])
	}
	if len(words) == 0 {
		return errors.New("it names no program")
	}
	words = slices.Clone(words)
	if strings.HasPrefix(words[0], "~") || strings.ContainsAny(words[0], `/$`) || words[0] != filepath.Base(words[0]) {
		words[0], err = absolute(folder, words[0])
	}
	*c.value = words
	return err
}

// ownFolder is the folder of a file, by its own name and not that of a link to it, so that its relative
// paths mean the same by whatever name it is read.
func ownFolder(file string) (string, error) {
	path, err := filepath.EvalSymlinks(file)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	return filepath.Dir(path), err
}
