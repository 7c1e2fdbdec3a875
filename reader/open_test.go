package reader

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"

	"hppsend/pipeline"
)

// zipped makes an archive with empty files of these names.
func zipped(t *testing.T, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, n := range names {
		if _, err := z.Create(n); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wide is text in UTF-16.
func wide(s string) string { return strings.Join(strings.Split(s, ""), "\x00") + "\x00" }

func TestOpenRefuses(t *testing.T) {
	const table = "session_id,phone\na1,+46701740605\n"
	tests := []struct {
		name    string
		content string
		opt     Options
		problem string // after the name of the file
	}{
		{"empty", "", Options{}, ": the file is empty"},
		{"PDF", "%PDF-1.7", Options{}, ": this is a PDF document"},
		{"web page", "\ufeff \r\n<HTML>", Options{}, ": this is a web page (HTML), whatever its name says"},
		{"XML", "<?xml version='1.0'?><Workbook>", Options{}, ": this is an XML file"},
		{"JSON", `[{"session_id": "a1"}]`, Options{}, ": this is JSON, not a table"},
		{"old workbook", "\xd0\xcf\x11\xe0..." + wide("Workbook"), Options{}, ": this is an old Excel workbook (.xls) or another old Office file"},
		{"password", "\xd0\xcf\x11\xe0..." + wide("EncryptedPackage"), Options{}, ": the workbook is protected with a password"},
		{"OpenDocument", zipped(t, "mimetype", "content.xml"), Options{}, ": this is an OpenDocument file (.ods)"},
		{"Numbers", zipped(t, "Index/Document.iwa"), Options{}, ": this is a document of Apple Numbers"},
		{"binary workbook", zipped(t, "[Content_Types].xml", "xl/workbook.bin"), Options{}, ": this is a binary workbook (.xlsb)"},
		{"binary workbook with backslashes", zipped(t, `xl\workbook.bin`), Options{}, ": this is a binary workbook (.xlsb)"},
		{"half a workbook with backslashes", zipped(t, `xl\workbook.xml`), Options{}, ": _rels/.rels: the workbook is damaged: a part is missing"},
		{"Word", zipped(t, "[Content_Types].xml", "word/document.xml"), Options{}, ": this is a text document (.docx)"},
		{"archive", zipped(t, "contacts.csv"), Options{}, ": this is a zip archive, not a workbook"},
		{"cut off workbook", "PK\x03\x04abc", Options{}, ": the workbook is damaged or cut off: zip: not a valid zip file"},
		{"unknown bytes", "\x7fELF\x02\x01\x00,\xff\x00\x00\nx,y\n", Options{}, ": this is neither text nor a workbook"},
		{"one column", "session_id\na1\n", Options{}, ": this is not CSV: no row has more than one cell, with any of , ; | ^ or tab between them"},
		{"no line ends", strings.Repeat("a,b,", maxRecord), Options{}, ", line 1: a line is longer than 1 MiB"},
		{"cut off gzip", "\x1f\x8b\x08", Options{}, ": the file cannot be read to its end: unexpected EOF"},
		{"unknown field", table, Options{Map: map[string]string{"fax": "x"}}, `: --map names "fax", which is no field of ours`},
		{"odd delimiter", table, Options{Delimiter: '"'}, `: '"' cannot be a delimiter`},
		{"odd way", table, Options{Ragged: "guess"}, `: "guess" is no way to take ragged rows`},
		{"unknown encoding", table, Options{Encoding: "klingon"}, `: "klingon" is no encoding that we know`},
		{"not that encoding", table + "b2,\xe5,\n", Options{Encoding: "utf-8"}, ": line 3 cannot be read as UTF-8"},
		{"marked as UTF-8 and it is not", "\ufeff" + table + "b2,\xe5,\n", Options{}, ": the file is in two encodings: in part it is UTF-8, but not on line 3"},
		{"half a character of UTF-16", "\xff\xfea\x00,", Options{}, ": line 1 cannot be read as UTF-16LE"},
		{"the best row is named, not the last", "order,mobile,\nx,y,z\n", Options{}, ", row 1: no column holds the session (session_id or distribution_url)"},
		{"header named past the end", table, Options{HeaderRow: 60}, ": there is nothing in row 60, which --header-row names"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := file(t, "in", tt.content)
			_, err := Open(path, tt.opt)
			var e *pipeline.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if got := strings.TrimPrefix(e.Error(), path); got != tt.problem {
				t.Errorf("got %s", got)
			}
			if e.Hint() == "" {
				t.Error("no word on what to do")
			}
			if strings.Contains(e.Hint(), `"x"`) {
				t.Errorf("another row is shown: %s", e.Hint())
			}
		})
	}
}

// A book that is really encrypted, as Office does it.
func TestOpenRefusesPasswords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in.xlsx")
	book := excelize.NewFile()
	defer book.Close()
	if err := book.SaveAs(path, excelize.Options{Password: "secret"}); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path, Options{})
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Problem != "the workbook is protected with a password" || !strings.Contains(e.Hint(), "password") {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefusesPaths(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none.csv"): "there is no such file",
		dir:                            "this is a folder, not a file",
		os.DevNull:                     "this is a device and no regular file, and it has to be read more than once",
	} {
		_, err := Open(path, Options{})
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Problem != want || e.Err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// sessions gives the sessions of all rows without a fault, and the code of those with one.
func sessions(t *testing.T, rows iter.Seq2[pipeline.Row, error]) []string {
	t.Helper()
	var got []string
	for row, err := range rows {
		switch {
		case err != nil:
			t.Fatal(err)
		case row.Fault().Code != "":
			got = append(got, row.Fault().Code)
		default:
			got = append(got, row.Fields.Session)
		}
	}
	return got
}

func TestOptions(t *testing.T) {
	tests := []struct {
		name    string
		content string
		opt     Options
		want    []string
		notices []string
	}{
		{"short rows are faults", "session_id,phone,note\na1,1\nb2,2,x\n", Options{}, []string{"ragged_row", "b2"}, nil},
		{
			"short rows are filled up", "session_id,phone,note\na1,1\nb2,2,x,y\n",
			Options{Ragged: RaggedPad},
			[]string{"a1", "ragged_row"},
			[]string{"short rows filled up with empty cells: 1"},
		},
		{"a short row with a lone quote is not", "session_id,phone,note\na1,1\"\n", Options{Ragged: RaggedPad}, []string{"ragged_row"}, nil},
		{"nor too long a one", "session_id,phone,note\na1,1\",2,\n", Options{}, []string{"ragged_row"}, nil},
		{"unnamed last columns may be left out", "session_id,phone,,\na1,1\nb2,2\nc3,3\n", Options{}, []string{"a1", "b2", "c3"}, nil},
		{"but in all rows or in none", "session_id,phone,,\na1,1,,\nb2,2,,\nc3,3\n", Options{}, []string{"a1", "b2", "ragged_row"}, nil},
		{
			"every row ends in a delimiter", "session_id,phone,note\na1,1,,\nb2,2,x,\nc3,3,,\n",
			Options{},
			[]string{"a1", "b2", "c3"},
			[]string{"each row ends in empty cells that the header does not have: 1"},
		},
		{"one row ends in a delimiter, or has one too many", "session_id,name,phone,note\na1,Ann,1,\nb2,Bo, Jr,2,\n", Options{}, []string{"a1", "ragged_row"}, nil},
		{"all do, and all may have one too many", "session_id,name,phone,note\na1,Li, Ann,1,\nb2,Li, Bo,2,\nc3,Li, Cy,3,\n", Options{}, []string{"ragged_row", "ragged_row", "ragged_row"}, nil},
		{"delimiter", "session_id;phone,x;y\na1;1,1;1\n", Options{Delimiter: ';', Map: map[string]string{"phone": "phone,x"}}, []string{"a1"}, nil},
		{"encoding", "session_id,phone\n\xb1,1\n", Options{Encoding: "iso-8859-2"}, []string{"ą"}, nil},
		{"blank lines", "session_id,phone\n\na1,1\n , \n,\n", Options{}, []string{"a1"}, []string{"passed over 3 blank lines"}},
		{"a line break in a header", "\"session\nid\",\"phone\r\nnumber\"\na1,1\n", Options{}, []string{"a1"}, nil},
		{"a lone quote above the header", "\"Reminders\nsession_id,phone\na1,1\n", Options{}, []string{"a1"}, []string{"row 2 was taken for the header; passed over 1 row above it"}},
		{"a lone quote above the header and quotes below", "\"Reminders\nsession_id,phone\n\"a1\",1\n", Options{}, []string{"a1"}, []string{"row 2 was taken for the header; passed over 1 row above it"}},
		{
			"a delimiter lost before a quoted cell", "session_id,name,size,text,email\na1,Bo,20\"Table, round 48\"\"\",bo@example.com\nb2,Cy,24\",19 x,c\n",
			Options{},
			[]string{"unreadable", "b2"},
			nil,
		},
		{"a CSV file named like a workbook", "session_id,phone\na1,1\n", Options{}, []string{"a1"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Open(file(t, "in.xlsx", tt.content), tt.opt)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if d := cmp.Diff(tt.want, sessions(t, pipeline.Rows(f))); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tt.notices, f.Input().Notices); d != "" {
				t.Error(d)
			}
		})
	}
}

// A header without rows is refused where its rows are read.
func TestNoRows(t *testing.T) {
	head := row(1, "session_id", "phone")
	for name, path := range map[string]string{
		"a header":                   file(t, "in.csv", "session_id,phone"),
		"blank lines":                file(t, "in.csv", "session_id,phone\r\n\r\n , \r\n,\r\n"),
		"lines above":                file(t, "in.csv", "Reminders\n\nsession_id,phone\n\n"),
		"the header again":           file(t, "in.csv", "session_id,phone\nsession_id,phone\n"),
		"a delimiter named":          file(t, "in.csv", "sep=;\nsession_id;phone\n"),
		"packed":                     file(t, "in.csv", tight(t, func(io.Writer) {})),
		"a report":                   file(t, "in.csv", "session_id,phone,hpp_status,hpp_run\n"),
		"a workbook":                 book(t, tab{name: "May", rows: head}),
		"a workbook with blank rows": book(t, tab{name: "May", rows: head + row(2, "", "") + row(3, " ")}),
	} {
		rows, err := everyRow(path, Options{})
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Problem != "there is no row under the header" || e.Place.Row == 0 || len(rows) > 0 {
			t.Errorf("%s: %d rows, %v", name, len(rows), err)
		}
	}
}

// Rows pass through gocsv in batches: none may be lost or changed where one batch meets the next.
func TestRowsAroundBatches(t *testing.T) {
	for _, n := range []int{1, batchRows - 1, batchRows, batchRows + 1, 2 * batchRows} {
		var in strings.Builder
		in.WriteString("session_id,phone\n")
		var want []string
		for i := range n {
			want = append(want, "a"+letters(i))
			in.WriteString(want[i] + ",1\n")
		}
		f, err := Open(file(t, "in.csv", in.String()+"\n\n"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		i := 0
		for row, err := range pipeline.Rows(f) {
			if err != nil {
				t.Fatal(err)
			}
			if row.Fields.Session != want[i] || row.Cells[0].Text != want[i] || row.Row != i+2 || row.Last != (i == n-1) {
				t.Fatalf("row %d of %d: %+v", i, n, row)
			}
			i++
		}
		if i != n {
			t.Errorf("%d rows of %d", i, n)
		}
		for range pipeline.Rows(f) {
			break // an early end must end the reading
		}
	}
}

// A long line among the rows ends the reading with its place, after the rows before it.
func TestRowsEndWithAnError(t *testing.T) {
	f, err := Open(file(t, "in.csv", "session_id,phone\na1,1\nb2,"+strings.Repeat("2", 2*maxRecord)+"\nc3,3\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, refusals := 0, 0
	for row, err := range pipeline.Rows(f) {
		var e *pipeline.Error
		switch {
		case err == nil:
			rows++
			if row.Last {
				t.Error("called the last row, which nobody can know")
			}
		case !errors.As(err, &e) || e.Place.Line != 3 || e.Problem != errLongLine.Error():
			t.Errorf("got %v", err)
		default:
			refusals++
		}
	}
	if rows != 1 || refusals != 1 {
		t.Errorf("%d rows and %d errors", rows, refusals)
	}
}

func TestWindows1252IsSaid(t *testing.T) {
	text, err := charmap.Windows1252.NewEncoder().String("session_id;email;namn\na1;ann@example.com;Åsa\n")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(file(t, "in.csv", text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := f.Input()
	if in.Encoding != "windows-1252" || len(in.Notices) != 1 {
		t.Errorf("%s, %q", in.Encoding, in.Notices)
	}
}
