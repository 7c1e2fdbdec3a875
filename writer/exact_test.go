package writer

import (
	"strings"
	"testing"
)

// However the text is cut up, marked texts become numbers and nothing else changes.
func TestExactAcrossAnyCut(t *testing.T) {
	e := newExact()
	marked := func(s string) string {
		return `<c r="A1" t="inlineStr"><is><t>` + e.mark + s + e.mark + `</t></is></c>`
	}
	plain := `<c r="B1" t="inlineStr"><is><t>0.5 number-` + strings.Repeat("x", 40) + `</t></is></c>`
	in := "<row>" + marked("0.1") + plain + marked("-2.5") + marked("7") + "</row>"
	want := `<row><c r="A1"><v>0.1</v></c>` + plain + `<c r="A1"><v>-2.5</v></c><c r="A1"><v>7</v></c></row>`
	for size := 1; size <= len(in); size++ {
		var out strings.Builder
		w := e.writer(&out)
		for from := 0; from < len(in); from += size {
			if _, err := w.Write([]byte(in[from:min(len(in), from+size)])); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil || out.String() != want {
			t.Fatalf("in pieces of %d: %v\n%s\nwant\n%s", size, err, out.String(), want)
		}
	}
}
