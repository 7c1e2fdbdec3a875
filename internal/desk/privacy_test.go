package desk_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/xuri/excelize/v2"

	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// canaries are what must not lie about: contacts, sessions, names and notes.
var canaries = []string{
	"canary.one@example.com", "canary.typed@example.com", "canary.bad@", "canary.undone@example.com", "+46701740699", "0701740699", "f0000000-0000-4000-8000-00000000000",
	"kanariefil", "Kanarieblad", "Kanariekolumn", "canary note", "canary reason", "canary label", "canary settled",
	"canary.listed@example.com", "+46701740688", "0701740688", "kanarielista",
}

// clean searches every byte of what the desk keeps, and of what it may have left elsewhere.
func (h *house) clean(when string) {
	h.t.Helper()
	files := 0
	for _, dir := range []string{h.path("page"), os.TempDir()} {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			files++
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name, _ := filepath.Rel(h.dir, path)
			for _, c := range canaries {
				if bytes.Contains(b, []byte(c)) || strings.Contains(name, c) {
					h.t.Errorf("%s: %q lies in %s", when, c, name)
				}
			}
			if bytes.Contains(b, []byte("PK\x03\x04")) { // where nothing could be found
				h.t.Errorf("%s: %s holds a workbook", when, name)
			}
			return nil
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
	if h.place != "" {
		files += 2
		h.booksAreClean(when)
	}
	if files < 2 {
		h.t.Errorf("%s: only %d files were searched", when, files)
	}
}

// booksAreClean searches what the database has of the page, as text and as bytes.
func (h *house) booksAreClean(when string) {
	h.t.Helper()
	lines := 0
	for line := range strings.Lines(h.dump()) {
		if !strings.HasPrefix(line, "INSERT INTO hppsend_page.") {
			continue
		}
		lines++
		for _, c := range canaries {
			if strings.Contains(line, c) || strings.Contains(line, hex.EncodeToString([]byte(c))) {
				h.t.Errorf("%s: %q lies in %.80s", when, c, line)
			}
		}
	}
	if lines < 10 {
		h.t.Errorf("%s: only %d rows were searched", when, lines)
	}
}

// private makes a workbook of canaries.
func private(t *testing.T) string {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	book.SetSheetName("Sheet1", "Kanarieblad")
	for i, row := range [][]any{
		{"session_id", "phone", "phone_country", "email", "Kanariekolumn"},
		{session(1), "", "", "canary.one@example.com", "=1+1"},
		{session(2), "0701740699", "SE", "", ""},
		{session(3), "", "", "canary.bad@", ""},
		{session(4), "", "", "canary.bad@", ""},
	} {
		at, _ := excelize.CoordinatesToCellName(1, i+1)
		for j, text := range row {
			at, _ := excelize.CoordinatesToCellName(j+1, i+1)
			if err := book.SetCellStr("Kanarieblad", at, text.(string)); err != nil {
				t.Fatal(at, err)
			}
		}
		_ = at
	}
	b, err := book.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPrivate takes a list the whole way, and searches what lies on the disk after each step.
func TestPrivate(t *testing.T) {
	onBoth(t, func(t *testing.T, newHouse newHouseFunc) {
		tmp := filepath.Join(t.TempDir(), "tmp")
		if err := os.Mkdir(tmp, 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("TMPDIR", tmp)
		logged, told := &errorLog{}, &waiting{}
		h := newHouse(t, func(h *house) {
			h.cfg.Log = slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
			h.cfg.Notify = told.note
		})
		ctx := t.Context()
		gate := h.gate()
		h.unclear("canary.one@example.com")
		anna, bo, sara := h.seat("anna", desk.Uploader), h.seat("bo", desk.Approver), h.seat("sara", desk.Settler)
		ada := h.seat("ada", desk.Administrator)
		bring := func(name, text string) desk.List {
			return must(ada.BringList(ctx, desk.Listing{Account: north, Name: name, Country: "SE"}, strings.NewReader(text)))(t)
		}
		listed := bring("kanarielista.csv", "contact\ncanary.listed@example.com\n0701740688\n")
		_, err := ada.BringList(ctx, desk.Listing{Account: north, Name: "kanarielista.txt"}, strings.NewReader("canary.listed@example.com\n0701740688\n"))
		if err == nil || strings.Contains(err.Error(), "701740688") {
			t.Errorf("a list that cannot be read: %v", err)
		}
		h.clean("a list was brought")
		u, sheet := h.bring(anna, "kanariefil.xlsx", private(t))
		if sheet.Bad() != 2 || sheet.Due != 2 || sheet.Input.Sheet != "Kanarieblad" {
			t.Fatalf("%+v", sheet)
		}
		h.clean("brought")
		h.mend(anna, u, 4, 3, "canary.undone@example.com")
		undone(t, anna, u, 0)
		h.mend(anna, u, 4, 3, "canary.typed@example.com")
		r := u.Reading
		r.Label, r.Map = "canary label", map[string]string{"email": "email"}
		must(anna.Read(ctx, u.ID, r))(t)
		h.clean("mended")
		must(anna.Ask(ctx, u.ID, desk.Wish{Digest: h.sheet(anna, u).Digest, LeftOut: 1, Note: "canary note"}))(t)
		h.clean("asked")
		must(bo.SendBack(ctx, u.ID, "canary reason"))(t)
		h.clean("sent back")
		must(anna.Ask(ctx, u.ID, desk.Wish{Digest: h.sheet(anna, u).Digest, LeftOut: 1, Note: "canary note"}))(t)
		h.approve(bo, u)
		gate <- struct{}{}
		h.clean("while it is sent")
		close(gate)
		u = h.until(anna, u.ID, desk.Done)
		for _, format := range []pipeline.Format{pipeline.CSV, pipeline.XLSX} {
			all(t, must(anna.Report(ctx, u, format))(t), nil)
			all(t, must(anna.Checked(ctx, u, format))(t), nil)
		}
		must(anna.Outcomes(ctx, u, "", 0))(t)
		must(sara.Settle(ctx, u.ID, []pipeline.Ticket{must(sara.Doubts(ctx, u))(t)[0].Ticket}, true, "canary settled"))(t)
		h.clean("done")
		if err := anna.Delete(ctx, u.ID); err != nil {
			t.Fatal(err)
		}
		if err := ada.RemoveList(ctx, listed.ID); err != nil {
			t.Fatal(err)
		}
		h.clean("deleted")
		h.close()
		h.clean("closed")
		for _, c := range canaries {
			if strings.Contains(logged.String(), c) || strings.Contains(flat(told.all), c) {
				t.Errorf("%q is logged or told:\n%s\n%s", c, logged, flat(told.all))
			}
		}
		if len(told.all) != 2 {
			t.Errorf("told was %+v", told.all)
		}
		h.ledgerIsClean()
	})
}

// ledgerIsClean searches the ledger, which keeps the name of the file and of the sheet with each run.
func (h *house) ledgerIsClean() {
	h.t.Helper()
	kept := map[string][]byte{}
	if h.place != "" {
		kept["the database"] = []byte(h.dump())
	}
	for _, name := range []string{"north.db", "north.db-wal"} {
		if b, err := os.ReadFile(h.path(name)); err == nil {
			kept[name] = b
		} else if h.place == "" {
			h.t.Fatal(err)
		}
	}
	for name, b := range kept {
		for _, c := range []string{"canary.one", "canary.typed", "canary.bad", "canary.undone", "701740699", "canary note", "canary reason"} {
			if bytes.Contains(b, []byte(c)) {
				h.t.Errorf("%q lies in %s", c, name)
			}
		}
	}
}

// waiting notes of which uploads people were told.
type waiting struct {
	mu  sync.Mutex
	all []desk.Waits
}

func (w *waiting) note(_ context.Context, one desk.Waits) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, one)
}

// Who may approve is told that an upload waits; who has had a hand in it, is kept out or is of another account is not.
func TestNotify(t *testing.T) {
	told := &waiting{}
	h := newHouse(t, func(h *house) { h.cfg.Notify = told.note })
	anna := h.seat("anna", desk.Uploader, desk.Approver)
	for _, login := range []string{"bo", "dora", "gone"} {
		h.seat(login, desk.Approver)
	}
	h.seat("carl", desk.Uploader)
	h.seatIn("sven", map[string][]desk.Role{south: desk.Roles()})
	if err := h.desk.Disable(t.Context(), "gone", true); err != nil {
		t.Fatal(err)
	}
	u, _ := h.bring(anna, "may.csv", three)
	h.ask(anna, u)
	h.close()
	if len(told.all) != 1 || told.all[0].Upload != u.ID || told.all[0].Account != north {
		t.Fatalf("%+v", told.all)
	}
	names := logins(told.all[0].People)
	if slices.Sort(names); !slices.Equal(names, []string{"bo", "dora"}) {
		t.Errorf("%q were told", names)
	}
}
