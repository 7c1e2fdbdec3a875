package desk_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// bad is a list of four rows, of which all but the first have an address that is none.
var bad = list("anna@example.com", "nobody", "nobody", "no one")

func at(row int) desk.Cell { return desk.Cell{Row: row, Column: 1} }

// texts gives what the mended cells say now, and which version of them that is.
func texts(t *testing.T, s *desk.Seat, u *desk.Upload) map[int]string {
	t.Helper()
	mends, err := s.Mends(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	say := map[int]string{}
	for _, m := range mends {
		if say[m.Row] = m.Text; m.Own {
			say[m.Row] = "own: " + m.Text
		}
	}
	return say
}

func TestMends(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", bad)
	h.mend(anna, u, 3, 1, "bo@example.com")
	sheet := h.mend(anna, u, 5, 1, "still no one")
	if diff := cmp.Diff([]desk.Problem{{"bad_email", "email", 2}}, sheet.Problems); diff != "" || sheet.Due != 2 {
		t.Errorf("%d are due; problems (-want +got):\n%s", sheet.Due, diff)
	}
	h.mend(anna, u, 5, 1, "no one") // as it was
	if diff := cmp.Diff(map[int]string{3: "bo@example.com", 5: "own: no one"}, texts(t, anna, u)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	mends, err := anna.Mends(t.Context(), u)
	want := []desk.Mend{
		{Cell: at(3), Text: "bo@example.com", Version: 1, Was: "nobody", Table: h.table(anna, u), By: "Anna", ByID: anna.ID, Batch: 1},
		{Cell: at(5), Text: "no one", Own: true, Version: 2, Was: "no one", Table: h.table(anna, u), By: "Anna", ByID: anna.ID, Batch: 3},
	}
	if diff := cmp.Diff(want, mends, cmpopts.IgnoreFields(desk.Mend{}, "Time")); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	edits := h.load(anna, u.ID).Edits
	for _, text := range []string{"no one", " no one "} {
		if h.mend(anna, u, 5, 1, text); h.load(anna, u.ID).Edits != edits {
			t.Errorf("%q, which stands there, counts as a change", text)
		}
	}
	h.reopen()
	anna = h.seat("anna", desk.Uploader)
	if diff := cmp.Diff(want, must(anna.Mends(t.Context(), u))(t), cmpopts.IgnoreFields(desk.Mend{}, "Time")); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	if sheet := h.sheet(anna, u); sheet.Due != 2 || sheet.Bad() != 2 {
		t.Errorf("after a restart: %+v", sheet)
	}
}

// must gives a value that has to be there.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Of two who type into one cell, the second sees what the first has typed, and nothing of either is lost.
func TestClash(t *testing.T) {
	h := newHouse(t)
	anna, carl := h.seat("anna", desk.Uploader), h.seat("carl", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", bad)
	h.mend(anna, u, 3, 1, "bo@example.com")
	before := h.load(carl, u.ID).Edits
	for name, tt := range map[string]struct {
		edits []desk.Edit
		want  desk.Clashes
		saved map[int]string
	}{
		"an old version": {
			[]desk.Edit{{at(3), "carl@example.com", 0}},
			desk.Clashes{{at(3), "carl@example.com", "bo@example.com", 1, "Anna"}},
			nil,
		},
		"one that is not there yet": {
			[]desk.Edit{{at(3), "carl@example.com", 2}},
			desk.Clashes{{at(3), "carl@example.com", "bo@example.com", 1, "Anna"}},
			nil,
		},
		"nothing of the others is taken": {
			[]desk.Edit{{at(4), "cleo@example.com", 0}, {at(3), "carl@example.com", 0}},
			desk.Clashes{{at(3), "carl@example.com", "bo@example.com", 1, "Anna"}},
			nil,
		},
		"the same text": {[]desk.Edit{{at(3), "bo@example.com", 0}}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := carl.Mend(t.Context(), u.ID, h.table(carl, u), tt.edits)
			var clashes desk.Clashes
			if errors.As(err, &clashes) != (tt.want != nil) || err != nil && clashes == nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, clashes); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[int]string{3: "bo@example.com"}, texts(t, carl, u)); diff != "" || h.load(carl, u.ID).Edits != before {
				t.Errorf("something was taken (-want +got):\n%s", diff)
			}
		})
	}
	if _, _, err := carl.Mend(t.Context(), u.ID, h.table(carl, u), []desk.Edit{{at(3), "carl@example.com", 1}}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[int]string{3: "carl@example.com"}, texts(t, anna, u)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What cannot be mended, and what no cell can be given, is refused, and changes nothing.
func TestMendsRefused(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", bad)
	for name, tt := range map[string]struct {
		edit desk.Edit
		code desk.Code
	}{
		"a row without a problem":    {desk.Edit{at(2), "x@example.com", 0}, desk.Conflict},
		"the header":                 {desk.Edit{at(1), "phone", 0}, desk.Conflict},
		"a row that is not there":    {desk.Edit{at(6), "x@example.com", 0}, desk.Conflict},
		"a column that is not there": {desk.Edit{desk.Cell{Row: 3, Column: 2}, "x@example.com", 0}, desk.Conflict},
		"a column before the first":  {desk.Edit{desk.Cell{Row: 3, Column: -1}, "x@example.com", 0}, desk.Conflict},
		"a sheet that is not there":  {desk.Edit{desk.Cell{Sheet: "May", Row: 3, Column: 1}, "x@example.com", 0}, desk.Conflict},
		"a tab":                      {desk.Edit{at(3), "a@example.com\tb@example.com", 0}, desk.Invalid},
		"a line break":               {desk.Edit{at(3), "a@example.com\nb@example.com", 0}, desk.Invalid},
		"a line break at the end":    {desk.Edit{at(3), "a@example.com\r\n", 0}, desk.Invalid},
		"a vertical tab":             {desk.Edit{at(3), "a@example.com\v", 0}, desk.Invalid},
		"a line separator":           {desk.Edit{at(3), "a@example.com\u2028", 0}, desk.Invalid},
		"a NUL":                      {desk.Edit{at(3), "a@example.com\x00", 0}, desk.Invalid},
		"an escape":                  {desk.Edit{at(3), "\x1b[31ma@example.com", 0}, desk.Invalid},
		"a zero-width space":         {desk.Edit{at(3), "a\u200b@example.com", 0}, desk.Invalid},
		"a zero-width joiner":        {desk.Edit{at(3), "a\u200d@example.com", 0}, desk.Invalid},
		"a byte order mark":          {desk.Edit{at(3), "\ufeffa@example.com", 0}, desk.Invalid},
		"a turn of direction":        {desk.Edit{at(3), "a\u202e@example.com", 0}, desk.Invalid},
		"a soft hyphen":              {desk.Edit{at(3), "a\u00ad@example.com", 0}, desk.Invalid},
		"no text":                    {desk.Edit{at(3), "a\xff@example.com", 0}, desk.Invalid},
		"far too much":               {desk.Edit{at(3), strings.Repeat("å", 1001), 0}, desk.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := anna.Mend(t.Context(), u.ID, h.table(anna, u), []desk.Edit{{at(4), "cleo@example.com", 0}, tt.edit})
			refused(t, err, tt.code)
			if mends := texts(t, anna, u); len(mends) > 0 {
				t.Errorf("%v was taken", mends)
			}
		})
	}
	if _, _, err := anna.Mend(t.Context(), u.ID, h.table(anna, u), []desk.Edit{{at(3), strings.Repeat("å", 1000), 0}}); err != nil {
		t.Error(err)
	}
}

// A row of which nothing can be told is shown, and is mended in the file.
func TestWholeRow(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, sheet := h.bring(anna, "may.csv", list("anna@example.com")+session(1)+",bo@example.com,too,many\n")
	if len(sheet.Lines) != 1 || !sheet.Lines[0].Whole || !sheet.Lines[0].Has("ragged_row") {
		t.Fatalf("%+v", sheet.Lines)
	}
	_, _, err := anna.Mend(t.Context(), u.ID, h.table(anna, u), []desk.Edit{{at(3), "cleo@example.com", 0}})
	refused(t, err, desk.Invalid)
}

// One cell is there once, however often a form has it.
func TestCellTwice(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", bad)
	_, _, err := anna.Mend(t.Context(), u.ID, h.table(anna, u), []desk.Edit{{at(3), "bo@example.com", 0}, {at(3), "carl@example.com", 0}})
	refused(t, err, desk.Invalid)
	if _, _, err := anna.Mend(t.Context(), u.ID, h.table(anna, u), []desk.Edit{{at(3), "bo@example.com", 0}, {at(3), "bo@example.com", 0}}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[int]string{3: "bo@example.com"}, texts(t, anna, u)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What looks like a formula is text, and no spreadsheet program takes it for one in what is downloaded.
func TestFormulaIsText(t *testing.T) {
	const formula = `=HYPERLINK("https://example.com/x";"anna")`
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", "session_id,email,name\n"+session(1)+",anna@example.com,Anna\n"+session(2)+",nobody,Bo\n")
	h.mend(anna, u, 3, 2, formula)
	sheet := h.mend(anna, u, 3, 1, "=1+1")
	if l := sheet.Lines[0]; l.Cells[2] != formula || l.Cells[1] != "=1+1" || !l.Has("bad_email") {
		t.Errorf("%+v", l)
	}
	h.approve(h.seat("bo", desk.Approver), h.ask(anna, u))
	u = h.until(anna, u.ID, desk.Done)
	for name, text := range map[string]string{
		"sheet":  all(t, must(anna.Checked(t.Context(), u, pipeline.CSV))(t), nil),
		"report": all(t, must(anna.Report(t.Context(), u, pipeline.CSV))(t), nil),
	} {
		for _, cell := range []string{`"'=HYPERLINK(""https://example.com/x"";""anna"")"`, `'=1+1`} {
			if !strings.Contains(text, ","+cell+",") {
				t.Errorf("the %s has no %s:\n%s", name, cell, text)
			}
		}
	}
}
