package xlsx

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

// brief writes rows as 3:a,,c with a * behind hidden ones.
func brief(rows []Row) string {
	var all []string
	for _, r := range rows {
		var cells []string
		for _, c := range r.Cells {
			cells = append(cells, c.Text)
		}
		s := fmt.Sprintf("%d:%s", r.Number, strings.Join(cells, ","))
		if r.Hidden {
			s += "*"
		}
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

func TestRows(t *testing.T) {
	v := func(ref string) string {
		if ref != "" {
			ref = ` r="` + ref + `"`
		}
		return `<c` + ref + ` t="str"><v>x</v></c>`
	}
	for _, c := range []struct{ name, sheet, want string }{
		{"no rows", data(""), ""},
		{"an empty sheetData", `<worksheet><sheetData/></worksheet>`, ""},
		{"empty rows", data(`<row/><row r="4"></row>`), "1: 4:"},
		{"rows and cells as given", data(`<row r="2">` + v("A2") + v("C2") + `</row><row r="9">` + v("B9") + `</row>`), "2:x,,x 9:,x"},
		{"implied cells", data(`<row r="2">` + v("") + v("C2") + v("") + `</row>`), "2:x,,x,x"},
		{"implied rows", data(`<row>` + v("A1") + `</row><row r="5">` + v("") + `</row><row>` + v("A6") + `</row>`), "1:x 5:x 6:x"},
		{"white space and comments", data("\n <row>\n <!-- c --> " + v("") + "\n</row> \n"), "1:x"},
		{"what else stands in a sheet", `<worksheet><sheetPr><row/></sheetPr><dimension ref="A1"/><cols><col/></cols><sheetData>` +
			`<row>` + v("") + `<extLst>text</extLst></row><extLst><row/></extLst></sheetData><mergeCells/></worksheet>`, "1:x"},
		{"elements of another namespace", `<worksheet><y:sheetData><row/></y:sheetData><sheetData><y:row r="7"/><row><y:c/>` + v("") +
			`</row></sheetData><y:sheetData/></worksheet>`, "1:x"},
		{"attributes of another namespace", data(`<row r="2" spans="1:2" s="1" customFormat="1" customHeight="1" outlineLevel="1" collapsed="1" thickTop="1" thickBot="1" ph="0" y:r="7" y:hidden="1"><c y:r="Z9" r="B2" cm="1" vm="1" ph="0" y:t="q"/></row>`), "2:,"},
		{"hidden rows", data(`<row hidden="1"/><row hidden="true"/><row hidden="0"/><row hidden="false"/><row ht="0"/>` +
			`<row ht="0" hidden="0"/><row hidden="0" ht="0.0"/><row ht="12.75"/>`), "1:* 2:* 3: 4: 5:* 6:* 7:* 8:"},
		{"rows without a height by default are those that are not there", `<worksheet><sheetFormatPr zeroHeight="1"/><sheetData>` +
			`<row r="2"/><row r="3" hidden="1"/></sheetData></worksheet>`, "2: 3:*"},
		{"the last cell", data(`<row r="1048576"><c r="XFD1048576"/></row>`), "1048576:" + strings.Repeat(",", 16383)},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := bare(c.sheet).rows(t)
			if err != nil {
				t.Fatal(err)
			}
			if got := brief(rows); got != c.want {
				t.Errorf("got %.200s, want %.200s", got, c.want)
			}
		})
	}
}

