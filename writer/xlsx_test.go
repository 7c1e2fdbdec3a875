package writer

import (
	"archive/zip"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// book writes rows, all with one outcome, and opens the workbook.
func book(t *testing.T, in pipeline.Input, raw bool, out pipeline.Outcome, rows ...pipeline.Row) *excelize.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out.xlsx")
	r := create(t, path, pipeline.XLSX, in, raw)
	for _, row := range rows {
		if err := r.Write(row, out); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, r)
	return open(t, path)
}

func open(t *testing.T, path string) *excelize.File {
	t.Helper()
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// look is what a test asks of a cell.
type look struct {
	Value  string
	Type   excelize.CellType
	Format string // the custom one
	NumFmt int
	Fill   string
	Bold   bool
}

func lookAt(t *testing.T, f *excelize.File, sheet, cell string) look {
	t.Helper()
	var l look
	var err error
	if l.Value, err = f.GetCellValue(sheet, cell, excelize.Options{RawCellValue: true}); err != nil {
		t.Fatal(err)
	}
	if l.Type, err = f.GetCellType(sheet, cell); err != nil {
		t.Fatal(err)
	}
	id, err := f.GetCellStyle(sheet, cell)
	if err != nil {
		t.Fatal(err)
	}
	style, err := f.GetStyle(id)
	if err != nil {
		t.Fatal(err)
	}
	l.NumFmt = style.NumFmt
	if style.CustomNumFmt != nil {
		l.Format = *style.CustomNumFmt
	}
	if style.Fill.Color != nil {
		l.Fill = style.Fill.Color[0]
	}
	l.Bold = style.Font != nil && style.Font.Bold
	return l
}

const (
	text    = excelize.CellTypeInlineString
	numeric = excelize.CellTypeUnset
)

func TestXLSXOriginalCells(t *testing.T) {
	for _, tt := range []struct {
		name string
		cell pipeline.Cell
		want look
	}{
		{"text", pipeline.Cell{Text: "Åsa"}, look{Value: "Åsa", Type: text, NumFmt: asText}},
		{"a phone", pipeline.Cell{Text: "+46701740605"}, look{Value: "+46701740605", Type: text, NumFmt: asText}},
		{"a formula", pipeline.Cell{Text: "=1+1"}, look{Value: "=1+1", Type: text, NumFmt: asText}},
		{"an apostrophe", pipeline.Cell{Text: "'x"}, look{Value: "'x", Type: text, NumFmt: asText}},
		{"spaces and lines", pipeline.Cell{Text: " a\r\n\tb\n"}, look{Value: " a\r\n\tb\n", Type: text, NumFmt: asText}},
		{"an escape of the format", pipeline.Cell{Text: "_x0041_"}, look{Value: "_x0041_", Type: text, NumFmt: asText}},
		{"markup", pipeline.Cell{Text: `<a href="x">&amp;`}, look{Value: `<a href="x">&amp;`, Type: text, NumFmt: asText}},
		{"number", pipeline.Cell{Text: "-12.5", Kind: pipeline.CellNumber}, look{Value: "-12.5", Type: numeric}},
		{
			"date",
			pipeline.Cell{Text: "46146", Kind: pipeline.CellNumber, Format: "yyyy-mm-dd"},
			look{Value: "46146", Type: numeric, Format: "yyyy-mm-dd"},
		},
		{
			"local date",
			pipeline.Cell{Text: "46146", Kind: pipeline.CellNumber, Format: "mm-dd-yy"},
			look{Value: "46146", Type: numeric, NumFmt: 14},
		},
		{
			"a phone as a number",
			pipeline.Cell{Text: "701740605", Kind: pipeline.CellNumber, Format: "0000000000"},
			look{Value: "701740605", Type: numeric, Format: "0000000000"},
		},
		{"true", pipeline.Cell{Text: "TRUE", Kind: pipeline.CellBool}, look{Value: "1", Type: excelize.CellTypeBool, Format: truth}},
		{"false", pipeline.Cell{Text: "FALSE", Kind: pipeline.CellBool}, look{Value: "0", Type: excelize.CellTypeBool, Format: truth}},
		{"error", pipeline.Cell{Text: "#N/A", Kind: pipeline.CellError}, look{Value: "#N/A", Type: text, NumFmt: asText}},
		{"empty", pipeline.Cell{}, look{Type: numeric}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			row := pipeline.Row{Place: pipeline.Place{Row: 2}, Cells: []pipeline.Cell{tt.cell}}
			f := book(t, pipeline.Input{Columns: []string{"a"}}, false, sample(), row)
			if diff := cmp.Diff(tt.want, lookAt(t, f, "Report", "A2")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNative(t *testing.T) {
	for _, tt := range []struct {
		text string
		want any
	}{
		{"0", 0.0},
		{"-0.5", -0.5},
		{"123456789012345", 123456789012345.0},
		{"1234567890123450", 1234567890123450.0},
		{"1234567890123456", "1234567890123456"},
		{"-1234567890123456.5", "-1234567890123456.5"},
		{"45000.520833333336", 45000.520833333336},
		{"2.9999999999999996", 2.9999999999999996},
		{"007", "007"},
		{"+5", "+5"},
		{"1e5", "1e5"},
		{"0x10", "0x10"},
		{"NaN", "NaN"},
		{".5", ".5"},
		{"", ""},
		{"1" + strings.Repeat("0", 400), "1" + strings.Repeat("0", 400)},
	} {
		if got := native(pipeline.Cell{Text: tt.text, Kind: pipeline.CellNumber}); got != tt.want {
			t.Errorf("%q: got %#v, want %#v", tt.text, got, tt.want)
		}
	}
	if got := native(pipeline.Cell{Text: "WAHR", Kind: pipeline.CellBool}); got != "WAHR" {
		t.Errorf("an unknown truth value became %#v", got)
	}
}

func TestXLSXOurCells(t *testing.T) {
	row := texts(41, "x", "y")
	row.Raw = "z"
	f := book(t, pipeline.Input{Columns: []string{"id", "id"}, Sheet: "May"}, true, sample(), row)
	plain := func(v string) look { return look{Value: v, Type: text, NumFmt: asText} }
	want := []look{
		plain("x"), plain("y"),
		{Value: "41", Type: numeric},
		{Value: "rejected", Type: text, NumFmt: asText, Fill: "FFC7CE"},
		plain("NOT_FOUND"), plain("HPP knows no such session"), plain("sms"), plain("+46701740605"),
		{Value: "404", Type: numeric},
		{Value: "2", Type: numeric},
		plain("6d3e0f0a"), plain("2026-05-04T03:02:01Z"), plain("https://api.klarna.com"), plain("01jrun"), plain("odd"), plain("z"),
	}
	for i, name := range append([]string{"id", "id"}, Columns()...) {
		column, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			t.Fatal(err)
		}
		head := look{Value: name, Type: text, NumFmt: asText, Bold: true, Fill: "1F3864"}
		if i < 2 {
			head.Fill = "D9D9D9"
		}
		if diff := cmp.Diff(head, lookAt(t, f, "May", column+"1")); diff != "" {
			t.Errorf("header %s: %s", column, diff)
		}
		if diff := cmp.Diff(want[i], lookAt(t, f, "May", column+"2")); diff != "" {
			t.Errorf("cell %s: %s", column, diff)
		}
		if w, err := f.GetColWidth("May", column); err != nil || w < float64(len(name)) {
			t.Errorf("column %s is %v wide (%v), its header %d", column, w, err, len(name))
		}
	}
}

func TestXLSXUnknownNumbersAreEmpty(t *testing.T) {
	f := book(t, pipeline.Input{}, false, pipeline.Outcome{Status: pipeline.Pending}, texts(2))
	rows, err := f.GetRows("Report")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2", "pending", "", "", "", "", "", "0"}, rows[1]); diff != "" {
		t.Error(diff)
	}
}

func TestEveryStatusHasItsColour(t *testing.T) {
	fills := map[string]pipeline.Status{}
	for _, s := range pipeline.Statuses() {
		f := book(t, pipeline.Input{}, false, pipeline.Outcome{Status: s}, texts(2))
		l := lookAt(t, f, "Report", "B2")
		if l.Value != string(s) || l.Fill == "" || fills[l.Fill] != "" {
			t.Errorf("%s: %q on %q, as %s", s, l.Value, l.Fill, fills[l.Fill])
		}
		fills[l.Fill] = s
	}
}

func TestXLSXSheet(t *testing.T) {
	hidden := texts(3, "y")
	hidden.Hidden = true
	in := pipeline.Input{Columns: []string{"Mobile"}, Mapped: []pipeline.Mapping{{Field: "phone", Column: "Mobile"}}}
	f := book(t, in, false, sample(), texts(2, "x"), hidden, texts(4, ""))
	panes, err := f.GetPanes("Report")
	if err != nil || !panes.Freeze || panes.YSplit != 1 || panes.TopLeftCell != "A2" {
		t.Errorf("panes %+v (%v)", panes, err)
	}
	var filters []string
	for _, n := range f.GetDefinedName() {
		filters = append(filters, n.Name+" "+n.RefersTo)
	}
	if diff := cmp.Diff([]string{"_xlnm._FilterDatabase 'Report'!$A$1:$N$4"}, filters); diff != "" {
		t.Error(diff)
	}
	for row, want := range map[int]bool{2: true, 3: false, 4: true} {
		if visible, err := f.GetRowVisible("Report", row); err != nil || visible != want {
			t.Errorf("row %d is visible: %v (%v)", row, visible, err)
		}
	}
	if l := lookAt(t, f, "Report", "A4"); l.NumFmt != asText {
		t.Errorf("an empty cell under a phone column has the format %d", l.NumFmt)
	}
}

// TestXLSXParts looks at the bytes: what excelize reads back it may also make up.
func TestXLSXParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.xlsx")
	r := create(t, path, pipeline.XLSX, pipeline.Input{Columns: []string{"a"}}, false)
	if err := r.Write(texts(2, "x"), sample()); err != nil {
		t.Fatal(err)
	}
	commit(t, r)
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	part, err := z.Open("xl/worksheets/sheet2.xml")
	if err != nil {
		t.Fatal(err)
	}
	xml, err := io.ReadAll(part)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(xml), "<dimension") {
		t.Error("the sheet claims a size, which was not known when it was begun")
	}
	for _, want := range []string{`<autoFilter ref="$A$1:$N$2"`, `state="frozen"`, "</sheetData>", "</worksheet>"} {
		if !strings.Contains(string(xml), want) {
			t.Errorf("the sheet lacks %s", want)
		}
	}
}

func TestXLSXRowsStayLow(t *testing.T) {
	rows := []pipeline.Row{texts(2, "x"), texts(3, "a\nb"), texts(4, strings.Repeat("x\n", 900)), texts(5, "y")}
	f := book(t, pipeline.Input{Columns: []string{"a"}}, false, sample(), rows...)
	for row, want := range map[int]float64{2: 15, 3: 30, 4: 75, 5: 15} {
		if h, err := f.GetRowHeight("Report", row); err != nil || h != want {
			t.Errorf("row %d is %v high (%v), want %v", row, h, err, want)
		}
	}
	for cell, want := range map[string]bool{"A2": false, "A3": true, "A4": true, "B3": false} {
		id, err := f.GetCellStyle("Report", cell)
		if err != nil {
			t.Fatal(err)
		}
		style, err := f.GetStyle(id)
		if err != nil || (style.Alignment != nil && style.Alignment.WrapText) != want {
			t.Errorf("%s wraps: not %v (%v)", cell, want, err)
		}
	}
}

func TestXLSXSheetName(t *testing.T) {
	for name, want := range map[string]string{
		"":                      "Report",
		"Kontakte Mai":          "Kontakte Mai",
		"Sheet1":                "Sheet1",
		"Bob's":                 "Bob’s",
		"a/b":                   "Report",
		"SUMMARY":               "Report",
		strings.Repeat("x", 32): "Report",
	} {
		f := book(t, pipeline.Input{Sheet: name}, false, sample())
		if diff := cmp.Diff([]string{"Summary", want}, f.GetSheetList()); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
	}
}

func TestXLSXGoesOnOnFurtherSheets(t *testing.T) {
	long := strings.Repeat("x", 30) + "y"
	path := filepath.Join(t.TempDir(), "out.xlsx")
	r := create(t, path, pipeline.XLSX, pipeline.Input{Columns: []string{"a"}, Sheet: long}, false)
	r.enc.(*xlsxReport).maxRows = 2
	for n := range 5 {
		if err := r.Write(texts(n+2, fmt.Sprint("cell ", n)), sample()); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, r)
	f := open(t, path)
	sheets := []string{"Summary", long, long[:29] + " 2", long[:29] + " 3"}
	if diff := cmp.Diff(sheets, f.GetSheetList()); diff != "" {
		t.Fatal(diff)
	}
	var first []string
	for _, s := range sheets[1:] {
		rows, err := f.GetRows(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			first = append(first, row[0])
		}
	}
	if diff := cmp.Diff([]string{"a", "cell 0", "cell 1", "a", "cell 2", "cell 3", "a", "cell 4"}, first); diff != "" {
		t.Error(diff)
	}
	if n := len(f.GetDefinedName()); n != 3 {
		t.Errorf("%d filters on 3 sheets", n)
	}
}

func TestXLSXSheetsStayBelowTheLimitOfBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.xlsx")
	r := create(t, path, pipeline.XLSX, pipeline.Input{Columns: []string{"a"}}, false)
	r.enc.(*xlsxReport).maxBytes = 50_000
	for n := range 3 {
		if err := r.Write(texts(n+2, strings.Repeat("x", 30_000)), sample()); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, r)
	if diff := cmp.Diff([]string{"Summary", "Report", "Report 2"}, open(t, path).GetSheetList()); diff != "" {
		t.Error(diff)
	}
}

