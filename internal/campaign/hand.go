package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"hppsend/internal/ledger"
	"hppsend/internal/queue"
	"hppsend/pipeline"
)

// Workers says whether the workers of several machines send instead of this process.
type Workers struct {
	Shared   bool
	Priority int  // 1 to 4; less goes first
	Detach   bool // nobody waits for the end
}

// followEvery is how often it is looked how far the workers are.
const followEvery = 200 * time.Millisecond

// hand has the workers send what is due, each file as a run of its own, and follows them to the end.
func (c *campaign) hand(ctx context.Context) error {
	limit := c.Send.Limit
	for i := range c.files {
		f := c.plan.Files[i]
		if f.Due == 0 || c.handed[i] {
			continue
		}
		if c.Send.Limit > 0 && limit == 0 {
			c.endings[i] = pipeline.Ending{Finding: pipeline.Finding{Code: pipeline.StopLimit, Reason: fmt.Sprintf("the limit of %d rows was reached before this row", c.Send.Limit)}}
			continue
		}
		if err := c.handFile(ctx, i, limit); err != nil {
			if len(c.handed) == 0 {
				return err
			}
			c.endings[i] = pipeline.Broken("the rows could not be handed to the workers", err)
			c.result.Ending = c.endings[i]
			break
		}
		if c.handed[i] = true; limit > 0 {
			limit -= min(limit, f.Due)
		}
		c.Observer.Tell(Handed{File: f.Input.Path, Run: f.Run, Due: f.Due})
	}
	if c.Workers.Detach {
		c.away = true
		return nil
	}
	if err := c.follow(ctx); err != nil { // they go on
		c.away = true
		c.unfollowed = fmt.Errorf("follow the workers: %w", err)
	}
	return nil
}

func (c *campaign) handFile(ctx context.Context, file, limit int) error {
	ctx, cancel := UntilStop(ctx, c.Stop)
	defer cancel()
	f := c.plan.Files[file]
	spec := queue.Spec{
		Target: c.Target.Name, User: c.User, Rules: c.rules(nil).Rules, Rate: c.Rate, Headroom: c.Headroom, Send: c.Send,
		Ask: c.Send.GoOn != nil && !c.Workers.Detach, File: f,
	}
	spec.Rules.Run, spec.Send.Limit = f.Run, limit
	if math.IsInf(spec.Rate, 1) {
		spec.Rate = 0
	}
	return queue.Submit(ctx, c.runs[file], spec, c.Workers.Priority, c.plan.DueRows(ctx, file, c.files[file]))
}

// follow tells how far the workers are, until they are through or nobody is to wait any more. It decides about the runs
// as every worker does, so that one that none of them knows comes to an end too.
func (c *campaign) follow(ctx context.Context) error {
	jobs, err := queue.OpenJobs(ctx, c.Ledger)
	if err != nil {
		return err
	}
	defer jobs.Close()
	f := following{campaign: c, conductor: &queue.Conductor{Ledger: queue.BookOf(c.Ledger), Jobs: jobs, Record: c.RecordOf}, answered: map[string]bool{}}
	for i := range c.files {
		if !c.handed[i] {
			continue
		}
		c.Observer.Tell(Sending{c.plan.Files[i].Input.Path, c.plan.Files[i].Due})
		if err := f.through(ctx, i); err != nil {
			return err
		}
		if c.away {
			break
		}
	}
	return nil
}

// following is somebody who waits for the workers.
type following struct {
	*campaign
	conductor *queue.Conductor
	asked     chan word       // by the canary of a file; nil while nobody is
	answered  map[string]bool // runs whose canary was answered for
}

type word struct {
	run string
	yes bool
}

// through follows the run of a file to its end.
func (f *following) through(ctx context.Context, file int) error {
	every := time.NewTicker(followEvery)
	defer every.Stop()
	for {
		over, err := f.look(ctx, file)
		if over || errors.Is(err, ledger.ErrOver) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			f.Observer.Progress(pipeline.Progress{Due: f.plan.Files[file].Due, Waiting: "the ledger does not answer"})
		}
		select {
		case <-every.C:
		case w := <-f.asked:
			if err := queue.GoOn(ctx, f.Ledger, w.run, w.yes); err != nil {
				f.asked <- w // to be said again
				continue
			}
			f.asked, f.answered[w.run] = nil, true
		case <-f.Stop:
			f.away = true
			return nil
		case <-ctx.Done():
			f.away = true
			return nil
		}
	}
}

// look decides about every run of this campaign that goes on, and reports whether that of a file is over.
func (f *following) look(ctx context.Context, file int) (over bool, err error) {
	runs, err := f.Ledger.SharedRuns(ctx, "")
	if err != nil {
		return false, err
	}
	living := map[string]ledger.SharedRun{}
	for _, r := range runs {
		living[r.ID] = r
	}
	for i := range f.handed {
		if r, ok := living[f.plan.Files[i].Run]; ok {
			if err := f.conductor.Step(ctx, r); err != nil {
				return false, err
			}
		}
	}
	run := f.plan.Files[file].Run
	r, ok := living[run]
	if !ok {
		info, _, err := f.Ledger.FindRun(ctx, run)
		if err == nil {
			f.endings[file] = pipeline.Ending{Finding: pipeline.Finding{Code: info.Ending, Reason: info.Reason}}
		}
		return err == nil, err
	}
	p, asked, err := queue.Progress(r)
	if err != nil {
		return false, err
	}
	if p.Rate == 0 {
		p.Rate = math.Inf(1)
	}
	if p.Waiting == "" && r.Taken == 0 {
		p.Waiting, err = f.waiting(ctx, r.Queue)
	}
	f.Observer.Progress(p)
	if asked && f.asked == nil && !f.answered[run] && f.Send.GoOn != nil {
		f.ask(ctx, run)
	}
	return false, err
}

// waiting says why nobody works on a run.
func (f *following) waiting(ctx context.Context, of string) (string, error) {
	workers, err := f.Ledger.Workers(ctx)
	if err != nil {
		return "", err
	}
	for _, w := range workers {
		if w.Queue == of {
			return "", nil
		}
	}
	return fmt.Sprintf("there is no worker for %s at %s", f.User, f.Target.Name), nil
}

// ask asks whether the rest may follow the canary. A person is not waited for here.
func (f *following) ask(ctx context.Context, run string) {
	asked := make(chan word, 1)
	f.asked = asked
	go func() {
		w := word{run: run}
		pipeline.Guarded(func() error { w.yes = f.Send.GoOn(ctx, f.Send.Canary); return nil })
		asked <- w
	}()
}

// RecordOf gives what the ledger keeps of how a run came out that workers have sent.
func (p Ports) RecordOf(info ledger.RunInfo, t pipeline.Tally, e pipeline.Ending) json.RawMessage {
	return p.Record(FileResult{Path: info.Path, Run: info.ID, Tally: t, Ending: e, Started: info.Started, Ended: time.Now()})
}