func TestRowsRefuses(t *testing.T) {
	for _, c := range []struct {
		name, sheet, want string
		row               int
		cell              string
	}{
		{"another root", `<chartsheet/>`, "does not begin with <worksheet>", 0, ""},
		{"no sheetData", `<worksheet/>`, "it has no rows", 0, ""},
		{"two sheetData", `<worksheet><sheetData/><sheetData/></worksheet>`, "its rows twice", 0, ""},
		{"a cut behind the rows", `<worksheet><sheetData><row r="3"/></sheetData>`, "ends in the middle", 3, ""},
		{"a fault behind the rows", `<worksheet><sheetData><row r="3"/></sheetData>&</worksheet>`, "bare &", 3, ""},
		{"rows out of order", data(`<row r="4"/><row r="3"/>`), "out of order", 4, ""},
		{"a row twice", data(`<row r="4"/><row r="4"/>`), "out of order", 4, ""},
		{"a row twice, once implied", data(`<row/><row r="1"/>`), "out of order", 1, ""},
		{"row 0", data(`<row r="0"/>`), "out of order", 0, ""},
		{"a row that is no number", data(`<row r="x"/>`), "out of order", 0, ""},
		{"a row too far down", data(`<row r="1048577"/>`), "out of order", 0, ""},
		{"one row too many", data(`<row r="1048576"/><row/>`), "too many rows", 1_048_576, ""},
		{"a height that is none", data(`<row ht="high"/>`), "height", 0, ""},
		{"a row with an unknown attribute", data(`<row r="1"/><row hiddem="1"/>`), "attribute", 1, ""},
		{"a cell with an unknown attribute", data(`<row><c c="B1"/></row>`), "attribute", 1, ""},
		{"text between rows", data(`<row/>x<row/>`), "text where none", 1, ""},
		{"text between cells", data(`<row><c/>x</row>`), "text where none", 1, ""},
		{"text in a cell", data(`<row><c/><c>x</c></row>`), "text where none", 1, "B1"},
		{"cells out of order", data(`<row><c r="B1"/><c r="A1"/></row>`), "out of order", 1, "B1"},
		{"a cell twice", data(`<row><c r="B1"/><c r="B1"/></row>`), "out of order", 1, "B1"},
		{"a cell of another row", data(`<row r="2"><c r="A2"/><c r="B3"/></row>`), "out of order", 2, "A2"},
		{"a cell that is none", data(`<row><c r="1A"/></row>`), "out of order", 1, ""},
		{"a cell too far right", data(`<row><c r="XFE1"/></row>`), "out of order", 1, ""},
		{"one cell too many", data(`<row><c r="XFD1"/><c/></row>`), "too many cells", 1, "XFD1"},
		{"a style that is not there", data(`<row><c s="3"/></row>`), "style", 1, ""},
		{"a style below 0", data(`<row><c s="-1"/></row>`), "style", 1, ""},
		{"an unknown kind", data(`<row><c t="x"/></row>`), "no known kind", 1, ""},
		{"an empty kind", data(`<row><c t=""/></row>`), "no known kind", 1, ""},
		{"two values", data(`<row><c><v>1</v><v>2</v></c></row>`), "two values", 1, "A1"},
		{"two texts", data(`<row><c t="inlineStr"><is/><is/></c></row>`), "two values", 1, "A1"},
		{"a text that is not of its kind", data(`<row><c><is><t>x</t></is></c></row>`), "not of its kind", 1, "A1"},
		{"a value that is not of its kind", data(`<row><c t="inlineStr"><v>x</v></c></row>`), "not of its kind", 1, "A1"},
		{"an element in a value", data(`<row><c><v>1<w/></v></c></row>`), "element inside a text", 1, "A1"},
		{"a string out of range", data(`<row><c/><c t="s"><v>2</v></c></row>`), "string table", 1, "B1"},
		{"a string below 0", data(`<row><c t="s"><v>-1</v></c></row>`), "string table", 1, "A1"},
		{"a number that is none", data(`<row><c><v>1x</v></c></row>`), "no number", 1, "A1"},
		{"a boolean that is none", data(`<row><c t="b"><v>2</v></c></row>`), "no boolean", 1, "A1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := bare(c.sheet).rows(t)
			f := faulty(t, err, c.want)
			if f.Sheet != "S" || f.Part != "xl/worksheets/sheet1.xml" || f.Row != c.row || f.Cell != c.cell {
				t.Errorf("it is at sheet %q, part %q, row %d, cell %q", f.Sheet, f.Part, f.Row, f.Cell)
			}
		})
	}
}

func TestFaultsKeepContactsOut(t *testing.T) {
	for _, cell := range []string{`t="s"`, `t="b"`, `t="n"`} {
		_, err := bare(data(`<row><c ` + cell + `><v>anna@example.com</v></c></row>`)).rows(t)
		if f := faulty(t, err, "cell A1"); strings.Contains(f.Error(), "anna") {
			t.Errorf("%s: %v", cell, f)
		}
	}
}

