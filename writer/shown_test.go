package writer_test

import (
	"archive/zip"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
	"hppsend/reader"
)

// formatted makes a workbook with one row for each value and format: the phone has it, and so has a note.
func formatted(t *testing.T, cells [][2]any) string {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(book.SetSheetRow("Sheet1", "A1", &[]any{"session_id", "phone", "note"}))
	for i, c := range cells {
		code := c[1].(string)
		style, err := book.NewStyle(&excelize.Style{CustomNumFmt: &code})
		must(err)
		at, err := excelize.CoordinatesToCellName(1, i+2)
		must(err)
		must(book.SetSheetRow("Sheet1", at, &[]any{"a1", c[0], c[0]}))
		must(book.SetCellStyle("Sheet1", "B"+at[1:], "C"+at[1:], style))
	}
	path := filepath.Join(t.TempDir(), "in.xlsx")
	must(book.SaveAs(path))
	return path
}

func rowsIn(t *testing.T, path string) (pipeline.Input, []pipeline.Row) {
	t.Helper()
	f, err := reader.Open(path, reader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []pipeline.Row
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			t.Fatal(err)
		}
		row.Cells = slices.Clone(row.Cells)
		rows = append(rows, row)
	}
	return f.Input(), rows
}

// Whatever a person saw of a phone number in the workbook is what is read of its report, as a workbook
// and as CSV, and of the report of that.
func TestReportsShowWhatWasSeen(t *testing.T) {
	in, rows := rowsIn(t, formatted(t, [][2]any{
		{40123456, `"+45 "## ## ## ##`},
		{40123456, "[$+45 ]## ## ## ##"},
		{40123456, `"+45 "General`},
		{40123456, `[>0]"+45 "00000000`},
		{40123456, "General"},
		{701740605, "0000000000"},
		{46701740605, `"+"0`},
		{2025550143, "[<=9999999]###-####;(###) ###-####"},
		{"40123456", `"+45 "@`},
		{"40123456", `0;-0;0;"+45 "@`},
	}))
	var want []string
	for _, row := range rows {
		if row.Fault().Code != "" {
			t.Fatalf("row %d: %+v", row.Row, row.Fault())
		}
		want = append(want, row.Fields.Phone)
	}
	if seen := []string{
		"+45 40 12 34 56", "+45 40 12 34 56", "+45 40123456", "+45 40123456", "40123456", "0701740605", "+46701740605", "(202) 555-0143",
		"+45 40123456", "+45 40123456",
	}; !slices.Equal(want, seen) {
		t.Fatalf("read as %q", want)
	}
	for _, formats := range [][]pipeline.Format{{pipeline.XLSX, pipeline.XLSX}, {pipeline.CSV, pipeline.XLSX}, {pipeline.XLSX, pipeline.CSV}} {
		in, rows := in, rows
		for _, format := range formats {
			path := filepath.Join(t.TempDir(), "out."+string(format))
			write(t, path, format, in, rows)
			in, rows = rowsIn(t, path)
		}
		var got []string
		for _, row := range rows {
			got = append(got, row.Fields.Phone)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: %s", formats, diff)
		}
	}
}

// The digits that a number is stored with are those of the report, the ones that no program shows too.
func TestReportsKeepTheStoredDigits(t *testing.T) {
	stored := []string{"0.23000000000000043", "45000.520833333336", "-2.9999999999999996", "1234567890.1234567", "0.5", "7", "123456789012345"}
	in := pipeline.Input{Path: "in.xlsx", Format: pipeline.XLSX, Columns: []string{"session_id", "phone", "note"}}
	var rows []pipeline.Row
	for i, s := range stored {
		rows = append(rows, pipeline.Row{Place: pipeline.Place{Row: i + 2}, Cells: []pipeline.Cell{
			{Text: "a1"}, {Text: "+46701740605"}, {Text: s, Kind: pipeline.CellNumber, Format: "0.00"},
		}})
	}
	path := filepath.Join(t.TempDir(), "out.xlsx")
	write(t, path, pipeline.XLSX, in, rows)
	_, again := rowsIn(t, path)
	for i, row := range again {
		if diff := cmp.Diff(rows[i].Cells, row.Cells); diff != "" {
			t.Errorf("%s: %s", stored[i], diff)
		}
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		part, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(part); err != nil || strings.Contains(string(text), "number-") {
			t.Errorf("%s holds a mark of ours: %v", f.Name, err)
		}
	}
	book, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if kind, err := book.GetCellType("Report", "C2"); err != nil || kind != excelize.CellTypeUnset { // a number
		t.Errorf("the number is of type %v, %v", kind, err)
	}
}
