package pipeline

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// began is when the breakers of these tests begin; a step later is a second later.
var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// breakerOf is a breaker whose n-th probe waits for n+1 seconds.
func breakerOf(cfg SendConfig) *breaker {
	b := &breaker{cfg: cfg, jitter: func(try int) time.Duration { return time.Duration(try+1) * time.Second }}
	b.beginFile()
	return b
}

// step is an answer to a row, or what else a breaker is told.
type step func(b *breaker, now time.Time, n int) []Revision

// answers is an answer to a row of a method: its ticket is its place among the steps.
func answers(m Method, r Reply) step { return toCall(m, r, false, false) }

func toCall(m Method, r Reply, last, probe bool) step {
	return func(b *breaker, now time.Time, n int) []Revision {
		b.tried++
		return b.answered(now, Answer{Method: m, Ticket: Ticket(n), Reply: r, Last: last, Probe: probe})
	}
}

func probe(r Reply) step { return toCall(SMS, r, false, true) }
func last(r Reply) step  { return toCall(SMS, r, true, false) }

// sms are answers to rows by SMS.
func sms(replies ...Reply) (steps []step) {
	for _, r := range replies {
		steps = append(steps, answers(SMS, r))
	}
	return steps
}

func times(n int, r Reply) []step { return sms(repeat(n, r)...) }

func repeat(n int, r Reply) (out []Reply) {
	for range n {
		out = append(out, r)
	}
	return out
}

// says is what a person says; the clock goes on by a second all the same.
func says(yes bool) step {
	return func(b *breaker, _ time.Time, _ int) []Revision { b.goOn(yes); return nil }
}

