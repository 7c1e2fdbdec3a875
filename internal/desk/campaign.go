package desk

import (
	"context"
	"errors"

	"hppsend/internal/campaign"
	"hppsend/pipeline"
	"hppsend/reader"
)

// voided says that what is to be sent is not what was approved.
type voided struct{ error }

func (d *Desk) campaign(ctx context.Context, a *Account, u *Upload, run *sending) (campaign.Result, error) {
	if err := d.fetch(ctx, d.planOf(u.ID, u.Digest)); err != nil {
		return campaign.Result{}, err
	}
	plan, err := d.plan(u)
	if err != nil {
		return campaign.Result{}, &voided{err}
	}
	mends, err := d.current(ctx, d.db, a.key, u.ID)
	if err != nil {
		return campaign.Result{}, err
	}
	opt, err := d.options(ctx, a, u, readerMends(mends))
	if err != nil {
		return campaign.Result{}, err
	}
	if _, err := d.listed(ctx, a, &opt); err != nil {
		return campaign.Result{}, err
	}
	opt.LeftOut = u.LeftOut
	if opt.Approval, err = d.approved(ctx, u); err != nil {
		return campaign.Result{}, err
	}
	terms := opt // as they were approved, whatever was answered since
	if opt.Send.Canary > 0 {
		yes, err := d.askCanary(ctx, u, run, opt.Send.Canary)
		switch {
		case err != nil:
			return campaign.Result{}, err
		case yes:
			opt.Send.Canary = 0
		default:
			opt.Send.GoOn = func(ctx context.Context, n int) bool { return d.goOn(ctx, u, run, n) }
		}
	}
	run.note = func(id string) {
		err := d.tx(ctx, func(t *txn) error {
			return t.exec("INSERT INTO run (upload, run, mends, started) VALUES (?, ?, (SELECT coalesce(max(id), 0) FROM mend WHERE upload = ?), ?) ON CONFLICT DO NOTHING",
				u.ID, id, u.ID, stamp(t.now))
		})
		if err != nil {
			d.fault("the run "+id+" could not be taken down", u.ID, err)
		}
	}
	res, err := campaign.Run(ctx, opt, campaign.Ports{
		Ledger: a.Ledger, Dial: a.Dial, Record: a.Record, Observer: run, Stop: run.stop,
		Confirm: func(_ context.Context, now *pipeline.Plan) error {
			if err := plan.Holds(a.Name, campaign.PlanKey(a.Ledger), terms, now); err != nil {
				return &voided{err}
			}
			return nil
		},
	}, []string{u.Name})
	if d.db.shared && errors.Is(err, pipeline.Busy) && d.busyWithIt(ctx, u, reader.Content(u.SHA256, opt.Upload.Mends)) {
		err = errElsewhere
	}
	return res, err
}
