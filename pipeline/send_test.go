package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEveryVerdict(t *testing.T) {
	tests := []struct {
		name    string
		replies []Reply
		want    string
		calls   int
		ending  string
	}{
		{"accepted", []Reply{ok200}, "delivered", 1, ""},
		{"refused", []Reply{badValue}, "rejected/BAD_VALUE", 1, ""},
		{"refused by something else", []Reply{firewall}, "rejected/refused_by_other", 1, ""},
		{"throttled, then accepted", []Reply{tooMany, tooMany, ok200}, "delivered", 3, ""},
		{"throttled costs no attempt", append(slices.Repeat([]Reply{tooMany}, 9), ok200), "delivered", 10, ""},
		{"unavailable, then accepted", []Reply{down, down, ok200}, "delivered", 3, ""},
		{"unavailable, then refused", []Reply{down, badValue}, "rejected/BAD_VALUE", 2, ""},
		{"unavailable until the last attempt", []Reply{down, down, down, down, ok200}, "delivered", 5, ""},
		{"unavailable too often", []Reply{down}, "failed/unavailable", 5, ""},
		{"unclear", []Reply{noAnswer, ok200}, "uncertain/no_clear_answer", 1, ""},
		{"unavailable, then unclear", []Reply{down, noAnswer, ok200}, "uncertain/no_clear_answer", 2, ""},
		{"denied", []Reply{unauthorised}, "pending/denied", 1, StopDenied},
		{"no verdict at all", []Reply{{}}, "uncertain/no_clear_answer", 1, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(bySession(map[string][]Reply{id(1): test.replies}))
				c.cfg.RetryFor = time.Hour
				res := c.runAndReport(t, sheet(byMail(1)))
				if got := res.statuses()[0]; got != test.want {
					t.Errorf("the row is %s, want %s", got, test.want)
				}
				if n := c.server.count(id(1)); n != test.calls {
					t.Errorf("%d calls, want %d", n, test.calls)
				}
				if res.ending.Code != test.ending || res.ending.Err != nil {
					t.Errorf("the run ended with %v", res.ending)
				}
				if n := c.book.open(); n != 0 {
					t.Errorf("%d intents are open", n)
				}
				out := res.reports[0][0]
				if out.Attempts != test.calls || out.SentNow != (out.Status == Delivered) {
					if out.Status != Pending { // of which only why it is pending is told
						t.Errorf("the outcome tells %d attempts, sent now %v", out.Attempts, out.SentNow)
					}
				}
			})
		})
	}
}

func TestWhatIsCalledIsWhatTheRowSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(always(ok200))
		row := byPhone(1)
		row.Fields.Email = "Person@EXAMPLE.com"
		row.Fields.Method = "SMS"
		res := c.runAndReport(t, sheet(row))
		want := Distribution{Session: id(1), Method: SMS, Contact: "+46701740606", Country: "SE", Other: "Person@example.com"}
		if diff := cmp.Diff(want, c.server.calls[0].Distribution); diff != "" {
			t.Error(diff)
		}
		if got := res.reports[0][0].SentTo; got != want.Contact {
			t.Errorf("sent to %q", got)
		}
	})
}

func TestBackOff(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			c := newCampaign(always(down))
			c.runAndReport(t, sheet(byMail(1)))
			if len(c.server.calls) != 5 {
				t.Fatalf("%d calls", len(c.server.calls))
			}
			for i, most := range []time.Duration{1, 2, 4, 8} {
				if gap := c.server.calls[i+1].at.Sub(c.server.calls[i].at); gap > most*time.Second+sliceTime {
					t.Errorf("attempt %d came %v after the one before it, at most %ds", i+2, gap, most)
				}
			}
		})
	}
}

// A worker that slept through a row's back-off would keep the only place from the other rows.
func TestBackOffHoldsNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(bySession(map[string][]Reply{id(1): {down, down, down, ok200}}))
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

func TestConcurrencyIsUsedAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(func(ctx context.Context, _ Distribution, _ int) Reply { return slowly(ctx, time.Second, ok200) })
		c.cfg.Concurrency = 7
		begin := time.Now()
		c.run(t, sheet(many(1, 70)...))
		if c.server.most != 7 {
			t.Errorf("%d calls at once, want 7", c.server.most)
		}
		if took := time.Since(begin); took > 11*time.Second {
			t.Errorf("70 calls of a second took %v", took)
		}
	})
}

func TestEveryAttemptPays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(func(_ context.Context, _ Distribution, nth int) Reply { return []Reply{down, ok200}[min(nth, 2)-1] })
		c.rate, c.cfg.Concurrency = 20, 16
		c.run(t, sheet(many(1, 9)...))
		if n := c.server.total(); n != 18 {
			t.Errorf("%d calls", n)
		}
		for i := range c.server.calls[1:] {
			if gap := c.server.calls[i+1].at.Sub(c.server.calls[i].at); gap < 50*time.Millisecond-time.Microsecond {
				t.Errorf("calls %d and %d are %v apart", i, i+1, gap)
			}
		}
	})
}

func TestClaimsWithoutPermitAreBounded(t *testing.T) {
	for _, rate := range []float64{4, 20, 50} {
		synctest.Test(t, func(t *testing.T) {
			c := newCampaign(always(ok200))
			c.rate, c.cfg.Concurrency = rate, 16
			c.run(t, sheet(many(1, 60)...))
			if want := ClaimBound(rate, 16); c.book.most > want || c.book.most == 0 {
				t.Errorf("at %v/s %d claims waited for a permit, at most %d", rate, c.book.most, want)
			}
		})
	}
}

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var over time.Time
		c := newCampaign(func(ctx context.Context, _ Distribution, _ int) Reply {
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
		c := newCampaign(func(ctx context.Context, _ Distribution, _ int) Reply {
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
			c := newCampaign(func(ctx context.Context, _ Distribution, _ int) Reply { return slowly(ctx, 2*time.Second, down) })
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
				c := newCampaign(nil)
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
				c := newCampaign(always(reply))
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
		c := newCampaign(func(_ context.Context, _ Distribution, nth int) Reply {
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

func TestDeniedStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(always(unauthorised))
		res := c.runAndReport(t, sheet(many(1, 100)...))
		if n := c.server.total(); n > c.cfg.Concurrency {
			t.Errorf("%d calls with credentials that are wrong", n)
		}
		if res.ending.Code != StopDenied || res.tallies[0].Status[Pending] != 100 {
			t.Errorf("ended with %v, %v", res.ending, res.tallies[0].Status)
		}
	})
}

func TestRefusedByOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(bySession(map[string][]Reply{id(2): {firewall}, id(4): {firewall}, id(5): {firewall}, id(6): {firewall}}))
		c.cfg.Concurrency = 1
		res := c.runAndReport(t, sheet(many(1, 9)...))
		want := []string{
			"delivered", "rejected/refused_by_other", "delivered", "pending/refused_by_other", "pending/refused_by_other",
			"pending/refused_by_other", "pending/refused_by_other", "pending/refused_by_other", "pending/refused_by_other",
		}
		if diff := cmp.Diff(want, res.statuses()); diff != "" {
			t.Error(diff)
		}
		if res.ending.Code != StopStrange || c.server.total() != 6 {
			t.Errorf("ended with %v after %d calls", res.ending, c.server.total())
		}
		c.server.answer = always(ok200)
		next := c.again("run-2").runAndReport(t, sheet(many(1, 9)...))
		if next.tallies[0].SentNow != 7 {
			t.Errorf("a refusal that is not HPP's bound the next run: %v", next.statuses())
		}
	})
}

func TestRefusedByOtherTakesThoseUnderWayAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(func(ctx context.Context, d Distribution, _ int) Reply {
			if d.Session == id(6) { // HPP's own word, late
				return slowly(ctx, 9*time.Second, badValue)
			}
			return slowly(ctx, time.Second, firewall)
		})
		c.cfg.Concurrency = 6
		res := c.runAndReport(t, sheet(many(1, 12)...))
		if got := res.tallies[0].Status; got[Pending] != 11 || got[Rejected] != 1 {
			t.Errorf("%v", res.statuses())
		}
		if c.watch.last.Rejected != 1 {
			t.Errorf("the observer was told of %d rejected rows", c.watch.last.Rejected)
		}
	})
}

func TestIdenticalRefusalsStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(func(ctx context.Context, d Distribution, _ int) Reply {
			if d.Method == SMS {
				return slowly(ctx, time.Second, badValue)
			}
			return slowly(ctx, time.Second, ok200)
		})
		c.cfg.StopAfterIdentical = 5
		var rows []Row
		for i := 1; i <= 40; i += 2 {
			rows = append(rows, byPhone(i), byMail(i+1)) // an accepted e-mail does not break the row of refused messages
		}
		res := c.runAndReport(t, sheet(rows...))
		if res.ending.Code != StopIdentical || !strings.Contains(res.ending.Reason, "BAD_VALUE") {
			t.Errorf("ended with %v", res.ending)
		}
		if got := res.tallies[0].Status; got[Rejected] != 0 || got[Delivered] == 0 || got[Delivered]+got[Pending] != 40 {
			t.Errorf("%v", got)
		}
		c.server.answer = always(ok200)
		if next := c.again("run-2").runAndReport(t, sheet(rows...)); next.tallies[0].Status[Delivered] != 40 {
			t.Errorf("the next run: %v", next.tallies[0].Status)
		}
	})
}

// What was under way when the streak stopped the run does not make its refusals bind.
func TestSuccessAfterTheStopBreaksNoStreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(func(ctx context.Context, d Distribution, _ int) Reply {
			switch d.Session {
			case id(1):
				return slowly(ctx, 10*time.Second, ok200)
			case id(2):
				return slowly(ctx, 11*time.Second, notFound)
			}
			return slowly(ctx, time.Second, badValue)
		})
		c.cfg.StopAfterIdentical, c.cfg.Concurrency = 3, 5
		res := c.runAndReport(t, sheet(many(1, 9)...))
		if got := res.tallies[0].Status; got[Delivered] != 1 || got[Rejected] != 1 || got[Pending] != 7 {
			t.Errorf("%v", res.statuses())
		}
		for _, k := range c.book.kept {
			if k.Binding {
				t.Errorf("the refusal of %s binds", k.session)
			}
		}
	})
}

func TestUnclearAnswersStopToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(always(noAnswer))
		c.cfg.StopAfterIdentical, c.cfg.Concurrency = 5, 1
		res := c.runAndReport(t, sheet(many(1, 20)...))
		if got := res.tallies[0].Status; res.ending.Code != StopIdentical || got[Uncertain] != 5 || got[Pending] != 15 {
			t.Errorf("ended with %v, %v", res.ending, got)
		}
	})
}

func TestRefusalsBindOnceTheirStreakIsBroken(t *testing.T) {
	tests := []struct {
		name    string
		script  map[string][]Reply
		stop    bool     // by a signal, once all but the last were answered
		refused []string // again in the next run, without a call
	}{
		{"by a success", map[string][]Reply{id(1): {badValue}, id(2): {badValue}}, true, []string{id(1), id(2)}},
		{"by another refusal", map[string][]Reply{id(1): {badValue}, id(2): {notFound}, id(3): {notFound}, id(4): {notFound}, id(5): {notFound}}, true, []string{id(1)}},
		{"by an unclear answer", map[string][]Reply{id(1): {badValue}, id(2): {noAnswer}}, true, []string{id(1)}},
		{"not by the signal", map[string][]Reply{id(3): {badValue}, id(4): {badValue}, id(5): {badValue}}, true, nil},
		{"by the end of the run", map[string][]Reply{id(4): {badValue}, id(5): {badValue}, id(6): {badValue}}, false, []string{id(4), id(5), id(6)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				inner := bySession(test.script)
				c := newCampaign(nil)
				c.server.answer = func(ctx context.Context, d Distribution, nth int) Reply {
					if d.Session == id(5) && test.stop {
						defer close(c.stop)
					}
					return inner(ctx, d, nth)
				}
				c.cfg.Concurrency = 1
				first := c.runAndReport(t, sheet(many(1, 6)...))
				for i := range 5 {
					if replies := test.script[id(i+1)]; len(replies) > 0 && replies[0].Verdict == Refused && first.reports[0][i].Status != Rejected {
						t.Errorf("row %d of the first run is %s", i+1, short(first.reports[0][i]))
					}
				}
				c.server.answer, c.server.calls = always(ok200), nil
				next := c.again("run-2").runAndReport(t, sheet(many(1, 6)...))
				var refused []string
				for _, out := range next.reports[0] {
					if out.Status == Rejected {
						refused = append(refused, out.Session)
					}
				}
				if diff := cmp.Diff(test.refused, refused); diff != "" {
					t.Errorf("bound in the next run: %s", diff)
				}
			})
		})
	}
}

func TestBrakeTurnedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(always(badValue))
		c.cfg.StopAfterIdentical = 0
		if res := c.runAndReport(t, sheet(many(1, 60)...)); res.ending.Code != "" || res.tallies[0].Status[Rejected] != 60 {
			t.Errorf("ended with %v, %v", res.ending, res.tallies[0].Status)
		}
	})
}

func TestLimitCountsOverFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(bySession(map[string][]Reply{id(2): {down, ok200}, id(7): {badValue}}))
		c.cfg.Limit = 8
		second := &table{name: "second.csv", rows: many(6, 5)}
		res := c.runAndReport(t, sheet(many(1, 5)...), second)
		if res.ending.Code != StopLimit {
			t.Errorf("ended with %v", res.ending)
		}
		if a, b := res.tallies[0].Status, res.tallies[1].Status; a[Delivered] != 5 || b[Delivered] != 2 || b[Rejected] != 1 || b[Pending] != 2 {
			t.Errorf("%v and %v", a, b)
		}
		if n := c.server.total(); n != 9 {
			t.Errorf("%d calls, 8 rows and one of them twice", n)
		}
	})
}

func TestLimitOfAllRowsIsNoStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(always(ok200))
		c.cfg.Limit = 5
		if res := c.runAndReport(t, sheet(many(1, 5)...)); res.ending.Code != "" {
			t.Errorf("ended with %v", res.ending)
		}
	})
}

// Rows that another run holds are not tried, so a limit is not used up by them.
func TestLimitIsNotSpentOnHeldRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(always(ok200))
		c.cfg.Limit, c.cfg.Concurrency = 3, 1
		for i := 1; i <= 3; i++ {
			c.book.know(id(i), Record{Method: Email, Contact: c.book.Digest("elsewhere@example.com")}).intent = "other"
		}
		res := c.runAndReport(t, sheet(many(1, 8)...))
		c.wantCalls(t, id(4), id(5), id(6))
		if res.ending.Code != StopLimit {
			t.Errorf("ended with %v", res.ending)
		}
	})
}

func TestStopTakesWaitingClaimsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(always(ok200))
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
		var left int
		for _, k := range c.book.kept {
			if !k.gone {
				left++
			}
		}
		if left != 3 || c.book.open() != 0 {
			t.Errorf("the ledger knows %d sessions, %d of them open, after 3 calls", left, c.book.open())
		}
		if got := res.statuses()[19]; got != "pending/stopped" {
			t.Errorf("the last row is %s", got)
		}
	})
}

func TestStopBeforeTheFirstRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(always(ok200))
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
				c := newCampaign(func(ctx context.Context, _ Distribution, _ int) Reply {
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
		c := newCampaign(func(ctx context.Context, _ Distribution, _ int) Reply { return slowly(ctx, time.Hour, ok200) })
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
	for i := range 200 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			c := newCampaign(always(ok200))
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

var errDisk = errors.New("disk full")

func TestLedgerErrorOnClaimBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(always(ok200))
		c.book.failClaim = func(cl Claim) error {
			if cl.Distribution.Session == id(5) {
				return errDisk
			}
			return nil
		}
		res := c.runAndReport(t, sheet(many(1, 40)...))
		if res.ending.Code != StopBroken || !errors.Is(res.ending.Err, errDisk) {
			t.Errorf("ended with %v", res.ending)
		}
		if c.server.count(id(5)) != 0 || c.server.total() > 5+c.cfg.Concurrency {
			t.Errorf("%d calls, %d of them without a claim", c.server.total(), c.server.count(id(5)))
		}
	})
}

