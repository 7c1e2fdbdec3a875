package reader

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

// tab is a sheet of a workbook made for a test.
type tab struct {
	name   string
	hidden bool
	rows   string   // XML
	cols   string   // XML before the rows
	merges string   // XML behind the rows
	links  []string // cells and where they lead
}

// row writes a row of a sheet. A cell that begins with <c is XML as it stands, others are text.
func row(number int, cells ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<row r="%d">`, number)
	for i, c := range cells {
		ref := fmt.Sprintf("%s%d", letters(i), number)
		switch {
		case strings.HasPrefix(c, "<c"):
			b.WriteString(strings.Replace(c, "<c", fmt.Sprintf(`<c r="%s"`, ref), 1))
		case c != "":
			fmt.Fprintf(&b, `<c r="%s" t="inlineStr"><is><t xml:space="preserve">%s</t></is></c>`, ref, c)
		}
	}
	return b.String() + "</row>"
}

func hidden(row string) string { return strings.Replace(row, "<row ", `<row hidden="1" `, 1) }

// The cell styles of the workbooks that book makes.
const (
	dated      = 1 // a date
	plussed    = 2 // a plus before a number
	danish     = 3 // +45 before a number or a text
	misread    = 4 // 45 that some programs do not show
	percent    = 5
	struckFont = 6
	zeroFilled = 7
)

// book makes a workbook.
func book(t *testing.T, tabs ...tab) string {
	t.Helper()
	const (
		ns    = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
		rel   = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
		types = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	)
	var content, sheets, rels strings.Builder
	parts := map[string]string{
		"xl/styles.xml": `<styleSheet ` + ns + `><numFmts count="4"><numFmt numFmtId="164" formatCode="&quot;+&quot;0"/>` +
			`<numFmt numFmtId="59" formatCode="&quot;+45 &quot;00000000;;;&quot;+45 &quot;@"/><numFmt numFmtId="165" formatCode="\+45\ ########"/>` +
			`<numFmt numFmtId="166" formatCode="0000000000"/></numFmts>` +
			`<fonts count="2"><font/><font><strike/></font></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders>` +
			`<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="8"><xf numFmtId="0"/>` +
			`<xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="59"/><xf numFmtId="165"/>` +
			`<xf numFmtId="10"/><xf numFmtId="0" fontId="1"/><xf numFmtId="166"/></cellXfs>` +
			`<dxfs count="3"><dxf><numFmt numFmtId="170" formatCode="&quot;+45 &quot;0"/></dxf><dxf><font><strike/></font></dxf>` +
			`<dxf><font><b/></font><numFmt numFmtId="171" formatCode="0"/></dxf></dxfs></styleSheet>`,
		"_rels/.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
			`<Relationship Id="rId1" Type="` + rel + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
	}
	for i, tb := range tabs {
		n := i + 1
		state := ""
		if tb.hidden {
			state = ` state="hidden"`
		}
		fmt.Fprintf(&sheets, `<sheet name="%s" sheetId="%d"%s r:id="rId%d"/>`, tb.name, n, state, n)
		fmt.Fprintf(&rels, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, n, rel, n)
		fmt.Fprintf(&content, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="%sworksheet+xml"/>`, n, types)
		if len(tb.links) > 0 {
			tb.merges += `<hyperlinks xmlns:r="` + rel + `">`
			targets := ""
			for k := 0; k < len(tb.links); k += 2 {
				tb.merges += fmt.Sprintf(`<hyperlink ref="%s" r:id="l%d"/>`, tb.links[k], k)
				targets += fmt.Sprintf(`<Relationship Id="l%d" Type="%s/hyperlink" Target="%s" TargetMode="External"/>`, k, rel, tb.links[k+1])
			}
			tb.merges += `</hyperlinks>`
			parts[fmt.Sprintf("xl/worksheets/_rels/sheet%d.xml.rels", n)] = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + targets + `</Relationships>`
		}
		parts[fmt.Sprintf("xl/worksheets/sheet%d.xml", n)] = `<worksheet ` + ns + `>` + tb.cols + `<sheetData>` + tb.rows + `</sheetData>` + tb.merges + `</worksheet>`
	}
	fmt.Fprintf(&rels, `<Relationship Id="rIdStyles" Type="%s/styles" Target="styles.xml"/>`, rel)
	parts["xl/workbook.xml"] = `<workbook ` + ns + ` xmlns:r="` + rel + `"><sheets>` + sheets.String() + `</sheets></workbook>`
	parts["xl/_rels/workbook.xml.rels"] = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		rels.String() + `</Relationships>`
	parts["[Content_Types].xml"] = `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="` + types + `sheet.main+xml"/>` +
		`<Override PartName="/xl/styles.xml" ContentType="` + types + `styles+xml"/>` + content.String() + `</Types>`
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n" + text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return file(t, "book.csv", b.String()) // the name says nothing
}

const head = `<row r="1"><c r="A1" t="inlineStr"><is><t>Session ID</t></is></c><c r="B1" t="inlineStr"><is><t>Mobile</t></is></c>` +
	`<c r="C1" t="inlineStr"><is><t>Note</t></is></c></row>`

func TestSheetChoice(t *testing.T) {
	notes := tab{name: "Notes", rows: row(1, "made by finance")}
	may := tab{name: "May", rows: head + row(2, "a1", "+46701740605")}
	june := tab{name: "June", rows: head + row(2, "b2", "+46701740606")}
	old := tab{name: "Old", rows: head + row(2, "c3", "+46701740607"), hidden: true}
	tests := []struct {
		name, sheet string
		tabs        []tab
		want        string // the session, or the problem
	}{
		{"the only one", "", []tab{may}, "a1"},
		{"the only one with our columns", "", []tab{notes, may}, "a1"},
		{"the only visible one", "", []tab{old, may}, "a1"},
		{"named", "June", []tab{may, june}, "b2"},
		{"named in another case", " june", []tab{may, june}, "b2"},
		{"named though hidden", "Old", []tab{may, old}, "c3"},
		{"two", "", []tab{may, june}, `2 sheets have our columns: "May", "June"`},
		{"hidden only", "", []tab{notes, old}, `only hidden sheets have our columns: "Old"`},
		{"not there", "July", []tab{may, june}, `there is no sheet "July"`},
		{"none", "", []tab{notes}, "no header with our columns in the first 50 rows"},
		{"empty", "", []tab{{name: "S"}}, "no header with our columns in the first 50 rows"},
		{
			"ambiguous columns", "",
			[]tab{{name: "S", rows: row(1, "Session", "Phone", "Mobile")}},
			`two columns could be phone: "Phone" (B) and "Mobile" (C)`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Open(book(t, tt.tabs...), Options{Sheet: tt.sheet})
			if err != nil {
				var e *pipeline.Error
				if !errors.As(err, &e) || e.Problem != tt.want || e.Hint() == "" {
					t.Errorf("got %v", err)
				}
				return
			}
			defer f.Close()
			if d := cmp.Diff([]string{tt.want}, sessions(t, pipeline.Rows(f))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSheetRows(t *testing.T) {
	rows := row(1, "Reminders") + strings.ReplaceAll(head, `1"`, `3"`) +
		row(4, "a1", "+46701740605", "x") +
		row(5, "", " ", "") +
		hidden(row(6, "b2", "<c s=\"2\"><v>46701740606</v></c>", "<c><v>1.5</v></c>", "under", "", "none")) +
		row(9, "c3", "<c><v>4.6701740607E10</v></c>") +
		row(10, "d4", "<c s=\"1\"><v>45000</v></c>") +
		row(11, "e5", "<c t=\"b\"><v>1</v></c>") +
		row(12, "f6", "<c t=\"e\"><v>#N/A</v></c>") +
		row(13, "g7", "<c><f>A1</f></c>") +
		row(14, "<c><v>1234567890123456789</v></c>", "+46701740608") +
		row(15, "h8", "+46701740609", "<c t=\"e\"><v>#N/A</v></c>") +
		row(16, "i9", "+46 70\n174", "") +
		row(18, "", "", "sum") +
		row(20, "", "")
	got := render(t, book(t, tab{name: "Data", rows: rows}, tab{name: "Notes"}), Options{})
	want := `xlsx, header in row 3, sheet "Data"
columns ["Session ID" "Mobile" "Note"]
session_id = "Session ID"
phone = "Mobile"
notice: only the sheet "Data" is read, not "Notes"
notice: row 3 was taken for the header; passed over 1 row above it
notice: passed over 4 empty rows

row 4
  cells "a1" "+46701740605" "x"
  fields {"a1" "" "" "+46701740605" "" ""}

row 6 hidden
  cells "b2" "46701740606" "1.5"
  fields {"b2" "" "" "+46701740606" "" ""}
  raw "under\tnone"

row 9
  cells "c3" "46701740607" ""
  fields {"c3" "" "" "46701740607" "" ""}

row 10
  cells "d4" "45000" ""
  fields {"d4" "" "" "" "" ""}
  fault cell_is_date: the spreadsheet program has made a date of the cell in column "Mobile"; format it as text and type the value anew

row 11
  cells "e5" "TRUE" ""
  fields {"e5" "" "" "" "" ""}
  fault cell_is_boolean: the cell in column "Mobile" is TRUE and not text; type the value as text

row 12
  cells "f6" "#N/A" ""
  fields {"f6" "" "" "" "" ""}
  fault cell_is_error: the cell in column "Mobile" is an error (#N/A); mend the formula or type the value

row 13
  cells "g7" "" ""
  fields {"g7" "" "" "" "" ""}
  raw "Mobile: formula without a value"
  fault formula_without_value: the cell in column "Mobile" is a formula that was never calculated; open the file, save it, and try again

row 14
  cells "1234567890123456789" "+46701740608" ""
  fields {"" "" "" "+46701740608" "" ""}
  raw "Session ID: digits lost"
  fault digits_lost: the number in column "Session ID" has lost digits in the spreadsheet program; format the cell as text and type it anew

row 15
  cells "h8" "+46701740609" "#N/A"
  fields {"h8" "" "" "+46701740609" "" ""}

row 16
  cells "i9" "+46 70\n174" ""
  fields {"i9" "" "" "" "" ""}
  fault control_character: the cell in column "Mobile" holds a control character or a line break; type it anew

row 18 last
  cells "" "" "sum"
  fields {"" "" "" "" "" ""}
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A report that is a workbook has a summary first; its text is never guarded.
func TestSheetReport(t *testing.T) {
	rows := row(1, "session_id", "phone", "note", "hpp_row", "hpp_status", "hpp_code", "hpp_time", "hpp_target", "hpp_run", "hpp_raw") +
		row(2, "a1", "+46701740605", "'x", "<c><v>2</v></c>", "uncertain", "no_clear_answer", "2026-05-04T10:00:00Z", "https://api.klarna.com", "r-1") +
		row(3, "b2", "", "", "<c><v>3</v></c>", "rejected", "formula_without_value", "", "", "r-1", "phone: formula without a value") +
		row(4, "c3", "+46701740607", "", "<c><v>4</v></c>", "delivered", "", "", "", "r-1", "kept", "mine") +
		row(5, "d4", "+46701740608", "", "<c><v>5</v></c>", "skipped", "hidden_row", "", "", "r-1")
	got := render(t, book(t, tab{name: "Summary", rows: row(1, "delivered", "<c><v>1</v></c>")}, tab{name: "Data", rows: rows}), Options{})
	want := `xlsx, header in row 1, sheet "Data", a report
columns ["session_id" "phone" "note"]
session_id = "session_id"
phone = "phone"

row 2
  cells "a1" "+46701740605" "'x"
  fields {"a1" "" "" "+46701740605" "" ""}
  prior {Status:uncertain Code:no_clear_answer Target:https://api.klarna.com Run:r-1 Time:2026-05-04 10:00:00 +0000 UTC}

row 3
  cells "b2" "" ""
  fields {"b2" "" "" "" "" ""}
  raw "phone: formula without a value"
  fault formula_without_value: the row could not be read in the file that this report is on; mend its cells and then empty its hpp_raw cell
  prior {Status:rejected Code:formula_without_value Target: Run:r-1 Time:0001-01-01 00:00:00 +0000 UTC}

row 4
  cells "c3" "+46701740607" ""
  fields {"c3" "" "" "+46701740607" "" ""}
  raw "kept\tmine"
  prior {Status:delivered Code: Target: Run:r-1 Time:0001-01-01 00:00:00 +0000 UTC}

row 5 hidden last
  cells "d4" "+46701740608" ""
  fields {"d4" "" "" "+46701740608" "" ""}
  prior {Status:skipped Code:hidden_row Target: Run:r-1 Time:0001-01-01 00:00:00 +0000 UTC}
`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A report of more rows than a sheet holds goes on on the next one, and is one input.
func TestSheetsOfOneReport(t *testing.T) {
	const names = "session_id phone hpp_status hpp_run"
	sheet := func(at int, names string, sessions ...string) string {
		rows := row(at, strings.Fields(names)...)
		for i, s := range sessions {
			rows += row(at+1+i, s, "+46701740605", "pending", "r-1")
		}
		return rows
	}
	for _, tt := range []struct {
		name     string
		tabs     []tab
		sessions []string
		places   string
	}{
		{"two sheets", []tab{
			{name: "Summary", rows: row(1, "pending")},
			{name: "May", rows: sheet(1, names, "a1", "b2")},
			{name: "May 2", rows: sheet(1, names, "c3")},
		}, []string{"a1", "b2", "c3"}, "May 2 May 3 May 2 2 "},
		{"somebody has put a title on one", []tab{
			{name: "May", rows: sheet(1, names, "a1")},
			{name: "May 2", rows: row(1, "the rest") + sheet(3, names, "b2")},
		}, []string{"a1", "b2"}, "May 2 May 2 4 "},
		{"a sheet without rows", []tab{
			{name: "May", rows: sheet(1, names)},
			{name: "May 2", rows: sheet(1, names, "a1")},
		}, []string{"a1"}, "May 2 2 "},
		{"other columns", []tab{
			{name: "May", rows: sheet(1, names, "a1")},
			{name: "June", rows: sheet(1, names+" note", "b2")},
		}, nil, ""},
		{"one is no report", []tab{
			{name: "May", rows: sheet(1, names, "a1")},
			{name: "June", rows: sheet(1, "session_id phone", "b2")},
		}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Open(book(t, tt.tabs...), Options{})
			if tt.sessions == nil {
				if err == nil || !strings.Contains(err.Error(), "2 sheets have our columns") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if d := cmp.Diff(tt.sessions, sessions(t, pipeline.Rows(f))); d != "" {
				t.Error(d)
			}
			places, lasts := "", 0
			for row := range pipeline.Rows(f) {
				places += fmt.Sprintf("%s %d ", row.Sheet, row.Row)
				if row.Last {
					lasts++
				}
			}
			if places != tt.places || lasts != 1 {
				t.Errorf("rows at %s, %d of them the last", places, lasts)
			}
		})
	}
}

func TestSheetDamaged(t *testing.T) {
	bad := strings.Replace(row(2, "a1", "+46701740605"), "a1", "a & b", 1)
	f, err := Open(book(t, tab{name: "Data", rows: head + bad}), Options{})
	if err == nil {
		defer f.Close()
		for _, rowErr := range pipeline.Rows(f) {
			err = rowErr
		}
	}
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Place.Sheet != "Data" || e.Hint() == "" {
		t.Errorf("got %v", err)
	}
}
