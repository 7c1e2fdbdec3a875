package desk_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// forgotten is an upload that was mended, asked for and sent back, with all that the books had of it.
func (h *house) forgotten() (anna *desk.Seat, u *desk.Upload, sealed [][]byte) {
	h.t.Helper()
	anna = h.seat("anna", desk.Uploader)
	u, _ = h.bring(anna, "may.csv", bad)
	h.mend(anna, u, 3, 1, "bo@example.com")
	must(anna.Ask(h.t.Context(), u.ID, desk.Wish{Digest: h.sheet(anna, u).Digest, LeftOut: 2, Note: "a note"}))(h.t)
	must(h.seat("bo", desk.Approver).SendBack(h.t.Context(), u.ID, "a reason"))(h.t)
	db := h.books()
	for _, query := range []string{
		"SELECT name FROM upload", "SELECT reading FROM upload", "SELECT note FROM upload", "SELECT reason FROM upload",
		"SELECT place FROM mend", "SELECT was FROM mend", "SELECT text FROM mend",
	} {
		var one []byte
		if err := db.QueryRowContext(h.t.Context(), query).Scan(&one); err != nil || len(one) < 16 {
			h.t.Fatalf("%s: %d bytes, %v", query, len(one), err)
		}
		sealed = append(sealed, one)
	}
	if err := db.Close(); err != nil {
		h.t.Fatal(err)
	}
	for _, ending := range []string{".sheet", ".plan"} {
		h.file(u, ending)
	}
	return anna, u, sealed
}

// gone sees that nothing is left of an upload but that it was there.
func (h *house) gone(anna *desk.Seat, id string, sealed [][]byte) {
	h.t.Helper()
	if left, err := filepath.Glob(h.path("page", "files", "*")); err != nil || len(left) > 0 {
		h.t.Errorf("%q are left, %v", left, err)
	}
	for _, name := range []string{"page.db", "page.db-wal"} {
		b, err := os.ReadFile(h.path("page", name))
		if err != nil {
			h.t.Fatal(err)
		}
		for i, one := range sealed {
			if bytes.Contains(b, one) || bytes.Contains(b, one[len(one)/2:]) {
				h.t.Errorf("value %d lies in %s still", i, name)
			}
		}
	}
	ctx := h.t.Context()
	u := h.load(anna, id)
	if u.State != desk.Deleted || u.Name != "" || u.Note != "" || u.Reason != "" || u.Reading.Label != "" {
		h.t.Errorf("%+v", u)
	}
	for name, ask := range map[string]func() error{
		"Look":     func() error { _, err := anna.Look(ctx, u, 5); return err },
		"Sheet":    func() error { _, err := anna.Sheet(ctx, u, false); return err },
		"Checked":  func() error { _, err := anna.Checked(ctx, u, pipeline.CSV); return err },
		"Report":   func() error { _, err := anna.Report(ctx, u, pipeline.CSV); return err },
		"Outcomes": func() error { _, err := anna.Outcomes(ctx, u, "", 0); return err },
		"Alike":    func() error { _, err := anna.Alike(ctx, u, "", at(3), "x"); return err },
		"Pasted":   func() error { _, err := anna.Pasted(ctx, u, "", at(3), "", nil); return err },
		"Mend":     func() error { _, _, err := anna.Mend(ctx, id, "", nil); return err },
		"Undo":     func() error { _, _, err := anna.Undo(ctx, id, 0); return err },
	} {
		if !refused(h.t, ask(), desk.Gone) {
			h.t.Error(name)
		}
	}
	for name, ask := range map[string]func() error{
		"Ask":      func() error { _, err := anna.Ask(ctx, id, desk.Wish{}); return err },
		"Read":     func() error { _, err := anna.Read(ctx, id, desk.Reading{RetryRejected: true}); return err },
		"Withdraw": func() error { _, err := anna.Withdraw(ctx, id); return err },
		"Reopen":   func() error { _, err := anna.Reopen(ctx, id); return err },
		"GoOn":     func() error { return anna.GoOn(ctx, id) },
		"Delete":   func() error { return anna.Delete(ctx, id) },
	} {
		if !refused(h.t, ask(), desk.Conflict) {
			h.t.Error(name)
		}
	}
	if entries, _, err := h.desk.VerifyAudit(ctx); err != nil || entries == 0 {
		h.t.Errorf("the trail does not outlive it: %v", err)
	}
}

func TestDelete(t *testing.T) {
	h := newHouse(t)
	anna, u, sealed := h.forgotten()
	if err := anna.Delete(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	h.gone(anna, u.ID, sealed)
}

// What nobody has touched for a month is forgotten as if somebody had deleted it; what somebody has is not.
func TestRetention(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		anna, u, sealed := h.forgotten()
		h.passes(30*24*time.Hour - time.Minute)
		if state := h.load(anna, u.ID).State; state != desk.Draft {
			t.Errorf("a minute before it is %s", state)
		}
		h.passes(2 * time.Minute)
		h.until(anna, u.ID, desk.Deleted)
		synctest.Wait() // for what is done after that
		h.gone(anna, u.ID, sealed)
		u, _ = h.bring(anna, "june.csv", bad)
		for range 3 {
			h.passes(20 * 24 * time.Hour)
			h.mend(anna, u, 3, 1, time.Now().Format("Jan")+"@example.com")
		}
		if state := h.load(anna, u.ID).State; state != desk.Draft {
			t.Errorf("although it was touched it is %s", state)
		}
	})
}

