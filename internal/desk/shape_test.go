package desk_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"hppsend/internal/desk"
)

// asFile writes a table as a file of a kind.
func asFile(t *testing.T, kind string, rows [][]string) string {
	t.Helper()
	if kind == "xlsx" {
		f := excelize.NewFile()
		defer f.Close()
		for i, row := range rows {
			if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
				t.Fatal(err)
			}
		}
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(strings.Join(row, kind) + "\n")
	}
	return b.String()
}

// TestRememberedColumns has files of every kind follow one of which a person has said which column is the address, and
// the country of its numbers. What is remembered is used for the same header in the same row, and for no other; and of
// the country nothing is.
func TestRememberedColumns(t *testing.T) {
	header := []string{"session_id", "email", "mail", "phone"}
	titles := [][][]string{nil, {{"Report of May"}}, {{"Report of May"}, {"by Anna"}}, {{"session", "mail"}}}
	headers := map[string][]string{
		"same": header, "another order": {"session_id", "mail", "email", "phone"}, "one more": append(slices.Clone(header), "note"),
		"one less": header[:3], "another name": {"session_id", "email", "mail address", "phone"}, "another case": {"session_id", "email", "Mail", "phone"},
	}
	row := func(n int) []string {
		return []string{session(n), fmt.Sprintf("a%d@example.com", n), fmt.Sprintf("b%d@example.com", n), "", ""}
	}
	n := 10
	for _, kind := range []string{",", ";", "\t", "xlsx"} {
		for title, above := range titles[:3] {
			h := newHouse(t)
			anna := h.seat("anna", desk.Uploader)
			first, _ := h.bring(anna, "first", asFile(t, kind, append(slices.Clone(above), header, row(1)[:4], row(2)[:4])))
			r := first.Reading
			r.Map, r.Country, r.BarePhone, r.Hidden = map[string]string{"email": "mail"}, "SE", true, "send"
			if _, err := anna.Read(t.Context(), first.ID, r); err != nil {
				t.Fatal(err)
			}
			h.ask(anna, first)
			for name, names := range headers {
				for _, other := range []string{",", ";", "\t", "xlsx"} {
					for otherTitle, otherAbove := range titles {
						n++
						u, sheet := h.bring(anna, "next", asFile(t, other, append(slices.Clone(otherAbove), names, row(n)[:len(names)], row(n + 1000)[:len(names)])))
						// A file knows no delimiter by its name: CSV files of all kinds have the same cells.
						same := name == "same" && title == otherTitle && (kind == "xlsx") == (other == "xlsx")
						if used := u.Reading.Map["email"] == "mail"; used != same {
							t.Errorf("%q under title %d, then %s in %q under title %d: used is %t", kind, title, name, other, otherTitle, used)
						}
						if same && (sheet.Refused != nil || sheet.Due != 2) || u.Reading.Country != "" || u.Reading.BarePhone || u.Reading.Hidden != "refuse" {
							t.Errorf("%q, then %s in %q: %+v, %v", kind, name, other, u.Reading, sheet.Refused)
						}
					}
				}
			}
		}
	}
}

// TestWhatIsSeenInTheCell has a number whose format shows more of it than it holds.
func TestWhatIsSeenInTheCell(t *testing.T) {
	f := excelize.NewFile()
	defer f.Close()
	zero, plus := "0000000000", `"+46 "0`
	for i, format := range []string{zero, plus} {
		style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &format})
		if err == nil {
			err = f.SetCellStyle("Sheet1", fmt.Sprintf("B%d", i+2), fmt.Sprintf("B%d", i+2), style)
		}
		if err == nil {
			err = f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+2), &[]any{"no session", 701740605})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SetSheetRow("Sheet1", "A1", &[]string{"session_id", "phone"}); err != nil {
		t.Fatal(err)
	}
	if err := f.SetSheetRow("Sheet1", "A4", &[]string{session(1), "+46701740605"}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	_, sheet := h.bring(anna, "may.xlsx", b.String())
	if len(sheet.Lines) != 2 || sheet.Lines[0].Cells[1] != "0701740605" || sheet.Lines[1].Cells[1] != "+46 701740605" {
		t.Errorf("the cells are shown as %+v, %v", sheet.Lines, sheet.Refused)
	}
}
