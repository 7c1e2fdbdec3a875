package desk

import (
	"context"

	"hppsend/pipeline"
)

// What the books have of the question whether the rest may follow the first rows.
const (
	canaryAsked = "asked"
	canaryYes   = "yes"
	canaryNo    = "no"    // for who sends it; then it is asked again
	canaryAgain = "again" // somebody goes on who was not asked yet: the first rows are those that come now
)

// answered takes down that somebody goes on, which is an answer where it was asked.
func (t *txn) answered(upload string) error {
	return t.exec("UPDATE upload SET canary = CASE canary WHEN ? THEN ? WHEN '' THEN ? ELSE canary END WHERE id = ?", canaryAsked, canaryYes, canaryAgain, upload)
}

// askCanary asks once more what nobody has answered before the program ended, or was not asked yet though rows were
// sent. It reports whether the rest may follow.
func (d *Desk) askCanary(ctx context.Context, u *Upload, run *sending, n int) (yes bool, err error) {
	var answer string
	var runs int
	if err := d.db.QueryRowContext(ctx, "SELECT canary, (SELECT count(*) FROM run r WHERE r.upload = u.id AND r.started >= u.asked) FROM upload u WHERE id = ?", u.ID).
		Scan(&answer, &runs); err != nil {
		return false, err
	}
	switch {
	case answer == canaryYes:
		return true, nil
	case answer == "" && runs == 0:
		return false, nil
	case answer == canaryAgain:
		return false, d.tx(ctx, func(t *txn) error { return t.exec("UPDATE upload SET canary = '' WHERE id = ?", u.ID) })
	case answer == canaryNo: // it was not heard any more
		if err := d.unanswered(ctx, u); err != nil {
			return false, err
		}
	case d.goOn(ctx, u, run, n):
		return true, nil
	}
	return false, &pipeline.Error{Kind: pipeline.Stopped, Problem: "nobody said that the rest may follow the first rows"}
}

// goOn asks whether the rest may follow the first n rows, and takes question and answer down.
func (d *Desk) goOn(ctx context.Context, u *Upload, run *sending, n int) bool {
	if err := d.asked(ctx, u); err != nil {
		d.fault("a question could not be taken down", u.ID, err)
		return false
	}
	if !run.goOn(ctx, n) {
		if err := d.unanswered(ctx, u); err != nil {
			d.fault("an answer could not be taken down", u.ID, err)
		}
		return false
	}
	if err := d.tx(ctx, func(t *txn) error { return t.exec("UPDATE upload SET canary = ? WHERE id = ?", canaryYes, u.ID) }); err != nil {
		d.fault("an answer could not be taken down", u.ID, err)
	}
	return true
}

// asked takes down a question. An answer that another host has from a person, to the same question before, stays.
func (d *Desk) asked(ctx context.Context, u *Upload) error {
	return d.tx(ctx, func(t *txn) error {
		return t.exec("UPDATE upload SET canary = ? WHERE id = ? AND canary NOT IN (?, ?)", canaryAsked, u.ID, canaryYes, canaryNo)
	})
}

// unanswered takes a no back that was heard: who goes on says yes.
func (d *Desk) unanswered(ctx context.Context, u *Upload) error {
	if !d.db.shared {
		return nil
	}
	return d.tx(ctx, func(t *txn) error {
		return t.exec("UPDATE upload SET canary = ? WHERE id = ? AND canary = ?", canaryAsked, u.ID, canaryNo)
	})
}
