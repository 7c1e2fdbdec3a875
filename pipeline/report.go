package pipeline

import (
	"context"

	"hppsend/internal/contact"
)

// Report writes one outcome for every row of a file, in input order, from the file and the ledger.
// The plan says of which run, in FilePlan.Run. why is what rows that were not reached are said to be
// pending for; a zero Finding for no reason of the run's.
func Report(ctx context.Context, plan *Plan, file int, src Source, why Finding, sink Sink) (Tally, error) {
	var t Tally
	rules := plan.cfg.Rules
	rules.Run = plan.Files[file].Run
	if why.Code == "" {
		why = Finding{Code: CodeNotReached, Reason: "the run did not come to this row"}
	}
	n := 0
	for g, err := range ahead(plan.cfg.inspected(ctx, src, false, func(n int) contact.Phone { return plan.phoneOf(file, n) })) {
		if err != nil {
			return t, err
		}
		for i, it := range g.items {
			if err := plan.verify(file, n+i, g.rows[i]); err != nil {
				return t, err
			}
			j := plan.final(rules, plan.Files[file].first+n+i, it, g.records[i], rules.judge(it, g.records[i], 0))
			if j.stage == stageSend {
				j.outcome = rules.afterwards(it, g.records[i], why)
				t.Left++
			}
			if j.stage == stageHeld && j.outcome.Status == Pending {
				t.Left++
			}
			if sentAllTheSame(j) {
				j.outcome.Note = it.note()
			}
			rules.bothTried(it, g.records[i], &j.outcome)
			if err := sink.Write(g.rows[i], j.outcome); err != nil {
				return t, err
			}
			t.add(it.place, j.outcome)
		}
		n += len(g.rows)
	}
	return t, plan.complete(file, n)
}
