package reader

import (
	"fmt"
	"strings"
	"testing"

	"hppsend/pipeline"
)

// What a person sees decides in each of our fields, and what cannot be known is no field.
func TestSeenInEveryField(t *testing.T) {
	fields := map[string]func(pipeline.Fields) string{
		"session_id":       func(f pipeline.Fields) string { return f.Session },
		"distribution_url": func(f pipeline.Fields) string { return f.URL },
		"method":           func(f pipeline.Fields) string { return f.Method },
		"phone":            func(f pipeline.Fields) string { return f.Phone },
		"phone_country":    func(f pipeline.Fields) string { return f.PhoneCountry },
		"email":            func(f pipeline.Fields) string { return f.Email },
	}
	cells := []struct{ cell, value, fault string }{
		{`<c><v>40123456</v></c>`, "40123456", ""},
		{cell(plussed, `<v>40123456</v>`), "+40123456", ""},
		{cell(danish, `<v>40123456</v>`), "+45 40123456", ""},
		{cell(zeroFilled, `<v>701740605</v>`), "0701740605", ""},
		{`<c s="3" t="inlineStr"><is><t>40123456</t></is></c>`, "+45 40123456", ""},
		{`<c s="3" t="str"><f>A1</f><v>40123456</v></c>`, "+45 40123456", ""},
		{`<c s="4" t="str"><f>A1</f><v>40123456</v></c>`, "40123456", ""}, // it has no section for texts
		{cell(misread, `<v>40123456</v>`), "", pipeline.CodeUnclearFormat},
		{cell(percent, `<v>70174060500</v>`), "", pipeline.CodeUnclearFormat},
		{cell(danish, `<v>-40123456</v>`), "", pipeline.CodeUnclearFormat},
		{cell(dated, `<v>45000</v>`), "", pipeline.CodeCellIsDate},
		{`<c t="s"><v/></c>`, "", ""},
		{`<c t="inlineStr"><is>` + raised("1") + `<r><t>0701740605</t></r></is></c>`, "", pipeline.CodeMarkedText},
		{`<c t="inlineStr"><is><r><t>0701740605</t></r>` + raised("a") + `</is></c>`, "", pipeline.CodeMarkedText},
		{`<c t="inlineStr"><is><r><t>0701740605</t></r>` + raised(" ") + `</is></c>`, "0701740605 ", ""},
		{`<c t="inlineStr"><is>` + raised("0701740605") + `</is></c>`, "0701740605", ""}, // all of it
		{`<c t="inlineStr"><is><r><t>070174</t></r>` + run(`<b/>`, "0605") + `</is></c>`, "0701740605", ""},
		{`<c t="inlineStr"><is><r><t>0701740605</t></r>` + run(`<strike/>`, "6") + `</is></c>`, "", pipeline.CodeMarkedText},
		{`<c t="inlineStr"><is><r><t>0701740605</t></r>` + run(`<strike val="0"/>`, "6") + `</is></c>`, "07017406056", ""},
		{`<c t="inlineStr"><is><r><t>0701740605</t></r>` + run(`<vertAlign val="subscript"/>`, "6") + `</is></c>`, "", pipeline.CodeMarkedText},
		{`<c t="inlineStr"><is><r><t>0701740605</t></r>` + run(`<vertAlign val="baseline"/>`, "6") + `</is></c>`, "07017406056", ""},
		{`<c t="inlineStr"><is><r><t>0701740605</t></r>` + run(`<color rgb="FFFFFFFF"/>`, "6") + `</is></c>`, "", pipeline.CodeMarkedText},
		{`<c t="inlineStr"><is><r><t>0701740605</t></r>` + run(`<color theme="0"/>`, "6") + `</is></c>`, "", pipeline.CodeMarkedText},
		{`<c t="inlineStr"><is><r><t>0701740605</t></r>` + run(`<sz val="1"/>`, "6") + `</is></c>`, "", pipeline.CodeMarkedText},
		{`<c t="inlineStr"><is><r><t>0701740605</t></r>` + run(`<color rgb="FFFF0000"/><sz val="11"/>`, "6") + `</is></c>`, "07017406056", ""},
	}
	names := []string{"session_id", "distribution_url", "method", "phone", "phone_country", "email"}
	for at, name := range names {
		var rows strings.Builder
		rows.WriteString(row(1, names...))
		for i, c := range cells {
			values := make([]string, len(names))
			values[at] = c.cell
			rows.WriteString(row(i+2, values...))
		}
		f, err := Open(book(t, tab{name: "S", rows: rows.String() + row(99, "end")}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for got, err := range pipeline.Rows(f) {
			if err != nil {
				t.Fatal(err)
			}
			if got.Row == 99 {
				continue
			}
			c := cells[got.Row-2]
			if value := fields[name](got.Fields); value != c.value || got.Fault().Code != c.fault {
				t.Errorf("%s: %s is %q, %s; want %q, %s", name, c.cell, value, got.Fault().Code, c.value, c.fault)
			}
			if trace := traces[c.fault]; trace != "" && !strings.Contains(got.Raw, trace) {
				t.Errorf("%s: the report of %s would say %q", name, c.cell, got.Raw)
			}
		}
	}
}

func cell(style int, value string) string { return fmt.Sprintf(`<c s="%d">%s</c>`, style, value) }

func run(properties, text string) string {
	return `<r><rPr>` + properties + `</rPr><t xml:space="preserve">` + text + `</t></r>`
}

func raised(text string) string { return run(`<vertAlign val="superscript"/>`, text) }

// A report does not show what was wrong with such cells; the row is refused until somebody has seen to it.
func TestFaultsThatReportsDoNotShow(t *testing.T) {
	for code, trace := range traces {
		for raw, want := range map[string]string{"Mobile: " + trace: code, "": "", "under no header": ""} {
			text := row(1, "session_id", "phone", "hpp_status", "hpp_code", "hpp_run", "hpp_raw") +
				row(2, "a1", "+46701740605", "rejected", code, "r-1", raw)
			f, err := Open(book(t, tab{name: "S", rows: text}), Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for got, err := range pipeline.Rows(f) {
				if err != nil || got.Fault().Code != want {
					t.Errorf("%s with %q: %q, %v", code, raw, got.Fault().Code, err)
				}
			}
		}
	}
}
