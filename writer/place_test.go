package writer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"hppsend/pipeline"
)

// TestPlaceReplacesNothingElse lets the file at a report's path become another at every moment of Place.
func TestPlaceReplacesNothingElse(t *testing.T) {
	is := func(text string) func(path string) (bool, error) {
		return func(path string) (bool, error) {
			got, err := os.ReadFile(path)
			return string(got) == text, err
		}
	}
	mend := func(path string) error {
		return errors.Join(os.WriteFile(path+".new", []byte("mended"), 0o600), os.Rename(path+".new", path))
	}
	for _, tc := range []struct {
		name     string
		at       func(path string) // before Place
		may      func(path string) func(at string) (bool, error)
		replaced bool
		left     string
	}{
		{"nothing is there", func(string) {}, func(string) func(string) (bool, error) { return nil }, true, ""},
		{"ours", func(string) {}, func(string) func(string) (bool, error) { return is("ours") }, true, ""},
		{"mended before", func(path string) { ok(t, mend(path)) }, func(string) func(string) (bool, error) {
			return is("ours")
		}, false, "mended"},
		{"mended after it was looked at", func(string) {}, func(path string) func(string) (bool, error) {
			return func(at string) (bool, error) {
				ours, err := is("ours")(at)
				if at == path {
					err = errors.Join(err, mend(path))
				}
				return ours, err
			}
		}, false, "mended"},
		{"mended in place after it was looked at", func(string) {}, func(path string) func(string) (bool, error) {
			return func(at string) (bool, error) {
				ours, err := is("ours")(at)
				if at == path {
					err = errors.Join(err, os.WriteFile(path, []byte("mended"), 0o600))
				}
				return ours, err
			}
		}, false, "mended"},
		{"put there once ours was away", func(string) {}, func(path string) func(string) (bool, error) {
			return func(at string) (bool, error) {
				ours, err := is("ours")(at)
				if at != path {
					err = errors.Join(err, os.WriteFile(path, []byte("mended"), 0o600))
				}
				return ours, err
			}
		}, false, "mended"},
		{"taken away", func(path string) { ok(t, os.Remove(path)) }, func(string) func(string) (bool, error) {
			return is("ours")
		}, true, ""},
		{"a folder", func(path string) {
			ok(t, os.Remove(path))
			ok(t, os.Mkdir(path, 0o700))
		}, func(string) func(string) (bool, error) {
			return func(string) (bool, error) { return true, nil }
		}, false, ""},
		{"a link to ours", func(path string) {
			ok(t, os.Rename(path, path+".real"))
			ok(t, os.Symlink(path+".real", path))
		}, func(string) func(string) (bool, error) { return is("ours") }, false, "ours"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "may.report.csv")
			if tc.name != "nothing is there" {
				ok(t, os.WriteFile(path, []byte("ours"), 0o600))
			}
			r := create(t, path, pipeline.CSV, pipeline.Input{Columns: []string{"a"}}, false)
			if _, err := r.Finish(); err != nil {
				t.Fatal(err)
			}
			tc.at(path)
			err := r.Place(path, tc.may(path))
			if (err == nil) != tc.replaced || err != nil && !errors.Is(err, fs.ErrExist) {
				t.Errorf("got %v", err)
			}
			if got, _ := os.ReadFile(path); tc.left != "" && string(got) != tc.left {
				t.Errorf("it holds %q", got)
			}
			if err != nil { // it may lie beside it
				ok(t, r.Place(filepath.Join(dir, "may.report-2.csv"), nil))
			}
			r.Abort()
			want := []string{"may.report.csv"}
			if !tc.replaced {
				want = []string{"may.report-2.csv", "may.report.csv"}
			}
			got := slices.DeleteFunc(names(t, dir), func(name string) bool { return strings.HasSuffix(name, ".real") })
			if !slices.Equal(got, want) {
				t.Errorf("the folder has %q, want %q", got, want)
			}
		})
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestTwoComersAtOnce lets a report be mended as it is moved out of the way, and something else take its
// place: both are kept, and said.
func TestTwoComersAtOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "may.report.csv")
	ok(t, os.WriteFile(path, []byte("ours"), 0o600))
	r := create(t, path, pipeline.CSV, pipeline.Input{Columns: []string{"a"}}, false)
	if _, err := r.Finish(); err != nil {
		t.Fatal(err)
	}
	err := r.Place(path, func(at string) (bool, error) {
		if at == path {
			return true, os.WriteFile(path, []byte("mended"), 0o600)
		}
		return false, os.WriteFile(path, []byte("new"), 0o600)
	})
	r.Abort()
	if err == nil || errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "lies at "+dir) {
		t.Errorf("got %v", err)
	}
	var kept []string
	for _, name := range names(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		ok(t, err)
		kept = append(kept, string(text))
	}
	if !slices.Equal(kept, []string{"mended", "new"}) {
		t.Errorf("kept: %q in %q", kept, names(t, dir))
	}
}

// TestModeIsBestEffort writes a report where the file system refuses a mode, or says that it took it and
// did not: it is there all the same, and known to be open to others when it is.
func TestModeIsBestEffort(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("only the read-only bit exists here")
		return
	}
	for _, tc := range []struct {
		name  string
		mode  fs.FileMode // that the file has
		chmod func(fs.FileMode) error
		loose bool
	}{
		{"refused, and open to all", 0o755, func(fs.FileMode) error { return syscall.EPERM }, true},
		{"refused, and narrow", 0o400, func(fs.FileMode) error { return syscall.EPERM }, false},
		{"not known", 0o666, func(fs.FileMode) error { return syscall.ENOTSUP }, true},
		{"ignored", 0o755, func(fs.FileMode) error { return nil }, true},
		{"not needed", 0o600, func(fs.FileMode) error { t.Error("asked for what it has"); return nil }, false},
	} {
		path := filepath.Join(t.TempDir(), "may.report.csv")
		r := create(t, path, pipeline.CSV, pipeline.Input{Columns: []string{"a"}}, false)
		ok(t, r.draft.file.Chmod(tc.mode))
		r.draft.chmod = tc.chmod
		_, err := r.Finish()
		ok(t, err)
		ok(t, r.Place(path, nil))
		if r.Loose() != tc.loose {
			t.Errorf("%s: loose: %v", tc.name, r.Loose())
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// TestCreateTriesTheName refuses a name that the file system does not take before anything is written.
func TestCreateTriesTheName(t *testing.T) {
	dir := t.TempDir()
	for _, tc := range []struct {
		name string
		want error
	}{
		{strings.Repeat("a", 255), nil},
		{strings.Repeat("a", 256), syscall.ENAMETOOLONG},
	} {
		r, err := Create(filepath.Join(dir, tc.name), pipeline.CSV, pipeline.Input{}, false)
		if !errors.Is(err, tc.want) {
			t.Errorf("%d letters: %v", len(tc.name), err)
		}
		if err == nil {
			_, err = r.Finish()
			ok(t, err)
			ok(t, r.Place(filepath.Join(dir, tc.name), nil))
		}
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left in the folder: %q", got)
	}
}
