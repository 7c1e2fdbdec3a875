package desk

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hppsend/reader"
)

// Cell is a cell of a sheet.
type Cell struct {
	Sheet  string // empty for CSV
	Row    int    // as a spreadsheet program shows it
	Column int    // index of Input.Columns
}

// Edit is what somebody types into a cell, and which version of it that person saw.
type Edit struct {
	Cell
	Text    string
	Version int // 0 for the cell of the file itself
}

// Mend is the newest of what was typed into a cell.
type Mend struct {
	Cell
	Text    string
	Own     bool // it is the file's own text again
	Version int
	Was     string // what the file has
	Table   string // [Sheet.Table], when that was typed
	By      string
	ByID    string
	Time    time.Time
	Batch   int64 // whose undo takes back what the cell says; 0 where nothing is to be taken back
}

// Clash is an edit of a cell that somebody else has changed meanwhile. Nothing of the edit was taken.
type Clash struct {
	Cell
	Yours, Theirs string
	Version       int // of theirs
	By            string
}

// Clashes refuses edits of cells that were changed meanwhile.
type Clashes []Clash

func (c Clashes) Error() string {
	return "somebody else has changed this cell meanwhile; see what it says now, and change it again if need be"
}

// maxCell is how many characters a cell may be given.
const maxCell = 1000

// CleanCell refuses what a cell cannot be given: several cells at once, or what cannot be seen.
func CleanCell(text string) (string, error) {
	refuse := func(problem, todo string) (string, error) {
		return "", &Refusal{Code: Invalid, Problem: problem, Todo: todo}
	}
	text = strings.Trim(text, " ")
	switch {
	case !utf8.ValidString(text):
		return refuse("this is not text", "type it")
	case utf8.RuneCountInString(text) > maxCell:
		return refuse("this is too long for a cell", fmt.Sprintf("it has %d characters at most", maxCell))
	case strings.ContainsAny(text, "\t\r\n\v\f\u0085\u2028\u2029"):
		return refuse("these are several cells in one", "paste one cell only, or paste the block into its first cell with \"Paste several cells\"")
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return refuse("there is a character in this that cannot be seen", "type it instead of pasting it")
	}
	return text, nil
}

func readerMends(all []Mend) (mends []reader.Mend) {
	for _, m := range all {
		if !m.Own {
			mends = append(mends, reader.Mend{Sheet: m.Sheet, Row: m.Row, Column: m.Column, Table: m.Table, Text: m.Text})
		}
	}
	return mends
}

// placed is a cell of a table.
type placed struct {
	Cell
	Table string
}

// id is how a cell is known in the books, where the names of sheets are not.
func (c Cell) id(k key) []byte {
	mac := hmac.New(sha256.New, k.derive("cells"))
	fmt.Fprintf(mac, "%d %d %s", c.Row, c.Column, c.Sheet)
	return mac.Sum(nil)[:16]
}

// place seals what a mend holds for its cell and version.
func place(upload string, id []byte, version int, what string) string {
	return fmt.Sprintf("%s mend %x %d %s", upload, id, version, what)
}

// standing are the mends m that nobody has taken back.
const standing = ` m.undoes = 0 AND NOT EXISTS (SELECT 1 FROM mend n WHERE n.upload = m.upload AND n.cell = m.cell AND n.undoes = m.batch) `

// current gives the newest mend of each cell of an upload, by cell.
func (d *Desk) current(ctx context.Context, q queryer, k key, upload string) (all []Mend, err error) {
	return d.mendsAt(ctx, q, k, upload, math.MaxInt64)
}

// mendsAt gives what was the newest mend of each cell when the last of all had an id.
func (d *Desk) mendsAt(ctx context.Context, q queryer, k key, upload string, last int64) (all []Mend, err error) {
	rows, err := q.QueryContext(ctx, `SELECT l.cell, l.version, l.place, l.was, l.text, p.name, l.person, l.time,
		coalesce((SELECT max(batch) FROM mend m WHERE m.upload = l.upload AND m.cell = l.cell AND`+standing+`), 0)
		FROM mend l JOIN person p ON p.id = l.person
		WHERE l.upload = ? AND l.version = (SELECT max(version) FROM mend n WHERE n.upload = l.upload AND n.cell = l.cell AND n.id <= ?)`, upload, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, where, was, text []byte
		var version int
		var by, byID string
		var when, batch int64
		if err := rows.Scan(&id, &version, &where, &was, &text, &by, &byID, &when, &batch); err != nil {
			return nil, err
		}
		m, err := k.openMend(upload, id, version, where, was, text)
		if err != nil {
			return nil, err
		}
		m.By, m.ByID, m.Time, m.Batch = by, byID, moment(when), batch
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Mend) int {
		return cmp.Or(cmp.Compare(a.Sheet, b.Sheet), a.Row-b.Row, a.Column-b.Column)
	})
	return all, rows.Err()
}

// openMend opens what the books have of a mend under seal.
func (k key) openMend(upload string, id []byte, version int, where, was, text []byte) (m Mend, err error) {
	var at placed
	if err := k.openJSON(place(upload, id, version, "place"), where, &at); err != nil {
		return m, err
	}
	m.Cell, m.Table, m.Version, m.Own = at.Cell, at.Table, version, text == nil
	if m.Was, err = k.open(place(upload, id, version, "was"), was); err != nil || m.Own {
		m.Text = m.Was
		return m, err
	}
	m.Text, err = k.open(place(upload, id, version, "text"), text)
	return m, err
}

