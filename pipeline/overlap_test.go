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

func TestEachContactOnceWhateverItsCapitals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(func(context.Context, Distribution, int) Reply { return ok200 })
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
