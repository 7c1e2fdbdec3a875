package desk

import (
	"cmp"
	"context"
	"errors"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// wake makes Run look at once for what is to be started.
func (d *Desk) wake() {
	select {
	case d.poke <- struct{}{}:
	default:
	}
}

// Run starts what is approved when its time comes, goes on with what was being sent when the program ended, and
// forgets what is kept no longer, until the context ends.
func (d *Desk) Run(ctx context.Context) error {
	second, hour := time.NewTicker(time.Second), time.NewTicker(time.Hour)
	defer second.Stop()
	defer hour.Stop()
	said := ""
	for tidy := true; ; {
		if err := d.startDue(ctx); err == nil {
			said = ""
		} else if ctx.Err() == nil && err.Error() != said { // a database that is away is not told of each second
			said = err.Error()
			d.fault("what is due could not be started", "", err)
		}
		if tidy {
			if err := d.tidy(ctx); err != nil && ctx.Err() == nil {
				d.fault("what is kept no longer could not be deleted", "", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-second.C:
			tidy = false
		case <-d.poke:
			tidy = false
		case <-hour.C:
			tidy = true
		}
	}
}

// startDue starts what is approved and due, and what the books have as running and nobody sends.
func (d *Desk) startDue(ctx context.Context) error {
	now := time.Now()
	if d.db.shared { // the clocks of the hosts may differ
		var err error
		if now, err = d.db.clock(ctx, d.db); err != nil {
			return err
		}
	}
	ids, err := column[string](ctx, d.db, "SELECT id FROM upload WHERE (state = ? AND start <= ? OR state = ?) AND {idle} ORDER BY asked", Approved, now.UnixMilli(), Running)
	if err != nil {
		return err
	}
	var faults []error
	for _, id := range ids {
		d.mu.Lock()
		known := d.runs[id] != nil
		d.mu.Unlock()
		if !known {
			err := d.start(ctx, id, nil)
			if r := (*Refusal)(nil); errors.As(err, &r) && r.Code == NotFound { // of an account that is not served any more
				continue
			}
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// start begins to send an upload, or goes on. By is who says so; nil for the program itself.
func (d *Desk) start(ctx context.Context, id string, by *Seat) error {
	d.mu.Lock()
	if d.closing || d.runs[id] != nil {
		d.mu.Unlock()
		return nil
	}
	run := &sending{stop: make(chan struct{}), changed: make(chan struct{}), answer: make(chan bool), live: Live{Checking: true}, token: newID()}
	d.runs[id] = run
	d.sends.Add(1) // before Close can wait
	d.mu.Unlock()
	u, err := d.begin(ctx, id, by, run)
	if err != nil || u.State != Running {
		d.ended(id)
		if errors.Is(err, errElsewhere) {
			return nil
		}
		return err
	}
	go func() {
		defer d.ended(id)
		if err := pipeline.Guarded(func() error { d.send(u, run); return nil }); err != nil {
			d.Log.Error("the program broke while it sent", "upload", id, "error", err, "stack", pipeline.Stack(err))
		}
	}()
	return nil
}

func (d *Desk) ended(id string) {
	d.mu.Lock()
	run := d.runs[id]
	d.mu.Unlock()
	d.leave(id, run)
	d.mu.Lock()
	delete(d.runs, id)
	d.mu.Unlock()
	run.update(func(*Live) {})
	d.sends.Done()
}

// begin takes down that an upload is being sent, if its approval holds; else it is a draft again.
func (d *Desk) begin(ctx context.Context, id string, by *Seat, run *sending) (u *Upload, err error) {
	err = d.tx(ctx, func(t *txn) error {
		if u, err = d.scan(t.QueryRowContext(ctx, "SELECT "+uploadColumns+" WHERE u.id = ?", id)); err != nil {
			return err
		}
		if err := d.take(t, u, run); err != nil {
			return err
		}
		var last int64
		var hold int // approvals of people who may still give them
		if err := t.QueryRowContext(ctx, `SELECT coalesce(max(a.time), 0), count(r.person) FROM approval a JOIN upload u ON u.id = a.upload AND u.digest = a.digest
			LEFT JOIN person p ON p.id = a.person AND NOT p.disabled LEFT JOIN role r ON r.person = p.id AND r.account = u.account AND r.role = ?
			WHERE a.upload = ?`, Approver, id).Scan(&last, &hold); err != nil {
			return err
		}
		if u.State == Approved && t.now.Before(u.Start) {
			return &Refusal{Code: Conflict, Problem: "it was approved for a later time", Todo: "wait for that, or take it back and ask anew"}
		}
		e := Event{Account: u.Account, Action: "start", Upload: id, Digest: u.Digest}
		if by != nil {
			e.Person = by.ID
			if err := t.answered(id); err != nil {
				return err
			}
		}
		reason := ""
		switch {
		case t.now.Sub(moment(last)) > approvalLife:
			reason = "the approval is more than 72 hours old; ask for it again"
		case hold < max(1, u.Approvers):
			reason = "who approved it may not do that any more; ask for approval again"
		}
		switch {
		case reason != "" && u.State == Running:
			return d.halted(t, u, Lapse, reason)
		case reason != "":
			e.Action = string(Lapse)
			return errors.Join(d.returned(t, u, Lapse, reason), t.audit(e))
		}
		if u.State != Running {
			return errors.Join(t.step(u, Start), t.exec("UPDATE upload SET stopping = FALSE WHERE id = ?", id), t.audit(e))
		}
		var stopping bool // somebody has stopped it before the program came to its end
		if err := t.QueryRowContext(ctx, "SELECT stopping FROM upload WHERE id = ?", id).Scan(&stopping); err != nil {
			return err
		}
		if stopping {
			return d.halted(t, u, Halt, "it was stopped")
		}
		return t.audit(e)
	})
	return u, err
}

// send sends an upload to its end, or until it is stopped, and takes down how that ended.
func (d *Desk) send(u *Upload, run *sending) {
	ctx := context.Background()
	a := d.accounts[u.Account]
	res, err := d.held(ctx, u, run, func() (campaign.Result, error) { return d.campaign(ctx, a, u, run) })
	if errors.Is(err, errElsewhere) {
		return
	}
	d.mu.Lock()
	closing := d.closing
	d.mu.Unlock()
	left := res.Total.Status[pipeline.Pending] + res.Total.Status[pipeline.Failed]
	stopped := errors.Is(err, pipeline.Stopped) || errors.Is(err, context.Canceled) // by a person, or since the desk is being closed
	if err := errors.Join(err, res.Err); err != nil && !closing && !stopped {
		d.fault("an upload was not sent as it should be", u.ID, err)
	}
	var ended error
	switch changed := (*voided)(nil); {
	case errors.As(err, &changed):
		ended = d.end(ctx, u, run, Lapse, changed.Error())
	case err != nil && (closing || stopped):
		if !closing { // else the next start goes on
			ended = d.end(ctx, u, run, Halt, cmp.Or(stoppedFor(err), "it was stopped before anything was sent"))
		}
	case err != nil:
		ended = d.end(ctx, u, run, Halt, problemOf(err))
	case closing && res.Ending.Code == pipeline.StopSignal:
	case left > 0:
		reason := res.Ending.Reason
		if res.Err != nil {
			reason = problemOf(res.Err)
		}
		ended = d.end(ctx, u, run, Halt, reason)
	default:
		ended = d.end(ctx, u, run, Finish, "")
	}
	if ended != nil {
		d.fault("how a run ended could not be taken down", u.ID, ended)
	}
}

// stoppedFor is why a run was stopped; empty where it was by a person.
func stoppedFor(err error) string {
	if e := (*pipeline.Error)(nil); errors.As(err, &e) {
		return e.Problem
	}
	return ""
}

// fault logs an error of an upload, without what could be a contact.
func (d *Desk) fault(what, upload string, err error) {
	d.Log.Error(what, "upload", upload, "error", contact.MaskAll(problemOf(err)))
}

// problemOf is an error without what it says to do on a command line.
func problemOf(err error) string {
	if e := (*pipeline.Error)(nil); errors.As(err, &e) && e.Problem != "" {
		return e.Problem
	}
	return err.Error()
}

// end takes down how the sending of an upload ended.
func (d *Desk) end(ctx context.Context, u *Upload, run *sending, a Action, reason string) error {
	return d.tx(ctx, func(t *txn) error {
		if mine, err := t.mine(u, run); err != nil || !mine {
			return err
		}
		return d.halted(t, u, a, reason)
	})
}

// halted ends the sending of an upload, with the reason; by a lapse it is a draft again.
func (d *Desk) halted(t *txn, u *Upload, a Action, reason string) error {
	e := Event{Account: u.Account, Action: string(a), Upload: u.ID, Digest: u.Digest}
	if a == Lapse {
		if err := t.step(u, Halt); err != nil {
			return err
		}
		return errors.Join(d.returned(t, u, Lapse, reason), t.audit(e))
	}
	if err := t.step(u, a); err != nil {
		return err
	}
	return errors.Join(
		t.exec("UPDATE upload SET reason = ? WHERE id = ?", d.accounts[u.Account].key.seal(u.ID+" reason", reason), u.ID),
		t.audit(e),
	)
}
