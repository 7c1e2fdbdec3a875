package pipeline

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

var errDisk = errors.New("disk full")

func TestLedgerErrorOnClaimBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(ok200))
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
				c := newCampaign(t, bySession(map[string][]Reply{id(11): {badValue}}))
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
				since := from
				if !fails(Conclusion{Called: true, Status: Delivered}) && !fails(Conclusion{Called: true, Status: Rejected}) { // nothing fails before the refusal
					for _, k := range c.server.calls {
						if k.Session == id(11) && k.at.After(from) {
							since = k.at.Add(-1)
						}
					}
				}
				var meanwhile int
				for _, k := range c.server.calls {
					if k.at.After(since) && k.at.Before(until) {
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
		c := newCampaign(t, always(ok200))
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
		c.book.kill("run-1")
		time.Sleep(time.Hour)
		next := c.again("run-2").runAndReport(t, sheet(many(1, 60)...))
		if got := next.tallies[0].Status; got[Uncertain] == 0 || got[Uncertain]+got[Delivered] != 60 || c.server.total() > 60 {
			t.Errorf("the next run: %v, %d calls in both, %d in the first", got, c.server.total(), called)
		}
	})
}

// TestTriesAreWithinTheGraceTime has each try wait, as for a ledger that another process has locked.
func TestTriesAreWithinTheGraceTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(ok200))
		c.cfg.Concurrency = 1
		c.book.failConclude = func(Conclusion) error {
			time.Sleep(7 * time.Second)
			return errDisk
		}
		begin := time.Now()
		if res := c.run(t, sheet(byMail(1))); res.ending.Code != StopBroken {
			t.Errorf("ended with %v", res.ending)
		}
		if took := time.Since(begin); took > (30+7)*time.Second {
			t.Errorf("it took %v to give up, the grace is 30s and a try takes 7s", took)
		}
	})
}

func TestRevisionThatCannotBeWrittenBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(badValue))
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
		c := newCampaign(t, always(ok200))
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

func TestLedgerErrorTellsItsCause(t *testing.T) {
	err := fmt.Errorf("send: %w", &LedgerError{Err: errDisk, Uncertain: true})
	var ledger *LedgerError
	if !errors.As(err, &ledger) || !errors.Is(err, errDisk) || ledger.Error() != "disk full" {
		t.Errorf("%v", err)
	}
}
