//go:build oracle

package xlsx

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/width"
)

// codes are number formats of every construct: what stands before and behind the digits, how the digits
// are written, and what is round the section.
func codes() (all []string) {
	begin := []string{
		"", `"+"`, `\+`, "+", `"+45 "`, `"+45"`, `\+45\ `, "+45 ", "[$+45 ]", "[$+45-406]", "[$kr]", "[$-409]", "[$-F800]", "[Red]", `[Blue]"+45 "`,
		`"0045 "`, "0045 ", "45", `\4\5`, `"0"`, `\0`, "_-", "_+", "_0", "* ", "*0", "*+", "(", "-", `"Tel "`, `"＋４５"`, "kr ", "$", "!", ":",
		"[DBNum1]", "[NatNum1]", "[Color10]", "[White]", `"00"`, "00 ", "#", "?",
	}
	digits := []string{
		"0", "#", "00000000", "0000000000", "#,##0", "##,##", "General", "general", "@", "## ## ## ##", "000 000 00 00", "0##-####-####",
		"(###) ###-####", "0.00", "0.", "#.##", "0,", "0,,", "0,0", "0%", "0.00E+00", "##0.0E+0", "# ?/?", "00/00", "0???", "0##", "??????????",
		"00.00.00.00", "", "00\\ 45\\ 00", "00(0)000000000", "0\\-0", "@@", "[h]", "yyyy",
	}
	end := []string{"", `" 45"`, `\+45`, "_-", "+", ")", "*0", ";", ";-0", ";;", ";;;", ";@", `;"+45 "@`, `;0;0;"+45 "@`, ";[Red]-0", `;0;"z"0`}
	for _, b := range begin {
		for i, d := range digits {
			all = append(all, b+d, b+d+end[1+i%(len(end)-1)])
		}
	}
	for _, d := range digits {
		for _, e := range end {
			all = append(all, d+e, `"+45 "`+d+e)
		}
	}
	for _, condition := range []string{"[>0]", "[>50000000]", "[<=9999999]", "[<0]", "[=5]", "[<>5]"} {
		for _, rest := range []string{"0", `"+45 "0`, `"+45 "0;0`, `0;"+45 "0`, `0;[>5]"+45 "0;"+46 "0`, `"a"0;"b"0;"c"0`, "###-####;(###) ###-####", "General;0"} {
			all = append(all, condition+rest)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// values are what stands under each format.
var values = []string{"40123456", "701740605", "46701740605", "5", "0", "-40123456", "1234.5", "491701234567", "12345678901234", "='40123456", "=anna@example.com"}

// formatted is a workbook in which each row has the values under one format.
func formatted(codes []string) parts {
	var formats, styles, rows strings.Builder
	for i, code := range codes {
		fmt.Fprintf(&formats, `<numFmt numFmtId="%d" formatCode="%s"/>`, 200+i, inXML(code))
		fmt.Fprintf(&styles, `<xf numFmtId="%d" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>`, 200+i)
		rows.WriteString("<row>")
		for _, v := range values {
			if text, ok := strings.CutPrefix(v, "="); ok {
				fmt.Fprintf(&rows, `<c s="%d" t="inlineStr"><is><t>%s</t></is></c>`, 1+i, strings.TrimPrefix(text, "'"))
			} else {
				fmt.Fprintf(&rows, `<c s="%d"><v>%s</v></c>`, 1+i, v)
			}
		}
		rows.WriteString("</row>")
	}
	const ns = ` xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	p := bare(`<worksheet` + ns + `><sheetData>` + rows.String() + `</sheetData></worksheet>`)
	for name, text := range p {
		p[name] = strings.Replace(text, "<Relationships>", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`, 1)
	}
	const types = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	return p.with("xl/styles.xml", `<styleSheet`+ns+`><numFmts>`+formats.String()+`</numFmts><fonts count="1"><font/></fonts>`+
		`<fills count="1"><fill/></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>`+
		`<cellXfs><xf numFmtId="0"/>`+styles.String()+`</cellXfs></styleSheet>`,
		"xl/workbook.xml", strings.Replace(p["xl/workbook.xml"], "<workbook", "<workbook"+ns, 1),
		"xl/sharedStrings.xml", `<sst`+ns+`/>`,
		"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">`+
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>`+
			`<Override PartName="/xl/workbook.xml" ContentType="`+types+`sheet.main+xml"/>`+
			`<Override PartName="/xl/styles.xml" ContentType="`+types+`styles+xml"/>`+
			`<Override PartName="/xl/sharedStrings.xml" ContentType="`+types+`sharedStrings+xml"/>`+
			`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="`+types+`worksheet+xml"/></Types>`)
}

func inXML(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic(err)
	}
	return b.String()
}

