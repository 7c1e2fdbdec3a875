package pipeline

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestRowOfAnotherRun(t *testing.T) {
	tests := []struct {
		name  string
		frees *Conclusion // by the other run, in the end; nil for none
		want  string
		calls int
	}{
		{"freed", &Conclusion{Status: Pending}, "delivered", 1},
		{"delivered there", &Conclusion{Called: true, Status: Delivered}, "delivered/already_delivered", 0},
		{"left in doubt there", &Conclusion{Called: true, Status: Uncertain}, "uncertain", 0},
		{"never freed", nil, "pending/in_other_run", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(t, always(ok200))
				conclude := c.book.take("other", id(1), mail(1))
				begin := time.Now()
				if test.frees != nil {
					time.AfterFunc(90*time.Second, func() { conclude(*test.frees) })
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
			c := newCampaign(t, always(ok200))
			c.rules.Hidden = rule
			var held []func(Conclusion)
			for i := 1; i <= 2; i++ {
				held = append(held, c.book.take("other", id(i), mail(9)))
			}
			c.checked = func() {
				for _, conclude := range held {
					conclude(Conclusion{Status: Pending})
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
		run   string
		other *Conclusion // nil: it is under way
		want  string
	}{
		{"under way", "other", nil, "pending/in_other_run"},
		{"in doubt", "other", &Conclusion{Called: true, Status: Uncertain}, "uncertain"},
		{"refused", "other", &Conclusion{Called: true, Status: Rejected, Binding: true}, "rejected"},
		{"delivered", "other", &Conclusion{Called: true, Status: Delivered}, "delivered/already_delivered"},
		{"left by a run that died", "dead", nil, "uncertain/interrupted"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(t, bySession(map[string][]Reply{id(1): {{Verdict: Throttled, RetryAfter: time.Minute}, ok200}}))
				c.rate, c.cfg.Concurrency = 4, 1
				c.book.concluded = func(session string) {
					c.book.concluded = nil
					conclude := c.book.take(test.run, session, mail(1))
					if test.other != nil {
						conclude(*test.other)
					}
					if test.run == "dead" {
						c.book.kill("dead")
					}
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

func TestEachContactOfOneSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, func(ctx context.Context, _ Distribution, _ int) Reply { return slowly(ctx, 2*time.Second, ok200) })
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

func TestEachContactOnceWhateverItsCapitals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, func(context.Context, Distribution, int) Reply { return ok200 })
		c.rules.EachContact = true
		var rows []Row
		for _, address := range []string{"anna@example.com", "Anna@example.com", "ANNA@Example.COM"} {
			rows = append(rows, Row{Fields: Fields{Session: id(1), Email: address}})
		}
		res := c.runAndReport(t, sheet(rows...))
		if n := c.server.count(id(1)); n != 1 || res.tallies[0].SentNow != 1 || res.tallies[0].Status[Skipped] != 2 {
			t.Errorf("%d calls, and the report says %v", n, res.statuses())
		}
	})
}
