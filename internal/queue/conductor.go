package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// minOut is how many chunks of a run are out at least, as long as there are some; so many for each worker, and for one
// more. What is out is in the order of all runs, so the fewer of each there are the fairer they share.
const minOut = slots

// state is what was decided of a run so far.
type state struct {
	Brakes pipeline.Brakes
	Rows   map[pipeline.Status]int `json:",omitempty"` // that came to an outcome, as was told
	Bad    int                     `json:",omitempty"` // rows of the canary that were not accepted
	Passed bool                    `json:",omitempty"` // the canary was accepted, or there is none
	Asked  bool                    `json:",omitempty"` // somebody is to say whether the rest may follow
	Beyond bool                    `json:",omitempty"` // there are more rows than the limit lets through
	Over   bool                    `json:",omitempty"` // nobody works on it any more
	Later  later                   `json:",omitzero"`  // what a rule kept for later last
}

// later is why rows are kept for later, and until when.
type later struct {
	Reason string
	Until  time.Time
}

// said is what is told of a run.
type said struct {
	Answers []pipeline.Answer       `json:",omitempty"`
	Rows    map[pipeline.Status]int `json:",omitempty"` // that came to an outcome
	GoOn    *bool                   `json:",omitempty"` // whether the rest may follow the canary
	Later   later                   `json:",omitzero"`  // rows that were put back
}

// Conductor decides about runs that workers send. Every worker has one, and who follows a run: it does not matter who
// of them looks.
type Conductor struct {
	Ledger Book
	Jobs   Inserter // nil for who only looks on
	// Record gives what the ledger keeps of how a run came out.
	Record func(ledger.RunInfo, pipeline.Tally, pipeline.Ending) json.RawMessage
}

// Step looks at a run once: it takes in what was told, decides what follows, has the queue told of the chunks that lie
// ready, and ends the run when all is done.
func (c *Conductor) Step(ctx context.Context, r ledger.SharedRun) error {
	var spec Spec
	if err := json.Unmarshal(r.Spec, &spec); err != nil {
		return fmt.Errorf("run %s: what it is to go by: %w", r.ID, err)
	}
	out := minOut
	if r.Left > r.Out {
		workers, err := c.Ledger.Workers(ctx)
		if err != nil {
			return err
		}
		for _, w := range workers {
			if w.Queue == r.Queue {
				out += slots
			}
		}
	}
	var st state
	done, err := c.Ledger.Conduct(ctx, r.ID, func(m ledger.Moment) (d ledger.Decision, err error) {
		st, d, err = spec.decide(m, out)
		return d, err
	})
	if err != nil || !done {
		return err
	}
	if st.Over {
		return c.end(ctx, r, spec, st)
	}
	if c.Jobs == nil || r.Ordered.Order == pipeline.Pause || st.Brakes.Ended().Code != "" {
		return nil
	}
	wanted, err := c.Ledger.Wanted(ctx, r.ID)
	if err != nil || len(wanted) == 0 {
		return err
	}
	jobs, err := c.Jobs.Insert(ctx, r.Queue, wanted)
	if err != nil {
		return err
	}
	return c.Ledger.Queued(ctx, wanted, jobs)
}

// decide says what becomes of a run by what was told since it was decided last.
func (s Spec) decide(m ledger.Moment, out int) (st state, d ledger.Decision, err error) {
	if err := json.Unmarshal(m.State, &st); err != nil {
		return st, d, err
	}
	st.Brakes.Brake(s.Send)
	for _, text := range m.Said {
		var word said
		if err := json.Unmarshal(text, &word); err != nil {
			return st, d, err
		}
		d.Revise = append(d.Revise, st.hear(m.Now, word)...)
	}
	if m.Ordered.Order == pipeline.Cancel {
		st.Brakes.Stop(pipeline.Finding{Code: pipeline.StopCancelled, Reason: "the run was stopped: it was " + m.Ordered.String()})
	}
	st.Brakes.Look(m.Now, m.Ordered.Order == pipeline.Pause || m.Taken == 0) // where nobody tries, nothing is learnt
	if !st.Passed && !m.First {
		switch {
		case st.Bad > 0 && m.Left > 0: // else there is nothing that it could keep back
			st.Brakes.Stop(pipeline.Finding{Code: pipeline.StopCanary, Reason: fmt.Sprintf("the run was stopped after its first %d rows: %d of them were not accepted by HPP", s.Send.Canary, st.Bad)})
		case s.Ask && m.Left > 0:
			st.Asked = true
		default:
			st.Passed = true
		}
	}
	ended := st.Brakes.Ended().Code != ""
	if !ended && m.Ordered.Order != pipeline.Pause {
		if !st.Passed && !m.First {
			out = 0
		} else if !st.Passed {
			out, d.First = 1, true
		}
		d.Release = max(0, min(out-m.Out, m.Left-m.Out))
	}
	if !st.Over && (ended && m.Taken == 0 || m.Left == 0) {
		st.Over = true
		d.Release, d.Halt, d.Revise = 0, true, append(d.Revise, st.Brakes.Over()...)
	}
	d.State, err = json.Marshal(st)
	return st, d, err
}

