package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"

	"hppsend/pipeline"
	"hppsend/reader"
)

// open opens the inputs, in order, and leaves out reports of files that are named too.
func (c *campaign) open(ctx context.Context, paths []string) error {
	for _, path := range paths {
		f, err := c.Reading.open(ctx, path, c.Stdin)
		if err == nil {
			if err = c.notBusy(ctx, f.Input()); err != nil {
				f.Close()
			}
		}
		if err == nil {
			c.files = append(c.files, f)
		} else if err = c.skip(err); err != nil {
			return err
		}
	}
	c.withoutReports()
	return distinct(c.files)
}

// notBusy refuses a file that another run is sending now, but for one that the workers have and are to send.
func (c *campaign) notBusy(ctx context.Context, in pipeline.Input) error {
	busy, err := c.Ledger.Busy(ctx, in.SHA256, c.Target.Name)
	if err == nil && busy != nil && busy.Shared && c.Workers.Shared {
		reading, unreadable := json.Marshal(c.Reading)
		if c.followed[in.Path] = unreadable == nil && busy.Reminder == c.Reminder && busy.Judges(reading); c.followed[in.Path] {
			return nil
		}
	}
	if err == nil && busy != nil {
		err = busy.Busy()
	}
	return err
}

// skip takes note of a file that is refused, when the others are to be sent all the same.
func (c *campaign) skip(err error) error {
	if !c.SkipRefused || !errors.Is(err, pipeline.BadInput) && !errors.Is(err, pipeline.Busy) {
		return err
	}
	c.Observer.Tell(Refused{err})
	c.result.Refused = append(c.result.Refused, err)
	return nil
}

// check judges all rows of all files, and tries the places of their reports.
func (c *campaign) check(ctx context.Context, paths []string) (err error) {
	for {
		if c.plan, err = pipeline.Check(ctx, c.rules(c.Ledger.View(c.Target.Name)), sources(c.files)...); err == nil {
			err = c.findPlaces(ctx, paths)
		}
		var input *pipeline.Error
		if !errors.As(err, &input) || input.Kind != pipeline.BadInput {
			return err
		}
		if err := c.skip(err); err != nil {
			return err
		}
		i := slices.IndexFunc(c.files, func(f *reader.File) bool { return f.Input().Path == input.Place.File })
		if i < 0 {
			return err
		}
		c.files[i].Close()
		c.files = slices.Delete(c.files, i, i+1)
	}
}

// findPlaces finds where the reports will lie, before anything is sent.
func (c *campaign) findPlaces(ctx context.Context, paths []string) (err error) {
	if c.places, err = c.Outputs.places(c.Ledger, c.Observer, c.Program, paths); err != nil {
		return err
	}
	c.outputs = nil
	for _, f := range c.plan.Files {
		out, err := c.places.find(ctx, f, !c.Outputs.None)
		if err != nil {
			return err
		}
		c.outputs = append(c.outputs, out)
	}
	return nil
}

func sources(files []*reader.File) []pipeline.Source {
	out := make([]pipeline.Source, len(files))
	for i, f := range files {
		out[i] = f
	}
	return out
}

// distinct refuses the same content under two names, which could only be a mistake.
func distinct(files []*reader.File) error {
	seen := map[[32]byte]string{}
	for _, f := range files {
		in := f.Input()
		if other, ok := seen[in.SHA256]; ok {
			return usage(other+" and "+in.Path+" have the same content", "name one of them")
		}
		seen[in.SHA256] = in.Path
	}
	return nil
}

// withoutReports leaves out reports of files that are named too, as a pattern like *.csv names them.
func (c *campaign) withoutReports() {
	named := map[string]bool{}
	for _, f := range c.files {
		named[stem(f.Input().Path)] = true
	}
	c.files = slices.DeleteFunc(c.files, func(f *reader.File) bool {
		in := f.Input()
		of := reportOf.ReplaceAllString(stem(in.Path), "")
		if !in.IsReport || of == stem(in.Path) || !named[of] {
			return false
		}
		say(c.Observer, "report_passed_over", in.Path+" is passed over: it was written for a file that is named too")
		f.Close()
		return true
	})
}

var reportOf = regexp.MustCompile(`\.(report|rejects)(-\d+)?$`)