func TestOutcomeIsKeptUntilItCanBeWritten(t *testing.T) {
	for name, fails := range map[string]func(Conclusion) bool{
		"nothing can be written":            func(Conclusion) bool { return true },
		"claims can still be taken back":    func(c Conclusion) bool { return c.Called },
		"only refusals cannot be made bind": func(c Conclusion) bool { return !c.Called && c.Status == Rejected },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(bySession(map[string][]Reply{id(11): {badValue}}))
				from := time.Now().Add(990 * time.Millisecond)
				until := from.Add(25 * time.Second)
				c.book.failConclude = func(cl Conclusion) error {
					if now := time.Now(); fails(cl) && !now.Before(from) && now.Before(until) {
						return errDisk
					}
					return nil
				}
				c.rate = 10
				res := c.runAndReport(t, sheet(many(1, 60)...))
				if got := res.tallies[0].Status; got[Delivered] != 59 || got[Rejected] != 1 || res.ending.Code != "" {
					t.Errorf("%v, ended with %v", got, res.ending)
				}
				var meanwhile int
				for _, k := range c.server.calls {
					if k.at.After(from) && k.at.Before(until) {
						meanwhile++
					}
				}
				if meanwhile > 2 { // the refused one, and the one that makes it bind
					t.Errorf("%d calls while the ledger could not be written", meanwhile)
				}
				if c.book.claims > 60+2*c.cfg.Concurrency {
					t.Errorf("%d claims for 60 rows", c.book.claims)
				}
			})
		})
	}
}

func TestOutcomeThatCannotBeWrittenBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(always(ok200))
		begin := time.Now()
		c.book.failConclude = func(Conclusion) error {
			if time.Since(begin) > time.Second && time.Since(begin) < 10*time.Minute {
				return errDisk
			}
			return nil
		}
		c.rate = 10
		res := c.run(t, sheet(many(1, 60)...))
		var unwritten *LedgerError
		if res.ending.Code != StopBroken || !errors.Is(res.ending.Err, errDisk) || !errors.As(res.ending.Err, &unwritten) {
			t.Errorf("ended with %v", res.ending)
		}
		if took := time.Since(begin); took < 30*time.Second || took > 70*time.Second {
			t.Errorf("it took %v to give up, the grace is 30s", took)
		}
		called := c.server.total()
		c.book.dead["run-1"] = true
		time.Sleep(time.Hour)
		next := c.again("run-2").runAndReport(t, sheet(many(1, 60)...))
		if got := next.tallies[0].Status; got[Uncertain] == 0 || got[Uncertain]+got[Delivered] != 60 || c.server.total() > 60 {
			t.Errorf("the next run: %v, %d calls in both, %d in the first", got, c.server.total(), called)
		}
	})
}

func TestRevisionThatCannotBeWrittenBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(always(badValue))
		c.book.failConclude = func(cl Conclusion) error {
			if !cl.Called {
				return errDisk
			}
			return nil
		}
		if res := c.run(t, sheet(byMail(1))); res.ending.Code != StopBroken || !errors.Is(res.ending.Err, errDisk) {
			t.Errorf("ended with %v", res.ending)
		}
	})
}

func TestPacerFailureBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(always(ok200))
		time.AfterFunc(250*time.Millisecond, func() {
			c.pace.mu.Lock()
			c.pace.fail = errDisk
			c.pace.mu.Unlock()
		})
		res := c.runAndReport(t, sheet(many(1, 200)...))
		if res.ending.Code != StopBroken || !errors.Is(res.ending.Err, errDisk) {
			t.Errorf("ended with %v", res.ending)
		}
		if got := res.tallies[0].Status; got[Delivered] == 0 || got[Pending] == 0 || got[Delivered]+got[Pending] != 200 {
			t.Errorf("%v", got)
		}
	})
}

