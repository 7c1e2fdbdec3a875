package desk

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hppsend/internal/campaign"
	"hppsend/pipeline"
)

// Wish is what somebody asks approval for.
type Wish struct {
	Digest  string    // of the plan that the person saw
	Note    string    // to who approves
	Start   time.Time // when it is to start; zero for as soon as it is approved
	LeftOut int       // how many rows with problems are left out
}

// Ask asks for approval of an upload as it is now. What the person saw must be what it still is, and rows with
// problems have to be left out by their number.
func (s *Seat) Ask(ctx context.Context, upload string, w Wish) (*Upload, error) {
	note := strings.TrimSpace(w.Note)
	if len(note) > 2000 {
		return nil, &Refusal{Code: Invalid, Field: "note", Problem: "the note is too long", Todo: "it has 2000 characters at most"}
	}
	if !w.Start.IsZero() && (time.Until(w.Start) < -time.Minute || time.Until(w.Start) > approvalLife) {
		return nil, &Refusal{Code: Invalid, Field: "start", Problem: "it cannot start then", Todo: "name a time within the next 72 hours"}
	}
	u, err := s.load(ctx, s.d.db, upload, Uploader)
	if err != nil {
		return nil, err
	}
	if _, err := u.State.after(Ask); err != nil {
		return nil, err
	}
	sheet, approved, err := s.d.check(ctx, u)
	if err != nil {
		return nil, err
	}
	s.d.remember(u.ID, sheet)
	switch {
	case sheet.Refused != nil:
		return nil, sheet.Refused
	case sheet.Due == 0:
		return nil, &Refusal{Code: Invalid, Problem: "there is nothing to send", Todo: "see what became of the rows"}
	case sheet.TooLate != nil:
		return nil, &Refusal{
			Code: Invalid, Problem: "there are rows that would not go before their sessions expire",
			Todo: "bring the file without them, or with new sessions; or ask whoever runs this server for other hours, or another rate",
		}
	case sheet.Digest != w.Digest:
		return nil, &Refusal{Code: Conflict, Problem: "what would be sent has changed since this page was shown", Todo: "look at it again, and ask then"}
	case sheet.Bad() != w.LeftOut:
		return nil, &Refusal{
			Code: Invalid, Field: "left_out", Problem: "there are rows with problems",
			Todo: "mend them, or say that they are left out",
		}
	}
	a := s.d.accounts[u.Account]
	now := s.d.db.now()
	digest := wishDigest(approved.Digest(), now, w.Start, w.LeftOut)
	if err := s.d.keepPlan(ctx, u, hex.EncodeToString(digest), approved); err != nil {
		return nil, err
	}
	shape := s.d.shapeOf(ctx, u, sheet.Input.HeaderRow)
	edits := u.Edits
	u, err = s.change(ctx, upload, func(t *txn, u *Upload) error {
		if u.Edits != edits {
			return &Refusal{Code: Conflict, Problem: "the upload was changed meanwhile", Todo: "look at it again, and ask then"}
		}
		if err := t.step(u, Ask); err != nil {
			return err
		}
		u.Digest, u.Approvers, u.Due, u.LeftOut, u.AskerID, u.Asked, u.Start, u.Note = hex.EncodeToString(digest), a.Approvers.For(sheet.Due), sheet.Due, w.LeftOut, s.ID, now, w.Start, note
		if err := errors.Join(
			t.exec("DELETE FROM approval WHERE upload = ?", u.ID),
			t.exec("INSERT INTO hand (upload, person) VALUES (?, ?) ON CONFLICT DO NOTHING", u.ID, s.ID),
			t.exec(`UPDATE upload SET digest = ?, approvers = ?, due = ?, left_out = ?, asker = ?, asked = ?, start = ?, note = ?, reason = NULL, canary = '' WHERE id = ?`,
				digest, u.Approvers, u.Due, u.LeftOut, s.ID, stamp(now), stamp(w.Start), a.key.seal(u.ID+" note", note), u.ID),
		); err != nil {
			return err
		}
		if err := s.d.rememberShape(t, u, shape); err != nil {
			return err
		}
		return s.did(t, u, "ask", fmt.Sprintf("%d messages, %d rows left out", u.Due, u.LeftOut), u.Digest)
	}, Uploader)
	if err == nil && (u.Approvers > 0 || !s.May(u.Account, Approver)) {
		s.d.tellApprovers(ctx, u)
	}
	return u, err
}

