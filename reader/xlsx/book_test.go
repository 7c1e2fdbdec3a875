package xlsx

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	relationsOf = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	strictOf    = "http://purl.oclc.org/ooxml/officeDocument/relationships"
)

// parts are those of a hand-written workbook, by name.
type parts map[string]string

// bare is a workbook of one sheet called S.
// open reads the workbook in a file.
func open(name string, limits Limits) (*Book, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return Read(bytes.NewReader(b), int64(len(b)), limits)
}

func bare(sheet string) parts {
	return parts{
		"_rels/.rels":                `<Relationships><Relationship Id="r1" Type="` + relationsOf + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml":            sheetsOf(`<sheet name="S" sheetId="1" r:id="r1"/>`),
		"xl/_rels/workbook.xml.rels": related("worksheet", "worksheets/sheet1.xml", "styles", "styles.xml", "sharedStrings", "sharedStrings.xml"),
		"xl/worksheets/sheet1.xml":   sheet,
		"xl/styles.xml": `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
			<numFmts count="1"><numFmt numFmtId="164" formatCode="0000000000"/></numFmts>
			<cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="14"/></cellXfs></styleSheet>`,
		"xl/sharedStrings.xml": `<sst><si><t>zero</t></si><si><t>one</t></si></sst>`,
	}
}

func sheetsOf(sheets string) string {
	return `<workbook xmlns:r="` + relationsOf + `"><sheets>` + sheets + `</sheets></workbook>`
}

// related gives relationships r1, r2 and so on of kinds and targets.
func related(kindsAndTargets ...string) string {
	var b strings.Builder
	for i := 0; i < len(kindsAndTargets); i += 2 {
		fmt.Fprintf(&b, `<Relationship Id="r%d" Type="%s/%s" Target="%s"/>`, i/2+1, relationsOf, kindsAndTargets[i], kindsAndTargets[i+1])
	}
	return `<Relationships>` + b.String() + `</Relationships>`
}

func data(rows string) string { return `<worksheet><sheetData>` + rows + `</sheetData></worksheet>` }

// with gives the parts with some in place of others; an empty one is left out.
func (p parts) with(namesAndTexts ...string) parts {
	p = maps.Clone(p)
	for i := 0; i < len(namesAndTexts); i += 2 {
		p[namesAndTexts[i]] = namesAndTexts[i+1]
	}
	maps.DeleteFunc(p, func(_, text string) bool { return text == "" })
	return p
}