func TestXLSXSaysWhatItCannotHold(t *testing.T) {
	row := texts(2, strings.Repeat("é", 40_000), "bell\a", strings.Repeat("😀", 16_383)+"x")
	f := book(t, pipeline.Input{Columns: []string{"a", "b", "c"}}, false, sample(), row)
	cells := map[string]string{
		"A2": strings.Repeat("é", 32_766) + "…",
		"B2": "bell\ufffd",
		"C2": row.Cells[2].Text,
		"G2": "HPP knows no such session; the cell of column 1 was cut to the 32,767 characters that a cell of a " +
			"workbook holds; the cell of column 2 had characters that a workbook cannot hold",
	}
	for cell, want := range cells {
		if got := lookAt(t, f, "Report", cell).Value; got != want {
			t.Errorf("%s has %d bytes %.60q, want %d", cell, len(got), got, len(want))
		}
	}
}

func FuzzXLSXText(f *testing.F) {
	for _, s := range []string{"", "x", " x ", "\r\n", "_x000D_", "_x005F_x0041_", "]]>", "\xff", "\ufffe", "😀"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, _ := fit(s)
		b := book(t, pipeline.Input{Columns: []string{"a"}}, false, sample(), texts(2, s))
		if got := lookAt(t, b, "Report", "A2").Value; got != want {
			t.Errorf("wrote %q, read %q", want, got)
		}
	})
}
