package reader

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

var update = flag.Bool("update", false, "write what comes out beside the inputs")

// TestInputs reads every file of testdata/inputs and compares with the .want file beside it.
func TestInputs(t *testing.T) {
	files, err := filepath.Glob("../testdata/inputs/*")
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	for _, path := range files {
		if ext := filepath.Ext(path); ext == ".want" || ext == ".py" || strings.Contains(filepath.Base(path), ".report") {
			continue // a report is what somebody's run has left
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			got := render(t, path, Options{})
			if *update {
				if err := os.WriteFile(path+".want", []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path + ".want")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
		})
	}
}

// render writes down all that a file comes to.
func render(t *testing.T, path string, opt Options) string {
	t.Helper()
	var b strings.Builder
	f, err := Open(path, opt)
	if err != nil {
		refused(t, &b, err)
		return b.String()
	}
	defer f.Close()
	first := readAll(t, f)
	if d := cmp.Diff(first, readAll(t, f)); d != "" {
		t.Error("read again:", d)
	}
	in := f.Input()
	fmt.Fprintf(&b, "%s, header in row %d", in.Format, in.HeaderRow)
	if in.Format == pipeline.CSV {
		fmt.Fprintf(&b, ", %s, delimiter %q, BOM %t, CRLF %t", in.Encoding, in.Dialect.Delimiter, in.Dialect.BOM, in.Dialect.CRLF)
	} else {
		fmt.Fprintf(&b, ", sheet %q", in.Sheet)
	}
	if in.IsReport {
		b.WriteString(", a report")
	}
	fmt.Fprintf(&b, "\ncolumns %q\n", in.Columns)
	for _, m := range in.Mapped {
		fmt.Fprintf(&b, "%s = %q\n", m.Field, m.Column)
	}
	for _, n := range in.Notices {
		fmt.Fprintf(&b, "notice: %s\n", n)
	}
	b.WriteString(first)
	if data, err := os.ReadFile(path); err != nil || in.SHA256 != sha256.Sum256(data) || in.Size != int64(len(data)) {
		t.Error("hash or size of another file", err)
	}
	return b.String()
}

func readAll(t *testing.T, f *File) string {
	t.Helper()
	var b strings.Builder
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			refused(t, &b, err)
			break
		}
		fmt.Fprintf(&b, "\nrow %d", row.Row)
		if row.Line > 0 {
			fmt.Fprintf(&b, " line %d", row.Line)
		}
		if row.LastLine > 0 {
			fmt.Fprintf(&b, "-%d", row.LastLine)
		}
		if row.Hidden {
			b.WriteString(" hidden")
		}
		if row.Last {
			b.WriteString(" last")
		}
		b.WriteString("\n  cells")
		for _, c := range row.Cells {
			fmt.Fprintf(&b, " %q", c.Text)
		}
		fmt.Fprintf(&b, "\n  fields %q\n", row.Fields)
		if row.Raw != "" {
			fmt.Fprintf(&b, "  raw %q\n", row.Raw)
		}
		if row.Fault().Code != "" {
			fmt.Fprintf(&b, "  fault %s: %s\n", row.Fault().Code, row.Fault().Reason)
		}
		if row.Prior != (pipeline.Prior{}) {
			fmt.Fprintf(&b, "  prior %+v\n", row.Prior)
		}
	}
	return b.String()
}

func refused(t *testing.T, b *strings.Builder, err error) {
	t.Helper()
	var e *pipeline.Error
	if !errors.As(err, &e) {
		t.Errorf("not a refusal: %v", err)
		return
	}
	fmt.Fprintf(b, "error: %s\nhint: %s\n", strings.ReplaceAll(e.Error(), "\\", "/"), e.Hint())
}

// file writes a file of its own for a test.
func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
