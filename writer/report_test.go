package writer

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"hppsend/pipeline"
)

var _ pipeline.Sink = (*Report)(nil)

const session = "0b1d9815-165e-42e2-8867-35bc03789e00"

// sample is an outcome with every field filled in.
func sample() pipeline.Outcome {
	return pipeline.Outcome{
		Status: pipeline.Rejected, Code: "NOT_FOUND", Reason: "HPP knows no such session", Method: pipeline.SMS,
		SentTo: "+46701740605", HTTPStatus: 404, Attempts: 2, CorrelationID: "6d3e0f0a",
		Time:   time.Date(2026, 5, 4, 5, 2, 1, 9, time.FixedZone("", 2*60*60)),
		Target: "https://api.klarna.com", Run: "01jrun", Note: "odd",
	}
}

// texts makes a row of text cells.
func texts(n int, cells ...string) pipeline.Row {
	row := pipeline.Row{Place: pipeline.Place{File: "in.csv", Row: n, Line: n}}
	for _, c := range cells {
		row.Cells = append(row.Cells, pipeline.Cell{Text: c})
	}
	return row
}

func create(t *testing.T, path string, format pipeline.Format, in pipeline.Input, raw bool) *Report {
	t.Helper()
	r, err := Create(path, format, in, raw)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Abort)
	return r
}

// put places a report in the stead of whatever file is there.
func put(r *Report) (sum [32]byte, err error) {
	if sum, err = r.Finish(); err == nil {
		err = r.Place(r.draft.path, func(string) (bool, error) { return true, nil })
	}
	return sum, err
}

func commit(t *testing.T, r *Report) [32]byte {
	t.Helper()
	sum, err := put(r)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// names lists what is in a folder, hidden things too.
func names(t *testing.T, dir string) (found []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return found
}

func TestName(t *testing.T) {
	for _, tt := range []struct {
		input  string
		format pipeline.Format
		n      int
		want   string
	}{
		{"contacts.csv", pipeline.CSV, 1, "contacts.report.csv"},
		{"contacts.csv", pipeline.CSV, 2, "contacts.report-2.csv"},
		{"contacts.csv", pipeline.CSV, 11, "contacts.report-11.csv"},
		{"in/May 4.XLSX", pipeline.XLSX, 1, "in/May 4.report.xlsx"},
		{"/in.d/contacts", pipeline.CSV, 1, "/in.d/contacts.report.csv"},
		{"contacts.xlsm", pipeline.XLSX, 1, "contacts.report.xlsx"},
		{"contacts.csv.gz", pipeline.CSV, 1, "contacts.report.csv"},
		{"contacts.tsv", pipeline.JSONL, 1, "contacts.report.jsonl"},
		{"contacts.v2.txt", pipeline.CSV, 1, "contacts.v2.report.csv"},
		{"contacts.v2", pipeline.CSV, 1, "contacts.v2.report.csv"},
		{"contacts.report.csv", pipeline.CSV, 1, "contacts.report-2.csv"},
		{"contacts.report.csv", pipeline.CSV, 2, "contacts.report-3.csv"},
		{"contacts.report-2.csv", pipeline.XLSX, 1, "contacts.report-3.xlsx"},
		{"contacts.report-9.csv", pipeline.CSV, 3, "contacts.report-12.csv"},
		{"contacts.report-x.csv", pipeline.CSV, 1, "contacts.report-x.report.csv"},
		{"contacts.report-2026050400000.csv", pipeline.CSV, 1, "contacts.report-2026050400000.report.csv"},
	} {
		want := filepath.FromSlash(tt.want)
		if got := Name(filepath.FromSlash(tt.input), tt.format, tt.n); got != want {
			t.Errorf("Name(%q, %s, %d) = %q, want %q", tt.input, tt.format, tt.n, got, want)
		}
	}
}

func TestColumnsIsACopy(t *testing.T) {
	Columns()[0] = "spoilt"
	if got := Columns()[0]; got != "hpp_row" {
		t.Errorf("a caller changed our columns: %q", got)
	}
}

func TestPlaceReplacesAtOnce(t *testing.T) {
	for _, format := range []pipeline.Format{pipeline.CSV, pipeline.XLSX, pipeline.JSONL} {
		t.Run(string(format), func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "in.report")
			if err := os.WriteFile(path, []byte("earlier"), 0o600); err != nil {
				t.Fatal(err)
			}
			r := create(t, path, format, pipeline.Input{Columns: []string{"a"}}, false)
			if err := r.Write(texts(2, "x"), sample()); err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(path); string(got) != "earlier" {
				t.Fatalf("before Place the file holds %d other bytes", len(got))
			}
			sum := commit(t, r)
			r.Abort()
			got, err := os.ReadFile(path)
			if err != nil || sha256.Sum256(got) != sum {
				t.Errorf("the sum is not that of the %d bytes of the file (%v)", len(got), err)
			}
			if left := names(t, dir); len(left) != 1 {
				t.Errorf("left in the folder: %q", left)
			}
			if err := r.Write(texts(3, "x"), sample()); err == nil {
				t.Error("a row was taken after it was placed")
			}
			if _, err := put(r); err == nil {
				t.Error("it was placed twice")
			}
		})
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	for _, format := range []pipeline.Format{pipeline.CSV, pipeline.XLSX, pipeline.JSONL} {
		dir := t.TempDir()
		r := create(t, filepath.Join(dir, "in.report"), format, pipeline.Input{Columns: []string{"a"}}, false)
		if err := r.Write(texts(2, "x"), sample()); err != nil {
			t.Fatal(err)
		}
		if left := names(t, dir); len(left) != 1 || !strings.HasPrefix(left[0], ".") {
			t.Errorf("%s: before Abort the folder has %q, want one hidden entry", format, left)
		}
		r.Abort()
		r.Abort()
		if left := names(t, dir); left != nil {
			t.Errorf("%s: left in the folder: %q", format, left)
		}
	}
}

func TestMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("only the read-only bit exists here")
		return
	}
	for _, tt := range []struct{ input, want fs.FileMode }{
		{0o644, 0o600}, {0o600, 0o600}, {0o440, 0o400}, {0o777, 0o600},
	} {
		dir := t.TempDir()
		in := filepath.Join(dir, "in.csv")
		if err := os.WriteFile(in, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(in, tt.input); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, "out.csv")
		commit(t, create(t, out, pipeline.CSV, pipeline.Input{Path: in}, false))
		info, err := os.Stat(out)
		if err != nil || info.Mode() != tt.want {
			t.Errorf("input %v: report %v (%v), want %v", tt.input, info.Mode(), err, tt.want)
		}
	}
}

func TestTemporaryFilesArePrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("folders have no mode here")
		return
	}
	dir := t.TempDir()
	create(t, filepath.Join(dir, "out.xlsx"), pipeline.XLSX, pipeline.Input{}, false)
	info, err := os.Stat(filepath.Join(dir, names(t, dir)[0]))
	if err != nil || info.Mode() != fs.ModeDir|0o700 {
		t.Errorf("the temporary folder has mode %v (%v)", info.Mode(), err)
	}
}

func TestAFailedReportChangesNothing(t *testing.T) {
	for _, format := range []pipeline.Format{pipeline.CSV, pipeline.XLSX, pipeline.JSONL} {
		dir := t.TempDir()
		path := filepath.Join(dir, "in.report")
		if err := os.WriteFile(path, []byte("earlier"), 0o600); err != nil {
			t.Fatal(err)
		}
		r := create(t, path, format, pipeline.Input{Columns: []string{"a"}}, false)
		r.draft.file.Close() // every write to it will be refused
		var err error
		for n := 0; n < 5000 && err == nil; n++ {
			err = r.Write(texts(n+2, "x"), sample())
		}
		if err == nil {
			_, err = put(r)
		}
		var hinted interface{ Hint() string }
		if !errors.Is(err, fs.ErrClosed) || !errors.As(err, &hinted) || hinted.Hint() == "" {
			t.Errorf("%s: got %v, want a closed file and a hint", format, err)
		}
		if _, again := put(r); !errors.Is(again, fs.ErrClosed) {
			t.Errorf("%s: Place after an error says %v", format, again)
		}
		if got, _ := os.ReadFile(path); string(got) != "earlier" || len(names(t, dir)) != 1 {
			t.Errorf("%s: the folder has %q, the file %d bytes", format, names(t, dir), len(got))
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name, path string
		format     pipeline.Format
		in         pipeline.Input
		want       string
	}{
		{"no folder", filepath.Join(dir, "none", "out.csv"), pipeline.CSV, pipeline.Input{}, "create the folder"},
		{"unknown format", filepath.Join(dir, "out.pdf"), "pdf", pipeline.Input{}, "name another place"},
		{
			"bad delimiter", filepath.Join(dir, "out.csv"), pipeline.CSV,
			pipeline.Input{Dialect: pipeline.Dialect{Delimiter: '"'}},
			"name another place",
		},
		{
			"too many columns", filepath.Join(dir, "out.xlsx"), pipeline.XLSX,
			pipeline.Input{Columns: make([]string, 16380)},
			"--format csv",
		},
	} {
		_, err := Create(tt.path, tt.format, tt.in, false)
		if !errors.Is(err, pipeline.Unwritten) || !strings.Contains(err.Error(), tt.path) || !strings.Contains(pipeline.Hint(err), tt.want) {
			t.Errorf("%s: got %v, want an error whose hint says %q", tt.name, err, tt.want)
		}
		if left := names(t, dir); left != nil {
			t.Errorf("%s: left in the folder: %q", tt.name, left)
		}
	}
}

func TestHint(t *testing.T) {
	for err, want := range map[error]string{
		fs.ErrPermission: "make the folder writable",
		syscall.EROFS:    "make the folder writable",
		fs.ErrNotExist:   "create the folder",
		syscall.ENOSPC:   "room",
	} {
		if got := pipeline.Hint(unwritten("out.csv", fmt.Errorf("row 2: %w", err))); !strings.Contains(got, want) {
			t.Errorf("%v: hint %q, want %q in it", err, got, want)
		}
	}
}

func TestErrorNamesNoTemporaryFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.csv")
	r := create(t, path, pipeline.CSV, pipeline.Input{}, false)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := put(r)
	if err == nil || !strings.HasPrefix(err.Error(), "write report "+path+": ") || strings.Contains(err.Error(), ".hppsend") {
		t.Errorf("got %v", err)
	}
}

func TestWriteRefusesARowThatDoesNotFit(t *testing.T) {
	withRaw := texts(7, "x", "y")
	withRaw.Raw = "z"
	for name, row := range map[string]pipeline.Row{
		"too few cells":       texts(7, "x"),
		"too many cells":      texts(7, "x", "y", "z"),
		"raw without hpp_raw": withRaw,
	} {
		for _, format := range []pipeline.Format{pipeline.CSV, pipeline.XLSX} {
			dir := t.TempDir()
			r := create(t, filepath.Join(dir, "out"), format, pipeline.Input{Columns: []string{"a", "b"}}, false)
			err := r.Write(row, sample())
			if err == nil || !strings.Contains(err.Error(), "row 7") {
				t.Errorf("%s, %s: got %v", format, name, err)
			}
			if left := names(t, dir); left != nil {
				t.Errorf("%s, %s: left in the folder: %q", format, name, left)
			}
		}
	}
}
