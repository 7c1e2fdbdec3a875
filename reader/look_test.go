package reader

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

const inputs = "../testdata/inputs/"

// What Open takes a file for is what a look at it shows; what it refuses for its header can still be seen.
func TestLookAtInputs(t *testing.T) {
	files, err := filepath.Glob(inputs + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	ofHeader := map[string]bool{ // refused by Open for what stands in the rows, or for where our header is
		"broken-header.csv": true, "letter.txt": true, "no-header.csv": true, "openpyxl-hidden-sheet.xlsx": true,
		"openpyxl-merged-title.xlsx": true, "openpyxl-two-sheets.xlsx": true, "two-phones.csv": true, "two-tables.csv": true,
	}
	for _, path := range files {
		name := filepath.Base(path)
		if ext := filepath.Ext(path); ext == ".want" || ext == ".py" || strings.Contains(name, ".report") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			l, err := LookAt(path, Options{}, 1000)
			f, openErr := Open(path, Options{})
			switch {
			case openErr != nil && ofHeader[name]:
				if err != nil || len(l.Rows) == 0 {
					t.Errorf("%+v, %v", l, err)
				}
			case openErr != nil:
				var e *pipeline.Error
				if !errors.As(err, &e) || err.Error() != openErr.Error() || len(l.Rows) > 0 {
					t.Errorf("%+v, %v; Open says %v", l, err, openErr)
				}
			case err != nil:
				t.Error(err)
			default:
				defer f.Close()
				compareLook(t, f, l)
			}
		})
	}
}

// compareLook holds a look to what was opened, and to the rows in which nothing is wrong.
func compareLook(t *testing.T, f *File, l Look) {
	t.Helper()
	in := f.Input()
	want := Look{Format: in.Format, Sheet: in.Sheet, Encoding: in.Encoding, Dialect: in.Dialect, Sheets: l.Sheets, Rows: l.Rows}
	if d := cmp.Diff(want, l); d != "" {
		t.Error(d)
	}
	byNumber := map[int][]string{}
	for _, r := range l.Rows {
		byNumber[r.Number] = r.Cells
	}
	for _, m := range in.Mapped {
		if !strings.Contains("\n"+strings.Join(byNumber[in.HeaderRow], "\n")+"\n", "\n"+m.Column+"\n") {
			t.Errorf("row %d, the header, is shown as %q", in.HeaderRow, byNumber[in.HeaderRow])
		}
	}
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			return
		}
		for i, c := range row.Cells {
			shown := ""
			if cells := byNumber[row.Row]; i < len(cells) {
				shown = cells[i]
			}
			if row.Fault().Code == "" && shown != c.Text && shown != c.Shown && c.Format == "" {
				t.Errorf("row %d, cell %d is shown as %q, not %q", row.Row, i, shown, c.Text)
			}
		}
	}
}

