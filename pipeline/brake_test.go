package pipeline

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDeniedStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(unauthorised))
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
		c := newCampaign(t, bySession(map[string][]Reply{id(2): {firewall}, id(4): {firewall}, id(5): {firewall}, id(6): {firewall}}))
		c.cfg.Concurrency = 1
		res := c.runAndReport(t, sheet(many(1, 9)...))
		want := []string{
			"delivered", "rejected/refused_by_other", "delivered", "pending/refused_by_other", "pending/refused_by_other",
			"pending/refused_by_other", "pending/refused_by_other", "pending/refused_by_other", "pending/refused_by_other",
		}
		if diff := cmp.Diff(want, res.statuses()); diff != "" {
			t.Error(diff)
		}
		if res.ending.Code != StopRefusedByOther || c.server.total() != 6 {
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
		c := newCampaign(t, func(ctx context.Context, d Distribution, _ int) Reply {
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
		c := newCampaign(t, func(ctx context.Context, d Distribution, _ int) Reply {
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
		c := newCampaign(t, func(ctx context.Context, d Distribution, _ int) Reply {
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
		for session, records := range c.book.all() {
			if slices.ContainsFunc(records, func(rec Record) bool { return rec.Binding }) {
				t.Errorf("the refusal of %s binds", session)
			}
		}
	})
}

func TestUnclearAnswersStopToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(noAnswer))
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
				c := newCampaign(t, nil)
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
		c := newCampaign(t, always(badValue))
		c.cfg.StopAfterIdentical = 0
		if res := c.runAndReport(t, sheet(many(1, 60)...)); res.ending.Code != "" || res.tallies[0].Status[Rejected] != 60 {
			t.Errorf("ended with %v, %v", res.ending, res.tallies[0].Status)
		}
	})
}

func TestLimitCountsOverFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, bySession(map[string][]Reply{id(2): {down, ok200}, id(7): {badValue}}))
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
		c := newCampaign(t, always(ok200))
		c.cfg.Limit = 5
		if res := c.runAndReport(t, sheet(many(1, 5)...)); res.ending.Code != "" {
			t.Errorf("ended with %v", res.ending)
		}
	})
}

// Rows that another run holds are not tried, so a limit is not used up by them.
func TestLimitIsNotSpentOnHeldRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(ok200))
		c.cfg.Limit, c.cfg.Concurrency = 3, 1
		for i := 1; i <= 3; i++ {
			c.book.take("other", id(i), "elsewhere@example.com")
		}
		res := c.runAndReport(t, sheet(many(1, 8)...))
		c.wantCalls(t, id(4), id(5), id(6))
		if res.ending.Code != StopLimit {
			t.Errorf("ended with %v", res.ending)
		}
	})
}

func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(ok200))
		c.rate, c.cfg.Until = 1, time.Now().Add(4500*time.Millisecond)
		res := c.runAndReport(t, sheet(many(1, 20)...))
		if got := res.tallies[0].Status; res.ending.Code != StopUntil || got[Delivered] != 5 || got[Pending] != 15 {
			t.Errorf("ended with %v, %v", res.ending, got)
		}
		if next := c.again("run-2"); next.cfg.Until.After(time.Now()) {
			t.Error("it ended too early")
		}
	})
}

// It ends in time in a pause too, and a call that is under way may come to its end.
func TestUntilInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, bySession(map[string][]Reply{id(1): {tooMany}}))
		c.cfg.Until = time.Now().Add(time.Millisecond)
		start := time.Now()
		res := c.runAndReport(t, sheet(many(1, 3)...))
		if res.ending.Code != StopUntil || time.Since(start) > c.cfg.Grace {
			t.Errorf("ended with %v after %v", res.ending, time.Since(start))
		}
	})
}

func TestTooManyRejected(t *testing.T) {
	refused := func(every int) func(context.Context, Distribution, int) Reply {
		n := 0
		return func(context.Context, Distribution, int) Reply {
			if n++; n%every == 0 {
				return badValue
			}
			return ok200
		}
	}
	for _, tt := range []struct {
		name  string
		most  Threshold
		every int
		calls int // 0: it goes through
	}{
		{"a share of the last answers", Threshold{Share: 0.2}, 2, 82}, // 41 of 200
		{"no more than the share", Threshold{Share: 0.2}, 5, 0},
		{"a number of them", Threshold{Rows: 10}, 3, 33},
		{"any number", Threshold{}, 1, 0},
		{"those before the last 200 do not count", Threshold{Rows: 2}, 100, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(t, refused(tt.every))
				c.cfg.MaxRejected, c.cfg.StopAfterIdentical, c.cfg.Concurrency = tt.most, 0, 1
				res := c.runAndReport(t, sheet(many(1, 500)...))
				if stopped := tt.calls != 0; (res.ending.Code == StopRejected) != stopped || stopped && c.server.total() != tt.calls {
					t.Errorf("ended with %v after %d calls", res.ending, c.server.total())
				}
			})
		})
	}
}

func TestThresholdIsNotExceededByItself(t *testing.T) {
	for _, tt := range []struct {
		most          Threshold
		rejected, all int
		want          bool
	}{
		{Threshold{}, 10, 10, false},
		{Threshold{Rows: 3}, 3, 10, false},
		{Threshold{Rows: 3}, 4, 1000, true},
		{Threshold{Share: 0.2}, 2, 10, false},
		{Threshold{Share: 0.2}, 3, 10, true},
		{Threshold{Share: 1}, 10, 10, false},
	} {
		if got := tt.most.Exceeded(tt.rejected, tt.all); got != tt.want {
			t.Errorf("%+v: %d of %d: %v", tt.most, tt.rejected, tt.all, got)
		}
	}
}
