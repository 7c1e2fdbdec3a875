package reader

import (
	"io/fs"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// asStdin makes a file standard input, and an own folder that of temporary files.
func asStdin(t *testing.T, path string) (tmp string) {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdin
	os.Stdin = in
	t.Cleanup(func() { os.Stdin = before; in.Close() })
	tmp = t.TempDir()
	t.Setenv("TMPDIR", tmp)
	return tmp
}

func TestStdin(t *testing.T) {
	for name, path := range map[string]string{
		"CSV":      file(t, "in", "session_id,phone\na1,1\n"),
		"workbook": book(t, tab{name: "May", rows: head + row(2, "a1", "+46701740605")}),
		"gzip":     "../testdata/inputs/zipped.csv.gz",
	} {
		t.Run(name, func(t *testing.T) {
			direct, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer direct.Close()
			tmp := asStdin(t, path)
			f, err := Open(Stdin, Options{})
			if err != nil {
				t.Fatal(err)
			}
			err = fs.WalkDir(os.DirFS(tmp), ".", func(name string, d fs.DirEntry, err error) error {
				if info, infoErr := d.Info(); name != "." && (infoErr != nil || info.Mode().Perm()&0o077 != 0) {
					t.Errorf("%s can be read by others: %v", name, info.Mode())
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			for range 2 {
				if d := cmp.Diff(sessions(t, direct.Rows()), sessions(t, f.Rows())); d != "" {
					t.Error(d)
				}
			}
			in := f.Input()
			if in.Path != "-" || in.SHA256 != direct.Input().SHA256 {
				t.Errorf("%q, %x", in.Path, in.SHA256)
			}
			for row := range f.Rows() {
				if row.File != "-" {
					t.Errorf("a row of %q", row.File)
				}
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
			if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestStdinRefused(t *testing.T) {
	tmp := asStdin(t, file(t, "in", ""))
	if _, err := Open(Stdin, Options{}); err == nil || err.Error() != "-: the file is empty" {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
