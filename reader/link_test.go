package reader

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

// What a formula links to is told where it is put together of texts and the row's cells.
func TestLinksOfFormulas(t *testing.T) {
	const bo = "bo@example.com"
	for _, c := range []struct {
		formula string
		want    []string // targets; empty for one that is not told
	}{
		{`HYPERLINK("mailto:bo@example.com","bo@example.com")`, nil}, // it leads to what it says
		{`HYPERLINK("mailto:anna@example.com","bo@example.com")`, []string{"mailto:anna@example.com"}},
		{`hyperlink("mailto:anna@example.com")`, nil}, // with one argument, that is what is shown
		{`HYPERLINK("mailto:"&C2,C2)`, []string{"mailto:anna@example.com"}},
		{`HYPERLINK( "mailto:" & $C2 & "?subject=a,b" , "x" )`, []string{"mailto:anna@example.com?subject=a,b"}},
		{`HYPERLINK("mailto:"&$C$2,C2)`, []string{"mailto:anna@example.com"}},
		{`HYPERLINK("say ""x""","x")`, []string{`say "x"`}},
		{`HYPERLINK("mailto:"&Z2,"x")`, []string{"mailto:"}},
		{`HYPERLINK("mailto:"&C3,C3)`, []string{""}}, // another row
		{`HYPERLINK(Sheet2!A2,"x")`, []string{""}},
		{`HYPERLINK("mailto:"&LOWER(C2),"x")`, []string{""}},
		{`IF(A2="","",HYPERLINK("mailto:anna@example.com","x"))`, []string{""}},
		{`_xlfn.HYPERLINK("x","y")`, []string{""}},
		{`HYPERLINK("a","b","c")`, []string{""}},
		{`LOWER(C2)`, nil},
	} {
		formula := strings.NewReplacer("&", "&amp;", `"`, "&quot;").Replace(c.formula)
		rows := row(1, "session_id", "email", "note") +
			row(2, "a1", `<c t="str"><f>`+formula+`</f><v>`+bo+`</v></c>`, "anna@example.com")
		got := linksOf(t, tab{name: "S", rows: rows})
		if d := cmp.Diff([][]string{c.want}, got); d != "" {
			t.Errorf("%s: %s", c.formula, d)
		}
	}
}

// A formula that further cells share is theirs, with their own row.
func TestLinksOfSharedFormulas(t *testing.T) {
	rows := row(1, "session_id", "email", "note")
	for i, f := range []string{`<f t="shared" ref="B2:B4" si="0">HYPERLINK("mailto:"&amp;C2,C2)</f>`, `<f t="shared" si="0"/>`, `<f t="shared" si="0"/>`} {
		rows += row(i+2, "a1", `<c t="str">`+f+`<v>bo@example.com</v></c>`, fmt.Sprintf("anna%d@example.com", i))
	}
	want := [][]string{{"mailto:anna0@example.com"}, {"mailto:anna1@example.com"}, {"mailto:anna2@example.com"}}
	if d := cmp.Diff(want, linksOf(t, tab{name: "S", rows: rows})); d != "" {
		t.Error(d)
	}
}

func linksOf(t *testing.T, tb tab) (all [][]string) {
	t.Helper()
	f, err := Open(book(t, tb), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			t.Fatal(err)
		}
		var targets []string
		for _, l := range row.Links {
			targets = append(targets, l.Target)
		}
		all = append(all, targets)
		if (row.Raw != "") != (targets != nil) {
			t.Errorf("row %d: the report would say %q", row.Row, row.Raw)
		}
	}
	return all
}

