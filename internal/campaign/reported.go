package campaign

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hppsend/pipeline"
)

// ending is why the sending of a file has ended.
func (c *campaign) ending(file int) pipeline.Ending {
	if e, ok := c.endings[file]; ok {
		return e
	}
	return c.result.Ending
}

// report writes the report of every file, puts the file away and ends its run.
func (c *campaign) report(ctx context.Context) {
	for _, run := range c.runs {
		run.Over()
	}
	faults := []error{c.unfollowed}
	if err := c.result.Ending.Err; err != nil {
		faults = append(faults, err)
	}
	for i := range c.files {
		if _, over := c.endings[i]; c.handed[i] && !over {
			c.result.Away = true
			continue
		}
		res := c.reported(ctx, i)
		faults = append(faults, res.Err)
		if c.result.Ending.Code == "" {
			c.result.Ending = res.Ending
		}
		if err := c.recorded(ctx, i, res); err != nil {
			faults = append(faults, fmt.Errorf("record the end of the run: %w", err))
		}
		c.Observer.Tell(Reported{res})
		c.result.Files = append(c.result.Files, res)
		c.result.Total.Add(res.Tally)
	}
	c.ended = true
	c.result.Err = errors.Join(faults...)
}

// recorded has the ledger keep how a file came out.
func (c *campaign) recorded(ctx context.Context, file int, res FileResult) error {
	if c.handed[file] {
		return c.runs[file].Counted(ctx, c.Record(res))
	}
	return c.runs[file].End(ctx, res.Ending.Finding, c.Record(res))
}

// reported writes the report of a file and puts the file away.
func (c *campaign) reported(ctx context.Context, file int) FileResult {
	f := c.plan.Files[file]
	res := FileResult{Path: f.Input.Path, Run: f.Run, Ending: c.ending(file), Started: c.started}
	var at made
	err := pipeline.Guarded(func() (err error) {
		late, err := c.Ledger.Held(ctx, f.Run, !c.handed[file])
		if err != nil {
			return err
		}
		c.plan.Hold(file, late)
		res.Tally, at, err = c.places.makeReport(ctx, c.plan, file, c.files[file], res.Ending.Finding, c.outputs[file])
		return err
	})
	res.Report, res.Rejects, res.Ended = at.report, at.rejects, time.Now()
	faults := []error{err}
	if err != nil && res.Tally.Rows < f.Tally.Rows { // the rows could not be read to their end
		tally, err := c.reached(ctx, f)
		if err != nil { // nor can the ledger: what this run has seen is known all the same
			faults = append(faults, err)
			tally = f.Reached(c.seen.groups(file))
		}
		res.Tally = tally
	}
	if res.Ending.Err == nil && err == nil { // what broke the run has been said
		res.Report, err = c.putAway(file, res)
		faults = append(faults, err)
	}
	res.Err = errors.Join(faults...)
	return res
}

// reached counts a file that was changed under the run by what the ledger has of it.
func (c *campaign) reached(ctx context.Context, f pipeline.FilePlan) (pipeline.Tally, error) {
	codes, err := c.Ledger.Codes(ctx, f.Run)
	if err != nil {
		return pipeline.Tally{}, err
	}
	var done []pipeline.Group
	for _, code := range codes {
		done = append(done, pipeline.Group{Status: code.Status, Code: code.Code, Rows: code.Count})
	}
	return f.Reached(done), nil
}
