package move

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// folder is the files of a folder, by name, with what they hold.
type folder map[string]string

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (want folder) compare(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := folder{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[e.Name()] = string(text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the folder (-want +got):\n%s", diff)
	}
}

func TestNew(t *testing.T) {
	for name, rename := range map[string]func(from, to string) error{"New": New, "byLink": byLink} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
			write(t, a, "one")
			if err := rename(a, b); err != nil {
				t.Fatal(err)
			}
			folder{"b": "one"}.compare(t, dir)
			write(t, a, "two")
			if err := rename(a, b); !errors.Is(err, fs.ErrExist) {
				t.Errorf("onto another file: %v", err)
			}
			folder{"a": "two", "b": "one"}.compare(t, dir)
			if err := rename(filepath.Join(dir, "none"), filepath.Join(dir, "c")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("of no file: %v", err)
			}
			if err := rename(a, dir); !errors.Is(err, fs.ErrExist) {
				t.Errorf("onto a folder: %v", err)
			}
		})
	}
}

// TestIf lets something come between at both moments at which the file is looked at: before it is moved,
// and after.
func TestIf(t *testing.T) {
	broken := errors.New("broken")
	for _, tc := range []struct {
		name          string
		first, second func(dir string) (bool, error)
		want          error
		left          folder
	}{
		{"as meant", yes, yes, nil, folder{"to": "mine"}},
		{"another from the first", no, yes, ErrOther, folder{"from": "mine"}},
		{"it cannot be told", fails(broken), yes, broken, folder{"from": "mine"}},
		{"replaced after the first look", func(dir string) (bool, error) {
			return true, errors.Join(
				os.WriteFile(filepath.Join(dir, "new"), []byte("theirs"), 0o600),
				os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "from")))
		}, no, ErrOther, folder{"from": "theirs"}},
		{"changed after the first look", func(dir string) (bool, error) {
			return true, os.WriteFile(filepath.Join(dir, "from"), []byte("mine and theirs"), 0o600)
		}, no, ErrOther, folder{"from": "mine and theirs"}},
		{"it cannot be told any more", yes, fails(broken), broken, folder{"from": "mine"}},
		{"a newcomer at the old place, and as meant", yes, func(dir string) (bool, error) {
			return true, os.WriteFile(filepath.Join(dir, "from"), []byte("new"), 0o600)
		}, nil, folder{"from": "new", "to": "mine"}},
		{"a newcomer at the old place, and another", yes, func(dir string) (bool, error) {
			return false, os.WriteFile(filepath.Join(dir, "from"), []byte("new"), 0o600)
		}, errStranded, folder{"from": "new", "to": "mine"}},
		{"a newcomer at the new place", func(dir string) (bool, error) {
			return true, os.WriteFile(filepath.Join(dir, "to"), []byte("new"), 0o600)
		}, yes, fs.ErrExist, folder{"from": "mine", "to": "new"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "from"), "mine")
			look := tc.first
			err := If(func(string) (bool, error) {
				defer func() { look = tc.second }()
				return look(dir)
			}, filepath.Join(dir, "from"), filepath.Join(dir, "to"))
			if stranded := (*StrandedError)(nil); errors.As(err, &stranded) {
				err = errStranded
			}
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			tc.left.compare(t, dir)
		})
	}
}

var errStranded = errors.New("any *StrandedError")

func yes(string) (bool, error) { return true, nil }
func no(string) (bool, error)  { return false, nil }

func fails(err error) func(string) (bool, error) {
	return func(string) (bool, error) { return false, err }
}
