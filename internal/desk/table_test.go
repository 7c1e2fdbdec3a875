package desk_test

import (
	"slices"
	"testing"

	"hppsend/internal/desk"
)

// either is a file that can be cut into cells at commas and at semicolons; its one row has problems both ways, and
// another text in the second column.
var either = "session_id,email;note\n" + session(1) + ",bo;by@example\n"

// cutAt says where the cells of a file end.
func cutAt(t *testing.T, s *desk.Seat, u *desk.Upload, delimiter string) {
	t.Helper()
	r := u.Reading
	r.Delimiter, r.Map = delimiter, map[string]string{"email": "email;note"}
	if delimiter == ";" {
		r.Map = map[string]string{"session_id": "session_id,email", "email": "note"}
	}
	must(s.Read(t.Context(), u.ID, r))(t)
}

// second gives the second cell of the row as the check sees it, and what was typed into it, if that stands.
func (h *house) second(s *desk.Seat, u *desk.Upload) (text string, mended bool) {
	h.t.Helper()
	sheet := h.sheet(s, u)
	if sheet.Refused != nil || len(sheet.Lines) != 1 {
		h.t.Fatalf("%v, %d lines", sheet.Refused, len(sheet.Lines))
	}
	mends := must(s.Mends(h.t.Context(), h.load(s, u.ID)))(h.t)
	return sheet.Lines[0].Cells[1], slices.ContainsFunc(mends, func(m desk.Mend) bool { return m.Cell == at(2) && !m.Own })
}

// TestTableReadOtherwise types, from a page on which the file was cut otherwise, into what are other cells now.
func TestTableReadOtherwise(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "either.csv", either)
	cutAt(t, anna, u, ",")
	old := h.table(anna, u)
	cutAt(t, anna, u, ";")
	now := h.load(anna, u.ID)
	_, _, err := anna.Mend(t.Context(), u.ID, old, []desk.Edit{{Cell: at(2), Text: "bo@example.com"}})
	refused(t, err, desk.Conflict)
	_, err = anna.Alike(t.Context(), now, old, at(2), "bo@example.com")
	refused(t, err, desk.Conflict)
	_, err = anna.Pasted(t.Context(), now, old, at(2), "", [][]string{{"bo@example.com"}})
	refused(t, err, desk.Conflict)
	if text, mended := h.second(anna, u); text != "by@example" || mended {
		t.Errorf("it has %q", text)
	}
	cutAt(t, anna, u, ",") // as it was: the old page is a good one again
	if _, _, err := anna.Mend(t.Context(), u.ID, old, []desk.Edit{{Cell: at(2), Text: "bo@example.com"}}); err != nil {
		t.Error(err)
	}
}

// TestOwnTextOfOtherTable has a cell that was mended, and given the file's own text back by hand, cut otherwise: what
// it had in that table is neither what it has now nor what is undone to.
func TestOwnTextOfOtherTable(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "either.csv", either)
	cutAt(t, anna, u, ",")
	h.mend(anna, u, 2, 1, "no address")
	h.mend(anna, u, 2, 1, "bo;by@example")
	cutAt(t, anna, u, ";")
	if text, mended := h.second(anna, u); text != "by@example" || mended {
		t.Errorf("cut otherwise, it has %q", text)
	}
	h.mend(anna, u, 2, 1, "bo;by@example")
	if text, mended := h.second(anna, u); text != "bo;by@example" || !mended {
		t.Errorf("of what was typed it has %q", text)
	}
	h.mend(anna, u, 2, 1, "by@example")
	if text, mended := h.second(anna, u); text != "by@example" || mended {
		t.Errorf("of the file's own text typed again it has %q, and says that it is mended: %v", text, mended)
	}
	h.mend(anna, u, 2, 1, "third")
	undone(t, anna, u, 0)
	undone(t, anna, u, 0)
	if text, _ := h.second(anna, u); text != "bo;by@example" {
		t.Errorf("undone within the table, it has %q", text)
	}
	for range 3 {
		if _, _, err := anna.Undo(t.Context(), u.ID, 0); err != nil {
			refused(t, err, desk.Conflict)
		}
		if text, mended := h.second(anna, u); text != "by@example" || mended {
			t.Errorf("undone beyond the table, it has %q", text)
		}
	}
}
