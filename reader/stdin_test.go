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

// asStdin gives a file as standard input, with an own folder as that of temporary files.
func asStdin(t *testing.T, path string) (in *os.File, tmp string) {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	tmp = t.TempDir()
	t.Setenv("TMPDIR", tmp)
	return in, tmp
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
			in, tmp := asStdin(t, path)
			f, err := Open(Stdin, Options{Stdin: in})
			if err != nil {
				t.Fatal(err)
			}
			if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 && runtime.GOOS != "windows" {
				t.Errorf("a kill would leave %v, %v", left, err)
			}
			for range 2 {
				if d := cmp.Diff(sessions(t, pipeline.Rows(direct)), sessions(t, pipeline.Rows(f))); d != "" {
					t.Error(d)
				}
			}
			is := f.Input()
			if is.Path != "-" || is.SHA256 != direct.Input().SHA256 {
				t.Errorf("%q, %x", is.Path, is.SHA256)
			}
			for row := range pipeline.Rows(f) {
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
	empty, tmp := asStdin(t, file(t, "in", ""))
	if _, err := Open(Stdin, Options{Stdin: empty}); err == nil || err.Error() != "-: the file is empty" {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What a killed run left, where files keep their names, goes with the next one.
func TestStdinSweeps(t *testing.T) {
	in, tmp := asStdin(t, file(t, "in", "session_id,phone\na1,1\n"))
	for _, name := range []string{spoolName + "123", "another"} {
		if err := os.WriteFile(filepath.Join(tmp, name), []byte("+46701740605"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Open(Stdin, Options{Stdin: in})
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
	in, tmp := asStdin(t, file(t, "in", "session_id,phone\na1,1\n"))
	none := filepath.Join(tmp, "none")
	t.Setenv("TMPDIR", none)
	t.Setenv("TMP", none)
	_, err := Open(Stdin, Options{Stdin: in})
	var e *pipeline.Error
	if !errors.As(err, &e) || !strings.Contains(e.Problem, none) || !strings.Contains(e.Hint(), "TMPDIR") || strings.Contains(err.Error(), spoolName) {
		t.Errorf("got %v", err)
	}
}

// Standard input that never ends hears the context, and leaves nothing.
func TestStdinEndsWithItsContext(t *testing.T) {
	_, tmp := asStdin(t, file(t, "in", ""))
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	defer in.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := OpenContext(ctx, Stdin, Options{Stdin: in}); !errors.Is(err, context.Canceled) {
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
