package pipeline

import (
	"context"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestBackOff(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			c := newCampaign(t, always(down))
			c.runAndReport(t, sheet(byMail(1)))
			if len(c.server.calls) != 5 {
				t.Fatalf("%d calls", len(c.server.calls))
			}
			for i, most := range []time.Duration{1, 2, 4, 8} {
				if gap := c.server.calls[i+1].at.Sub(c.server.calls[i].at); gap > most*time.Second+SliceTime {
					t.Errorf("attempt %d came %v after the one before it, at most %ds", i+2, gap, most)
				}
			}
		})
	}
}

// A worker that slept through a row's back-off would keep the only place from the other rows.
func TestBackOffHoldsNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, bySession(map[string][]Reply{id(1): {down, down, down, ok200}}))
		c.cfg.Concurrency = 1
		c.rate = 1000
		res := c.runAndReport(t, sheet(many(1, 9)...))
		if res.tallies[0].Status[Delivered] != 9 {
			t.Errorf("%v", res.tallies[0].Status)
		}
		last := c.server.calls[len(c.server.calls)-1]
		if last.Session != id(1) {
			t.Errorf("the row in back-off was not the last, but %s", last.Session)
		}
		if c.server.most != 1 {
			t.Errorf("%d calls at once", c.server.most)
		}
	})
}

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var over time.Time
		c := newCampaign(t, func(ctx context.Context, _ Distribution, _ int) Reply {
			if time.Now().Before(over) {
				return down
			}
			return ok200
		})
		over = time.Now().Add(5 * time.Minute)
		c.cfg.Concurrency = 16
		res := c.runAndReport(t, sheet(many(1, 200)...))
		if got := res.tallies[0].Status[Delivered]; got != 200 {
			t.Errorf("%d of 200 delivered: an outage cost rows their attempts: %v", got, res.tallies[0].Status)
		}
		if !slices.Contains(c.watch.notices, "unavailable") {
			t.Errorf("notices: %v", c.watch.notices)
		}
		var probes int
		for _, k := range c.server.calls {
			if k.at.Before(over) {
				probes++
			}
		}
		// Ten found it out, at most 15 more were under way, and then the span doubles to half a minute.
		if probes < 12 || probes > 80 {
			t.Errorf("%d calls into an outage of 5 minutes", probes)
		}
	})
}

func TestOneProbeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked, atOnce atomic.Int32
		var probing atomic.Bool
		c := newCampaign(t, func(ctx context.Context, _ Distribution, _ int) Reply {
			n := asked.Add(1)
			defer asked.Add(-1)
			if probing.Load() {
				atOnce.Store(max(atOnce.Load(), n))
			}
			return slowly(ctx, 500*time.Millisecond, down)
		})
		c.cfg.Concurrency = 8
		time.AfterFunc(20*time.Second, func() { probing.Store(true) })
		res := c.runAndReport(t, sheet(many(1, 100)...))
		if atOnce.Load() != 1 {
			t.Errorf("%d probes at once", atOnce.Load())
		}
		if res.ending.Code != StopNothing {
			t.Errorf("ended with %v", res.ending)
		}
	})
}

// Calls that were under way when an outage began are no probes, and do not make the wait longer.
func TestFirstProbeComesSoon(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			c := newCampaign(t, func(ctx context.Context, _ Distribution, _ int) Reply { return slowly(ctx, 2*time.Second, down) })
			c.rate, c.cfg.Concurrency = 1000, 64
			time.AfterFunc(20*time.Second, func() { close(c.stop) })
			c.run(t, sheet(many(1, 64)...))
			if len(c.server.calls) < 65 {
				t.Fatalf("%d calls", len(c.server.calls))
			}
			if gap := c.server.calls[64].at.Sub(c.server.calls[63].at); gap > 3500*time.Millisecond {
				t.Errorf("the first probe came %v after the last of the calls that found the outage", gap)
			}
		})
	}
}

// In an outage a call asks after the server, so a row's attempts are what they were before it.
func TestOutageCostsNoAttempt(t *testing.T) {
	tests := []struct {
		name        string
		maxAttempts int
		after       []Reply // of each row once the server is back, but for the one that finds out
	}{
		{"the last attempt is not used up", 2, []Reply{ok200}},
		{"nor is the one before", 3, []Reply{down, ok200}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				over := time.Now().Add(5 * time.Minute)
				back := map[string]int{}
				c := newCampaign(t, nil)
				c.server.answer = func(_ context.Context, d Distribution, _ int) Reply {
					if time.Now().Before(over) {
						return down
					}
					c.server.mu.Lock()
					defer c.server.mu.Unlock()
					if len(back) == 0 {
						back[d.Session] = len(test.after)
						return ok200
					}
					back[d.Session]++
					return test.after[min(back[d.Session], len(test.after))-1]
				}
				c.cfg.MaxAttempts, c.cfg.Concurrency, c.rate = test.maxAttempts, 10, math.Inf(1)
				res := c.runAndReport(t, sheet(many(1, 10)...))
				if res.tallies[0].Status[Delivered] != 10 {
					t.Errorf("%v", res.statuses())
				}
			})
		})
	}
}

func TestNothingButFailuresStops(t *testing.T) {
	for name, reply := range map[string]Reply{"unavailable": down, "throttled": tooMany} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(t, always(reply))
				c.cfg.RetryFor = 3 * time.Minute
				begin := time.Now()
				res := c.runAndReport(t, sheet(many(1, 30)...))
				if took := time.Since(begin); took < 3*time.Minute || took > 3*time.Minute+2*time.Second {
					t.Errorf("stopped after %v", took)
				}
				if res.ending.Code != StopNothing || res.tallies[0].Status[Pending] != 30 {
					t.Errorf("ended with %v, %v", res.ending, res.tallies[0].Status)
				}
				if n := c.book.open(); n != 0 {
					t.Errorf("%d intents are open", n)
				}
			})
		})
	}
}

// A throttled row is due at once, and so is in the past while the workers wait for the pause to end.
func TestPauseIsNotSpentSpinning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, func(_ context.Context, _ Distribution, nth int) Reply {
			if nth == 1 {
				return Reply{Verdict: Throttled, HTTPStatus: 429, RetryAfter: 4 * time.Minute}
			}
			return ok200
		})
		c.cfg.Concurrency = 2
		res := c.runAndReport(t, sheet(many(1, 10)...))
		if res.tallies[0].Status[Delivered] != 10 {
			t.Errorf("%v", res.tallies[0].Status)
		}
		if c.watch.reports > 500 {
			t.Errorf("the observer was told %d times of 10 rows", c.watch.reports)
		}
	})
}