func TestInputThatChanged(t *testing.T) {
	edited := many(1, 8)
	edited[4].Fields.Email = "someone.else@example.com"
	tests := []struct {
		name  string
		rows  []Row
		never []string // sessions that must not be called
	}{
		{"a row edited", edited, []string{id(5), id(6), id(7), id(8)}},
		{"a row removed", append(many(1, 4), many(6, 3)...), []string{id(6), id(7), id(8)}},
		{"the last row removed", many(1, 7), nil},
		{"a row added", many(1, 9), []string{id(9)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(always(ok200))
				list := sheet(many(1, 8)...)
				c.checked = func() { list.rows = test.rows }
				res := c.run(t, list)
				var changed *InputChangedError
				if res.ending.Code != StopBroken || !errors.As(res.ending.Err, &changed) {
					t.Errorf("ended with %v", res.ending)
				}
				for _, s := range test.never {
					if c.server.count(s) > 0 {
						t.Errorf("session %s was called", s)
					}
				}
				if _, err := Report(context.Background(), res.plan, 0, list, Finding{}, &collected{}); !errors.As(err, &changed) {
					t.Errorf("the report: %v", err)
				}
			})
		})
	}
}

func TestInputThatCannotBeReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(always(ok200))
		list := sheet(many(1, 8)...)
		c.checked = func() { list.broken = errDisk }
		if res := c.run(t, list); res.ending.Code != StopBroken || !errors.Is(res.ending.Err, errDisk) {
			t.Errorf("ended with %v", res.ending)
		}
	})
}

func TestRowOfAnotherRun(t *testing.T) {
	tests := []struct {
		name  string
		frees func(*keptRecord) // what the other run does in the end; nil for nothing
		want  string
		calls int
	}{
		{"freed", func(k *keptRecord) { k.intent = "" }, "delivered", 1},
		{"delivered there", func(k *keptRecord) { k.intent, k.Status, k.Run = "", Delivered, "other" }, "delivered/already_delivered", 0},
		{"left in doubt there", func(k *keptRecord) { k.intent, k.Status, k.Run = "", Uncertain, "other" }, "uncertain", 0},
		{"never freed", nil, "pending/in_other_run", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(always(ok200))
				k := c.book.know(id(1), Record{Method: Email, Contact: c.book.Digest(mail(1))})
				k.intent = "other"
				begin := time.Now()
				if test.frees != nil {
					time.AfterFunc(90*time.Second, func() {
						c.book.mu.Lock()
						test.frees(k)
						c.book.mu.Unlock()
					})
				}
				res := c.runAndReport(t, sheet(many(1, 5)...))
				if got := res.statuses()[0]; got != test.want || c.server.count(id(1)) != test.calls {
					t.Errorf("the row is %s after %d calls, want %s after %d", got, c.server.count(id(1)), test.want, test.calls)
				}
				if last := c.server.calls[len(c.server.calls)-1]; test.calls == 1 && last.Session != id(1) {
					t.Errorf("it was not tried at the end: the last is %s", last.Session)
				}
				if res.ending.Code != "" || time.Since(begin) > c.cfg.RetryFor+5*time.Second {
					t.Errorf("ended with %v after %v", res.ending, time.Since(begin))
				}
			})
		})
	}
}

// What the session's holder is waited for comes before our own check and the rules, which the row
// still has to pass.
func TestHeldRowThatMustNotBeSent(t *testing.T) {
	bad, hidden := byMail(1), byMail(2)
	bad.Fields.Email = "nobody"
	hidden.Hidden = true
	synctest.Test(t, func(t *testing.T) {
		for _, rule := range []HiddenRule{SkipHidden, RefuseHidden} {
			c := newCampaign(always(ok200))
			c.rules.Hidden = rule
			for i := 1; i <= 2; i++ {
				c.book.know(id(i), Record{Method: Email, Contact: c.book.Digest(mail(9))}).intent = "other"
			}
			c.checked = func() {
				for _, k := range c.book.kept {
					k.intent = ""
				}
			}
			c.runAndReport(t, sheet(bad, hidden, byMail(3)))
			c.wantCalls(t, id(3))
		}
	})
}

