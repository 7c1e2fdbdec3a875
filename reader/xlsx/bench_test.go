package xlsx

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"testing"

	"github.com/xuri/excelize/v2"
)

// large gives a workbook of 100,000 rows of 8 columns, as a spreadsheet program writes it.
func large(b *testing.B, inline bool) string {
	b.Helper()
	p := bare("").with("[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`)
	p["xl/workbook.xml"] = `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="` + relationsOf +
		`"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`
	for _, name := range []string{"_rels/.rels", "xl/_rels/workbook.xml.rels"} {
		p[name] = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"` + p[name][len("<Relationships"):]
	}
	sheet, strings := []byte(`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`),
		[]byte(`<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">`)
	for row := 1; row <= 100_000; row++ {
		sheet = fmt.Appendf(sheet, `<row r="%d" spans="1:8" x14ac:dyDescent="0.25">`, row)
		for c, column := range "ABCDEFGH" {
			if c == 7 {
				sheet = fmt.Appendf(sheet, `<c r="H%d" s="1"><v>%d</v></c>`, row, 46701740605+row%95)
				continue
			}
			text := fmt.Sprintf("person.%d.%d@example.com", row, c)
			if inline {
				sheet = fmt.Appendf(sheet, `<c r="%c%d" s="1" t="inlineStr"><is><t>%s</t></is></c>`, column, row, text)
				continue
			}
			sheet = fmt.Appendf(sheet, `<c r="%c%d" s="1" t="s"><v>%d</v></c>`, column, row, (row-1)*7+c)
			strings = fmt.Appendf(strings, `<si><t>%s</t></si>`, text)
		}
		sheet = append(sheet, "</row>"...)
	}
	p["xl/worksheets/sheet1.xml"] = string(append(sheet, "</sheetData></worksheet>"...))
	p["xl/sharedStrings.xml"] = string(append(strings, "</sst>"...))
	return file(b, p.zip(b, zip.Deflate))
}

// BenchmarkRows compares the ways to read 100,000 rows of 8 columns: ours, with Open, which inflates every
// part once more; excelize's; and the bound of inflating and looking at each byte.
func BenchmarkRows(b *testing.B) {
	for kind, inline := range map[string]bool{"inline": true, "shared": false} {
		name := large(b, inline)
		for way, read := range map[string]func(string) (int, error){"open+rows": ours, "rows": nil, "excelize": theirs, "inflate+bytes": inflated} {
			b.Run(kind+"/"+way, func(b *testing.B) {
				b.ReportAllocs()
				if read == nil {
					book, err := open(name, Limits{})
					if err != nil {
						b.Fatal(err)
					}
					read = func(string) (int, error) { return count(book) }
				}
				for b.Loop() {
					if n, err := read(name); err != nil || n != 100_000 {
						b.Fatal(n, err)
					}
				}
			})
		}
	}
}

func ours(name string) (int, error) {
	book, err := open(name, Limits{})
	if err != nil {
		return 0, err
	}
	return count(book)
}

func count(book *Book) (n int, err error) {
	for _, err := range book.Rows("S") {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func theirs(name string) (n int, err error) {
	f, err := excelize.OpenFile(name, excelize.Options{RawCellValue: true})
	if err != nil {
		return 0, err
	}
	defer f.Close()
	rows, err := f.Rows("S")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if _, err := rows.Columns(); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Error()
}

// inflated counts the rows by the first two bytes of their tags.
func inflated(name string) (n int, err error) {
	r, err := zip.OpenReader(name)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for _, part := range []string{"xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"} {
		f, err := r.Open(part)
		if err != nil {
			return 0, err
		}
		in, last := bufio.NewReaderSize(f, 64<<10), byte(0)
		for {
			c, err := in.ReadByte()
			if err == io.EOF {
				break
			}
			if err != nil {
				return 0, err
			}
			if last == '<' && c == 'r' {
				n++
			}
			last = c
		}
	}
	return n, nil
}
