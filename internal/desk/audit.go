package desk

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Event is one entry of the audit trail: who did what, to which upload, where in it. It holds places and
// digests, never values, so that it can outlive them.
type Event struct {
	Seq     int64
	Time    time.Time
	Person  string // the id; empty for the program itself
	By      string // the name, for people; not part of the entry
	Account string
	Action  string
	Upload  string
	Place   string
	Digest  string
}

// seal gives the hash of an entry that follows one with the hash before.
func (e Event) seal(before []byte) []byte {
	h := sha256.New()
	h.Write(before)
	for _, s := range []string{
		strconv.FormatInt(e.Seq, 10), strconv.FormatInt(e.Time.UnixMilli(), 10), e.Person, e.Account, e.Action, e.Upload, e.Place, e.Digest,
	} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
		io.WriteString(h, s)
	}
	return h.Sum(nil)
}

// audit adds an entry in the transaction that does what it tells of.
func (t *txn) audit(e Event) error {
	var before []byte
	err := t.QueryRowContext(t.ctx, "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").Scan(&e.Seq, &before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	e.Seq++
	e.Time = t.now
	return t.exec("INSERT INTO event (seq, time, person, account, action, upload, place, digest, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		e.Seq, e.Time.UnixMilli(), e.Person, e.Account, e.Action, e.Upload, e.Place, e.Digest, e.seal(before))
}

// Events gives the entries of the audit trail in order, oldest first; of one upload, or of all with "".
func (d *Desk) Events(ctx context.Context, upload string) ([]Event, error) {
	var all []Event
	err := d.events(ctx, upload, oldestFirst, func(e Event, _ []byte) error { all = append(all, e); return nil })
	return all, err
}

// How entries are read.
const (
	oldestFirst = "ORDER BY seq"
	newestFirst = "ORDER BY seq DESC"
)

// errEnough ends the reading of entries.
var errEnough = errors.New("no more are wanted")

// events gives entries of one upload, or of all with "", each with its hash.
func (d *Desk) events(ctx context.Context, upload, order string, each func(Event, []byte) error) error {
	rows, err := d.db.QueryContext(ctx, `SELECT seq, time, person, account, action, upload, place, digest, hash FROM event
		WHERE ? = '' OR upload = ? `+order, upload, upload)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e Event
		var at int64
		var hash []byte
		if err := rows.Scan(&e.Seq, &at, &e.Person, &e.Account, &e.Action, &e.Upload, &e.Place, &e.Digest, &hash); err != nil {
			return err
		}
		e.Time = time.UnixMilli(at)
		if err := each(e, hash); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return rows.Err()
}

// VerifyAudit reads the whole audit trail and gives how many entries it has and the hash of the last, which can
// be kept elsewhere: a trail that was cut off is whole, and has another. An error says from where it was changed.
func (d *Desk) VerifyAudit(ctx context.Context) (entries int64, last string, err error) {
	var before []byte
	err = d.events(ctx, "", oldestFirst, func(e Event, hash []byte) error {
		entries++
		if e.Seq != entries {
			return &Refusal{Code: Invalid, Problem: fmt.Sprintf("the audit trail is broken: entry %d is missing", entries)}
		}
		if string(e.seal(before)) != string(hash) {
			return &Refusal{Code: Invalid, Problem: fmt.Sprintf("the audit trail is broken: entry %d, or one before it, was changed", e.Seq)}
		}
		before = hash
		return nil
	})
	return entries, hex.EncodeToString(before), err
}

// ExportAudit writes the audit trail as CSV, by which its hashes can be made again.
func (d *Desk) ExportAudit(ctx context.Context, w io.Writer) error {
	out := csv.NewWriter(w)
	out.Write([]string{"seq", "time", "person", "account", "action", "upload", "place", "digest", "hash"})
	if err := d.events(ctx, "", oldestFirst, func(e Event, hash []byte) error {
		return out.Write([]string{
			strconv.FormatInt(e.Seq, 10), e.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"), e.Person, e.Account, e.Action, e.Upload, e.Place, e.Digest, hex.EncodeToString(hash),
		})
	}); err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}