// Mends lists the newest of what was typed into each cell, in the order of the sheet.
func (s *Seat) Mends(ctx context.Context, u *Upload) ([]Mend, error) {
	return s.d.current(ctx, s.d.db, s.d.accounts[u.Account].key, u.ID)
}

// Mend types into cells of a table, that of [Sheet.Table], all or none of them, and gives the upload as it is then, and
// what the check now finds. Only rows with problems, and those mended before, can be mended. An edit that changes
// nothing is none.
func (s *Seat) Mend(ctx context.Context, upload, table string, edits []Edit) (*Upload, *Sheet, error) {
	for i := range edits {
		var err error
		if edits[i].Text, err = CleanCell(edits[i].Text); err != nil {
			return nil, nil, err
		}
	}
	return s.mend(ctx, upload, func(t *txn, u *Upload, sheet *Sheet) ([]typed, error) {
		if table != sheet.Table() {
			return nil, readOtherwise()
		}
		now, err := s.d.current(ctx, t, s.d.accounts[u.Account].key, u.ID)
		if err != nil {
			return nil, err
		}
		at := map[Cell]Mend{}
		for _, m := range now {
			at[m.Cell] = m
		}
		var all []typed
		var clashes Clashes
		seen := map[Cell]string{}
		for _, e := range edits {
			if text, twice := seen[e.Cell]; twice && text == e.Text {
				continue
			} else if twice {
				return nil, &Refusal{Code: Invalid, Problem: "two texts are typed into one cell", Todo: "say which it is to be"}
			}
			seen[e.Cell] = e.Text
			l, ok := sheet.at(spot{e.Sheet, e.Row})
			if !ok || e.Column < 0 || e.Column >= len(l.Cells) {
				return nil, &Refusal{Code: Conflict, Problem: "this row has no problem, and is not shown", Todo: "look at the page anew"}
			}
			if l.Whole {
				return nil, &Refusal{Code: Invalid, Problem: "the row cannot be told from others", Todo: "mend it in the file, and upload that again"}
			}
			m := at[e.Cell]
			was, shown := l.Cells[e.Column], l.Cells[e.Column]
			if m.Table == table {
				was, shown = m.Was, m.Text
			}
			switch {
			case e.Text == shown: // also where somebody else has typed the same
			case e.Version != m.Version:
				clashes = append(clashes, Clash{e.Cell, e.Text, shown, m.Version, m.By})
			default:
				all = append(all, typed{Edit: e, table: table, was: was, own: e.Text == was})
			}
		}
		if len(clashes) > 0 {
			return nil, clashes
		}
		return all, nil
	})
}

func readOtherwise() error {
	return &Refusal{Code: Conflict, Problem: "how the file is read was changed meanwhile", Todo: "look at the page anew"}
}

// typed is an edit that is taken.
type typed struct {
	Edit
	table  string
	was    string
	own    bool // the file's own text
	undoes int64
}

// mend takes edits into the books in one transaction, and judges the rows anew.
func (s *Seat) mend(ctx context.Context, upload string, edits func(*txn, *Upload, *Sheet) ([]typed, error)) (*Upload, *Sheet, error) {
	u, err := s.load(ctx, s.d.db, upload, Uploader)
	if err != nil {
		return nil, nil, err
	}
	before, err := s.Sheet(ctx, u, false)
	if err != nil {
		return nil, nil, err
	}
	reading := u.Reading
	changed := map[spot]bool{}
	u, err = s.change(ctx, upload, func(t *txn, u *Upload) error {
		if !reflect.DeepEqual(u.Reading, reading) {
			return readOtherwise()
		}
		all, err := edits(t, u, before)
		if err != nil || len(all) == 0 {
			return err
		}
		if err := s.handled(t, u); err != nil {
			return err
		}
		var batch int64
		if err := t.QueryRowContext(ctx, "SELECT coalesce(max(batch), 0) + 1 FROM mend WHERE upload = ?", u.ID).Scan(&batch); err != nil {
			return err
		}
		k := s.d.accounts[u.Account].key
		for _, e := range all {
			changed[spot{e.Sheet, e.Row}] = true
			if err := s.insert(t, u, k, batch, e); err != nil {
				return err
			}
		}
		return nil
	}, Uploader)
	if err != nil || len(changed) == 0 {
		return u, before, err
	}
	sheet, err := s.d.rejudge(ctx, before, u, changed)
	return u, sheet, err
}

func (s *Seat) insert(t *txn, u *Upload, k key, batch int64, e typed) error {
	id, version := e.Cell.id(k), e.Version+1
	where, err := k.sealJSON(place(u.ID, id, version, "place"), placed{e.Cell, e.table})
	if err != nil {
		return err
	}
	var text []byte
	digest := ""
	if !e.own {
		text, digest = k.seal(place(u.ID, id, version, "text"), e.Text), k.digest(e.Text)
	}
	if err := t.exec(`INSERT INTO mend (upload, batch, undoes, cell, version, place, was, text, person, time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		u.ID, batch, e.undoes, id, version, where, k.seal(place(u.ID, id, version, "was"), e.was), text, s.ID, stamp(t.now)); err != nil {
		return err
	}
	action := "mend"
	if e.undoes > 0 {
		action = "undo"
	}
	return s.did(t, u, action, fmt.Sprintf("row %d, column %d, version %d", e.Row, e.Column+1, version), digest)
}