func TestBreaker(t *testing.T) {
	refusedNth := func(n int) Reply { return Reply{Verdict: Refused, Code: fmt.Sprint("CODE", n)} }
	join := func(lists ...[]step) (all []step) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	mixed := func(n int, every int) (out []step) { // each of another code, so that no streak comes to be
		for i := range n {
			r := ok200
			if i%every == 0 {
				r = refusedNth(i)
			}
			out = append(out, answers(SMS, r))
		}
		return out
	}
	for _, tt := range []struct {
		name   string
		cfg    SendConfig
		steps  []step
		ending string // code, at the last step and not before; empty while the run goes on
		state  string // open, probe <seconds from the last step>, no new
	}{
		{"an accepted row", SendConfig{}, sms(ok200), "", "open"},
		{"wrong credentials", SendConfig{}, sms(ok200, unauthorised), StopDenied, "closed"},

		{"nine unavailable in a row", SendConfig{}, times(9, down), "", "open"},
		{"ten", SendConfig{}, times(10, down), "", "probe 1"},
		{"ten, one of them between", SendConfig{}, join(times(9, down), sms(ok200, down)), "", "open"},
		{"ten, a pause between", SendConfig{}, join(times(9, down), sms(tooMany, down)), "", "open"},
		{"under way when it began", SendConfig{}, join(times(10, down), sms(down)), "", "probe 0"},
		{"a probe that fails", SendConfig{}, join(times(10, down), []step{probe(down)}), "", "probe 2"},
		{"two of them", SendConfig{}, join(times(10, down), []step{probe(down), probe(down)}), "", "probe 3"},
		{"a probe that is answered", SendConfig{}, join(times(10, down), []step{probe(badValue)}), "", "open"},
		{"a probe that is answered unclearly", SendConfig{}, join(times(10, down), []step{probe(noAnswer)}), "", "open"},
		{"the next outage begins anew", SendConfig{}, join(times(10, down), []step{probe(down), probe(ok200)}, times(10, down)), "", "probe 1"},

		{"two by something else", SendConfig{}, sms(firewall, firewall), "", "open"},
		{"three", SendConfig{}, sms(firewall, firewall, firewall), StopRefusedByOther, "closed"},
		{"three, a success between", SendConfig{}, sms(firewall, firewall, ok200, firewall), "", "open"},
		{"three, HPP's own refusal between", SendConfig{}, sms(firewall, firewall, badValue, firewall), "", "open"},
		{"three, no clear answer between", SendConfig{}, sms(firewall, firewall, noAnswer, firewall), StopRefusedByOther, "closed"},
		{"three, an outage between", SendConfig{}, sms(firewall, firewall, down, firewall), StopRefusedByOther, "closed"},

		{"identical refusals", SendConfig{StopAfterIdentical: 3}, sms(badValue, badValue, badValue), StopIdentical, "closed"},
		{"identical unclear answers", SendConfig{StopAfterIdentical: 3}, sms(noAnswer, noAnswer, noAnswer), StopIdentical, "closed"},
		{"a success between", SendConfig{StopAfterIdentical: 3}, sms(badValue, badValue, ok200, badValue, badValue), "", "open"},
		{"another code between", SendConfig{StopAfterIdentical: 3}, sms(badValue, badValue, notFound, badValue, badValue), "", "open"},
		{"an outage between", SendConfig{StopAfterIdentical: 3}, sms(badValue, badValue, down, badValue), StopIdentical, "closed"},
		{"another method between", SendConfig{StopAfterIdentical: 3}, []step{answers(SMS, badValue), answers(Email, ok200), answers(SMS, badValue), answers(Email, badValue), answers(SMS, badValue)}, StopIdentical, "closed"},
		{"the brake turned off", SendConfig{}, times(100, badValue), "", "open"},

		{"a share of the last answers", SendConfig{MaxRejected: Threshold{Share: 0.1}}, mixed(41, 2), StopRejected, "closed"}, // 21 of 200
		{"not exceeded", SendConfig{MaxRejected: Threshold{Share: 0.1}}, mixed(40, 2), "", "open"},
		{"a number of them", SendConfig{MaxRejected: Threshold{Rows: 2}}, mixed(3, 1), StopRejected, "closed"},
		{"those long ago", SendConfig{MaxRejected: Threshold{Rows: 2}}, join(mixed(2, 1), times(200, ok200), mixed(2, 1)), "", "open"},
		{"by something else", SendConfig{MaxRejected: Threshold{Rows: 1}}, sms(firewall, firewall), StopRejected, "closed"},
		{"unclear answers are none", SendConfig{MaxRejected: Threshold{Rows: 1}}, times(50, noAnswer), "", "open"},

		{"below the limit", SendConfig{Limit: 3}, times(2, ok200), "", "open"},
		{"the limit", SendConfig{Limit: 3}, times(3, ok200), StopLimit, "closed"},

		{"the canary, under way", SendConfig{Canary: 3}, times(2, ok200), "", "open"},
		{"the canary, delivered", SendConfig{Canary: 3}, times(3, ok200), "", "proven"},
		{"the canary, a yes", SendConfig{Canary: 3}, append(times(3, ok200), says(true)), "", "open"},
		{"the canary, a no", SendConfig{Canary: 3}, append(times(3, ok200), says(false)), StopCanary, "closed"},
		{"the canary, refused", SendConfig{Canary: 3}, sms(ok200, badValue, ok200), StopCanary, "closed"},
		{"the canary, unclear", SendConfig{Canary: 3}, sms(ok200, ok200, noAnswer), StopCanary, "closed"},
		{"the canary, failed", SendConfig{Canary: 3}, append(times(2, ok200), last(down)), StopCanary, "closed"},
		{"after the canary", SendConfig{Canary: 1}, append(times(1, ok200), says(true), answers(SMS, badValue), answers(SMS, badValue)), "", "open"},

		{"until a time", SendConfig{Until: began.Add(2 * time.Second)}, times(3, ok200), StopUntil, "closed"},
		{"before it", SendConfig{Until: began.Add(3 * time.Second)}, times(3, ok200), "", "open"},
		{"nothing but failures", SendConfig{RetryFor: 3 * time.Second}, times(4, down), StopNothing, "closed"},
		{"nothing but pauses", SendConfig{RetryFor: 3 * time.Second}, times(4, tooMany), StopNothing, "closed"},
		{"a refusal is an answer", SendConfig{RetryFor: 3 * time.Second}, sms(down, down, badValue, down, down), "", "open"},
		{"an unclear one is none", SendConfig{RetryFor: 3 * time.Second}, sms(down, down, noAnswer, down), StopNothing, "closed"},
		{"nor one by something else", SendConfig{RetryFor: 3 * time.Second}, sms(down, down, firewall, down), StopNothing, "closed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.cfg.RetryFor == 0 {
				tt.cfg.RetryFor = time.Hour
			}
			b := breakerOf(tt.cfg)
			now, proven := began, false
			for i, s := range tt.steps {
				now = began.Add(time.Duration(i) * time.Second)
				if b.ended() {
					t.Fatalf("ended with %v before step %d", b.Ending, i)
				}
				s(b, now, i+1)
				proven = b.expire(now, true)
			}
			if b.Ending.Code != tt.ending || b.ended() && !strings.HasPrefix(b.Ending.Reason, "the ") {
				t.Errorf("ended with %v, want %q", b.Ending, tt.ending)
			}
			state := "open"
			switch {
			case b.ended():
				state = "closed"
			case b.outage():
				state = fmt.Sprintf("probe %g", b.File.probeAt.Sub(now).Seconds())
			case proven:
				state = "proven"
			}
			if state != tt.state {
				t.Errorf("it is %s, want %s", state, tt.state)
			}
			wantAllowed := map[string]bool{"open": true, "proven": true, "probe 0": true}[tt.state]
			if got := b.allows(now, 0); got != wantAllowed {
				t.Errorf("a call is allowed: %v", got)
			}
			if b.outage() && (b.allows(b.File.probeAt, 1) || !b.allows(b.File.probeAt, 0)) {
				t.Error("in an outage not exactly one call at a time is allowed")
			}
			if got := b.allowsNew(); got != (tt.state != "proven") && !b.ended() {
				t.Errorf("a new row is allowed: %v", got)
			}
		})
	}
}