// hear takes in what was told, and gives the refusals to be revised.
func (st *state) hear(now time.Time, word said) []pipeline.Revision {
	if word.GoOn != nil && st.Asked {
		if st.Asked, st.Passed = false, *word.GoOn; !st.Passed {
			st.Brakes.Stop(pipeline.Finding{Code: pipeline.StopCanary, Reason: "the run was stopped after its first rows, as was answered"})
		}
	}
	if word.Later.Until.After(st.Later.Until) {
		st.Later = word.Later
	}
	for status, n := range word.Rows {
		if st.Rows == nil {
			st.Rows = map[pipeline.Status]int{}
		}
		if st.Rows[status] += n; !st.Passed && status != pipeline.Delivered && status != pipeline.Skipped {
			st.Bad += n
		}
	}
	return st.Brakes.Answered(now, word.Answers...)
}

// ending is why the run has come to its end.
func (s Spec) ending(st state) pipeline.Ending {
	f := st.Brakes.Ended()
	if f.Code == "" && st.Beyond {
		f = pipeline.Finding{Code: pipeline.StopLimit, Reason: fmt.Sprintf("the limit of %d rows was reached before this row", s.Send.Limit)}
	}
	return pipeline.Ending{Finding: f}
}

// end counts what a run has come to by the ledger, and ends it there.
func (c *Conductor) end(ctx context.Context, r ledger.SharedRun, spec Spec, st state) error {
	codes, err := c.Ledger.Codes(ctx, r.ID)
	if err != nil {
		return err
	}
	var groups []pipeline.Group
	for _, code := range codes {
		groups = append(groups, pipeline.Group{Status: code.Status, Code: code.Code, Rows: code.Count})
	}
	skipped := spec.File.Due
	for _, g := range groups {
		skipped -= g.Rows
	}
	if skipped = min(skipped, st.Rows[pipeline.Skipped]); skipped > 0 { // served by other runs; those of this one are counted
		groups = append(groups, pipeline.Group{Status: pipeline.Skipped, Code: pipeline.CodeAlreadyDelivered, Rows: skipped})
	}
	ending := spec.ending(st)
	return c.Ledger.EndShared(ctx, r.ID, ending.Finding, c.Record(r.RunInfo, spec.File.Reached(groups), ending))
}

// Progress is how far a run is, by what was told.
func Progress(r ledger.SharedRun) (p pipeline.Progress, asked bool, err error) {
	var spec Spec
	var st state
	if err := json.Unmarshal(r.Spec, &spec); err != nil {
		return p, false, err
	}
	if err := json.Unmarshal(r.State, &st); err != nil {
		return p, false, err
	}
	p = pipeline.Progress{
		Due: spec.File.Due, Delivered: st.Rows[pipeline.Delivered], Rejected: st.Rows[pipeline.Rejected], Failed: st.Rows[pipeline.Failed],
		Uncertain: st.Rows[pipeline.Uncertain], Skipped: st.Rows[pipeline.Skipped], Rate: spec.Rate,
	}
	switch {
	case st.Brakes.Ended().Code != "":
		p.Waiting = "stopping: waiting for the calls in flight"
	case r.Ordered.Order == pipeline.Pause:
		p.Waiting = r.Ordered.String()
	case st.Asked:
		p.Waiting = pipeline.AwaitingAnswer
	case r.Left > 0 && r.Out == 0 && time.Now().Before(st.Later.Until):
		p.Waiting, p.Until = st.Later.Reason, st.Later.Until
	}
	return p, st.Asked, nil
}

// GoOn says whether the rest of a run may follow its canary.
func GoOn(ctx context.Context, l *ledger.Ledger, run string, yes bool) error {
	word, err := json.Marshal(said{GoOn: &yes})
	if err != nil {
		return err
	}
	return l.TellOf(ctx, run, word)
}