// Links of the sheet belong to the cells of our fields that they cover, and those that lead to what the
// cell says are none to look at.
func TestLinksOfTheSheet(t *testing.T) {
	rows := row(1, "session_id", "email", "phone", "note")
	for i := 2; i <= 7; i++ {
		rows += row(i, "a1", "Anna@example.com", "+46701740605", "x")
	}
	got := linksOf(t, tab{name: "S", rows: rows, links: []string{
		"B2", "mailto:anna@example.com?subject=x", "C2", "tel:+46701740605",
		"B3", "mailto:bo@example.com", "C4:C5", "tel:+46701740606", "A6:D6", "https://example.com/?a=1&amp;b=2", "D7", "mailto:bo@example.com",
		"B1", "mailto:bo@example.com",
	}})
	web := "https://example.com/?a=1&b=2"
	want := [][]string{nil, {"mailto:bo@example.com"}, {"tel:+46701740606"}, {"tel:+46701740606"}, {web, web, web}, nil}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A row is struck out by its own style, or by any cell of our fields; a report keeps that in hpp_raw.
func TestStruckOutRows(t *testing.T) {
	struck := `<c s="6" t="inlineStr"><is><t>`
	runs := func(a, b string) string { return `<c t="inlineStr"><is>` + a + b + `</is></c>` }
	line := func(text string) string { return run("<strike/>", text) }
	cells := []struct {
		row    string
		struck bool
		code   string
	}{
		{row(2, "a1", "+46701740605", "x"), false, ""},
		{row(2, struck+"a1</t></is></c>", struck+"+46701740605</t></is></c>", "x"), true, ""},
		{row(2, "a1", struck+"+46701740605</t></is></c>", "x"), true, ""},
		{row(2, struck+"a1</t></is></c>", "+46701740605", "x"), true, ""},
		{row(2, "a1", cell(struckFont, "<v>46701740605</v>"), "x"), true, ""},
		{row(2, "a1", "+46701740605", struck+"x</t></is></c>"), false, ""}, // a column that is not ours
		{row(2, "a1", "+46701740605", struck+"</t></is></c>"), false, ""},
		{strings.Replace(row(2, "a1", "+46701740605", "x"), "<row ", `<row s="6" customFormat="1" `, 1), true, ""},
		{strings.Replace(row(2, "a1", "+46701740605", "x"), "<row ", `<row s="6" `, 1), false, ""}, // it is not in force
		{row(2, "a1", runs(line("+46701740605"), line(" "))), true, ""},
		{row(2, "a1", runs(line("+4670"), line("1740605"))), true, ""},
		{row(2, "a1", runs(line("+46701740605"), "<r><t> </t></r>")), true, ""},
		{row(2, "a1", runs(line("+46701740605"), "<r><t>6</t></r>")), false, pipeline.CodeMarkedText},
		{row(2, "a1", strings.Replace(runs("<r><t>+46701740605</t></r>", run("<b/>", "6")), "<c ", `<c s="6" `, 1)), false, pipeline.CodeMarkedText},
		{row(2, "a1", strings.Replace(runs(run("<b/>", "+4670"), run("<i/>", "1740605")), "<c ", `<c s="6" `, 1)), false, ""}, // fonts of their own
	}
	for i, c := range cells {
		f, err := Open(book(t, tab{name: "S", rows: head + c.row}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for got, err := range pipeline.Rows(f) {
			if err != nil || got.Struck != c.struck || got.Hidden != c.struck || got.Fault().Code != c.code || strings.Contains(got.Raw, struckOut) != c.struck {
				t.Errorf("%d: struck %t, hidden %t, raw %q, %q, %v", i, got.Struck, got.Hidden, got.Raw, got.Fault().Code, err)
			}
		}
	}
	text := row(1, "session_id", "phone", "hpp_status", "hpp_code", "hpp_run", "hpp_raw") +
		row(2, "a1", "+46701740605", "rejected", "bad_phone", "r-1", struckOut)
	f, err := Open(book(t, tab{name: "S", rows: text}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for got := range pipeline.Rows(f) {
		if !got.Struck || !got.Hidden {
			t.Errorf("the report has lost that its row was struck out: %+v", got)
		}
	}
}

// A condition that may show another number is not looked into: the number is refused.
func TestConditionalFormats(t *testing.T) {
	rows := row(1, "session_id", "phone", "note") + row(2, "a1", "<c><v>40123456</v></c>") + row(3, "b2", "40123456") + row(9, "c3", "<c><v>40123456</v></c>")
	behind := func(dxf string) string {
		return `<conditionalFormatting sqref="D1 B2:B5"><cfRule type="expression" dxfId="` + dxf + `" priority="1"><formula>1</formula></cfRule></conditionalFormatting>`
	}
	for dxf, want := range map[string]string{"0": "2:unclear_format 3: 9: ", "1": "2: 3: 9: struck ", "2": "2: 3: 9: ", "9": "2: 3: 9: "} {
		f, err := Open(book(t, tab{name: "S", rows: rows, merges: behind(dxf)}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		got := ""
		for row, err := range pipeline.Rows(f) {
			if err != nil {
				t.Fatal(err)
			}
			got += fmt.Sprintf("%d:%s ", row.Row, row.Fault().Code)
		}
		for _, n := range f.Input().Notices {
			if strings.Contains(n, `cells of column "phone" (B) may be struck out`) {
				got += "struck "
			}
		}
		if got != want {
			t.Errorf("dxf %s: %s, want %s", dxf, got, want)
		}
	}
}
