package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// both gives rows of which every second goes by SMS.
func both(n int) (rows []Row) {
	for i := 1; i <= n; i++ {
		if i%2 == 0 {
			rows = append(rows, byPhone(i))
		} else {
			rows = append(rows, byMail(i))
		}
	}
	return rows
}

// withinAllowances fails if more was sent in some period than may be, by what the server has seen.
func (c *campaign) withinAllowances(t *testing.T) {
	t.Helper()
	for _, a := range c.rules.Allowances {
		sent := map[time.Time]int{}
		for _, k := range c.server.calls {
			if a.covers(k.Method) {
				begins, _ := a.Per.Within(k.at.In(c.rules.zone()))
				sent[begins]++
			}
		}
		for begins, n := range sent {
			if n > a.Messages {
				t.Errorf("%d messages in the %s from %s on, and %s is allowed", n, a.Per, begins, a)
			}
		}
	}
}

// quotas is a campaign whose allowances hold its rows back for days.
func quotas(t *testing.T, wait bool, all ...Allowance) *campaign {
	c := newCampaign(t, always(ok200))
	c.rules.Allowances, c.rules.Zone, c.cfg.Wait = all, "America/New_York", wait
	return c
}

func TestAllowances(t *testing.T) {
	for _, tt := range []struct {
		name  string
		all   []Allowance
		rows  int
		days  int // that it takes to send all of them, waiting
		first int // messages without waiting
	}{
		{"a day", []Allowance{{Messages: 7, Per: Day}}, 24, 4, 7},
		{"an hour", []Allowance{{Messages: 3, Per: Hour}}, 24, 1, 3},
		{"a week", []Allowance{{Messages: 11, Per: Week}}, 24, 15, 11},
		{"a day and an hour", []Allowance{{Messages: 6, Per: Day}, {Messages: 4, Per: Hour}}, 24, 4, 4},
		{"by method", []Allowance{{Messages: 2, Per: Day, Method: SMS}, {Messages: 10, Per: Day, Method: Email}}, 24, 6, 12},
		{"one method", []Allowance{{Messages: 3, Per: Day, Method: SMS}}, 24, 4, 15},
		{"enough", []Allowance{{Messages: 24, Per: Day}}, 24, 1, 24},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := quotas(t, true, tt.all...)
				began := time.Now()
				res := c.runAndReport(t, sheet(both(tt.rows)...))
				if res.ending.Code != "" || res.tallies[0].SentNow != tt.rows || c.server.total() != tt.rows {
					t.Errorf("ended with %v, %d of %d sent by %d calls", res.ending, res.tallies[0].SentNow, tt.rows, c.server.total())
				}
				c.withinAllowances(t)
				if took := time.Since(began); took > time.Duration(tt.days)*24*time.Hour {
					t.Errorf("it took %v", took)
				}
				if waits := slices.Contains(c.watch.notices, CodeQuota); waits != (tt.first < tt.rows) {
					t.Errorf("told of: %v", c.watch.notices)
				}

				c = quotas(t, false, tt.all...)
				res = c.runAndReport(t, sheet(both(tt.rows)...))
				if c.server.total() != tt.first {
					t.Errorf("%d calls without waiting, want %d", c.server.total(), tt.first)
				}
				if tt.first < tt.rows && (res.ending.Code != CodeQuota || !res.ending.OfFile() || !slices.Contains(res.statuses(), "pending/quota") || res.tallies[0].Left != tt.rows-tt.first) {
					t.Errorf("ended with %v, %d left: %v", res.ending, res.tallies[0].Left, res.statuses())
				}
				for n := 2; c.server.total() < tt.rows && n < 30; n++ {
					time.Sleep(map[Period]time.Duration{Hour: time.Hour, Day: 24 * time.Hour, Week: 7 * 24 * time.Hour}[tt.all[0].Per])
					c = c.again(fmt.Sprint("run-", n))
					c.runAndReport(t, sheet(both(tt.rows)...))
				}
				if c.server.total() != tt.rows {
					t.Errorf("%d calls in all", c.server.total())
				}
				c.withinAllowances(t)
			})
		})
	}
}

// What was refused, failed or throttled uses nothing up; what is uncertain does.
func TestWhatAnAllowanceCounts(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    Reply
		sent int // further messages, of 4 a day, after three rows that come to it
	}{
		{"refused", badValue, 4},
		{"uncertain", noAnswer, 1},
		{"accepted", ok200, 1},
		{"failed", down, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := quotas(t, false, Allowance{Messages: 4, Per: Day})
				c.cfg.MaxAttempts = 3 // less than makes an outage
				c.server.answer = func(ctx context.Context, d Distribution, _ int) Reply {
					if d.Session <= id(3) {
						return slowly(ctx, 5*time.Second, tt.r)
					}
					return slowly(ctx, time.Second, ok200)
				}
				c.runAndReport(t, sheet(many(1, 12)...))
				further := 0
				for _, k := range c.server.calls {
					if k.Session > id(3) {
						further++
					}
				}
				if further != tt.sent {
					t.Errorf("%d further messages, want %d", further, tt.sent)
				}
			})
		})
	}
}

