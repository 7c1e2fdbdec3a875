package pipeline

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// ordered runs 20 rows while orders are given, each at its time, and gives when calls were made.
func (c *campaign) ordered(t *testing.T, at map[time.Duration]Ordered) (result, []time.Duration) {
	t.Helper()
	c.sending = func(s *Sending) {
		for after, o := range at {
			if after == 0 {
				s.Order(o)
				continue
			}
			time.AfterFunc(after, func() { s.Order(o) })
		}
	}
	begin := time.Now()
	res := c.runAndReport(t, sheet(many(1, 20)...))
	var calls []time.Duration
	for _, call := range c.server.calls {
		calls = append(calls, call.at.Sub(begin))
	}
	return res, calls
}

// A pause lets no call begin, at whatever rate and whenever it comes, and ends with every row sent.
func TestPauseByAPerson(t *testing.T) {
	for _, rate := range []float64{0.5, 3, 50, 1000, math.Inf(1)} {
		for _, from := range []time.Duration{0, time.Millisecond, 130 * time.Millisecond, 2500 * time.Millisecond} {
			t.Run(fmt.Sprintf("%g a second, after %s", rate, from), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := newCampaign(t, func(context.Context, Distribution, int) Reply { time.Sleep(time.Millisecond); return ok200 })
					c.rate = rate
					until := from + 30*time.Second
					res, calls := c.ordered(t, map[time.Duration]Ordered{from: {Pause, "Ann", time.Now()}, until: {}})
					for _, at := range calls {
						if at > from && at < until || from == 0 && at < until {
							t.Errorf("a call was made at %s, in the pause from %s to %s", at, from, until)
						}
					}
					if res.tallies[0].Status[Delivered] != 20 || res.ending.Code != "" {
						t.Errorf("%+v, ended with %v", res.tallies[0].Status, res.ending)
					}
				})
			})
		}
	}
}

// What is counted in time before a run gives up is not counted in a pause.
func TestPauseInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		c := newCampaign(t, func(context.Context, Distribution, int) Reply {
			if time.Since(begin) < 3*time.Minute {
				return Reply{Verdict: Unavailable, Code: CodeUnavailable, Reason: "no"}
			}
			return ok200
		})
		c.cfg.MaxAttempts, c.cfg.RetryFor = 1000, time.Minute
		res, _ := c.ordered(t, map[time.Duration]Ordered{30 * time.Second: {Pause, "Ann", time.Now()}, 4 * time.Minute: {}})
		if res.ending.Code != "" || res.tallies[0].Status[Delivered] != 20 {
			t.Errorf("%+v, ended with %v", res.tallies[0].Status, res.ending)
		}
	})
}

func TestCancel(t *testing.T) {
	for name, at := range map[string]map[time.Duration]Ordered{
		"at once":    {0: {Cancel, "Ann", time.Now()}},
		"in between": {2500 * time.Millisecond: {Cancel, "Ann", time.Now()}},
		"in a pause": {2500 * time.Millisecond: {Pause, "Bo", time.Now()}, time.Minute: {Cancel, "Ann", time.Now()}},
		"twice":      {2500 * time.Millisecond: {Cancel, "Ann", time.Now()}, 2501 * time.Millisecond: {Cancel, "Bo", time.Now()}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(t, func(ctx context.Context, _ Distribution, _ int) Reply { return slowly(ctx, 5*time.Second, ok200) })
				c.rate, c.cfg.Concurrency = 1, 8
				res, calls := c.ordered(t, at)
				want := 3
				if name == "at once" {
					want = 0
				}
				if len(calls) != want || res.tallies[0].Status[Delivered] != want || c.book.open() != 0 {
					t.Errorf("%d calls, %+v, %d open", len(calls), res.tallies[0].Status, c.book.open())
				}
				if got := res.statuses()[19]; got != "pending/cancelled" || res.ending.Reason != "the run was stopped: it was cancelled by Ann" {
					t.Errorf("the last row is %s, ended with %v", got, res.ending)
				}
			})
		})
	}
}
