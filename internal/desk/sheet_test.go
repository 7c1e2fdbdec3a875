package desk_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// long is a list of so many rows that it is not checked anew for each mend: each hundredth row has a problem, of one
// of three kinds.
func long(rows int) string {
	var b strings.Builder
	b.WriteString("session_id,method,phone,phone_country,email\n")
	for i := range rows {
		row := fmt.Sprintf(",,SE,p%d@example.com", i)
		if i%100 == 50 {
			row = []string{",,SE,nobody", "sms,12345,SE,", "fax,,,x@example.com"}[i/100%3]
		}
		fmt.Fprintf(&b, "%s,%s\n", session(i), row)
	}
	return b.String()
}

// TestLongSheet mends a sheet of which only the mended rows are judged at once: that finds what a check of all finds.
func TestLongSheet(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, sheet := h.bring(anna, "long.csv", long(5_100))
	if sheet.Rows != 5_100 || sheet.Bad() != 51 || sheet.Partial {
		t.Fatalf("%d rows, %d with problems", sheet.Rows, sheet.Bad())
	}
	for _, tt := range []struct {
		name        string
		row, column int
		text        string
		bad         int
	}{
		{"mended", 52, 4, "a@example.com", 50},
		{"mended in the wrong way", 152, 2, "123", 50},
		{"mended in the next way", 152, 2, "+46701740605", 49},
		{"worse than before", 252, 4, "nobody", 49},
		{"made bad again", 52, 4, "no one", 50},
		{"and as it was", 52, 4, "nobody", 50},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u = h.load(anna, u.ID)
			c := cell(tt.row, tt.column)
			_, now, err := anna.Mend(t.Context(), u.ID, h.table(anna, u), []desk.Edit{{c, tt.text, h.version(anna, u, c)}})
			if err != nil {
				t.Fatal(err)
			}
			fresh := h.sheet(anna, u)
			if !now.Partial || fresh.Partial || now.Bad() != tt.bad || now == fresh {
				t.Errorf("partial: %t, fresh: %t, %d with problems", now.Partial, fresh.Partial, now.Bad())
			}
			if diff := cmp.Diff(shown(fresh), shown(now)); diff != "" {
				t.Errorf("(-all +rows):\n%s", diff)
			}
		})
	}
}

// shown is what a person is shown of a sheet, in words that can be compared.
func shown(s *desk.Sheet) map[string]any {
	lines := slices.Clone(s.Lines)
	for i, l := range lines {
		if !l.Bad() {
			lines[i].Reason = ""
		}
	}
	problems := map[string]int{}
	for _, p := range s.Problems {
		problems[p.Code+" "+p.Field] = p.Rows
	}
	return map[string]any{"status": s.Status, "due": s.Due, "rows": s.Rows, "edits": s.Edits, "problems": problems, "lines": lines, "more": s.More}
}

// What is sent of a long sheet is what a check of all rows says: one that a mend has made a repeat is not.
func TestLongSheetIsCheckedWhole(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "long.csv", long(5_100))
	_, now, err := anna.Mend(t.Context(), u.ID, h.table(anna, u), []desk.Edit{{cell(52, 4), "a@example.com", 0}, {cell(52, 0), session(1), 0}})
	if err != nil || now.Due != 5_050 {
		t.Fatalf("%d are due, %v", now.Due, err)
	}
	if fresh := h.sheet(anna, u); fresh.Due != 5_049 || fresh.Status[pipeline.Skipped] != 1 {
		t.Errorf("%d are due", fresh.Due)
	}
	_, err = anna.Ask(t.Context(), u.ID, desk.Wish{Digest: now.Digest, LeftOut: now.Bad()})
	refused(t, err, desk.Conflict)
}

// Of several who mend a long sheet at the same time none hides what another has done.
func TestLongSheetOfMany(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "long.csv", long(5_100))
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			if _, _, err := anna.Mend(t.Context(), u.ID, h.table(anna, u), []desk.Edit{{cell(52+300*i, 4), "a@example.com", 0}}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	now, err := anna.Sheet(t.Context(), h.load(anna, u.ID), false)
	if err != nil || now.Bad() != 41 || now.Edits != 10 {
		t.Fatalf("%d rows have problems after %d changes, %v", now.Bad(), now.Edits, err)
	}
	for _, l := range now.Lines {
		if i := (l.Place.Row - 52) / 300; l.Place.Row == 52+300*i && i < 10 && l.Cells[4] != "a@example.com" {
			t.Errorf("row %d still shows %q", l.Place.Row, l.Cells[4])
		}
	}
}

// A file that cannot be sent as it is read is refused as a whole, until it is read as it should be.
func TestRefusedSheet(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	for name, text := range map[string]string{
		"no header of ours":           "name,amount\nAnna,3\n",
		"two phones":                  "session_id,phone,mobile\n" + session(1) + ",+46701740605,+46701740606\n",
		"neither text nor a workbook": "\x00\x01\x02\x03",
	} {
		t.Run(name, func(t *testing.T) {
			u, sheet := h.bring(anna, "odd.csv", text)
			if sheet.Refused == nil || sheet.Due != 0 {
				t.Fatalf("%+v", sheet)
			}
			_, err := anna.Ask(t.Context(), u.ID, desk.Wish{Digest: sheet.Digest})
			if e := (*pipeline.Error)(nil); !errors.As(err, &e) || !errors.Is(err, pipeline.BadInput) {
				t.Errorf("asking came to %v", err)
			}
			_, _, err = anna.Mend(t.Context(), u.ID, h.table(anna, u), []desk.Edit{{cell(2, 1), "x", 0}})
			refused(t, err, desk.Conflict)
		})
	}
	u, _ := h.bring(anna, "two.csv", "session_id,phone,mobile\n"+session(1)+",+46701740605,+46701740606\n")
	r := u.Reading
	r.Map = map[string]string{"phone": "mobile"}
	if _, err := anna.Read(t.Context(), u.ID, r); err != nil {
		t.Fatal(err)
	}
	if sheet := h.sheet(anna, u); sheet.Refused != nil || sheet.Due != 1 {
		t.Errorf("%+v", sheet)
	}
	h.ask(anna, u)
	if u, sheet := h.bring(anna, "next.csv", "session_id,phone,mobile\n"+session(2)+",+46701740607,+46701740608\n"); sheet.Due != 1 || u.Reading.Map["phone"] != "mobile" {
		t.Errorf("the next file of the shape is read as %+v", u.Reading)
	}
}
