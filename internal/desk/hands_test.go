package desk_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hppsend/internal/desk"
	"hppsend/internal/ledger"
)

// contacts gives whom messages went to, sorted.
func (h *house) contacts() (all []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range h.sent {
		all = append(all, d.Contact)
	}
	slices.Sort(all)
	return all
}

// seat seats somebody who has roles in the north; the same login is the same person.
func (h *house) seat(login string, roles ...desk.Role) *desk.Seat {
	h.t.Helper()
	return h.seatIn(login, map[string][]desk.Role{north: roles})
}

func (h *house) seatIn(login string, roles map[string][]desk.Role) *desk.Seat {
	h.t.Helper()
	id, err := h.desk.Known(h.t.Context(), "https://id.example.com", login, login, strings.ToUpper(login[:1])+login[1:], roles)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.seatOf(id)
}

func (h *house) seatOf(person string) *desk.Seat {
	h.t.Helper()
	token, err := h.desk.Begin(h.t.Context(), person, "test")
	if err != nil {
		h.t.Fatal(err)
	}
	s, ok, err := h.desk.Seat(h.t.Context(), token)
	if err != nil || !ok {
		h.t.Fatalf("no seat for %s: %v", person, err)
	}
	return s
}

// bring takes in a file and gives it with what is found in it.
func (h *house) bring(s *desk.Seat, name, text string) (*desk.Upload, *desk.Sheet) {
	h.t.Helper()
	account := s.AccountsAs(desk.Uploader)[0]
	u, _, err := s.Bring(h.t.Context(), account, name, strings.NewReader(text))
	if err != nil {
		h.t.Fatal(err)
	}
	return u, h.sheet(s, u)
}

func (h *house) sheet(s *desk.Seat, u *desk.Upload) *desk.Sheet {
	h.t.Helper()
	sheet, err := s.Sheet(h.t.Context(), h.load(s, u.ID), true)
	if err != nil {
		h.t.Fatal(err)
	}
	return sheet
}

func (h *house) load(s *desk.Seat, id string) *desk.Upload {
	h.t.Helper()
	u, err := s.Upload(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return u
}

// mend types into a cell, as it is shown now.
func (h *house) mend(s *desk.Seat, u *desk.Upload, row, column int, text string) *desk.Sheet {
	h.t.Helper()
	cell := desk.Cell{Sheet: h.sheet(s, u).Input.Sheet, Row: row, Column: column}
	_, sheet, err := s.Mend(h.t.Context(), u.ID, h.table(s, u), []desk.Edit{{Cell: cell, Text: text, Version: h.version(s, u, cell)}})
	if err != nil {
		h.t.Fatal(err)
	}
	return sheet
}

// table is how an upload is cut into cells now.
func (h *house) table(s *desk.Seat, u *desk.Upload) string {
	h.t.Helper()
	return h.sheet(s, u).Table()
}

func (h *house) version(s *desk.Seat, u *desk.Upload, cell desk.Cell) int {
	h.t.Helper()
	mends, err := s.Mends(h.t.Context(), u)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, m := range mends {
		if m.Cell == cell {
			return m.Version
		}
	}
	return 0
}

// ask asks for approval; rows with problems are left out.
func (h *house) ask(s *desk.Seat, u *desk.Upload) *desk.Upload {
	h.t.Helper()
	sheet := h.sheet(s, u)
	u, err := s.Ask(h.t.Context(), u.ID, desk.Wish{Digest: sheet.Digest, LeftOut: sheet.Bad()})
	if err != nil {
		h.t.Fatal(err)
	}
	return u
}

func (h *house) approve(s *desk.Seat, u *desk.Upload) *desk.Upload {
	h.t.Helper()
	u, err := s.Approve(h.t.Context(), u.ID, h.load(s, u.ID).Digest)
	if err != nil {
		h.t.Fatal(err)
	}
	return u
}

// until waits for an upload to be in one of some states.
func (h *house) until(s *desk.Seat, id string, states ...desk.State) *desk.Upload {
	h.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		u := h.load(s, id)
		if slices.Contains(states, u.State) {
			return u
		}
		_, changed, _ := s.Live(u)
		select {
		case <-changed:
		case <-time.After(10 * time.Millisecond):
		}
	}
	h.t.Fatalf("the upload is %s, and never came to be %v", h.load(s, id).State, states)
	return nil
}

// await waits for something.
func (h *house) await(what string, is func() bool) {
	h.t.Helper()
	for ; !is(); time.Sleep(time.Millisecond) {
		if end, ok := h.t.Deadline(); ok && time.Until(end) < 5*time.Second {
			h.t.Fatal("it never came to this: " + what)
		}
	}
}

// file is where a file of an upload lies, of which there is one of the kind.
func (h *house) file(u *desk.Upload, ending string) string {
	h.t.Helper()
	all, err := filepath.Glob(h.path("page", "files", u.ID+"*"+ending))
	if err != nil || len(all) != 1 {
		h.t.Fatalf("of the kind %s are there %q, %v", ending, all, err)
	}
	return all[0]
}

// books are those of the desk, for what nobody may do.
type books struct {
	*sql.DB
	shared bool
}

func (h *house) books() books {
	h.t.Helper()
	open := func() (*sql.DB, error) {
		if h.place != "" {
			return ledger.OpenPage(h.t.Context(), h.ledger(north))
		}
		return sql.Open("sqlite", h.path("page", "page.db")+"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)")
	}
	db, err := open()
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { db.Close() })
	return books{db, h.place != ""}
}

func (b books) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	for n := 1; b.shared && strings.Contains(query, "?"); n++ {
		query = strings.Replace(query, "?", fmt.Sprintf("$%d", n), 1)
	}
	return b.DB.ExecContext(ctx, query, args...)
}

func (h *house) exec(query string, args ...any) {
	h.t.Helper()
	if _, err := h.books().ExecContext(h.t.Context(), query, args...); err != nil {
		h.t.Fatal(err)
	}
}

// refused holds an error to the kind of refusal that it has to be.
func refused(t *testing.T, err error, code desk.Code) bool {
	t.Helper()
	r := (*desk.Refusal)(nil)
	ok := errors.As(err, &r) && r.Code == code
	if !ok {
		t.Errorf("got %v, want a refusal of the kind %s", err, code)
	}
	return ok
}

func session(n int) string { return fmt.Sprintf("f0000000-0000-4000-8000-%012d", n) }

// list is a CSV file with a session for each contact.
func list(contacts ...string) string {
	text := "session_id,email\n"
	for i, c := range contacts {
		text += session(i) + "," + c + "\n"
	}
	return text
}

// all reads a download to its end.
func all(t *testing.T, f *os.File, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// flat is all that a value holds.
func flat(v any) string { return fmt.Sprintf("%+v", v) }