// What ends a run that waits for the next day, and what does not.
func TestWhileItWaits(t *testing.T) {
	const rows = 9
	for _, tt := range []struct {
		name    string
		prepare func(t *testing.T, c *campaign)
		ending  string
		calls   int
		within  time.Duration
	}{
		{"nothing happens", func(*testing.T, *campaign) {}, "", rows, 3 * 24 * time.Hour},
		{"it is stopped", func(_ *testing.T, c *campaign) { time.AfterFunc(time.Hour, func() { close(c.stop) }) }, StopSignal, 3, time.Hour},
		{"it is cut off", func(_ *testing.T, c *campaign) {
			ctx, cancel := context.WithCancel(context.Background())
			c.ctx = ctx
			time.AfterFunc(time.Hour, cancel)
		}, StopSignal, 3, time.Hour},
		{"it is cancelled", func(_ *testing.T, c *campaign) {
			c.sending = func(s *Sending) {
				time.AfterFunc(time.Hour, func() { s.Order(Ordered{Order: Cancel, By: "Ann", Time: time.Now()}) })
			}
		}, StopCancelled, 3, time.Hour},
		{"it is paused for two hours", func(_ *testing.T, c *campaign) {
			c.sending = func(s *Sending) {
				time.AfterFunc(time.Hour, func() { s.Order(Ordered{Order: Pause, By: "Ann", Time: time.Now()}) })
				time.AfterFunc(3*time.Hour, func() { s.Order(Ordered{}) })
			}
		}, "", rows, 5 * 24 * time.Hour},
		{"--until", func(_ *testing.T, c *campaign) { c.cfg.Until = time.Now().Add(20 * time.Hour) }, StopUntil, 6, 20*time.Hour + time.Second},
		{"--limit", func(_ *testing.T, c *campaign) { c.cfg.Limit = 5 }, StopLimit, 5, 2 * 24 * time.Hour},
		{"--limit that is reached on the first day", func(_ *testing.T, c *campaign) { c.cfg.Limit = 3 }, StopLimit, 3, time.Minute},
		{"a canary that takes two days", func(t *testing.T, c *campaign) {
			c.cfg.Canary, c.cfg.GoOn = 4, func(context.Context, int) bool {
				if c.server.total() != 4 {
					t.Errorf("asked after %d calls", c.server.total())
				}
				return true
			}
		}, "", rows, 3 * 24 * time.Hour},
		{"a canary that is refused on the first day", func(_ *testing.T, c *campaign) {
			c.cfg.Canary = 3
			c.server.answer = bySession(map[string][]Reply{id(2): {badValue}, id(3): {badValue}})
		}, StopCanary, 3, time.Minute},
		{"the last answer before was a throttling", func(_ *testing.T, c *campaign) {
			c.cfg.Concurrency = 1
			c.server.answer = func(ctx context.Context, d Distribution, nth int) Reply {
				if d.Session == id(3) && nth == 1 || d.Session == id(4) && nth == 1 {
					return Reply{Verdict: Throttled, HTTPStatus: 429, RetryAfter: time.Minute}
				}
				return ok200
			}
		}, "", rows + 2, 3 * 24 * time.Hour},
		{"HPP was not available before", func(_ *testing.T, c *campaign) {
			c.cfg.RetryFor, c.cfg.MaxAttempts = time.Hour, 50
			began := time.Now()
			c.server.answer = func(_ context.Context, d Distribution, nth int) Reply {
				if d.Session > id(2) && time.Since(began) < 20*time.Minute {
					return down
				}
				return ok200
			}
		}, "", 0, 4 * 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := quotas(t, true, Allowance{Messages: 3, Per: Day})
				time.Sleep(time.Hour)
				tt.prepare(t, c)
				began := time.Now()
				res := c.runAndReport(t, sheet(many(1, rows)...))
				took := time.Since(began)
				if res.ending.Code != tt.ending || tt.calls > 0 && c.server.total() != tt.calls || took > tt.within {
					t.Errorf("ended with %v after %d calls and %v; want %q, %d, %v", res.ending, c.server.total(), took, tt.ending, tt.calls, tt.within)
				}
				if tt.ending == "" && res.tallies[0].SentNow != rows {
					t.Errorf("%d were sent", res.tallies[0].SentNow)
				}
				if c.book.open() != 0 {
					t.Errorf("%d intents are open", c.book.open())
				}
				if took > 24*time.Hour && (c.watch.last.Until.IsZero() && c.watch.last.Waiting != "") {
					t.Errorf("told that it is %+v", c.watch.last)
				}
			})
		})
	}
}

