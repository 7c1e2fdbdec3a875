package campaign

import (
	"context"
	"maps"
	"slices"
	"time"

	"hppsend/pipeline"
)

// Sampled tells what looks at some of the sessions that are to be sent have found.
type Sampled struct {
	Due    int // rows that are to be sent
	Looked int // sessions that were looked at
	Unseen int // of these, that could not be seen
	Found  map[pipeline.SessionStatus]int
	Ending pipeline.Ending // why it was ended early; zero when it was not
}

func (Sampled) event() {}

// sample looks at so many of the sessions that are to be sent, spread over all files.
func (c *campaign) sample(ctx context.Context) error {
	picked, err := c.spread(ctx, c.Sample)
	if err != nil || len(picked) == 0 {
		return err
	}
	t := Tracking{Target: c.Target.Name, Rate: c.Rate, Headroom: c.Headroom, Send: c.Send}
	var tracked Tracked
	if err := t.look(ctx, c.Ports, slices.Values(picked), len(picked), &tracked); err != nil {
		return err
	}
	seen, err := c.Ledger.View(c.Target.Name).Seen(ctx, picked)
	if err != nil {
		return err
	}
	out := Sampled{Due: c.plan.Due, Looked: len(picked), Unseen: len(picked) - tracked.Looked, Found: map[pipeline.SessionStatus]int{}, Ending: tracked.Ending}
	for _, s := range seen {
		if !s.Looked.Before(c.started.Truncate(time.Millisecond)) {
			out.Found[s.Status]++
		}
	}
	c.Observer.Tell(out)
	return nil
}

// spread picks so many sessions of rows that are to be sent, from the beginning to the end of the files.
func (c *campaign) spread(ctx context.Context, n int) ([]string, error) {
	picked, at := map[string]bool{}, 0
	n = min(n, c.plan.Due)
	for i, f := range c.files {
		for row, err := range c.plan.DueRows(ctx, i, f) {
			if err != nil {
				return nil, err
			}
			if at*n/c.plan.Due != (at+1)*n/c.plan.Due { // the last of its stretch
				picked[row.Distribution.Session] = true
			}
			at++
		}
	}
	return slices.Sorted(maps.Keys(picked)), nil
}
