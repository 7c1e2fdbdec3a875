package desk

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/gob"
	"errors"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// Of desks that share their books one sends an upload: the one that the row of sending names, as long as it is heard of.
// That keeps two from working on the same; that nobody is messaged twice is held by the ledger, whatever is said here.

// beatEvery is how often a desk says that it sends an upload, and looks what people have said elsewhere.
const beatEvery = 500 * time.Millisecond

// errElsewhere says that another desk has an upload in hand.
var errElsewhere = errors.New("another desk sends it")

// take takes an upload in hand, in a transaction that may make more of it; errElsewhere if another desk has it.
func (d *Desk) take(t *txn, u *Upload, run *sending) error {
	if !d.db.shared {
		return nil
	}
	sealed, err := d.sealLive(u, run)
	if err != nil {
		return err
	}
	return taken(t.ExecContext(t.ctx, takeQuery, u.ID, run.token, sealed))
}

const takeQuery = `INSERT INTO sending AS s (upload, desk, live) VALUES (?, ?, ?) ON CONFLICT (upload)
	DO UPDATE SET desk = excluded.desk, heard = clock_timestamp(), live = excluded.live WHERE s.desk = excluded.desk OR NOT (` + heard + ")"

func taken(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return errElsewhere
}

// leave lets go of an upload, so that another desk may take it at once.
func (d *Desk) leave(upload string, run *sending) {
	if !d.db.shared {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := d.db.ExecContext(ctx, "DELETE FROM sending WHERE upload = ? AND desk = ?", upload, run.token); err != nil {
		d.fault("that an upload is not sent here any more could not be taken down", upload, err)
	}
}

// mine reports whether how a sending ended is to be taken down: not if another desk has taken the upload over, or come to
// its end. It lets go of the upload.
func (t *txn) mine(u *Upload, run *sending) (bool, error) {
	if !t.b.shared {
		return true, nil
	}
	var other bool
	if err := t.QueryRowContext(t.ctx, "SELECT state, EXISTS (SELECT FROM sending s WHERE s.upload = upload.id AND s.desk <> ?) FROM upload WHERE id = ?", run.token, u.ID).
		Scan(&u.State, &other); err != nil {
		return false, err
	}
	return !other && u.State == Running, t.exec("DELETE FROM sending WHERE upload = ? AND desk = ?", u.ID, run.token)
}

// held does something while an upload is in hand.
func (d *Desk) held(ctx context.Context, u *Upload, run *sending, do func() (campaign.Result, error)) (campaign.Result, error) {
	if !d.db.shared {
		return do()
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	defer func() {
		cancel()
		<-ended
	}()
	go func() {
		defer close(ended)
		every := time.NewTicker(beatEvery)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			if err := pipeline.Guarded(func() error { return d.beat(ctx, u, run) }); err != nil && ctx.Err() == nil {
				d.fault("how an upload is being sent could not be taken down", u.ID, err)
			}
		}
	}()
	return do()
}

// beat says that an upload is in hand and how it stands, and hears what was said on other hosts.
func (d *Desk) beat(ctx context.Context, u *Upload, run *sending) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	sealed, err := d.sealLive(u, run)
	if err != nil {
		return err
	}
	err = taken(d.db.ExecContext(ctx, takeQuery, u.ID, run.token, sealed))
	if err != nil && !errors.Is(err, errElsewhere) { // the ledger sees to it that one of two gives way
		return err
	}
	var stopping bool
	var canary string
	if err := d.db.QueryRowContext(ctx, "SELECT stopping, canary FROM upload WHERE id = ?", u.ID).Scan(&stopping, &canary); err != nil {
		return err
	}
	if stopping {
		run.halt()
	}
	if canary == canaryYes || canary == canaryNo {
		select {
		case run.answer <- canary == canaryYes:
		default: // nobody waits for it
		}
	}
	return nil
}

func (d *Desk) sealLive(u *Upload, run *sending) ([]byte, error) {
	run.mu.Lock()
	live := run.live
	run.mu.Unlock()
	var text bytes.Buffer
	err := gob.NewEncoder(&text).Encode(live) // JSON has no infinite rate
	return d.accounts[u.Account].key.seal(u.ID+" live", text.String()), err
}

// liveElsewhere tells how the sending of an upload stands on another host; ok is false when it is not being sent.
func (d *Desk) liveElsewhere(u *Upload) (live Live, ok bool) {
	if !d.db.shared {
		return live, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var sealed []byte
	var stopping bool
	err := d.db.QueryRowContext(ctx, "SELECT s.live, u.stopping FROM sending s JOIN upload u ON u.id = s.upload WHERE s.upload = ? AND u.state = ? AND "+heard, u.ID, Running).Scan(&sealed, &stopping)
	if err == nil {
		var text string
		if text, err = d.accounts[u.Account].key.open(u.ID+" live", sealed); err == nil {
			err = gob.NewDecoder(bytes.NewReader([]byte(text))).Decode(&live)
		}
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		d.fault("how an upload is being sent could not be read", u.ID, err)
	}
	live.Stopping = live.Stopping || stopping
	return live, err == nil
}

// busyWithIt reports whether what is being sent of the same content is the upload itself, by a desk that the ledger still
// takes for alive.
func (d *Desk) busyWithIt(ctx context.Context, u *Upload, content [32]byte) bool {
	a := d.accounts[u.Account]
	run, err := a.Ledger.Busy(ctx, content, a.Options.Target.Name)
	if err != nil || run == nil {
		return false
	}
	of, err := campaign.ReadingOf(*run)
	return err == nil && of.Upload != nil && of.Upload.ID == contact.MaskAll(u.ID) // as the ledger keeps it
}