func (p parts) zip(t testing.TB, method uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(p)) {
		part, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = io.WriteString(part, p[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(t testing.TB, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "book.xlsx")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// open opens hand-written parts.
func (p parts) open(t testing.TB) (*Book, error) {
	t.Helper()
	b, err := open(file(t, p.zip(t, zip.Deflate)), Limits{})
	if err == nil {
	}
	return b, err
}

// rowsOf are all rows of a sheet, kept.
func rowsOf(b *Book, sheet string) (rows []Row, err error) {
	for row, err := range b.Rows(sheet) {
		if err != nil {
			return rows, err
		}
		row.Cells = slices.Clone(row.Cells)
		rows = append(rows, row)
	}
	return rows, nil
}

func (p parts) rows(t testing.TB) ([]Row, error) {
	t.Helper()
	b, err := p.open(t)
	if err != nil {
		return nil, err
	}
	return rowsOf(b, "S")
}

// faulty checks that err is a fault that says so.
func faulty(t testing.TB, err error, want string) *Fault {
	t.Helper()
	var f *Fault
	if !errors.As(err, &f) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want a fault with %q", err, want)
		return &Fault{}
	}
	return f
}

const oneCell = `<row r="1"><c r="A1" t="str"><v>a</v></c></row>`

func TestSheets(t *testing.T) {
	other := data(`<row><c t="str"><v>other</v></c></row>`)
	p := bare(data(oneCell)).with(
		"xl/workbook.xml", sheetsOf(`<sheet name="S" sheetId="1" r:id="r1"/><sheet name="Chart" sheetId="2" r:id="r2"/>
			<sheet name=" R&amp;D 'x' 😀" sheetId="3" state="hidden" r:id="r3"/><sheet name="s2" sheetId="4" state="veryHidden" r:id="r4"/>
			<sheet name="Macro" sheetId="5" r:id="r5"/><sheet name="Up" sheetId="6" state="visible" r:id="r6"/>`),
		"xl/_rels/workbook.xml.rels", related("worksheet", "worksheets/sheet1.xml", "chartsheet", "chartsheets/sheet1.xml",
			"worksheet", "/xl/worksheets/Sheet2.xml", "worksheet", "./worksheets/../worksheets/sheet2.xml",
			"xlMacrosheet", "worksheets/sheet1.xml", "worksheet", "../other/up.xml"),
		"xl/chartsheets/sheet1.xml", "<chartsheet/>", "xl/worksheets/sheet2.xml", other, "other/up.xml", other,
		"xl/styles.xml", "", "xl/sharedStrings.xml", "",
	)
	b, err := p.open(t)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range b.Sheets() {
		rows, err := rowsOf(b, s.Name)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(s.Name, ",", s.Hidden, ",", rows[0].Cells[0].Text))
	}
	want := []string{"S,false,a", " R&D 'x' 😀,true,other", "s2,true,other", "Up,false,other"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err = rowsOf(b, "Chart")
	faulty(t, err, `there is no sheet "Chart"`)
}

func TestStrictWorkbook(t *testing.T) {
	p := bare(`<x:worksheet xmlns:x="http://purl.oclc.org/ooxml/spreadsheetml/main"><x:sheetData>
		<x:row r="1"><x:c r="A1" s="1"><x:v>7</x:v></x:c><x:c r="B1" t="s"><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>`)
	for name, text := range p {
		text = strings.ReplaceAll(text, relationsOf, strictOf)
		p[name] = strings.ReplaceAll(text, "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main")
	}
	// Its parts may stand anywhere.
	p["xl/_rels/workbook.xml.rels"] = strings.Replace(p["xl/_rels/workbook.xml.rels"], "styles.xml", "/looks/s.xml", 1)
	p = p.with("looks/s.xml", p["xl/styles.xml"], "xl/styles.xml", "")
	rows, err := p.rows(t)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := rows[0].Cells[0], rows[0].Cells[1]; a.Shown != "0000000007" || a.Format != "0000000000" || b.Text != "one" {
		t.Errorf("got %+v, %+v", a, b)
	}
}

// Some programs write the names of parts as Windows has paths, or as targets are written.
func TestNamesOfParts(t *testing.T) {
	want, err := bare(data(oneCell)).rows(t)
	if err != nil {
		t.Fatal(err)
	}
	for name, rename := range map[string]func(string) string{
		"backslashes":              func(s string) string { return strings.ReplaceAll(s, "/", `\`) },
		"a slash before":           func(s string) string { return "/" + s },
		"capitals":                 strings.ToUpper,
		"backslashes in some only": func(s string) string { return strings.Replace(s, "xl/", `xl\`, 1) },
	} {
		p := parts{}
		for part, text := range bare(data(oneCell)) {
			p[rename(part)] = text
		}
		got, err := p.rows(t)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	p := bare(data(oneCell)).with("xl/_rels/workbook.xml.rels", related("worksheet", `worksheets\sheet1.xml`, "styles", `\xl\styles.xml`))
	if got, err := p.rows(t); err != nil || len(got) != 1 {
		t.Errorf("targets with backslashes: %v", err)
	}
	_, err = bare(data(oneCell)).with(`xl\styles.xml`, "<styleSheet/>").open(t)
	faulty(t, err, "twice")
}

// A module of Excel 5 is a sheet that is in no part. Where a part is left over, it may be a sheet whose
// id was lost.
func TestSheetWithAnEmptyID(t *testing.T) {
	sheets := sheetsOf(`<sheet name="S" sheetId="1" r:id="r1"/><sheet name="Module1" sheetId="2" state="veryHidden" r:id=""/>`)
	p := bare(data(oneCell)).with("xl/workbook.xml", sheets)
	b, err := p.open(t)
	if err != nil || len(b.Sheets()) != 1 {
		t.Fatalf("%v", err)
	}
	rels := related("worksheet", "worksheets/sheet1.xml", "styles", "styles.xml", "sharedStrings", "sharedStrings.xml", "worksheet", "worksheets/sheet2.xml")
	_, err = p.with("xl/_rels/workbook.xml.rels", rels, "xl/worksheets/sheet2.xml", data(oneCell)).open(t)
	faulty(t, err, `its sheet "Module1" is missing`)
}

func TestOpenRefuses(t *testing.T) {
	good := bare(data(oneCell))
	for _, c := range []struct {
		name string
		p    parts
		want string
	}{
		{"nothing inside", parts{}, "_rels/.rels"},
		{"no main part", good.with("_rels/.rels", related("worksheet", "xl/workbook.xml")), "names no main part"},
		{"a main part that is missing", good.with("xl/workbook.xml", ""), "a part is missing (xl/workbook.xml)"},
		{"no relationships", good.with("xl/_rels/workbook.xml.rels", ""), "a part is missing (xl/_rels/workbook.xml.rels)"},
		{"a sheet that is missing", good.with("xl/worksheets/sheet1.xml", ""), `its sheet "S" is missing`},
		{"a sheet with an unknown id", good.with("xl/workbook.xml", sheetsOf(`<sheet name="S" r:id="r9"/>`)), `its sheet "S" is missing`},
		{"a sheet without an id", good.with("xl/workbook.xml", sheetsOf(`<sheet name="S" sheetId="1"/>`)), `its sheet "S" is missing`},
		{"two sheets of a name", good.with("xl/workbook.xml", sheetsOf(`<sheet name="S" r:id="r1"/><sheet name="S" r:id="r1"/>`)), `two sheets are called "S"`},
		{"styles that are missing", good.with("xl/styles.xml", ""), "styles are missing (xl/styles.xml)"},
		{"styles that are damaged", good.with("xl/styles.xml", "<styleSheet><cellXfs>"), "styles cannot be read"},
		{"a workbook that is damaged", good.with("xl/workbook.xml", "<workbook><sheets>"), "the workbook is damaged (xl/workbook.xml)"},
		{"a part twice", good.with("XL/Styles.xml", "<styleSheet/>"), "twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.p.open(t)
			faulty(t, err, c.want)
		})
	}
}

func TestStringsThatAreMissing(t *testing.T) {
	good := bare(data(oneCell))
	_, err := good.with("xl/sharedStrings.xml", "").rows(t)
	faulty(t, err, "its string table is missing")
	_, err = good.with("xl/sharedStrings.xml", "<sst><si>").rows(t)
	faulty(t, err, "its string table cannot be read")
}

func TestNotAWorkbook(t *testing.T) {
	for name, content := range map[string]string{"nothing": "", "text": "session,phone\n", "a cut": string(bare(data("")).zip(t, zip.Store)[:500])} {
		_, err := open(file(t, []byte(content)), Limits{})
		if f := faulty(t, err, "not a whole zip file"); !errors.Is(f, zip.ErrFormat) {
			t.Errorf("%s: %v", name, f.Err)
		}
	}
}

func TestChecksum(t *testing.T) {
	b := bare(data(oneCell)).with("docProps/unread.xml", "<unread/>").zip(t, zip.Store)
	at := bytes.Index(b, []byte("<unread/>"))
	b[at+1] ^= 1
	_, err := open(file(t, b), Limits{})
	if f := faulty(t, err, "damaged"); f.Part != "docProps/unread.xml" || !errors.Is(f, zip.ErrChecksum) {
		t.Errorf("got %+v", f)
	}
}

func TestBookOfAClosedFile(t *testing.T) {
	f, err := os.Open(file(t, bare(data(oneCell)).zip(t, zip.Deflate)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	b, err := Read(f, info.Size(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it may be read again
		if rows, err := rowsOf(b, "S"); err != nil || len(rows) != 1 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
	}
	f.Close()
	_, err = rowsOf(b, "S")
	if faulty(t, err, "damaged"); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
