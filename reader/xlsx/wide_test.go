package xlsx

import (
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// utf16Of writes a text in UTF-16, low bytes first, with its mark.
func utf16Of(text string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

// swapped has the high bytes first.
func swapped(text string) string {
	b := []byte(utf16Of(text))
	for i := 0; i+1 < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
	return string(b)
}

// Every part of a workbook may be in UTF-16, and says so or not.
func TestWideParts(t *testing.T) {
	sheet := `<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>1</v></c><c r="B1" s="1"><v>701740605</v></c>` +
		`<c r="C1" t="inlineStr"><is><t>Åsa 😀 ` + strings.Repeat("ö", 5000) + `</t></is></c></row></sheetData>` +
		`<mergeCells><mergeCell ref="A1:A2"/></mergeCells></worksheet>`
	plain := bare(sheet)
	want, err := plain.rows(t)
	if err != nil {
		t.Fatal(err)
	}
	for name, encode := range map[string]func(string) string{
		"low bytes first": utf16Of, "high bytes first": swapped,
		"without a mark": func(s string) string { return utf16Of(s)[2:] },
		"declared":       func(s string) string { return utf16Of(`<?xml version="1.0" encoding="UTF-16"?>` + s) },
	} {
		t.Run(name, func(t *testing.T) {
			p := parts{}
			for part, text := range plain {
				p[part] = encode(text)
			}
			b, err := p.open(t)
			if err != nil {
				t.Fatal(err)
			}
			got, err := rowsOf(b, "S")
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
			if l, err := b.Layout("S"); err != nil || len(l.Merged) != 1 {
				t.Errorf("%+v, %v", l, err)
			}
		})
	}
}

func TestWideBytesOneByOne(t *testing.T) {
	got, err := tokens(iotest.OneByteReader(strings.NewReader(utf16Of("<a>é😀</a>"))))
	whole, err2 := tokens(strings.NewReader("<a>é😀</a>"))
	if diff := cmp.Diff(whole, got); err != nil || err2 != nil || diff != "" {
		t.Errorf("%v %v %s", err, err2, diff)
	}
}