func TestLookAtFiles(t *testing.T) {
	comma := pipeline.Dialect{Delimiter: ','}
	long := strings.Repeat("å", lookRunes)
	text := func(d pipeline.Dialect, rows ...LookRow) Look {
		return Look{Format: pipeline.CSV, Encoding: "UTF-8", Dialect: d, Rows: rows}
	}
	tests := []struct {
		name string
		path string
		opt  Options
		n    int
		want Look
	}{
		{
			"no header of ours", file(t, "in.csv", "name,amount\nAnna,3"),
			Options{},
			10, text(comma, LookRow{1, []string{"name", "amount"}}, LookRow{2, []string{"Anna", "3"}}),
		},
		{
			"lines that end as on Windows, but for the last", file(t, "in.csv", "name,amount\r\nAnna,3"),
			Options{},
			10, text(pipeline.Dialect{Delimiter: ',', CRLF: true}, LookRow{1, []string{"name", "amount"}}, LookRow{2, []string{"Anna", "3"}}),
		},
		{
			"nothing but rows that hold something, and no more than asked for", file(t, "in.csv", "\nname,amount\n , \nAnna,3\nBo,4\n"),
			Options{},
			2, text(comma, LookRow{2, []string{"name", "amount"}}, LookRow{4, []string{"Anna", "3"}}),
		},
		{
			"a delimiter that is named", file(t, "in.csv", "a;b,c\n1;2,3\n"),
			Options{Delimiter: ';'},
			1, text(pipeline.Dialect{Delimiter: ';'}, LookRow{1, []string{"a", "b,c"}}),
		},
		{
			"one that the file names", file(t, "in.csv", "sep=|\na|b,c\n"),
			Options{},
			1, text(pipeline.Dialect{Delimiter: '|'}, LookRow{1, []string{"a", "b,c"}}),
		},
		{
			"an encoding that is named", file(t, "in.csv", "name,amount\nBo\xb3,3\n"),
			Options{Encoding: "iso-8859-2"},
			10,
			Look{Format: pipeline.CSV, Encoding: "iso-8859-2", Dialect: comma, Rows: []LookRow{{1, []string{"name", "amount"}}, {2, []string{"Boł", "3"}}}},
		},
		{
			"columns and a row that are not there, and a cell to mend", file(t, "in.csv", "name,amount\n"),
			Options{Map: map[string]string{"fax": "x"}, HeaderRow: 7, Mends: []Mend{{}}},
			10, text(comma, LookRow{1, []string{"name", "amount"}}),
		},
		{
			"long cells", file(t, "in.csv", long+","+long+"x\n"),
			Options{},
			10, text(comma, LookRow{1, []string{long, long + "…"}}),
		},
		{
			"two columns that could be ours", inputs + "two-phones.csv",
			Options{},
			1, text(comma, LookRow{1, []string{"session_id", "Phone", "Mobile"}}),
		},
		{
			"a quote that is never closed", file(t, "in.csv", "name,amount\n\"Anna,3\nBo,4\n"),
			Options{},
			10, text(comma, LookRow{1, []string{"name", "amount"}}, LookRow{2, []string{`"Anna,3`}}, LookRow{3, []string{"Bo", "4"}}),
		},
		{
			"a report of ours", file(t, "in.csv", "session_id,phone,hpp_status,hpp_run\na1,'+46701740605,sent,r-1\n"),
			Options{},
			10, text(comma, LookRow{1, []string{"session_id", "phone", "hpp_status", "hpp_run"}}, LookRow{2, []string{"a1", "+46701740605", "sent", "r-1"}}),
		},
		{
			"packed", file(t, "in.csv", gzipText(t, "name,amount\nAnna,3\n")),
			Options{},
			10, text(comma, LookRow{1, []string{"name", "amount"}}, LookRow{2, []string{"Anna", "3"}}),
		},
		{
			"UTF-16, marked", file(t, "in.csv", "\xff\xfe"+wide("name;amount\nAnna;3\n")),
			Options{},
			10,
			Look{
				Format: pipeline.CSV, Encoding: "UTF-16LE", Dialect: pipeline.Dialect{Delimiter: ';', BOM: true},
				Rows: []LookRow{{1, []string{"name", "amount"}}, {2, []string{"Anna", "3"}}},
			},
		},
		{
			"UTF-16, packed", file(t, "in.csv", gzipText(t, wide("name,amount\nAnna,3\n"))),
			Options{},
			1,
			Look{Format: pipeline.CSV, Encoding: "UTF-16LE", Dialect: comma, Rows: []LookRow{{1, []string{"name", "amount"}}}},
		},
		{
			"standard input", Stdin,
			Options{Stdin: strings.NewReader("name,amount\n")},
			10, text(comma, LookRow{1, []string{"name", "amount"}}),
		},
		{
			"a title over the header", inputs + "openpyxl-title.xlsx",
			Options{},
			2,
			Look{
				Format: pipeline.XLSX, Sheets: []string{"May"}, Sheet: "May",
				Rows: []LookRow{{1, []string{"Reminders, May"}}, {4, []string{"session_id", "name", "phone", "phone_country", "email", "note"}}},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := LookAt(tt.path, tt.opt, tt.n)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// gzipText packs a text.
func gzipText(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, text)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// lookBook makes a workbook with a sheet without our header, one with it, and a hidden one.
func lookBook(t *testing.T) string {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	path := filepath.Join(t.TempDir(), "in.xlsx")
	_, err1 := book.NewSheet("Kunden")
	_, err2 := book.NewSheet("Notes")
	err := errors.Join(
		err1, err2,
		book.SetSheetRow("Sheet1", "B2", &[]any{"name", nil, "amount"}),
		book.SetSheetRow("Sheet1", "B4", &[]any{"Anna", "", 3.5}),
		book.SetSheetRow("Kunden", "A1", &[]any{"session_id", "Mobil"}),
		book.SetSheetRow("Kunden", "A2", &[]any{"a1", "+46701740605"}),
		book.SetSheetRow("Notes", "A1", &[]any{"nothing", "here"}),
		book.SetSheetVisible("Notes", false),
		book.SaveAs(path),
	)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLookAtSheets(t *testing.T) {
	path := lookBook(t)
	ours := []LookRow{{1, []string{"session_id", "Mobil"}}, {2, []string{"a1", "+46701740605"}}}
	for _, tt := range []struct {
		named, sheet string
		rows         []LookRow
	}{
		{"", "Kunden", ours}, // which has our header
		{"Sheet1", "Sheet1", []LookRow{{2, []string{"", "name", "", "amount"}}, {4, []string{"", "Anna", "", "3.5"}}}},
		{"kunden ", "Kunden", ours},
		{"Notes", "Notes", []LookRow{{1, []string{"nothing", "here"}}}},
	} {
		got, err := LookAt(path, Options{Sheet: tt.named}, 10)
		want := Look{Format: pipeline.XLSX, Sheets: []string{"Sheet1", "Kunden"}, Sheet: tt.sheet, Rows: tt.rows}
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%q: %v\n%s", tt.named, err, d)
		}
	}

	got, err := LookAt(path, Options{Sheet: "August"}, 10)
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Problem != `there is no sheet "August"` || e.Hint() != `the sheets are "Sheet1", "Kunden", "Notes"` {
		t.Errorf("got %v", err)
	}
	if d := cmp.Diff(Look{Format: pipeline.XLSX, Sheets: []string{"Sheet1", "Kunden"}}, got); d != "" {
		t.Error("the sheets are not told beside the error:", d)
	}
}

// Where no sheet has our header the first visible one is shown. A sheet that is damaged hinders only who wants it.
func TestLookAtSheetsWithoutHeader(t *testing.T) {
	damaged := `<row r="1"><c r="A1"><v>1</v></row>`
	for name, tt := range map[string]struct {
		tabs    []tab
		sheet   string
		problem string
	}{
		"the first is hidden":   {[]tab{{name: "A", hidden: true, rows: row(1, "x")}, {name: "B", rows: row(1, "x")}, {name: "C", rows: row(1, "x")}}, "B", ""},
		"all are hidden":        {[]tab{{name: "A", hidden: true, rows: row(1, "x")}}, "", "the workbook has no visible sheet with cells"},
		"ours is not the first": {[]tab{{name: "A", rows: damaged}, {name: "B", rows: row(1, "session_id", "phone")}}, "B", ""},
		"ours is not the last":  {[]tab{{name: "A", rows: row(1, "session_id", "phone")}, {name: "B", rows: damaged}}, "A", ""},
		"the first is damaged":  {[]tab{{name: "A", rows: damaged}, {name: "B", rows: row(1, "x")}}, "A", "the sheet is damaged"},
	} {
		l, err := LookAt(book(t, tt.tabs...), Options{}, 10)
		var e *pipeline.Error
		refused := errors.As(err, &e) && strings.HasSuffix(e.Problem, tt.problem)
		if l.Sheet != tt.sheet || refused != (tt.problem != "") || refused == (len(l.Rows) > 0) {
			t.Errorf("%s: %+v, %v", name, l, err)
		}
	}
}

func TestLookRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		content string
		opt     Options
		problem string
		told    Look
	}{
		"an empty file":       {"", Options{}, "the file is empty", Look{}},
		"an old workbook":     {"\xd0\xcf\x11\xe0", Options{}, "this is an old Excel workbook (.xls) or another old Office file", Look{}},
		"one column":          {"name\nAnna\n", Options{}, notCSV.what, Look{Format: pipeline.CSV, Encoding: "UTF-8"}},
		"bytes that are none": {"\x7fELF\x02\x01\x00,\x00\x00\nx,y\n", Options{}, notText.what, Look{Format: pipeline.CSV, Encoding: "UTF-8", Dialect: pipeline.Dialect{Delimiter: ','}}},
		"no such encoding":    {"a,b\n", Options{Encoding: "klingon"}, `"klingon" is no encoding that we know`, Look{Format: pipeline.CSV}},
		"an odd delimiter":    {"a,b\n", Options{Delimiter: '"'}, `'"' cannot be a delimiter`, Look{}},
		"half a packed file":  {gzipText(t, "name,amount\nAnna,3\n")[:20], Options{}, "the file cannot be read to its end", Look{Format: pipeline.CSV}},
		"a line too long": {
			"a,b\n" + strings.Repeat("c,", maxRecord),
			Options{},
			errLongLine.Error(),
			Look{Format: pipeline.CSV, Encoding: "UTF-8", Dialect: pipeline.Dialect{Delimiter: ','}, Rows: []LookRow{{1, []string{"a", "b"}}}},
		},
	} {
		got, err := LookAt(file(t, "in", tt.content), tt.opt, 10)
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Problem != tt.problem || e.Hint() == "" {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(tt.told, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	var e *pipeline.Error
	if _, err := LookAt(filepath.Join(t.TempDir(), "none.csv"), Options{}, 10); !errors.As(err, &e) || e.Problem != "there is no such file" {
		t.Errorf("got %v", err)
	}
}

// A file that is kept elsewhere, in another form, is looked at as the file itself.
func TestLookAtKept(t *testing.T) {
	flipped := func(b []byte) []byte {
		for i := range b {
			b[i] ^= 0x5a
		}
		return b
	}
	for _, plain := range []string{file(t, "in.csv", "name,amount\nAnna,3\n"), lookBook(t)} {
		want, err := LookAt(plain, Options{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(plain)
		if err != nil {
			t.Fatal(err)
		}
		kept := &Kept{file(t, "kept", string(flipped(b))), func(f *os.File) (io.ReaderAt, int64, error) {
			b, err := io.ReadAll(f)
			return bytes.NewReader(flipped(b)), int64(len(b)), err
		}}
		got, err := LookAt("somebody's "+filepath.Base(plain), Options{Kept: kept}, 10)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%v (-plain +kept):\n%s", err, d)
		}
	}
}

// countedBytes counts the bytes that are read.
type countedBytes struct {
	io.ReaderAt
	n atomic.Int64
}

func (c *countedBytes) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n.Add(int64(n))
	return n, err
}

// A file is read to its end once, for its encoding, and no more.
func TestLookEndsEarly(t *testing.T) {
	var text strings.Builder
	for i := range 300_000 {
		fmt.Fprintf(&text, "name %d,amount %d\n", i, i)
	}
	var c *countedBytes
	opt := Options{watch: func(at io.ReaderAt) io.ReaderAt {
		c = &countedBytes{ReaderAt: at}
		return c
	}}
	l, err := LookAt(file(t, "in.csv", text.String()), opt, 20)
	if err != nil || len(l.Rows) != 20 {
		t.Fatal(len(l.Rows), err)
	}
	if more := c.n.Load() - int64(text.Len()); more > 2*sampleBytes {
		t.Errorf("%d bytes were read beyond the %d of the file", more, text.Len())
	}
}
