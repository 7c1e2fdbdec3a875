package desk_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/desk"
)

// undone takes back a batch, or the last.
func undone(t *testing.T, s *desk.Seat, u *desk.Upload, batch int64) {
	t.Helper()
	if _, _, err := s.Undo(t.Context(), u.ID, batch); err != nil {
		t.Fatal(err)
	}
}

func says(t *testing.T, s *desk.Seat, u *desk.Upload, want map[int]string) {
	t.Helper()
	if diff := cmp.Diff(want, texts(t, s, u)); diff != "" {
		t.Errorf("cells say (-want +got):\n%s", diff)
	}
}

// TestUndo takes back everything that was typed, step by step, the last first.
func TestUndo(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", bad)
	_, _, err := anna.Undo(t.Context(), u.ID, 0)
	refused(t, err, desk.Conflict)
	h.mend(anna, u, 3, 1, "first@example.com")
	h.mend(anna, u, 4, 1, "other@example.com")
	h.mend(anna, u, 3, 1, "second@example.com")
	h.mend(anna, u, 3, 1, "third@example.com")
	for _, want := range []map[int]string{
		{3: "second@example.com", 4: "other@example.com"},
		{3: "first@example.com", 4: "other@example.com"},
		{3: "first@example.com", 4: "own: nobody"},
		{3: "own: nobody", 4: "own: nobody"},
	} {
		undone(t, anna, u, 0)
		says(t, anna, u, want)
	}
	_, _, err = anna.Undo(t.Context(), u.ID, 0)
	refused(t, err, desk.Conflict)
	if sheet := h.sheet(anna, u); sheet.Bad() != 3 || sheet.Due != 1 {
		t.Errorf("the sheet is not as it was: %+v", sheet)
	}
	h.mend(anna, u, 3, 1, "fourth@example.com")
	undone(t, anna, u, 0)
	says(t, anna, u, map[int]string{3: "own: nobody", 4: "own: nobody"})
}

// The batch that a cell is said to be of is the one whose undo takes away what the cell says.
func TestUndoOfOneCell(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", bad)
	h.mend(anna, u, 3, 1, "first@example.com")
	h.mend(anna, u, 4, 1, "other@example.com")
	h.mend(anna, u, 3, 1, "second@example.com")
	for _, want := range []map[int]string{
		{3: "first@example.com", 4: "other@example.com"},
		{3: "own: nobody", 4: "other@example.com"},
	} {
		undone(t, anna, u, must(anna.Mends(t.Context(), u))(t)[0].Batch)
		says(t, anna, u, want)
	}
}

// TestUndoOfBatch takes back a paste, and all alike, at once.
func TestUndoOfBatch(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", bad)
	h.mend(anna, u, 4, 1, "before@example.com")
	block := must(desk.Block("a@example.com\r\nb@example.com\r\nc@example.com\r\n"))(t)
	edits := must(anna.Pasted(t.Context(), h.load(anna, u.ID), h.table(anna, u), at(3), "", block))(t)
	if _, _, err := anna.Mend(t.Context(), u.ID, h.table(anna, u), edits); err != nil {
		t.Fatal(err)
	}
	says(t, anna, u, map[int]string{3: "a@example.com", 4: "b@example.com", 5: "c@example.com"})
	undone(t, anna, u, 0)
	says(t, anna, u, map[int]string{3: "own: nobody", 4: "before@example.com", 5: "own: no one"})
	undone(t, anna, u, 0)
	says(t, anna, u, map[int]string{3: "own: nobody", 4: "own: nobody", 5: "own: no one"})
	edits = must(anna.Alike(t.Context(), h.load(anna, u.ID), h.table(anna, u), at(3), "same@example.com"))(t)
	if _, _, err := anna.Mend(t.Context(), u.ID, h.table(anna, u), edits); err != nil {
		t.Fatal(err)
	}
	says(t, anna, u, map[int]string{3: "same@example.com", 4: "same@example.com", 5: "own: no one"})
	undone(t, anna, u, 0)
	says(t, anna, u, map[int]string{3: "own: nobody", 4: "own: nobody", 5: "own: no one"})
}

// TestRestore takes back everything at once, of everybody, and can itself be taken back.
func TestRestore(t *testing.T) {
	h := newHouse(t)
	anna, carl := h.seat("anna", desk.Uploader), h.seat("carl", desk.Uploader)
	u, before := h.bring(anna, "may.csv", bad)
	h.mend(anna, u, 3, 1, "first@example.com")
	h.mend(carl, u, 3, 1, "second@example.com")
	h.mend(carl, u, 4, 1, "other@example.com")
	if _, sheet, err := anna.Restore(t.Context(), u.ID); err != nil || sheet.Bad() != 3 || sheet.Digest != before.Digest {
		t.Errorf("%+v, %v", sheet, err)
	}
	says(t, anna, u, map[int]string{3: "own: nobody", 4: "own: nobody"})
	undone(t, anna, u, 0)
	says(t, anna, u, map[int]string{3: "second@example.com", 4: "other@example.com"})
	undone(t, anna, u, 0)
	undone(t, anna, u, 0)
	says(t, anna, u, map[int]string{3: "first@example.com", 4: "own: nobody"})
	must(anna.Withdraw(t.Context(), h.ask(anna, u).ID))(t)
	edits := h.load(anna, u.ID).Edits
	for range 2 {
		if _, _, err := anna.Restore(t.Context(), u.ID); err != nil {
			t.Error(err)
		}
	}
	if now := h.load(anna, u.ID).Edits; now != edits+1 {
		t.Errorf("where nothing is to be restored it counts as a change: %d after %d", now, edits)
	}
}