// What somebody touches while others are being forgotten is kept: of two that are due, whichever comes first touches
// the other.
func TestTouchedWhileForgetting(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	h.rest()
	one, _ := h.bring(anna, "one.csv", bad)
	two, _ := h.bring(anna, "two.csv", list("b@example.com"))
	h.exec("UPDATE upload SET changed = 1")
	h.exec("CREATE TRIGGER touched AFTER UPDATE OF state ON upload WHEN NEW.state = 'deleted' BEGIN UPDATE upload SET changed = 9000000000000000 WHERE id <> NEW.id; END")
	if err := h.desk.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, b := h.load(anna, one.ID).State, h.load(anna, two.ID).State; (a == desk.Deleted) == (b == desk.Deleted) {
		t.Errorf("one is %s, and the other, which was touched, %s", a, b)
	}
}

// What is being sent is kept, and an account that is gone keeps nothing alive, and nobody else's from being deleted.
func TestRetentionOfOthers(t *testing.T) {
	h := newHouse(t)
	gate := h.gate()
	sven := h.seatIn("sven", map[string][]desk.Role{south: {desk.Uploader}})
	h.bring(sven, "south.csv", bad)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "north.csv", bad)
	running, _ := h.bring(anna, "running.csv", list("a@example.com"))
	h.approve(h.seat("bo", desk.Approver), h.ask(anna, running))
	h.until(anna, running.ID, desk.Running)
	h.rest()
	h.exec("UPDATE upload SET changed = 1")
	h.run()
	h.until(anna, u.ID, desk.Deleted)
	if state := h.load(anna, running.ID).State; state != desk.Running {
		t.Errorf("what is being sent is %s", state)
	}
	close(gate)
	h.until(anna, running.ID, desk.Done)
	of, _ := h.bring(sven, "south.csv", bad)
	u, _ = h.bring(anna, "north.csv", bad)
	h.close()
	h.exec("UPDATE upload SET changed = 1 WHERE state = 'draft'")
	h.cfg.Accounts = h.cfg.Accounts[:1]
	h.open()
	h.until(h.seat("anna", desk.Uploader), u.ID, desk.Deleted)
	h.await("what the account had is removed", func() bool {
		_, err := os.Stat(h.path("page", "files", of.ID+".sheet"))
		return os.IsNotExist(err)
	})
}

// Files that no upload knows are removed, but for those that may still be coming in.
func TestSweep(t *testing.T) {
	h := newHouse(t)
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", three)
	h.ask(anna, u)
	h.close()
	old := time.Now().Add(-25 * time.Hour)
	sheet, plan := h.file(u, ".sheet"), h.file(u, ".plan")
	for _, path := range []string{h.path("page", "files", "OLD.sheet"), h.path("page", "files", "OLD.0.plan"), h.path("page", "files", "NEW.sheet"), h.path("page", "tmp", "plan-1"), sheet, plan} {
		f, err := os.OpenFile(path, os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if !strings.Contains(path, "NEW") {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.open()
	there := func(path string) bool { _, err := os.Stat(path); return err == nil }
	h.await("what nobody knows is removed", func() bool {
		return !there(h.path("page", "files", "OLD.sheet")) && !there(h.path("page", "files", "OLD.0.plan"))
	})
	for path, want := range map[string]bool{h.path("page", "files", "NEW.sheet"): true, sheet: true, plan: true, h.path("page", "tmp", "plan-1"): false} {
		if there(path) != want {
			t.Errorf("%s is there: %t", path, !want)
		}
	}
}

// What is too large, empty, or more than a person may keep is refused, and nothing of it stays.
func TestLimits(t *testing.T) {
	h := newHouse(t, func(h *house) { h.cfg.Limits = desk.Limits{Upload: 100, Person: 250} })
	ctx := t.Context()
	anna, bo := h.seat("anna", desk.Uploader), h.seat("bo", desk.Uploader)
	bring := func(s *desk.Seat, size int) (*desk.Upload, error) {
		u, _, err := s.Bring(ctx, north, "x.csv", strings.NewReader(strings.Repeat("x", size)))
		return u, err
	}
	for size, code := range map[int]desk.Code{0: desk.Invalid, 101: desk.TooMuch, 100_000: desk.TooMuch} {
		_, err := bring(anna, size)
		refused(t, err, code)
	}
	first := must(bring(anna, 100))(t)
	must(bring(anna, 100))(t)
	_, err := bring(anna, 51)
	refused(t, err, desk.TooMuch)
	must(bring(anna, 50))(t)
	_, err = bring(anna, 1)
	refused(t, err, desk.TooMuch)
	must(bring(bo, 100))(t) // each has the own room
	if err := anna.Delete(ctx, first.ID); err != nil {
		t.Fatal(err)
	}
	must(bring(anna, 100))(t)
	var wg sync.WaitGroup
	var taken atomic.Int64
	for range 20 { // however many at once
		wg.Go(func() {
			if _, err := bring(bo, 40); err == nil {
				taken.Add(1)
			}
		})
	}
	if wg.Wait(); taken.Load() != 3 {
		t.Errorf("%d more were taken", taken.Load())
	}
	broken, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := bo.Bring(broken, north, "x.csv", strings.NewReader("x")); err == nil {
		t.Error("an upload that was broken off was taken")
	}
	if left, err := filepath.Glob(h.path("page", "files", "*")); err != nil || len(left) != 7 {
		t.Errorf("%q are there, %v", left, err)
	}
}
