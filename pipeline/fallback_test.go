package pipeline

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// withBoth is a row with both contacts, that goes by a method.
func withBoth(n int, by Method) Row {
	r := byMail(n)
	r.Fields.Phone, r.Fields.PhoneCountry, r.Fields.Method = fmt.Sprintf("+46701740%03d", 605+n%95), "SE", string(by)
	return r
}

// refusing answers by method, others are accepted.
func refusing(by map[Method]Reply) func(context.Context, Distribution, int) Reply {
	return func(_ context.Context, d Distribution, _ int) Reply {
		if r, ok := by[d.Method]; ok {
			return r
		}
		return ok200
	}
}

func refusedFor(code string) Reply {
	return Reply{Verdict: Refused, HTTPStatus: 400, Code: code, Reason: "no"}
}

// ways are the calls that were made, as the methods of each session.
func (c *campaign) ways() map[string]string {
	out := map[string]string{}
	for _, k := range c.server.calls {
		out[k.Session] = strings.TrimSpace(out[k.Session] + " " + string(k.Method))
	}
	return out
}

// The other contact is tried after the codes that name the contact and after nothing else, and only where it is there, can
// be read and may be messaged.
func TestFallbackAfter(t *testing.T) {
	names := map[string]bool{"UNSUPPORTED_COUNTRY": true, "MISSING_CONTACT_DATA": true, "CONSTRAINT_VIOLATION": true}
	replies := map[string]Reply{
		"BAD_VALUE": badValue, "UNKNOWN": refusedFor("UNKNOWN"), "NOT_FOUND": notFound, "firewall": firewall, "no answer": noAnswer, "denied": unauthorised,
	}
	for code := range names {
		replies[code] = refusedFor(code)
	}
	others := map[string]func(*Row){
		"there":         func(*Row) {},
		"not there":     func(r *Row) { clearOther(r, "") },
		"unreadable":    func(r *Row) { clearOther(r, "nobody") },
		"on a list":     func(r *Row) {},
		"not asked for": func(r *Row) {},
	}
	for name, reply := range replies {
		for _, by := range []Method{SMS, Email} {
			for other, change := range others {
				synctest.Test(t, func(t *testing.T) {
					c := newCampaign(t, refusing(map[Method]Reply{by: reply}))
					c.rules.Fallback = other != "not asked for"
					row := withBoth(1, by)
					change(&row)
					if other == "on a list" {
						c.rules.Suppressed = listed{map[Method]string{SMS: mail(1), Email: "+46701740606"}[by]}
					}
					list := sheet(row)
					res := c.runAndReport(t, list)
					want := string(by)
					switch {
					case other == "on a list":
						want = "" // nothing at all
					case names[name] && other == "there":
						want = map[Method]string{SMS: "sms email", Email: "email sms"}[by]
					}
					if got := c.ways()[id(1)]; got != want {
						t.Errorf("%s by %s, the other contact %s: called %q, want %q", name, by, other, got, want)
					}
					out := res.reports[0][0]
					if strings.Contains(want, " ") {
						wantTo := map[Method]string{SMS: mail(1), Email: "+46701740606"}[by]
						if out.Status != Delivered || !out.SentNow || out.SentTo != wantTo || out.Method == by || out.Note != fmt.Sprintf("by %s HPP had refused it (%s)", by, name) {
							t.Errorf("%s by %s: the report says %+v", name, by, out)
						}
					} else if strings.Contains(out.Note, "refused") {
						t.Errorf("%s by %s, %s: the note says %q", name, by, other, out.Note)
					}
					if diff := cmp.Diff(out, c.later(t, list)[0]); diff != "" && name != "denied" {
						t.Errorf("%s by %s, %s: a report made later differs: %s", name, by, other, diff)
					}
				})
			}
		}
	}
}

func clearOther(r *Row, with string) {
	if r.Fields.Method == string(SMS) {
		r.Fields.Email = with
	} else {
		r.Fields.Phone = with
	}
}