// What is revised, by which step, and at the end of the file: tickets are the places of the steps.
func TestRevisions(t *testing.T) {
	for _, tt := range []struct {
		name    string
		steps   []step
		stopped bool // by a signal, after the steps
		want    string
	}{
		{"a success makes them bind", sms(badValue, badValue, ok200), false, "3: 1 2 bind"},
		{"another code too", sms(badValue, notFound, notFound), false, "2: 1 bind; end: 2 3 bind"},
		{"an unclear answer too", sms(badValue, noAnswer), false, "2: 1 bind"},
		{"the end of the file too", sms(badValue, badValue), false, "end: 1 2 bind"},
		{"a signal does not", sms(badValue, badValue), true, ""},
		{"another method does not", []step{answers(SMS, badValue), answers(Email, ok200)}, true, ""},
		{"an outage does not", sms(badValue, down), true, ""},
		{"what stopped the run is taken back", times(4, badValue), false, "end: 1 2 3 4 taken back"},
		{"and what was under way then", append(times(4, badValue), answers(SMS, badValue)), false, "end: 1 2 3 4 5 taken back"},
		{"though another answer comes", append(times(4, badValue), answers(SMS, ok200), answers(SMS, notFound)), false, "end: 1 2 3 4 taken back"},
		{"unclear rows stay as they are", sms(noAnswer, noAnswer, noAnswer, noAnswer), false, ""},
		{"by something else", sms(ok200, firewall, firewall, firewall, firewall), false, "end: 2 3 4 5 taken back"},
		{"not without a stop", sms(firewall, firewall), false, ""},
		{"HPP's own word comes late", sms(firewall, firewall, firewall, badValue), false, "end: 1 2 3 taken back"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := breakerOf(SendConfig{StopAfterIdentical: 4})
			var got []string
			note := func(when string, all []Revision) {
				for _, bind := range []bool{true, false} {
					var tickets []string
					for _, r := range all {
						if r.Bind == bind {
							tickets = append(tickets, fmt.Sprint(r.Ticket))
						}
					}
					if len(tickets) > 0 {
						got = append(got, when+": "+strings.Join(tickets, " ")+" "+map[bool]string{true: "bind", false: "taken back"}[bind])
					}
				}
			}
			for i, s := range tt.steps {
				note(fmt.Sprint(i+1), s(b, began, i+1))
			}
			if tt.stopped {
				b.end(stopped)
			}
			note("end", b.endFile())
			if diff := cmp.Diff(tt.want, strings.Join(got, "; ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
