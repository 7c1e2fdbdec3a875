package pipeline

import (
	"context"
	"errors"
	"slices"
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
				c := newCampaign(t, bySession(map[string][]Reply{id(1): test.replies}))
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
		c := newCampaign(t, always(ok200))
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

func TestConcurrencyIsUsedAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, func(ctx context.Context, _ Distribution, _ int) Reply { return slowly(ctx, time.Second, ok200) })
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
		c := newCampaign(t, func(_ context.Context, _ Distribution, nth int) Reply { return []Reply{down, ok200}[min(nth, 2)-1] })
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
			c := newCampaign(t, always(ok200))
			c.rate, c.cfg.Concurrency = rate, 16
			c.run(t, sheet(many(1, 60)...))
			if want := ClaimBound(rate, 16); c.mostIdle > want || c.mostIdle == 0 {
				t.Errorf("at %v/s %d claims waited for a permit, at most %d", rate, c.mostIdle, want)
			}
		})
	}
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
				c := newCampaign(t, always(ok200))
				list := sheet(many(1, 8)...)
				c.checked = func() { list.rows = test.rows }
				res := c.run(t, list)
				if res.ending.Code != StopBroken || !errors.Is(res.ending.Err, InputChanged) {
					t.Errorf("ended with %v", res.ending)
				}
				for _, s := range test.never {
					if c.server.count(s) > 0 {
						t.Errorf("session %s was called", s)
					}
				}
				if _, err := Report(context.Background(), res.plan, 0, list, Finding{}, &collected{}); !errors.Is(err, InputChanged) {
					t.Errorf("the report: %v", err)
				}
			})
		})
	}
}

func TestInputThatCannotBeReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(ok200))
		list := sheet(many(1, 8)...)
		c.checked = func() { list.broken = errDisk }
		if res := c.run(t, list); res.ending.Code != StopBroken || !errors.Is(res.ending.Err, errDisk) {
			t.Errorf("ended with %v", res.ending)
		}
	})
}

func TestProgressAddsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, bySession(map[string][]Reply{id(1): {badValue}, id(2): {down}, id(3): {noAnswer}}))
		res := c.run(t, sheet(many(1, 10)...))
		want := Progress{Due: 10, Delivered: 7, Rejected: 1, Failed: 1, Uncertain: 1, Rate: c.rate}
		if diff := cmp.Diff(want, c.watch.last); diff != "" {
			t.Error(diff)
		}
		if res.plan.Due != c.watch.last.Done() {
			t.Errorf("%d of %d done", c.watch.last.Done(), res.plan.Due)
		}
	})
}

func TestLargeFileIsReadAsItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, func(ctx context.Context, _ Distribution, _ int) Reply { return slowly(ctx, time.Minute, ok200) })
		list := sheet(many(1, 20*512)...)
		var read int
		c.checked = func() { list.read = func(int) { read++ } }
		time.AfterFunc(time.Second, func() { close(c.stop) })
		c.run(t, list)
		if read == 0 || read > 2*512 {
			t.Errorf("%d rows were read for %d calls", read, c.server.total())
		}
	})
}
