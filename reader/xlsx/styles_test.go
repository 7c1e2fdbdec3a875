package xlsx

import (
	"fmt"
	"strings"
	"testing"
)

const danish = `&quot;+45 &quot;## ## ## ##`

// styled reads the cells of a row under styles that are written by hand.
func styled(t *testing.T, styles string, cells ...string) ([]Cell, error) {
	t.Helper()
	rows, err := bare(data("<row>"+strings.Join(cells, "")+"</row>")).with("xl/styles.xml", "<styleSheet>"+styles+"</styleSheet>").rows(t)
	if err != nil {
		return nil, err
	}
	return rows[0].Cells, nil
}

// A book's own format counts, whatever stands under its number by default and however it is written.
func TestFormatsOfABook(t *testing.T) {
	const mc = `xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"`
	entry := func(id int, code string) string {
		return fmt.Sprintf(`<numFmt numFmtId="%d" formatCode="%s"/>`, id, code)
	}
	table := func(entries string) string { return "<numFmts>" + entries + "</numFmts>" }
	xf := func(id int) string { return fmt.Sprintf(`<cellXfs><xf numFmtId="%d"/></cellXfs>`, id) }
	for name, styles := range map[string]string{
		"its own number":    table(entry(164, danish)) + xf(164),
		"another's number":  table(entry(59, danish)) + xf(59),
		"that of General":   table(entry(0, danish)) + xf(0),
		"that of a date":    table(entry(14, danish)) + xf(14),
		"after the styles":  xf(59) + table(entry(59, danish)),
		"twice the same":    table(entry(59, danish)+entry(59, danish)) + xf(59),
		"not applied":       table(entry(59, danish)) + `<cellXfs><xf numFmtId="59" applyNumberFormat="0" xfId="0"/></cellXfs>`,
		"beside other ones": table(entry(60, "0")+entry(59, danish)) + `<cellStyleXfs><xf numFmtId="60"/></cellStyleXfs>` + xf(59) + `<dxfs><dxf>` + entry(59, "0") + `</dxf></dxfs>`,
		"in alternatives": table(`<mc:AlternateContent `+mc+`><mc:Choice Requires="x16r2">`+entry(164, danish)+`</mc:Choice><mc:Fallback>`+
			entry(164, danish)+`</mc:Fallback></mc:AlternateContent>`) + xf(164),
		"with another prefix": `<x:numFmts xmlns:x="u"><x:numFmt numFmtId="164" formatCode="` + danish + `"/></x:numFmts>` + xf(164),
	} {
		cells, err := styled(t, styles, "<c><v>40123456</v></c>")
		if err != nil || cells[0].Shown != "+45 40 12 34 56" || cells[0].Date {
			t.Errorf("%s: %+v, %v", name, cells, err)
		}
	}
	cells, err := styled(t, table(entry(60, "d/m/yyyy")+entry(30, "@"))+`<cellXfs><xf numFmtId="60"/><xf numFmtId="30"/><xf numFmtId="31"/></cellXfs>`,
		`<c s="0"><v>46143</v></c>`, `<c s="1"><v>40123456</v></c>`, `<c s="2"><v>46143</v></c>`)
	if err != nil || !cells[0].Date || cells[1].Date || cells[1].Format != "@" || !cells[2].Date {
		t.Errorf("%+v, %v", cells, err)
	}
	for name, styles := range map[string]string{
		"two codes for one number": table(entry(59, danish)+entry(59, "0")) + xf(59),
		"a number that is none":    table(`<numFmt numFmtId="x" formatCode="0"/>`),
		"a style that is none":     `<cellXfs><xf numFmtId="-1"/></cellXfs>`,
		"a font that is none":      `<cellXfs><xf fontId="a"/></cellXfs>`,
	} {
		_, err := styled(t, styles, "<c><v>7</v></c>")
		if faulty(t, err, "styles cannot be read"); err == nil {
			t.Error(name)
		}
	}
	_, err = bare(data(oneCell)).with("xl/styles.xml", "<worksheet/>").rows(t)
	faulty(t, err, "<styleSheet>")
}

func TestStruckFonts(t *testing.T) {
	cells, err := styled(t, `<fonts><font/><font><strike/></font><font><strike val="0"/></font><font><strike val="true"/></font></fonts>
		<dxfs><dxf><font><strike/></font></dxf></dxfs>
		<cellXfs><xf/><xf fontId="1"/><xf fontId="2"/><xf fontId="3"/><xf fontId="9"/></cellXfs>`,
		`<c s="0"><v>1</v></c>`, `<c s="1"><v>1</v></c>`, `<c s="2"><v>1</v></c>`, `<c s="3"><v>1</v></c>`, `<c s="4"><v>1</v></c>`)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true, false, true, false} {
		if cells[i].Struck != want {
			t.Errorf("style %d: %+v", i, cells[i])
		}
	}
}

// The runs of a text that cells share are told in each of them.
func TestRunsOfSharedTexts(t *testing.T) {
	table := `<sst><si><t>plain</t></si><si><r><rPr><vertAlign val="superscript"/></rPr><t>1</t></r><r><t>0701740605</t></r></si>
		<si><r><rPr><strike/></rPr><t>0701740605</t></r></si><si><t>last</t></si></sst>`
	rows, err := bare(data(`<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c><c t="s"><v>2</v></c><c t="s"><v>1</v></c><c t="s"><v>3</v></c></row>`)).
		with("xl/sharedStrings.xml", table).rows(t)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, c := range rows[0].Cells {
		got += fmt.Sprintf("%s %t %t;", c.Text, c.Struck, c.Marked)
	}
	if want := "plain false false;10701740605 false true;0701740605 true false;10701740605 false true;last false false;"; got != want {
		t.Errorf("got %s", got)
	}
}