// The file is read again on each day: one that has changed by then stops the run.
func TestInputChangesWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := quotas(t, true, Allowance{Messages: 3, Per: Day})
		list := sheet(many(1, 9)...)
		began := time.Now()
		list.read = func(int) { // by who reads it, on the second day
			if time.Since(began) > time.Hour {
				list.rows[6] = byMail(99)
			}
		}
		res := c.run(t, list)
		if res.ending.Code != StopBroken || res.ending.Err == nil || !strings.Contains(res.ending.Err.Error(), "changed") || c.server.count(id(99)) != 0 {
			t.Errorf("ended with %v: %v", res.ending, res.ending.Err)
		}
	})
}

// A file that is held up by one method does not keep the next one from going by the other.
func TestAllowanceOfOneFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := quotas(t, false, Allowance{Messages: 1, Per: Day, Method: SMS})
		c.cfg.Concurrency = 1
		run := c.book.run(c.rules.Run)
		files := []*table{{name: "a.csv", rows: []Row{byPhone(1), byPhone(2), byMail(3)}}, {name: "b.csv", rows: many(4, 3)}}
		plan, err := Check(t.Context(), CheckConfig{Rules: withoutRun(c.rules), Defaults: testDefaults, Records: c.book.run("")}, files[0], files[1])
		if err != nil {
			t.Fatal(err)
		}
		pacer := NewPacer(c.pace, c.rate, 0.5)
		var pacing sync.WaitGroup
		pacing.Go(func() { pacer.Run(c.ctx) })
		sending := NewSending(c.cfg, pacer, &c.watch, c.stop)
		for i, want := range []string{CodeQuota, ""} {
			ending := sending.Send(c.ctx, plan, i, files[i], &Distributor{Rules: c.rules, Records: run, Ledger: run, Permits: pacer, Sender: c.server})
			if ending.Code != want {
				t.Errorf("file %d ended with %v", i, ending)
			}
		}
		pacer.Stop()
		pacing.Wait()
		c.wantCalls(t, id(1), id(3), id(4), id(5), id(6))
	})
}

// Two runs at once keep to one allowance together.
func TestAllowanceOfTwoRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := quotas(t, true, Allowance{Messages: 5, Per: Day})
		c.server.answer = func(ctx context.Context, d Distribution, _ int) Reply {
			if d.Session == id(2) || d.Session == id(32) {
				return slowly(ctx, 3*time.Second, badValue)
			}
			return slowly(ctx, time.Second, ok200)
		}
		other := c.again("run-2")
		var beside sync.WaitGroup
		beside.Go(func() { other.run(t, sheet(many(31, 12)...)) })
		c.run(t, sheet(many(1, 12)...))
		beside.Wait()
		if c.server.total() != 24 {
			t.Errorf("%d calls", c.server.total())
		}
		refused := c.server.calls
		c.server.calls = slices.DeleteFunc(slices.Clone(refused), func(k call) bool { return k.Session == id(2) || k.Session == id(32) })
		c.withinAllowances(t)
		days := map[string]int{}
		for _, k := range c.server.calls {
			days[k.at.In(c.rules.zone()).Format(time.DateOnly)]++
		}
		if len(days) != 5 { // 22 messages, five a day
			t.Errorf("it took the days %v", days)
		}
	})
}

// A run that is killed while it waits is gone on with by the next one, within what is left of the day.
func TestKilledWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := quotas(t, true, Allowance{Messages: 4, Per: Day})
		ctx, cancel := context.WithCancel(context.Background())
		c.ctx = ctx
		time.AfterFunc(25*time.Hour, func() { c.book.kill("run-1"); cancel() })
		c.run(t, sheet(many(1, 14)...))
		next := c.again("run-2")
		if res := next.runAndReport(t, sheet(many(1, 14)...)); res.tallies[0].Status[Delivered] != 14 || next.server.total() != 14 {
			t.Errorf("%v after %d calls", res.statuses(), next.server.total())
		}
		next.withinAllowances(t)
	})
}

// A resend that has to wait for the next day is one then too, though its first call was throttled.
func TestWhatWasLearntHoldsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := quotas(t, true, Allowance{Messages: 2, Per: Day})
		c.book.take("old", id(1), mail(1))(Conclusion{Status: Uncertain, Called: true, Time: time.Now().Add(-48 * time.Hour)})
		c.rules.ResendUncertain, c.cfg.Concurrency, c.cfg.Limit = true, 2, 4
		c.server.answer = func(ctx context.Context, d Distribution, nth int) Reply {
			if d.Session == id(1) && nth == 1 {
				return Reply{Verdict: Throttled, HTTPStatus: 429, RetryAfter: time.Minute}
			}
			return slowly(ctx, 100*time.Millisecond, ok200)
		}
		next := c.book.take
		c.book.concluded = func(session string) {
			if session == id(1) { // others take what is left of the day
				c.book.concluded = nil
				for _, n := range []int{80, 81} {
					next("other", id(n), mail(n))(Conclusion{Status: Delivered, Called: true, Time: time.Now()})
				}
			}
		}
		res := c.runAndReport(t, sheet(many(1, 4)...))
		if got := res.statuses(); slices.Contains(got, "uncertain") || res.tallies[0].SentNow != 4 || res.ending.Code != "" {
			t.Errorf("%v, %q", res.ending, got)
		}
	})
}
