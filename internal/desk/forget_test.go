package desk_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/contact"
	"hppsend/internal/desk"
)

// Uploads that hold somebody who is to be forgotten are found wherever that stands, and deleted as a whole; others stay.
// One that is being sent stays until it has ended.
func TestForget(t *testing.T) {
	onBoth(t, func(t *testing.T, newHouse newHouseFunc) {
		h := newHouse(t)
		ctx := t.Context()
		anna, bo := h.seat("anna", desk.Uploader), h.seat("bo", desk.Approver)
		inFile, _ := h.bring(anna, "file.csv", list("nobody@example.com", "carl@example.com"))
		inBook, _ := h.bring(anna, "book.xlsx", private(t)) // a local number, in a workbook
		inName, _ := h.bring(anna, "for carl@example.com.csv", list("a@example.com"))
		inMend, _ := h.bring(anna, "mend.csv", list("a@example.com", "no one"))
		h.mend(anna, inMend, 3, 1, "Carl@example.com")
		undone(t, anna, inMend, 0)
		inNote, _ := h.bring(anna, "note.csv", list("b@example.com"))
		if _, err := anna.Ask(ctx, inNote.ID, desk.Wish{Digest: h.sheet(anna, inNote).Digest, Note: "without carl@example.com"}); err != nil {
			t.Fatal(err)
		}
		utf16 := "\xff\xfe" + strings.Join(strings.Split(list("d@example.com", "carl@example.com"), ""), "\x00") + "\x00"
		inWide, _ := h.bring(anna, "wide.csv", utf16)
		other, _ := h.bring(anna, "other.csv", list("joncarl@example.com", "a@example.com"))
		locked, _ := h.bring(anna, "locked.xlsx", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"+strings.Repeat("x", 4000))
		h.rest()
		sending, _ := h.bring(anna, "sending.csv", list("carl@example.com", "+46701740699"))
		h.approve(bo, h.ask(anna, sending))
		gate := h.gate()
		h.run()
		h.until(anna, sending.ID, desk.Running)

		l := h.cfg.Accounts[0].Ledger
		books, err := desk.Beside(ctx, desk.Config{Folder: h.path("page"), Server: h.ledger(north)})
		if err != nil {
			t.Fatal(err)
		}
		defer books.Close()
		traces := contact.NewTraces("carl@example.com", "+46701740699")
		found, err := books.Holding(ctx, l, traces)
		want := []string{inFile.ID, inBook.ID, inName.ID, inMend.ID, inNote.ID, inWide.ID, sending.ID}
		if err != nil || cmp.Diff(want, found.Uploads) != "" || found.Sealed != 1 || found.States[desk.Waiting] != 1 || found.States[desk.Running] != 1 {
			t.Fatalf("found is %+v, %v; want %q, and one sealed", found, err, want)
		}
		deleted, running, err := books.Forget(ctx, "Ann for carl@example.com", found.Uploads...)
		if err != nil || deleted != 6 || running != 1 {
			t.Errorf("%d deleted, %d running, %v", deleted, running, err)
		}
		for _, u := range []*desk.Upload{inFile, inBook, inName, inMend, inNote, inWide} {
			if u := h.load(anna, u.ID); u.State != desk.Deleted || u.Name != "" {
				t.Errorf("%+v", u)
			}
		}
		for _, u := range []*desk.Upload{other, locked} {
			if u := h.load(anna, u.ID); u.State != desk.Draft {
				t.Errorf("%s is %s", u.Name, u.State)
			}
		}
		files, err := os.ReadDir(h.path("page", "files"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if name, _, _ := strings.Cut(f.Name(), "."); name != other.ID && name != locked.ID && name != sending.ID {
				t.Errorf("%s is left", f.Name())
			}
		}
		close(gate)
		h.until(anna, sending.ID, desk.Done)
		if deleted, running, err := books.Forget(ctx, "Ann", found.Uploads...); err != nil || deleted != 1 || running != 0 {
			t.Errorf("once it has ended: %d deleted, %d running, %v", deleted, running, err)
		}
		if left, err := books.Holding(ctx, l, traces); err != nil || len(left.Uploads) != 0 || left.Sealed != 1 {
			t.Errorf("left is %+v, %v", left, err)
		}
		if s := h.cfg.Accounts[1].Ledger; h.place == "" { // which has another secret
			if elsewhere, err := books.Holding(ctx, s, traces); err != nil || elsewhere.Elsewhere != 2 || len(elsewhere.Uploads) != 0 {
				t.Errorf("by another ledger: %+v, %v", elsewhere, err)
			}
		}
		events, err := h.desk.Events(ctx, inFile.ID)
		if err != nil {
			t.Fatal(err)
		}
		if last := events[len(events)-1]; last.Action != "delete" || !strings.HasSuffix(last.Place, "done by Ann for c•••@e•••.com") {
			t.Errorf("%+v", last)
		}
		if _, _, err := h.desk.VerifyAudit(ctx); err != nil {
			t.Error(err)
		}
	})
}

// A file that a killed one has left of an upload that the books know as deleted goes the next time.
func TestForgetGoesOn(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", list("carl@example.com"))
	text, err := os.ReadFile(h.file(u, ".sheet"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, _, err := h.desk.Forget(t.Context(), "Ann", u.ID); err != nil {
			t.Fatal(err)
		}
		path := h.path("page", "files", u.ID+".sheet")
		if _, err := os.Stat(path); err == nil {
			t.Error("the file is left")
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
