package pipeline

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestStopTakesWaitingClaimsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(ok200))
		c.rate, c.cfg.Concurrency = 1, 8
		time.AfterFunc(2500*time.Millisecond, func() { close(c.stop) })
		begin := time.Now()
		res := c.runAndReport(t, sheet(many(1, 20)...))
		if took := time.Since(begin); took != 2500*time.Millisecond {
			t.Errorf("it took %v to stop with nothing in flight", took-2500*time.Millisecond)
		}
		if res.ending.Code != StopSignal || c.server.total() != 3 {
			t.Errorf("ended with %v after %d calls", res.ending, c.server.total())
		}
		if left := len(c.book.all()); left != 3 || c.book.open() != 0 {
			t.Errorf("the ledger knows %d sessions, %d of them open, after 3 calls", left, c.book.open())
		}
		if got := res.statuses()[19]; got != "pending/stopped" {
			t.Errorf("the last row is %s", got)
		}
	})
}

func TestStopBeforeTheFirstRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(ok200))
		close(c.stop)
		res := c.runAndReport(t, sheet(many(1, 20)...))
		c.wantCalls(t)
		if res.ending.Code != StopSignal {
			t.Errorf("ended with %v", res.ending)
		}
	})
}

func TestGrace(t *testing.T) {
	tests := []struct {
		name  string
		takes time.Duration // from the stop on
		want  Status
		ends  time.Duration
	}{
		{"an answer within it", 20 * time.Second, Delivered, 20 * time.Second},
		{"cut off after it", time.Hour, Uncertain, 30 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(t, func(ctx context.Context, _ Distribution, _ int) Reply {
					return slowly(ctx, time.Second+test.takes, ok200)
				})
				c.cfg.Concurrency, c.rate = 3, 1000
				var at time.Time
				time.AfterFunc(time.Second, func() { at = time.Now(); close(c.stop) })
				res := c.runAndReport(t, sheet(many(1, 20)...))
				if took := time.Since(at); took < test.ends-20*time.Millisecond || took > test.ends+20*time.Millisecond {
					t.Errorf("it took %v to stop, want %v", took, test.ends)
				}
				if got := res.tallies[0].Status; got[test.want] != 3 || got[Pending] != 17 {
					t.Errorf("%v", got)
				}
			})
		})
	}
}

func TestSecondSignalCutsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		c := newCampaign(t, func(ctx context.Context, _ Distribution, _ int) Reply { return slowly(ctx, time.Hour, ok200) })
		c.ctx = ctx
		time.AfterFunc(2*time.Second, func() { close(c.stop) })
		time.AfterFunc(5*time.Second, cancel)
		begin := time.Now()
		res := c.runAndReport(t, sheet(many(1, 20)...))
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("it took %v", took)
		}
		if got := res.tallies[0].Status; got[Uncertain] != 4 || got[Pending] != 16 || res.ending.Code != StopSignal {
			t.Errorf("ended with %v, %v", res.ending, got)
		}
	})
}

// The end of the context may be seen first by the reading, a claim, a permit or the loop.
func TestContextEndsAtAnyMoment(t *testing.T) {
	step := 4
	if wholeSweep() {
		step = 1
	}
	for i := 0; i < 200; i += step {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			c := newCampaign(t, always(ok200))
			c.ctx, c.rate = ctx, 1000
			time.AfterFunc(time.Duration(i)*250*time.Microsecond, cancel)
			res := c.runAndReport(t, sheet(many(1, 700)...))
			if res.ending.Code != StopSignal || res.ending.Err != nil {
				t.Errorf("cut after %d calls: ended with %v", c.server.total(), res.ending)
			}
			if c.book.open() != 0 {
				t.Errorf("%d intents are open", c.book.open())
			}
		})
	}
}

func TestContextEndsWhileTheInputIsRead(t *testing.T) {
	for range 20 { // the loop may hear of either first
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			c := newCampaign(t, always(ok200))
			c.ctx, c.rate = ctx, 1000
			list := sheet(many(1, 700)...)
			c.checked = func() {
				list.read = func(row int) {
					if row == 600 {
						cancel()
					}
				}
			}
			if res := c.run(t, list); res.ending.Code != StopSignal || res.ending.Err != nil {
				t.Errorf("ended with %v", res.ending)
			}
		})
	}
}
