package xlsx

import (
	"archive/zip"
	"errors"
	"testing"
)

// Whatever stands in a sheet, it gives rows in order, or a fault.
func FuzzSheet(f *testing.F) {
	for _, s := range []string{
		"", "<worksheet/>", data(""), data(oneCell),
		data(`<row r="3" hidden="1" ht="0"><c r="B3" s="1"><f>1</f><v>4.67E10</v></c><c t="b"><v>1</v></c><c t="s"><v>1</v></c></row>`),
		data(`<row><c t="inlineStr"><is><r><t>R&amp;D&#x1F600;</t></r><rPh/><t><![CDATA[]]]]></t></is></c></row><!-- --><?a?>`),
		"<x:worksheet xmlns:x='u'><x:sheetData>\r\n<x:row/></x:sheetData></x:worksheet>",
		data(`<row r="1048576"><c r="XFD1048576" t="e"><v>#N/A</v></c></row>`),
	} {
		f.Add(s)
	}
	place := file(f, nil)
	f.Fuzz(func(t *testing.T, sheet string) {
		b, err := open(overwrite(t, place, bare(sheet).zip(t, zip.Store)), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		last := 0
		for row, err := range b.Rows("S") {
			var fault *Fault
			if err != nil {
				if !errors.As(err, &fault) || fault.Sheet != "S" {
					t.Errorf("%v", err)
				}
				return
			}
			if row.Number <= last || row.Number > rowsMost || len(row.Cells) > columnsMost {
				t.Errorf("row %d follows %d with %d cells", row.Number, last, len(row.Cells))
			}
			last = row.Number
		}
	})
}
