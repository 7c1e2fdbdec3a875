package xlsx

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

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
	b, err := Open(path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
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
	for text, want := range map[string]bool{
		"<x:mergeCell/>": true, "mergeCell": true, "mergeCel": false, strings.Repeat("merge", 9) + "Cell": true, "mergemergCell": false, "": false,
	} {
		f := finder{words: layoutWords}
		r := iotest.OneByteReader(strings.NewReader(text))
		for buf := make([]byte, 3); ; {
			n, err := r.Read(buf)
			f.Write(buf[:n])
			if err != nil {
				break
			}
		}
		whole := finder{words: layoutWords}
		whole.Write([]byte(text))
		if f.found != want || whole.found != want {
			t.Errorf("%q: found byte by byte: %v, at once: %v; want %v", text, f.found, whole.found, want)
		}
	}
}
