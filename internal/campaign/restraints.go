package campaign

import (
	"context"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// Restraints are the rules of a campaign: who must not be messaged, how much may be sent, and when. They are applied in the
// check, and what they hold back is kept with the run.
type Restraints struct {
	Cooldown   time.Duration        // since a contact was last sent anything; 0 for none
	PerContact string               // all, first or refuse
	Allowances []pipeline.Allowance // of messages, in each period
	Zone       string               // IANA, by whose calendar the periods are counted, and in which people are told of times

	Hours       pipeline.Hours     // at which recipients may be messaged; zero for always
	Holidays    *pipeline.Holidays // on which they may not; nil for none
	Home        string             // IANA, the zone of recipients of whom none is known; empty to refuse them
	Margin      time.Duration      // how long before the end of the hours no call may begin any more
	SessionLife time.Duration      // after which sessions expire; 0 where it is not known
	SessionFrom time.Time          // when they were made
	SkipLate    bool               // what will not go before it expires is skipped, rather than refused
	BySoonest   bool               // the soonest to expire go first

	Preflight pipeline.Preflight // its age is 0 where sessions are not looked at before their calls
}

// apply puts the rules into those of a check.
func (r Restraints) apply(cfg *pipeline.CheckConfig) {
	cfg.Rules.Cooldown, cfg.Rules.PerContact = r.Cooldown, pipeline.ContactRule(r.PerContact)
	cfg.Rules.Allowances, cfg.Rules.Zone = r.Allowances, r.Zone
	cfg.Rules.Hours, cfg.Rules.Holidays, cfg.Rules.Home, cfg.Rules.Margin = r.Hours, r.Holidays, r.Home, r.Margin
	cfg.Defaults.Expires = pipeline.Expiry{Life: r.SessionLife, From: r.SessionFrom}
	if r.Preflight.Age > 0 {
		cfg.Rules.Preflight = &r.Preflight
	}
}

// holdBatch is how many rows are kept at once.
const holdBatch = 5000

// keepHolds has the ledger keep what rules hold back in a file, before anything of it is sent.
func keepHolds(ctx context.Context, run *ledger.Run, plan *pipeline.Plan, file int) error {
	batch := make([]pipeline.Hold, 0, holdBatch)
	for h := range plan.HoldsOf(file) {
		if batch = append(batch, h); len(batch) == holdBatch {
			if err := run.Hold(ctx, batch, false); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return run.Hold(ctx, batch, false)
}

// rules are those by which rows are checked and sent.
func (c *campaign) rules(records pipeline.Records) pipeline.CheckConfig {
	cfg := c.Reading.Rules(c.Target, records)
	cfg.Rules.RetryRejected, cfg.Rules.ResendUncertain = c.RetryRejected, c.ResendUncertain
	c.Restraints.apply(&cfg)
	c.suppression(&cfg)
	cfg.Going = pipeline.Going{Start: time.Now(), Rate: c.Rate, BySoonest: c.Restraints.BySoonest, SkipLate: c.Restraints.SkipLate}
	if c.Ledger != nil {
		view := c.Ledger.View(c.Target.Name)
		cfg.Contacts, cfg.Going.Sends = view, view
	}
	return cfg
}
