package campaign

import (
	"context"
	"time"

	"hppsend/pipeline"
)

// Check says what a run would do, and sends nothing. With places for them, or a sink, it reports what it has found
// of each row; the ledger may be nil. Beside a plan an error says that such a report could not be written.
func Check(ctx context.Context, opt Options, ports Ports, paths []string) (*pipeline.Plan, error) {
	c := &campaign{Options: opt, Ports: ports, started: time.Now()}
	defer c.close()
	if err := c.suppress(ctx); err != nil {
		return nil, err
	}
	for _, path := range paths {
		f, err := c.Reading.open(ctx, path, c.Stdin)
		if err != nil {
			return nil, err
		}
		c.files = append(c.files, f)
	}
	c.withoutReports()
	var records pipeline.Records
	if c.Ledger != nil {
		records = c.Ledger.View(c.Target.Name)
	}
	var err error
	if c.plan, err = pipeline.Check(ctx, c.rules(records), sources(c.files)...); err != nil {
		return nil, err
	}
	c.Observer.Tell(Checked{c.plan})
	if c.Sample > 0 {
		if err := c.sample(ctx); err != nil {
			return nil, err
		}
	}
	if c.places, err = c.Outputs.places(c.Ledger, c.Observer, c.Program, paths); err != nil {
		return nil, err
	}
	for i, f := range c.plan.Files {
		res := FileResult{Path: f.Input.Path, Tally: f.Tally}
		if c.Outputs.Report != "" || c.Outputs.Rejects != "" || c.Outputs.Rows != nil {
			out, err := c.places.find(ctx, f, c.Outputs.Report != "")
			if err != nil {
				return nil, err
			}
			why := pipeline.Finding{Code: pipeline.CodeNotReached, Reason: "to be sent"}
			_, at, err := c.places.makeReport(ctx, c.plan, i, c.files[i], why, out)
			if err != nil {
				return c.plan, err
			}
			res.Report, res.Rejects = at.report, at.rejects
		}
		c.Observer.Tell(Reported{res})
	}
	return c.plan, nil
}

// EachRow gives the rows of a file in order, as they are read, until the function wants no more. The file is not
// checked as a whole.
func (r Reading) EachRow(ctx context.Context, path string, each func(pipeline.Input, pipeline.Row) bool) error {
	f, err := r.open(ctx, path, nil)
	if err != nil {
		return err
	}
	defer f.Close()
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			return err
		}
		if !each(f.Input(), row) {
			return nil
		}
	}
	return nil
}
