package desk

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"hppsend/internal/contact"
	"hppsend/internal/ledger"
)

// Holding are the uploads that hold one of some contacts.
type Holding struct {
	Uploads   []string      // ids
	States    map[State]int // of these
	Elsewhere int           // of other ledgers, whose secret this one's is not
	Sealed    int           // that nobody can read here: a workbook with a password, or a damaged file
}

// Holding looks into every upload that is kept, and all that was typed into one, for contacts. It needs the secret of
// the ledger alone, also of a desk that was opened by [Beside].
func (d *Desk) Holding(ctx context.Context, l *ledger.Ledger, in contact.Traces) (h Holding, err error) {
	if d.db.shared { // what is fetched lies in the folder of this host
		for _, dir := range []string{d.Folder, d.path("files"), d.path("tmp")} {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return h, broken("make the folder of the page", err)
			}
		}
	}
	h.States = map[State]int{}
	ids, err := column[string](ctx, d.db, "SELECT id FROM upload WHERE state <> ? ORDER BY made, id", Deleted)
	if err != nil {
		return h, broken("the books of the page", err)
	}
	k := key(l.Key("page"))
	for _, id := range ids {
		var state State
		var name, reading, note, reason []byte
		if err := d.db.QueryRowContext(ctx, "SELECT state, name, reading, note, reason FROM upload WHERE id = ?", id).Scan(&state, &name, &reading, &note, &reason); err != nil {
			return h, broken("the books of the page", err)
		}
		if state == Deleted { // meanwhile
			continue
		}
		holds, err := d.typed(ctx, k, id, in, map[string][]byte{" name": name, " reading": reading, " note": note, " reason": reason})
		if errors.Is(err, errSealed) {
			h.Elsewhere++
			continue
		}
		if err == nil && !holds {
			holds, err = d.fileHolds(ctx, k, id, in)
		}
		switch {
		case errors.Is(err, errSealed):
			h.Sealed++
		case err != nil:
			return h, err
		case holds:
			h.Uploads = append(h.Uploads, id)
			h.States[state]++
		}
	}
	return h, nil
}

// errSealed says that what is kept cannot be read by whoever asks.
var errSealed = errors.New("it cannot be read")

// typed reports whether what people have typed about an upload, or into its cells, holds a contact.
func (d *Desk) typed(ctx context.Context, k key, id string, in contact.Traces, columns map[string][]byte) (bool, error) {
	for what, sealed := range columns {
		text, err := k.open(id+what, sealed)
		if err != nil {
			return false, errSealed
		}
		// In the name of a file what comes before its ending may be an address.
		if in.In([]byte(text + "\n" + strings.TrimSuffix(text, filepath.Ext(text)))) {
			return true, nil
		}
	}
	rows, err := d.db.QueryContext(ctx, "SELECT cell, version, place, was, text FROM mend WHERE upload = ?", id)
	if err != nil {
		return false, broken("the books of the page", err)
	}
	defer rows.Close()
	for rows.Next() {
		var cell, where, was, text []byte
		var version int
		if err := rows.Scan(&cell, &version, &where, &was, &text); err != nil {
			return false, broken("the books of the page", err)
		}
		m, err := k.openMend(id, cell, version, where, was, text)
		if err != nil {
			return false, err
		}
		if in.In([]byte(m.Was + "\n" + m.Text + "\n" + m.Sheet)) {
			return true, nil
		}
	}
	return false, broken("the books of the page", rows.Err())
}

// fileHolds reports whether the file of an upload holds a contact, in whatever cell, sheet or remark. What this host has
// not had goes again.
func (d *Desk) fileHolds(ctx context.Context, k key, id string, in contact.Traces) (bool, error) {
	path := d.fileOf(id)
	if _, err := os.Stat(path); d.db.shared && err != nil {
		defer os.Remove(path)
	}
	if err := d.fetch(ctx, path); err != nil {
		return false, err
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, broken("read an upload", err)
	}
	defer f.Close()
	plain, size, err := k.bytes(id)(f)
	if err != nil {
		return false, errSealed
	}
	head := make([]byte, 4)
	if _, err := plain.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, errSealed
	}
	switch {
	case bytes.Equal(head, []byte("\xd0\xcf\x11\xe0")): // a workbook with a password
		return false, errSealed
	case !bytes.HasPrefix(head, []byte("PK")):
		return scan(ctx, io.NewSectionReader(plain, 0, size), in)
	}
	book, err := zip.NewReader(plain, size)
	if err != nil {
		return false, errSealed
	}
	for _, part := range book.File {
		r, err := part.Open()
		if err != nil {
			return false, errSealed
		}
		holds, err := scan(ctx, io.LimitReader(r, maxPart), in)
		r.Close()
		if holds || err != nil {
			return holds, err
		}
	}
	return false, nil
}

// maxPart is how much of a part of a workbook is looked at, in bytes: more than any that the page takes.
const maxPart = 8 << 30

// scan looks for contacts in a text of any encoding that has ASCII in it, alone or in every other byte.
func scan(ctx context.Context, r io.Reader, in contact.Traces) (bool, error) {
	const window, overlap = 1 << 20, 1 << 10
	buf, kept := make([]byte, window), 0
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := io.ReadFull(r, buf[kept:])
		text := bytes.ReplaceAll(buf[:kept+n], []byte{0}, nil)
		if in.In(text) {
			return true, nil
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return false, nil
		}
		if err != nil {
			return false, errSealed
		}
		kept = copy(buf, buf[kept+n-overlap:kept+n])
	}
}

// Forget deletes uploads for the sake of somebody who asked to be forgotten, each as a whole: with its file, plans and
// mends. One that is being sent stays, and is counted. What is deleted already is nothing.
func (d *Desk) Forget(ctx context.Context, who string, uploads ...string) (deleted, running int, err error) {
	for _, id := range uploads {
		gone := false
		err := d.tx(ctx, func(t *txn) error {
			gone = false
			u := &Upload{ID: id}
			if err := t.QueryRowContext(ctx, "SELECT account, state FROM upload WHERE id = ?", id).Scan(&u.Account, &u.State); err != nil {
				return err
			}
			switch u.State {
			case Deleted:
				return nil
			case Running:
				running++
				return nil
			}
			gone = true
			return errors.Join(d.erase(t, u), t.audit(Event{
				Account: u.Account, Action: "delete", Upload: id, Place: fmt.Sprintf("somebody in it asked to be forgotten; done by %s", contact.MaskAll(who)),
			}))
		})
		if err != nil {
			return deleted, running, broken("the books of the page", err)
		}
		if gone {
			deleted++
		}
	}
	// Also what one who was killed has deleted in the books alone.
	gone, err := column[string](ctx, d.db, "SELECT id FROM upload WHERE state = ?", Deleted)
	if err != nil {
		return deleted, running, broken("the books of the page", err)
	}
	files, err := os.ReadDir(d.path("files"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return deleted, running, broken("the folder of uploads", err)
	}
	for _, f := range files {
		if id := uploadOf(f.Name()); contains(gone, id) {
			d.removeFiles(id)
		}
	}
	d.shed(ctx)
	return deleted, running, nil
}
