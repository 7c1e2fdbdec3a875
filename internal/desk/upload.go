package desk

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"hppsend/internal/campaign"
	"hppsend/reader"
)

// Known says what is known of the same content from before.
type Known struct {
	Upload string // of this account; empty when none has it
	Run    string // of the command line; likewise
}

// Bring takes in a file, as it is read from r, and encrypts it as it comes. What is too large is refused, and
// nothing of it is kept.
func (s *Seat) Bring(ctx context.Context, account, name string, r io.Reader) (_ *Upload, known Known, err error) {
	a := s.d.accounts[account]
	if a == nil || !s.May(account, Uploader) {
		return nil, known, &Refusal{Code: Forbidden, Field: "account", Problem: "you cannot upload for this account", Todo: "choose another, or ask its administrator for the role uploader"}
	}
	left, err := s.room(ctx, s.d.db)
	if err != nil {
		return nil, known, err
	}
	u := &Upload{ID: newID(), Account: account, State: Draft, Name: fileName(name), ByID: s.ID, By: s.Name}
	defer func() {
		if err != nil {
			os.Remove(s.d.fileOf(u.ID))
			s.d.unshare(context.WithoutCancel(ctx), u.ID)
		}
	}()
	if u.Size, u.SHA256, err = store(s.d.fileOf(u.ID), u.ID, a.key, io.LimitReader(r, left+1)); err != nil {
		return nil, known, err
	}
	switch {
	case u.Size == 0:
		return nil, known, &Refusal{Code: Invalid, Field: "file", Problem: "the file is empty, or none was chosen", Todo: "choose a file, and see whether it was saved to its end"}
	case u.Size > s.d.Limits.Upload:
		return nil, known, &Refusal{
			Code: TooMuch, Field: "file", Problem: fmt.Sprintf("the file is larger than %s", Bytes(s.d.Limits.Upload)),
			Todo: "split it, or save it as .xlsx, which is compressed",
		}
	case u.Size > left:
		return nil, known, s.full()
	}
	if err := s.d.share(ctx, s.d.fileOf(u.ID)); err != nil {
		return nil, known, err
	}
	if known, err = s.known(ctx, a, u); err != nil {
		return nil, known, err
	}
	if u.Reading, err = s.d.usualReading(ctx, a, u); err != nil {
		return nil, known, err
	}
	err = s.d.tx(ctx, func(t *txn) error {
		if left, err := s.room(ctx, t); err != nil {
			return err
		} else if u.Size > left { // others came in meanwhile
			return s.full()
		}
		reading, err := a.key.sealJSON(u.ID+" reading", u.Reading)
		if err != nil {
			return err
		}
		if err := t.exec(`INSERT INTO upload (id, account, state, person, made, changed, name, sha256, size, reading)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, u.ID, account, Draft, s.ID, stamp(t.now), stamp(t.now),
			a.key.seal(u.ID+" name", u.Name), u.SHA256[:], u.Size, reading); err != nil {
			return err
		}
		if err := t.exec("INSERT INTO hand (upload, person) VALUES (?, ?)", u.ID, s.ID); err != nil {
			return err
		}
		return s.did(t, u, "upload", "", fmt.Sprintf("%x", u.SHA256))
	})
	return u, known, err
}

// room is how many bytes the person may still bring in one file.
func (s *Seat) room(ctx context.Context, q queryer) (int64, error) {
	var used int64
	err := q.QueryRowContext(ctx, "SELECT coalesce(sum(size), 0) FROM upload WHERE person = ? AND state <> ?", s.ID, Deleted).Scan(&used)
	if err == nil && used >= s.d.Limits.Person {
		err = s.full()
	}
	return min(s.d.Limits.Person-used, s.d.Limits.Upload), err
}

func (s *Seat) full() error {
	return &Refusal{
		Code: TooMuch, Field: "file", Problem: fmt.Sprintf("your uploads may take %s together", Bytes(s.d.Limits.Person)),
		Todo: "delete uploads that are done with first",
	}
}

// store encrypts a file, for a place, to where it is kept.
func store(path, place string, k key, r io.Reader) (size int64, sum [32]byte, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, sum, broken("keep the upload", err)
	}
	defer f.Close()
	w, err := k.writer(place, f)
	if err != nil {
		return 0, sum, err
	}
	h := sha256.New()
	size, err = io.Copy(w, io.TeeReader(r, h))
	if err == nil {
		err = errors.Join(w.Close(), f.Sync(), f.Close())
	}
	if errors.Is(err, syscall.ENOSPC) {
		err = &Refusal{Code: TooMuch, Field: "file", Problem: "the disk of the server is full", Todo: "tell whoever runs it; nothing was kept"}
	}
	return size, [32]byte(h.Sum(nil)), err
}

func (d *Desk) fileOf(id string) string { return d.path("files", id+".sheet") }

// planOf is where the plan lies that a digest stands for: an older one never takes the place of what was approved.
func (d *Desk) planOf(id, digest string) string {
	return d.path("files", id+"."+digest[:min(16, len(digest))]+".plan")
}

// fileName is the last part of what a browser calls a file, of a length that can be shown.
func fileName(name string) string {
	name = filepath.Base(strings.ReplaceAll(strings.Map(printable, strings.ToValidUTF8(name, "")), `\`, "/"))
	if name == "." || name == "/" || name == reader.Stdin {
		return "upload"
	}
	if r := []rune(name); len(r) > 120 {
		name = string(r[:80]) + "…" + string(r[len(r)-39:])
	}
	return name
}

// known looks for the content among earlier uploads of the account, and runs on its ledger.
func (s *Seat) known(ctx context.Context, a *Account, u *Upload) (k Known, err error) {
	ids, err := column[string](ctx, s.d.db, "SELECT id FROM upload WHERE sha256 = ? AND account = ? AND state <> ? ORDER BY made DESC LIMIT 1", u.SHA256[:], u.Account, Deleted)
	if err != nil {
		return k, err
	}
	if len(ids) > 0 {
		k.Upload = ids[0]
	}
	run, ok, err := a.Ledger.LastRun(ctx, u.SHA256, a.Options.Target.Name)
	if err != nil || !ok {
		return k, err
	}
	if of, err := campaign.ReadingOf(run); err == nil && of.Upload == nil {
		k.Run = run.ID
	}
	return k, nil
}

// Bytes is a size for people.
func Bytes(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d kB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