func TestCells(t *testing.T) {
	textOf := func(s string) pipeline.Cell { return pipeline.Cell{Text: s} }
	numberOf := func(s, format string) pipeline.Cell {
		return pipeline.Cell{Text: s, Kind: pipeline.CellNumber, Format: format}
	}
	seenAs := func(shown string, c pipeline.Cell) pipeline.Cell { c.Shown = shown; return c }
	for _, c := range []struct {
		xml  string
		want Cell
	}{
		{`<c/>`, Cell{}},
		{`<c s="1" t="s"/>`, Cell{}},
		{`<c t="s"><v>1</v></c>`, Cell{Cell: textOf("one")}},
		{`<c t="s"><v> 0 </v></c>`, Cell{Cell: textOf("zero")}},
		{`<c t="inlineStr"><is><t xml:space="preserve"> a&amp;b_x0041_</t></is></c>`, Cell{Cell: textOf(" a&bA")}},
		{`<c t="inlineStr"><is><r><rPr/><t>a</t></r><r><t>b</t></r><rPh><t>no</t></rPh></is></c>`, Cell{Cell: textOf("ab")}},
		{`<c t="inlineStr"/>`, Cell{}},
		{`<c t="str"><v>a<![CDATA[&]]>b_x000D_</v></c>`, Cell{Cell: textOf("a&b\r")}},
		{`<c><v>4.6701740605E10</v></c>`, Cell{Cell: numberOf("46701740605", "")}},
		{`<c t="n" s="0"><v> 7 </v></c>`, Cell{Cell: numberOf("7", "")}},
		{`<c s="1"><v>701740605</v></c>`, Cell{Cell: seenAs("0701740605", numberOf("701740605", "0000000000"))}},
		{`<c s="2"><v>45000</v></c>`, Cell{Cell: numberOf("45000", "mm-dd-yy"), Date: true}},
		{`<c><v>1234567890123456</v></c>`, Cell{Cell: numberOf("1234567890123456", ""), DigitsLost: true}},
		{`<c><v/></c>`, Cell{}},
		{`<c t="s"><v/></c>`, Cell{}}, // as some programs write an empty cell
		{`<c t="s"><v> </v></c>`, Cell{}},
		{`<c t="b"><v/></c>`, Cell{}},
		{`<c t="e"><v/></c>`, Cell{}},
		{`<c t="s"><f>A1</f><v/></c>`, Cell{Formula: true, NoValue: true}},
		{`<c><v>0.23000000000000043</v></c>`, Cell{Cell: seenAs("0.23", numberOf("0.23000000000000043", ""))}},
		{`<c><v>46701740604.999992</v></c>`, Cell{Cell: seenAs("46701740605", numberOf("46701740604.999992", ""))}},
		{`<c t="b"><v>1</v></c>`, Cell{Cell: pipeline.Cell{Text: "TRUE", Kind: pipeline.CellBool}}},
		{`<c t="b"><v>false</v></c>`, Cell{Cell: pipeline.Cell{Text: "FALSE", Kind: pipeline.CellBool}}},
		{`<c t="e"><v>#N/A</v></c>`, Cell{Cell: pipeline.Cell{Text: "#N/A", Kind: pipeline.CellError}}},
		{`<c t="d"><v>2026-05-01</v></c>`, Cell{Cell: textOf("2026-05-01"), Date: true}},
		{`<c><f>1+1</f><v>2</v></c>`, Cell{Cell: numberOf("2", ""), Formula: true}},
		{`<c t="str"><f>""</f><v></v></c>`, Cell{Formula: true}},
		{`<c t="str"><v>a</v><f>"a"</f></c>`, Cell{Cell: textOf("a"), Formula: true}},
		{`<c><f>1+1</f></c>`, Cell{Formula: true, NoValue: true}},
		{`<c><f t="shared" si="0"/><v/></c>`, Cell{Formula: true, NoValue: true}},
		{`<c t="inlineStr"><f>"a"</f><is><t>a</t></is></c>`, Cell{Cell: textOf("a"), Formula: true}},
		{`<c><extLst><v>9</v></extLst></c>`, Cell{}},
	} {
		rows, err := bare(data("<row><c t='b'><v>0</v></c>" + c.xml + "</row>")).rows(t)
		if err != nil {
			t.Errorf("%s: %v", c.xml, err)
			continue
		}
		c.want.Present = true
		if diff := cmp.Diff(c.want, rows[0].Cells[1]); diff != "" {
			t.Errorf("%s: %s", c.xml, diff)
		}
	}
}

func TestRowsLeaveNothingBehind(t *testing.T) {
	rows, err := bare(data(`<row><c s="1"><v>7</v></c><c t="e"><v>#REF!</v></c></row><row><c r="B2"/></row>`)).rows(t)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Cell{{}, {Present: true}}, rows[1].Cells); diff != "" {
		t.Error(diff)
	}
}

func TestRowsStop(t *testing.T) {
	b, err := bare(data(`<row/><row/>&`)).open(t)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range b.Rows("S") {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d rows", n)
	}
}

// A sheet that ends before its end is never whole, wherever that is.
func TestRowsOfACutSheet(t *testing.T) {
	whole := `<?xml version="1.0"?><worksheet><sheetPr/><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c>` +
		`<c r="B1" t="inlineStr"><is><t>R&amp;D</t></is></c></row><row/></sheetData><!-- c --></worksheet>`
	if _, err := bare(whole).rows(t); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(whole); i++ {
		if rows, err := bare(whole[:i]).rows(t); err == nil {
			t.Errorf("cut after %d bytes it has the rows %s", i, brief(rows))
		}
	}
}