// What the second contact comes to is what the row comes to.
func TestFallbackComesTo(t *testing.T) {
	unsupported := refusedFor("UNSUPPORTED_COUNTRY")
	for _, tt := range []struct {
		name   string
		second []Reply
		want   string
		calls  int
	}{
		{"accepted", []Reply{ok200}, "delivered", 2},
		{"refused", []Reply{badValue}, "rejected/BAD_VALUE", 2},
		{"refused for what it is", []Reply{unsupported}, "rejected/UNSUPPORTED_COUNTRY", 2},
		{"uncertain", []Reply{noAnswer}, "uncertain/no_clear_answer", 2},
		{"unavailable, then accepted", []Reply{down, down, ok200}, "delivered", 4},
		{"unavailable too often", []Reply{down}, "failed/unavailable", 6},
		{"throttled, then accepted", []Reply{tooMany, ok200}, "delivered", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, canary := range []int{0, 1} {
					c := newCampaign(t, nil)
					n := 0
					c.server.answer = func(_ context.Context, d Distribution, _ int) Reply {
						switch {
						case d.Session != id(1):
							return ok200
						case d.Method == SMS:
							return unsupported
						}
						n++
						return tt.second[min(n, len(tt.second))-1]
					}
					c.rules.Fallback, c.cfg.Canary = true, canary
					list := sheet(withBoth(1, SMS), byMail(2))
					res := c.runAndReport(t, list)
					if got := res.statuses()[0]; got != tt.want || c.server.count(id(1)) != tt.calls {
						t.Errorf("%s after %d calls, want %s after %d", got, c.server.count(id(1)), tt.want, tt.calls)
					}
					if diff := cmp.Diff(res.statuses(), shorts(c.later(t, list))); diff != "" && canary == 0 {
						t.Errorf("a report made later differs: %s", diff)
					}
					if stops := canary > 0 && tt.want != "delivered"; (res.ending.Code == StopCanary) != stops {
						t.Errorf("with a canary of %d the run ended with %v", canary, res.ending)
					}
					if p := c.watch.last; canary == 0 && p.Delivered+p.Rejected+p.Failed+p.Uncertain != 2 {
						t.Errorf("counted %+v", p)
					}
					before := c.server.total()
					again := c.again("run-2").runAndReport(t, list)
					switch tt.want {
					case "delivered", "uncertain/no_clear_answer", "rejected/BAD_VALUE", "rejected/UNSUPPORTED_COUNTRY":
						if canary == 0 && c.server.total() != before {
							t.Errorf("the next run called again: %v", again.statuses())
						}
					default: // failed: the second contact alone is tried again
						if canary == 0 && !strings.HasSuffix(c.ways()[id(1)], "email email email email email") {
							t.Errorf("the next run called %v", c.ways()[id(1)])
						}
					}
				}
			})
		})
	}
}

// A refusal of an earlier run sends a row to its other contact at once, if it binds; and the check counts it so.
func TestFallbackAfterAnEarlierRun(t *testing.T) {
	for _, tt := range []struct {
		name    string
		binding bool
		retry   bool
		want    string
	}{
		{"it binds", true, false, "email"},
		{"it does not", false, false, "sms email"},
		{"it is to be tried again", true, true, "sms email"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(t, refusing(map[Method]Reply{SMS: refusedFor("UNSUPPORTED_COUNTRY")}))
				r := c.book.run("old")
				d := Distribution{Session: id(1), Method: SMS, Contact: "+46701740606", Country: "SE"}
				got, err := r.Claim(t.Context(), Claim{Distribution: d, Seen: NoRecords})
				if err != nil || got.Ticket == 0 {
					t.Fatal(got, err)
				}
				if err := r.Conclude(t.Context(), got.Ticket, Conclusion{Status: Rejected, Called: true, Binding: tt.binding, Code: "UNSUPPORTED_COUNTRY", Time: time.Now()}); err != nil {
					t.Fatal(err)
				}
				c.rules.Fallback, c.rules.RetryRejected = true, tt.retry
				list := sheet(withBoth(1, SMS))
				res := c.runAndReport(t, list)
				if got := c.ways()[id(1)]; got != tt.want || res.statuses()[0] != "delivered" {
					t.Errorf("called %q, want %q; %v", got, tt.want, res.statuses())
				}
				messages := Channel{Method: SMS, Country: "SE"}
				if tt.want == "email" {
					messages = Channel{Method: Email}
				}
				if res.plan.Messages[messages] != 1 || len(res.plan.Messages) != 1 {
					t.Errorf("the check counts %v", res.plan.Messages)
				}
				if note := res.reports[0][0].Note; note != "by sms HPP had refused it (UNSUPPORTED_COUNTRY)" {
					t.Errorf("the note is %q", note)
				}
			})
		})
	}
}

