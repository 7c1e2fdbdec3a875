package desk

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"io"
	"maps"
	"reflect"
	"strconv"
	"strings"

	"hppsend/internal/contact"
	"hppsend/reader"
)

// usualReading is how an upload is read as long as nobody says otherwise: as the last file of its shape was, or as
// the account reads.
func (d *Desk) usualReading(ctx context.Context, a *Account, u *Upload) (Reading, error) {
	r := Reading{Reading: a.Options.Reading, RetryRejected: a.Options.RetryRejected}
	shape := d.shape(ctx, a, u, r)
	if shape == nil {
		return r, nil
	}
	var sealed []byte
	err := d.db.QueryRowContext(ctx, "SELECT reading FROM shape WHERE account = ? AND shape = ?", a.Name, shape).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	return r, a.key.openJSON("shape "+a.Name, sealed, &r)
}

// shape tells files with the same columns in the same format from others; nil where no header is found.
func (d *Desk) shape(ctx context.Context, a *Account, u *Upload, r Reading) []byte {
	look, err := d.look(u, r, 1)
	if err != nil || len(look.Rows) == 0 {
		return nil
	}
	mac := hmac.New(sha256.New, a.key.derive("shapes"))
	for _, name := range append([]string{string(look.Format)}, look.Rows[0].Cells...) {
		io.WriteString(mac, name+"\x00")
	}
	return mac.Sum(nil)
}

// rememberShape keeps which column is which, and how the table is written, for files of its shape.
func (d *Desk) rememberShape(t *txn, u *Upload) error {
	a := d.accounts[u.Account]
	r := Reading{Reading: a.Options.Reading, RetryRejected: a.Options.RetryRejected} // what may mean other people is asked anew
	r.Map, r.HeaderRow, r.Delimiter, r.Encoding = u.Reading.Map, u.Reading.HeaderRow, u.Reading.Delimiter, u.Reading.Encoding
	shape := d.shape(t.ctx, a, u, Reading{Reading: a.Options.Reading})
	if shape == nil {
		return nil
	}
	sealed, err := a.key.sealJSON("shape "+a.Name, r)
	if err != nil {
		return err
	}
	return t.exec("INSERT INTO shape (account, shape, reading) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET reading = excluded.reading", a.Name, shape, sealed)
}

// look gives the first rows of an upload as they are.
func (d *Desk) look(u *Upload, r Reading, rows int) (reader.Look, error) {
	opt := reader.Options{
		Sheet: r.Sheet, Encoding: r.Encoding,
		Kept: &reader.Kept{Path: d.fileOf(u.ID), Bytes: d.accounts[u.Account].key.bytes(u.ID)},
	}
	if r.Delimiter == "tab" {
		opt.Delimiter = '\t'
	} else if one := []rune(r.Delimiter); len(one) == 1 {
		opt.Delimiter = one[0]
	}
	return reader.LookAt(u.Name, opt, rows)
}

// Look gives the first rows of an upload as they are, whatever they are taken for.
func (s *Seat) Look(u *Upload, rows int) (reader.Look, error) {
	if u.State == Deleted {
		return reader.Look{}, gone()
	}
	return s.d.look(u, u.Reading, rows)
}

// table is what tells which cell is which.
func (r Reading) table() [5]string {
	return [5]string{r.Sheet, strconv.Itoa(r.HeaderRow), r.Delimiter, r.Encoding, r.Ragged}
}

// Read says how an upload is read, and what of it is sent.
func (s *Seat) Read(ctx context.Context, upload string, r Reading) (*Upload, error) {
	r.Upload = nil
	switch country, known := contact.Country(r.Country); {
	case r.Country == "":
	case !known:
		return nil, &Refusal{Code: Invalid, Field: "country", Problem: "this is no country", Todo: "write it in English, or as two letters such as SE"}
	default:
		r.Country = country
	}
	for _, text := range []string{r.Label, r.Reminder, r.Sheet, r.Delimiter, r.Encoding} {
		if strings.Map(printable, text) != text || len(text) > 200 {
			return nil, &Refusal{Code: Invalid, Field: "label", Problem: "this has characters that cannot be seen, or is too long", Todo: "type at most 200 characters"}
		}
	}
	maps.DeleteFunc(r.Map, func(field, column string) bool { return field == "" })
	if len(r.Map) == 0 {
		r.Map = nil // as it comes out of the books
	}
	return s.change(ctx, upload, func(t *txn, u *Upload) error {
		r.Hidden, r.Method = cmp.Or(r.Hidden, u.Reading.Hidden), cmp.Or(r.Method, u.Reading.Method)
		r.Prefer, r.Sessions = cmp.Or(r.Prefer, u.Reading.Prefer), cmp.Or(r.Sessions, u.Reading.Sessions)
		if reflect.DeepEqual(r, u.Reading) {
			return nil
		}
		if r.table() != u.Reading.table() {
			mends, err := s.d.current(ctx, t, s.d.accounts[u.Account].key, u.ID)
			if err != nil {
				return err
			}
			if len(readerMends(mends)) > 0 {
				return &Refusal{Code: Conflict, Problem: "cells were changed, and would be others if the table were read otherwise", Todo: "take these changes back first"}
			}
		}
		if err := s.handled(t, u); err != nil {
			return err
		}
		u.Reading = r
		k := s.d.accounts[u.Account].key
		sealed, err := k.sealJSON(u.ID+" reading", r)
		if err != nil {
			return err
		}
		if err := t.exec("UPDATE upload SET reading = ? WHERE id = ?", sealed, u.ID); err != nil {
			return err
		}
		return s.did(t, u, "map", "", k.digest(string(sealed)))
	}, Uploader)
}