// What was typed into cells stays in these cells: the table cannot be read so that they would be others.
func TestReadWithMends(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", "session_id,email,mail\n"+session(1)+",nobody,anna@example.com\n")
	r := u.Reading
	r.Map = map[string]string{"email": "email"}
	must(anna.Read(t.Context(), u.ID, r))(t)
	h.mend(anna, u, 2, 1, "bo@example.com")
	for name, change := range map[string]func(*desk.Reading){
		"header":    func(r *desk.Reading) { r.HeaderRow = 2 },
		"delimiter": func(r *desk.Reading) { r.Delimiter = ";" },
		"encoding":  func(r *desk.Reading) { r.Encoding = "iso-8859-1" },
		"sheet":     func(r *desk.Reading) { r.Sheet = "May" },
	} {
		r := h.load(anna, u.ID).Reading
		change(&r)
		if _, err := anna.Read(t.Context(), u.ID, r); !refused(t, err, desk.Conflict) {
			t.Error(name)
		}
	}
	r = h.load(anna, u.ID).Reading
	r.Map, r.Country = map[string]string{"email": "mail"}, "Sweden"
	if u := must(anna.Read(t.Context(), u.ID, r))(t); u.Reading.Country != "SE" {
		t.Errorf("%+v", u.Reading)
	}
	if sheet := h.sheet(anna, u); sheet.Refused != nil || sheet.Due != 1 {
		t.Errorf("%+v", sheet)
	}
	undone(t, anna, u, 0)
	r.Delimiter = ","
	must(anna.Read(t.Context(), u.ID, r))(t)
	for _, country := range []string{"Atlantis", "XX"} {
		r.Country = country
		_, err := anna.Read(t.Context(), u.ID, r)
		refused(t, err, desk.Invalid)
	}
	r.Country, r.Label = "", "a\nb"
	_, err := anna.Read(t.Context(), u.ID, r)
	refused(t, err, desk.Invalid)
}

// What somebody has typed after it is not taken back by the undo of what was there before.
func TestUndoOfAnothers(t *testing.T) {
	h := newHouse(t)
	anna, carl := h.seat("anna", desk.Uploader), h.seat("carl", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", bad)
	h.mend(anna, u, 3, 1, "anna@example.com")
	batch := must(anna.Mends(t.Context(), u))(t)[0].Batch
	h.mend(carl, u, 3, 1, "carl@example.com")
	for _, batch := range []int64{batch, 99, -1} {
		_, _, err := anna.Undo(t.Context(), u.ID, batch)
		refused(t, err, desk.Conflict)
	}
	says(t, anna, u, map[int]string{3: "carl@example.com"})
	undone(t, carl, u, 0)
	says(t, anna, u, map[int]string{3: "anna@example.com"})
	undone(t, anna, u, batch)
	says(t, anna, u, map[int]string{3: "own: nobody"})
	_, _, err := anna.Undo(t.Context(), u.ID, batch) // once more
	refused(t, err, desk.Conflict)
}

// An undo is a change: it voids what was approved, and whoever makes it has had a hand in it.
func TestUndoIsAChange(t *testing.T) {
	h := newHouse(t, func(h *house) { h.cfg.Accounts[0].Approvers = desk.Approvers{{People: 2}} })
	anna, carl, bo := h.seat("anna", desk.Uploader), h.seat("carl", desk.Uploader, desk.Approver), h.seat("bo", desk.Approver)
	u, _ := h.bring(anna, "may.csv", bad)
	h.mend(anna, u, 3, 1, "bo@example.com")
	h.approve(bo, h.ask(anna, u))
	undone(t, carl, u, 0)
	var left int
	if err := h.books().QueryRow("SELECT count(*) FROM approval").Scan(&left); err != nil || left > 0 {
		t.Errorf("%d approvals are left, %v", left, err)
	}
	if u = h.load(anna, u.ID); u.State != desk.Draft || u.Digest != "" || len(must(anna.Approvals(t.Context(), u))(t)) != 0 {
		t.Errorf("it is %s still, as %q", u.State, u.Digest)
	}
	u = h.ask(anna, u)
	_, err := carl.Approve(t.Context(), u.ID, u.Digest)
	refused(t, err, desk.Forbidden)
}