// officeShows has LibreOffice say what it shows in each cell, by row.
func officeShows(t *testing.T, p parts) (rows [][]string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "seen.xlsx"), p.zip(t, zip.Deflate), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "soffice", "-env:UserInstallation=file://"+filepath.ToSlash(filepath.Join(dir, "profile")), "--headless", "--convert-to", "fods", "seen.xlsx")
	f, err := os.Open(filepath.Join(dir, "seen.fods"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := xml.NewDecoder(f)
	var row, cell []string
	repeated, inText := 1, false
	number := func(e xml.StartElement, name string) int {
		for _, a := range e.Attr {
			if n, err := strconv.Atoi(a.Value); a.Name.Local == name && err == nil {
				return min(n, len(values))
			}
		}
		return 1
	}
	for {
		token, err := d.Token()
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "table-row":
				row = nil
			case "table-cell":
				cell, repeated = nil, number(e, "number-columns-repeated")
			case "p":
				inText = true
			case "s":
				cell = append(cell, strings.Repeat(" ", number(e, "c")))
			}
		case xml.CharData:
			if inText {
				cell = append(cell, string(e))
			}
		case xml.EndElement:
			switch e.Name.Local {
			case "p":
				inText = false
			case "table-cell":
				for range repeated {
					row = append(row, strings.Join(cell, ""))
				}
			case "table-row":
				rows = append(rows, row)
			}
		}
	}
}

// told is what a text says but for what only parts its characters.
func told(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\u00a0', ',': // grouped
			return -1
		case '\u2212':
			return '-'
		}
		return r
	}, width.Fold.String(arabic.Replace(s)))
}

var arabic = strings.NewReplacer("٠", "0", "١", "1", "٢", "2", "٣", "3", "٤", "4", "٥", "5", "٦", "6", "٧", "7", "٨", "8", "٩", "9", "٫", ".")

// sameNumber reports whether LibreOffice shows the number that we give, rounded or shortened.
func sameNumber(shown, given string) bool {
	s, err := strconv.ParseFloat(told(shown), 64)
	g, err2 := strconv.ParseFloat(given, 64)
	_, exponent, short := strings.Cut(told(shown), "E")
	switch {
	case err != nil || err2 != nil:
		return false
	case short && exponent != "":
		return abs(s-g) <= 0.5*abs(g)
	}
	return abs(s-g) <= 0.5 // decimals are left out
}

// A value that LibreOffice shows otherwise than we take it is one that we call unclear.
func TestOracleSeen(t *testing.T) {
	all := codes()
	p := formatted(all)
	office := officeShows(t, p)
	rows, err := p.rows(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(office) < len(rows) || len(rows) != len(all) {
		t.Fatalf("LibreOffice shows %d rows, we %d, of %d", len(office), len(rows), len(all))
	}
	taken, refused := 0, 0
	for i, row := range rows {
		for c, cell := range row.Cells {
			if cell.Unclear || cell.Date || cell.DigitsLost {
				refused++
				continue
			}
			taken++
			given := cell.Text
			if cell.Shown != "" {
				given = cell.Shown
			}
			if shown := office[i][c]; told(shown) != told(given) && (cell.Shown != "" && cell.Text != given || !sameNumber(shown, given)) {
				t.Errorf("%s under %s is %q in LibreOffice, and we take %q", values[c], all[i], shown, given)
			}
		}
	}
	if t.Logf("%d formats: %d values are taken, %d are not", len(all), taken, refused); taken < 5000 {
		t.Error("those are too few")
	}
}
