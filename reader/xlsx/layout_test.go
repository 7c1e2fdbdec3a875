package xlsx

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

func TestLayout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "merged.xlsx")
	f := excelize.NewFile()
	if _, err := f.NewSheet("Plain"); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		f.SetCellStr("Sheet1", "A1", "country"), f.SetCellStr("Sheet1", "A2", "SE"),
		f.MergeCell("Sheet1", "A2", "A4"), f.MergeCell("Sheet1", "C5", "E5"),
		f.SetColVisible("Sheet1", "B:D", false), f.SetColVisible("Sheet1", "AA", false),
		f.SaveAs(path),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	b, err := open(path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Layout("Sheet1")
	want := Layout{Merged: []Range{{2, 4, 0, 0}, {5, 5, 2, 4}}, Hidden: []Span{{1, 3}, {26, 26}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if plain, err := b.Layout("Plain"); err != nil || len(plain.Merged)+len(plain.Hidden) > 0 {
		t.Errorf("a plain sheet has %+v, %v", plain, err)
	}
	if b.behind["xl/worksheets/sheet2.xml"] || !b.behind["xl/worksheets/sheet1.xml"] {
		t.Errorf("parts with a layout behind the rows: %v", b.behind)
	}
}

func TestFinderSeesAWordAcrossAnyCut(t *testing.T) {
	const rows = "<sheetData><row/></sheetData>"
	for text, want := range map[string]bool{
		rows + "<x:mergeCell/>": true, rows + "mergeCell": true, rows + "mergeCel": false, rows + strings.Repeat("merge", 9) + "Cell": true,
		rows + "mergemergCell": false, "": false, rows + "<hyperlinks>": true, rows + "<conditionalFormatting>": true,
		rows + strings.Repeat(" ", 99) + "<hyperlinks>": true, "<x:sheetData><x:row/></x:sheetData><x:mergeCell/>": true,
		"<hyperlink>": false, "<sheetData>hyperlink": false, // inside the rows it is a text
	} {
		for size := 1; size <= max(1, len(text)); size++ {
			f := finder{words: layoutWords}
			for from := 0; from < len(text); from += size {
				f.Write([]byte(text[from:min(len(text), from+size)]))
			}
			if f.found != want {
				t.Errorf("%q in pieces of %d: found %t, want %t", text, size, f.found, want)
			}
		}
	}
}