// The second contact keeps to the rules of its own method.
func TestFallbackKeepsToTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := quotas(t, true, Allowance{Messages: 2, Per: Day, Method: Email})
		c.server.answer = func(_ context.Context, d Distribution, _ int) Reply {
			if d.Method == SMS && d.Session <= id(4) {
				return refusedFor("UNSUPPORTED_COUNTRY")
			}
			return ok200
		}
		c.rules.Fallback, c.cfg.Limit = true, 9
		var rows []Row
		for n := 1; n <= 9; n++ {
			rows = append(rows, withBoth(n, SMS))
		}
		began := time.Now()
		res := c.runAndReport(t, sheet(rows...))
		if res.ending.Code != "" || res.tallies[0].SentNow != 9 || c.server.total() != 13 {
			t.Errorf("%v, %v after %d calls: %v", res.ending, res.statuses(), c.server.total(), c.ways())
		}
		c.withinAllowances(t)
		for _, k := range c.server.calls {
			if k.Method == SMS && k.at.Sub(began) > time.Minute {
				t.Errorf("%s waited for another method until %v", k.Session, k.at.Sub(began))
			}
		}
	})
	synctest.Test(t, func(t *testing.T) { // as it is found at once by a run that comes later
		c := quotas(t, false, Allowance{Messages: 1, Per: Day, Method: Email})
		c.server.answer = refusing(map[Method]Reply{SMS: refusedFor("UNSUPPORTED_COUNTRY")})
		c.rules.Fallback, c.cfg.StopAfterIdentical = true, 2
		rows := []Row{withBoth(1, SMS), withBoth(2, SMS), withBoth(3, SMS)}
		first := c.runAndReport(t, sheet(rows...))
		if p := c.watch.last; p.Rejected < 0 {
			t.Errorf("%v: counted %+v", first.ending, p)
		}
	})
}

// A run that is killed at any moment between the two attempts leaves nothing that is sent twice, and the next one goes on.
func TestFallbackKilled(t *testing.T) {
	for at := int64(1); ; at++ {
		reached := false
		synctest.Test(t, func(t *testing.T) {
			c := newCampaign(t, func(ctx context.Context, d Distribution, _ int) Reply {
				if d.Method == SMS {
					return slowly(ctx, time.Second, refusedFor("UNSUPPORTED_COUNTRY"))
				}
				return slowly(ctx, time.Second, ok200)
			})
			c.rules.Fallback, c.cfg.Concurrency, c.cfg.Grace = true, 2, time.Second
			ctx, cancel := context.WithCancel(context.Background())
			c.ctx = ctx
			var steps atomic.Int64
			strike := func() error {
				if steps.Add(1) == at {
					reached = true
					go func() { c.book.kill("run-1"); cancel() }()
					return errKilled
				}
				return nil
			}
			c.book.failClaim = func(Claim) error { return strike() }
			c.book.failConclude = func(Conclusion) error { return strike() }
			list := sheet(withBoth(1, SMS), withBoth(2, SMS), withBoth(3, SMS))
			c.run(t, list)
			c.book.failClaim, c.book.failConclude = nil, nil
			if !reached {
				return
			}
			res := c.again("run-2").runAndReport(t, list)
			accepted := map[string]int{}
			for _, k := range c.server.calls {
				if k.Method == Email {
					accepted[k.Session]++
				}
			}
			for i, o := range res.reports[0] {
				n := accepted[id(i+1)]
				if n > 1 || o.Status == Delivered && n != 1 || o.Status != Delivered && o.Status != Uncertain {
					t.Errorf("killed at step %d: %s was accepted %d times and is %s", at, id(i+1), n, short(o))
				}
			}
		})
		if !reached {
			if at < 12 {
				t.Errorf("only %d steps", at)
			}
			return
		}
	}
}