// While a row waits for another attempt its record is free, and another run may take it: what that
// run makes of it counts, though the record was this run's before.
func TestRecordTakenOverInBackOff(t *testing.T) {
	tests := []struct {
		name  string
		other func(*keptRecord)
		want  string
	}{
		{"under way", func(k *keptRecord) { k.intent = "other" }, "pending/in_other_run"},
		{"in doubt", func(k *keptRecord) { k.Status, k.Run = Uncertain, "other" }, "uncertain"},
		{"refused", func(k *keptRecord) { k.Status, k.Run, k.Binding = Rejected, "other", true }, "rejected"},
		{"delivered", func(k *keptRecord) { k.Status, k.Run = Delivered, "other" }, "delivered/already_delivered"},
		{"left by a run that died", func(k *keptRecord) { k.intent = "dead" }, "uncertain/interrupted"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(bySession(map[string][]Reply{id(1): {{Verdict: Throttled, RetryAfter: time.Minute}, ok200}}))
				c.book.dead["dead"] = true
				c.rate, c.cfg.Concurrency = 4, 1
				c.book.concluded = func(k *keptRecord) {
					c.book.concluded = nil
					test.other(k)
				}
				res := c.runAndReport(t, sheet(byMail(1)))
				if n := c.server.count(id(1)); n != 1 {
					t.Errorf("%d calls", n)
				}
				if got := res.statuses()[0]; got != test.want {
					t.Errorf("the row is %s, want %s", got, test.want)
				}
			})
		})
	}
}

func TestProgressAddsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(bySession(map[string][]Reply{id(1): {badValue}, id(2): {down}, id(3): {noAnswer}}))
		res := c.run(t, sheet(many(1, 10)...))
		want := Progress{Due: 10, Delivered: 7, Rejected: 1, Failed: 1, Uncertain: 1}
		if diff := cmp.Diff(want, c.watch.last); diff != "" {
			t.Error(diff)
		}
		if res.plan.Due != c.watch.last.Done() {
			t.Errorf("%d of %d done", c.watch.last.Done(), res.plan.Due)
		}
	})
}

func TestEachContactOfOneSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(func(ctx context.Context, _ Distribution, _ int) Reply { return slowly(ctx, 2*time.Second, ok200) })
		c.rules.EachContact = true
		var rows []Row
		for i := range 3 {
			rows = append(rows, Row{Fields: Fields{Session: id(1), Email: mail(i)}})
		}
		res := c.runAndReport(t, sheet(rows...))
		if res.tallies[0].SentNow != 3 || c.server.most != 1 {
			t.Errorf("%v, %d calls for the session at once", res.statuses(), c.server.most)
		}
	})
}

func TestLargeFileIsReadAsItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(func(ctx context.Context, _ Distribution, _ int) Reply { return slowly(ctx, time.Minute, ok200) })
		list := sheet(many(1, 20*batchRows)...)
		var read int
		c.checked = func() { list.read = func(int) { read++ } }
		time.AfterFunc(time.Second, func() { close(c.stop) })
		c.run(t, list)
		if read == 0 || read > 2*batchRows {
			t.Errorf("%d rows were read for %d calls", read, c.server.total())
		}
	})
}

func TestContextEndsWhileTheInputIsRead(t *testing.T) {
	for range 20 { // the loop may hear of either first
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			c := newCampaign(always(ok200))
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

func TestLedgerErrorTellsItsCause(t *testing.T) {
	err := fmt.Errorf("send: %w", &LedgerError{Err: errDisk, Uncertain: true})
	var ledger *LedgerError
	if !errors.As(err, &ledger) || !errors.Is(err, errDisk) || ledger.Error() != "disk full" {
		t.Errorf("%v", err)
	}
}