func (d *Desk) tellApprovers(ctx context.Context, u *Upload) {
	if d.Notify == nil {
		return
	}
	ids, err := column[string](ctx, d.db, `SELECT r.person FROM role r JOIN person p ON p.id = r.person WHERE r.account = ? AND r.role = ? AND NOT p.disabled
		AND NOT EXISTS (SELECT 1 FROM hand h WHERE h.upload = ? AND h.person = r.person)`, u.Account, Approver, u.ID)
	if err != nil {
		d.fault("who may approve could not be found", u.ID, err)
		return
	}
	waits := Waits{Upload: u.ID, Account: u.Account}
	for _, id := range ids {
		if p, err := d.person(ctx, id); err == nil {
			waits.People = append(waits.People, p)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing {
		return
	}
	d.sends.Go(func() {
		err := pipeline.Guarded(func() error { d.Notify(context.WithoutCancel(ctx), waits); return nil })
		if err != nil {
			d.fault("who may approve could not be told", u.ID, err)
		}
	})
}

// Approval is somebody's.
type Approval struct {
	By   string
	Time time.Time
}

// Approvals gives those that an upload has, for what it is now.
func (s *Seat) Approvals(ctx context.Context, u *Upload) (all []Approval, err error) {
	return s.d.approvals(ctx, u)
}

func (d *Desk) approvals(ctx context.Context, u *Upload) (all []Approval, err error) {
	rows, err := d.db.QueryContext(ctx, `SELECT p.name, a.time FROM approval a JOIN person p ON p.id = a.person JOIN upload u ON u.id = a.upload AND u.digest = a.digest
		WHERE a.upload = ? ORDER BY a.time`, u.ID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a Approval
		var at int64
		if err := rows.Scan(&a.By, &at); err != nil {
			return nil, err
		}
		a.Time = moment(at)
		all = append(all, a)
	}
	return all, rows.Err()
}

// approved is who has approved an upload, as its run keeps it.
func (d *Desk) approved(ctx context.Context, u *Upload) (*campaign.Approval, error) {
	all, err := d.approvals(ctx, u)
	if err != nil {
		return nil, err
	}
	a := &campaign.Approval{Plan: u.Digest}
	if asker, err := d.person(ctx, u.AskerID); err == nil {
		a.SubmittedBy = []string{asker.Name}
	}
	for _, one := range all {
		a.By, a.Time = append(a.By, one.By), one.Time.UTC()
	}
	return a, nil
}

// Approve approves of an upload by the digest that the person saw. With the last approval that it takes it starts,
// at once or at its time.
func (s *Seat) Approve(ctx context.Context, upload, digest string) (*Upload, error) {
	u, err := s.change(ctx, upload, func(t *txn, u *Upload) error {
		if _, err := u.State.after(Agree); err != nil {
			return err
		}
		if u.Digest != digest {
			return &Refusal{Code: Conflict, Problem: "this is not any more what you have seen", Todo: "look at it again before you approve"}
		}
		if t.now.Sub(u.Asked) > approvalLife {
			return &Refusal{Code: Conflict, Problem: "approval was asked for more than 72 hours ago", Todo: "it has to be asked for again"}
		}
		hands, err := s.hands(ctx, t, u.ID)
		if err != nil {
			return err
		}
		if u.Approvers > 0 && slices.Contains(hands, s.ID) {
			return &Refusal{Code: Forbidden, Problem: "who uploaded or changed it does not approve it", Todo: "another person has to"}
		}
		sum, err := hex.DecodeString(digest)
		if err != nil {
			return err
		}
		if err := t.exec("INSERT INTO approval (upload, digest, person, time) VALUES (?, ?, ?, ?) ON CONFLICT (upload, person) DO NOTHING", u.ID, sum, s.ID, stamp(t.now)); err != nil {
			return err
		}
		var have int
		if err := t.QueryRowContext(ctx, "SELECT count(*) FROM approval WHERE upload = ? AND digest = ?", u.ID, sum).Scan(&have); err != nil {
			return err
		}
		action := Agree
		if have >= max(1, u.Approvers) {
			action = Approve
		}
		if err := t.step(u, action); err != nil {
			return err
		}
		return s.did(t, u, "approve", fmt.Sprintf("%d of %d", have, max(1, u.Approvers)), digest)
	}, Approver)
	if err == nil {
		s.d.wake()
	}
	return u, err
}

// SendBack gives an upload back to who asked, with a reason.
func (s *Seat) SendBack(ctx context.Context, upload, reason string) (*Upload, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" || len(reason) > 2000 {
		return nil, &Refusal{Code: Invalid, Field: "reason", Problem: "there is no reason", Todo: "say what has to be changed, in at most 2000 characters"}
	}
	return s.change(ctx, upload, func(t *txn, u *Upload) error {
		if err := s.d.returned(t, u, SendBack, reason); err != nil {
			return err
		}
		return s.did(t, u, "send_back", "", s.d.accounts[u.Account].key.digest(reason))
	}, Approver)
}

// returned makes an upload a draft again, which nobody has approved.
func (d *Desk) returned(t *txn, u *Upload, a Action, reason string) error {
	if err := t.step(u, a); err != nil {
		return err
	}
	return errors.Join(
		t.exec("DELETE FROM approval WHERE upload = ?", u.ID),
		t.exec("UPDATE upload SET digest = NULL, reason = ? WHERE id = ?", d.accounts[u.Account].key.seal(u.ID+" reason", reason), u.ID),
	)
}

// Withdraw takes a wish back, so that the upload can be changed.
func (s *Seat) Withdraw(ctx context.Context, upload string) (*Upload, error) {
	return s.change(ctx, upload, func(t *txn, u *Upload) error {
		if err := s.d.returned(t, u, SendBack, ""); err != nil {
			return err
		}
		return s.did(t, u, "withdraw", "", "")
	}, Uploader)
}

// Reopen makes a draft of an upload that is done or stopped, so that what was rejected can be mended and sent,
// once that is approved.
func (s *Seat) Reopen(ctx context.Context, upload string) (*Upload, error) {
	return s.change(ctx, upload, func(t *txn, u *Upload) error {
		if _, err := u.State.after(Reopen); err != nil {
			return err
		}
		if err := s.handled(t, u); err != nil {
			return err
		}
		return s.did(t, u, "reopen", "", "")
	}, Uploader)
}
