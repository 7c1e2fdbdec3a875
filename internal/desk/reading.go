package desk

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"hppsend/internal/campaign"
	"hppsend/internal/contact"
	"hppsend/pipeline"
	"hppsend/reader"
)

// shapeRows is how many rows a header is looked for in, among those that were remembered.
const shapeRows = 50

// maxHeader is how long a header may be that somebody says something of, in bytes.
const maxHeader = 2000

// said is what is remembered of how a file was read: which column is which, and where they are. What else a person
// says may mean other people in another file, and is asked anew.
type said struct {
	Map       map[string]string `json:"map,omitempty"`
	HeaderRow int               `json:"header_row,omitempty"`
	Delimiter string            `json:"delimiter,omitempty"`
}

// usualReading is how an upload is read as long as nobody says otherwise: as the account reads, but for the columns of
// a header that was there before, in the same row and with the same names, and is the header as it is read so.
func (d *Desk) usualReading(ctx context.Context, a *Account, u *Upload) (Reading, error) {
	usual := Reading{Reading: a.Options.Reading, RetryRejected: a.Options.RetryRejected}
	look, err := d.look(ctx, u, usual, shapeRows)
	if err != nil { // it is told when the file is looked at
		return usual, nil
	}
	for _, row := range look.Rows {
		var sealed []byte
		err := d.db.QueryRowContext(ctx, "SELECT reading FROM shape WHERE account = ? AND shape = ?", a.Name, shape(a.key, look.Format, row)).Scan(&sealed)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		var s said
		if err == nil {
			err = a.key.openJSON("shape "+a.Name, sealed, &s)
		}
		if err != nil {
			return usual, err
		}
		r := usual
		r.Map, r.HeaderRow, r.Delimiter = s.Map, s.HeaderRow, s.Delimiter
		as := *u
		as.Reading = r
		sheet, _, err := d.check(ctx, &as)
		if err != nil {
			return usual, err
		}
		if (sheet.Refused == nil || len(sheet.Unsaid) > 0) && sheet.Input.HeaderRow == row.Number {
			d.remember(u.ID, sheet)
			return r, nil
		}
	}
	return usual, nil
}

// shape tells a header, and where it is, from every other.
func shape(k key, format pipeline.Format, header reader.LookRow) []byte {
	mac := hmac.New(sha256.New, k.derive("shapes"))
	for _, text := range append([]string{string(format), strconv.Itoa(header.Number)}, header.Cells...) {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		io.WriteString(mac, text)
	}
	return mac.Sum(nil)
}

// shapeOf is the shape of the header of an upload, which is in a row; nil where it is not among the first.
func (d *Desk) shapeOf(ctx context.Context, u *Upload, header int) []byte {
	a := d.accounts[u.Account]
	look, err := d.look(ctx, u, Reading{Reading: a.Options.Reading}, shapeRows)
	at := slices.IndexFunc(look.Rows, func(row reader.LookRow) bool { return row.Number == header })
	if err != nil || at < 0 {
		return nil
	}
	return shape(a.key, look.Format, look.Rows[at])
}

// rememberShape keeps which column is which under the header of an upload.
func (d *Desk) rememberShape(t *txn, u *Upload, shape []byte) error {
	sealed, err := d.accounts[u.Account].key.sealJSON("shape "+u.Account, said{u.Reading.Map, u.Reading.HeaderRow, u.Reading.Delimiter})
	if err != nil || shape == nil {
		return err
	}
	return t.exec("INSERT INTO shape (account, shape, reading) VALUES (?, ?, ?) ON CONFLICT (account, shape) DO UPDATE SET reading = excluded.reading", u.Account, shape, sealed)
}

// look gives the first rows of an upload as they are.
func (d *Desk) look(ctx context.Context, u *Upload, r Reading, rows int) (reader.Look, error) {
	if err := d.fetch(ctx, d.fileOf(u.ID)); err != nil {
		return reader.Look{}, err
	}
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
func (s *Seat) Look(ctx context.Context, u *Upload, rows int) (reader.Look, error) {
	if u.State == Deleted {
		return reader.Look{}, gone()
	}
	return s.d.look(ctx, u, u.Reading, rows)
}

// wishes joins what an account says of columns that tell who is not to be messaged with what somebody has said of an upload:
// what holds for one holds.
func wishes(of campaign.Reading, optOut, noOptOut []string) (holds, holdsNot []string) {
	holds = union(of.OptOut, optOut)
	for _, column := range union(of.NoOptOut, noOptOut) {
		if !slices.ContainsFunc(holds, func(c string) bool { return sameColumn(c, column) }) {
			holdsNot = append(holdsNot, column)
		}
	}
	return holds, holdsNot
}

// union gives the columns of both, each once; nil for none.
func union(all, more []string) []string {
	all = slices.Clip(slices.Clone(all))
	for _, column := range more {
		if !slices.ContainsFunc(all, func(c string) bool { return sameColumn(c, column) }) {
			all = append(all, column)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// sameColumn reports whether two headers are one but for case and spaces.
func sameColumn(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
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
	for _, column := range slices.Concat(r.OptOut, r.NoOptOut) {
		if strings.TrimSpace(column) == "" || len(column) > maxHeader {
			return nil, &Refusal{Code: Invalid, Problem: "this is none of the choices", Todo: "choose one of them"}
		}
	}
	r.OptOut, r.NoOptOut = wishes(campaign.Reading{}, r.OptOut, r.NoOptOut)
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
