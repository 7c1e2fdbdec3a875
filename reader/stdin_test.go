package reader

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
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
			if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 && runtime.GOOS != "windows" {
				t.Errorf("a kill would leave %v, %v", left, err)
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

// What a killed run left, where files keep their names, goes with the next one.
func TestStdinSweeps(t *testing.T) {
	tmp := asStdin(t, file(t, "in", "session_id,phone\na1,1\n"))
	for _, name := range []string{spoolName + "123", "another"} {
		if err := os.WriteFile(filepath.Join(tmp, name), []byte("+46701740605"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Open(Stdin, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 1 || left[0].Name() != "another" {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestStdinWithoutAFolder(t *testing.T) {
	tmp := asStdin(t, file(t, "in", "session_id,phone\na1,1\n"))
	none := filepath.Join(tmp, "none")
	t.Setenv("TMPDIR", none)
	t.Setenv("TMP", none)
	_, err := Open(Stdin, Options{})
	var e *pipeline.Error
	if !errors.As(err, &e) || !strings.Contains(e.Problem, none) || !strings.Contains(e.Hint(), "TMPDIR") || strings.Contains(err.Error(), spoolName) {
		t.Errorf("got %v", err)
	}
}

// Standard input that never ends hears the context, and leaves nothing.
func TestStdinEndsWithItsContext(t *testing.T) {
	tmp := asStdin(t, file(t, "in", ""))
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	defer in.Close()
	os.Stdin = in
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := OpenContext(ctx, Stdin, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestTooManyOpenFiles(t *testing.T) {
	for _, code := range []error{syscall.EMFILE, syscall.ENFILE} {
		err := cannotOpen("in.csv", &fs.PathError{Op: "open", Path: "in.csv", Err: code})
		var e *pipeline.Error
		if !errors.As(err, &e) || !strings.Contains(e.Hint(), "ulimit -n") || strings.Contains(e.Hint(), "path") {
			t.Errorf("got %v", err)
		}
	}
}
