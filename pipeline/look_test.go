package pipeline

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sights is a server that tells of sessions, and keeps the looks.
type sights struct {
	answer func(session string, nth int) Look // nth from 1, of the session

	mu    sync.Mutex
	calls []call
	nth   map[string]int
}

func (s *sights) Look(_ context.Context, session string) Look {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nth == nil {
		s.nth = map[string]int{}
	}
	s.nth[session]++
	s.calls = append(s.calls, call{Distribution{Session: session}, time.Now()})
	l := s.answer(session, s.nth[session])
	if l.Session.ID = session; l.Now.IsZero() {
		l.Now = time.Now()
	}
	return l
}

func (s *sights) count(session string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nth[session]
}

// memory keeps looks as a ledger does.
type memory struct {
	mu    sync.Mutex
	known map[string]Seen
	fails error
}

func (m *memory) Seen(_ context.Context, sessions []string) ([]Seen, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Seen, len(sessions))
	for i, s := range sessions {
		out[i] = m.known[s]
	}
	return out, m.fails
}

func (m *memory) Saw(_ context.Context, looks ...Seen) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range looks {
		if m.known == nil {
			m.known = map[string]Seen{}
		}
		m.known[s.ID] = s
	}
	return m.fails
}

// looking has a campaign look at each session before its call, no longer than an hour before.
func (c *campaign) looking(answer func(session string, nth int) Look) *sights {
	s := &sights{answer: answer}
	c.looker, c.looks = s, &memory{}
	c.rules.Preflight = &Preflight{Age: time.Hour}
	return s
}

// Looks of every kind.
func inState(s SessionStatus) Look { return Look{Sight: Found, Session: Session{Status: s}} }

var (
	goneLook   = Look{Sight: Gone, Session: Session{Status: SessionGone}, HTTPStatus: 404, Code: "NOT_FOUND", Reason: "gone"}
	limitLook  = Look{Sight: LookLimit, HTTPStatus: 429, Code: CodeThrottled, Reason: "too many", RetryAfter: 3 * time.Second}
	deniedLook = Look{Sight: LookDenied, HTTPStatus: 401, Code: StopDenied, Reason: "denied"}
	failedLook = Look{Sight: LookFailed, Code: CodeUnavailable, Reason: "no answer"}
	vagueLook  = Look{Sight: LookVague, HTTPStatus: 200, Code: CodeNoClearAnswer, Reason: "the answer is a page"}
)

func TestWhatASightMakesOfARow(t *testing.T) {
	expired := Look{Sight: Found, Session: Session{Status: SessionWaiting, Expires: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)}}
	for _, test := range []struct {
		name string
		look Look
		want string // status and code; empty: it is sent
		also bool   // likewise with SendUnclear
	}{
		{"waiting", inState(SessionWaiting), "", true},
		{"opened", inState(SessionInProgress), "", true},
		{"back", inState(SessionBack), "", true},
		{"failed", inState(SessionFailed), "", true},
		{"error", inState(SessionError), "", true},
		{"paid", inState(SessionCompleted), "skipped/session_completed", true},
		{"cancelled", inState(SessionCancelled), "skipped/session_cancelled", true},
		{"disabled", inState(SessionDisabled), "skipped/session_disabled", true},
		{"unknown or expired", goneLook, "rejected/NOT_FOUND", true},
		{"expired, as it says", expired, "rejected/session_expired", true},
		{"an identity check", inState(SessionManualID), "pending/preflight_unclear", false},
		{"a state nobody knows", inState("ON_THE_MOON"), "pending/preflight_unclear", false},
		{"no state", inState(""), "pending/preflight_unclear", false},
		{"not understood", vagueLook, "pending/preflight_unclear", false},
		{"no sight at all", Look{}, "pending/preflight_unclear", false},
		{"never available", failedLook, "pending/preflight_unclear", false},
	} {
		for _, unclear := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(t, always(ok200))
				looked := c.looking(func(string, int) Look { return test.look })
				c.rules.Preflight.SendUnclear = unclear
				c.run(t, sheet(byMail(1)))
				want := test.want
				if unclear && !test.also {
					want = ""
				}
				if got := c.kept.of(0); got != want || (got == "") != (c.server.total() == 1) {
					t.Errorf("%s, unclear ones sent %v: %q and %d sends, want %q", test.name, unclear, got, c.server.total(), want)
				}
				if n := looked.count(id(1)); n != 1 && test.look.Sight != LookFailed || n > 5 {
					t.Errorf("%s: %d looks", test.name, n)
				}
			})
		}
	}
}

// kept keeps what is held back.
type kept struct {
	mu   sync.Mutex
	rows []Hold
}

func (k *kept) Hold(_ context.Context, rows []Hold, late bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rows = append(k.rows, rows...); !late {
		panic("it was not held back by the check")
	}
	return nil
}

// of gives what holds a row back, as "status/code".
func (k *kept) of(n int) (all string) {
	for _, h := range k.rows {
		if h.N == n {
			all += short(Outcome{Status: h.Status, Code: h.Code})
		}
	}
	return all
}

func TestLooksAreKeptForAsLongAsTheyAreGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, bySession(map[string][]Reply{id(1): {down, down, ok200}}))
		looked := c.looking(func(session string, _ int) Look {
			return inState(map[string]SessionStatus{id(3): SessionCompleted}[session] + map[string]SessionStatus{id(1): SessionWaiting, id(2): SessionWaiting, id(4): SessionWaiting}[session])
		})
		now := time.Now()
		c.looks.Saw(t.Context(), Seen{Session: Session{ID: id(2), Status: SessionWaiting}, Looked: now.Add(-59 * time.Minute)},
			Seen{Session: Session{ID: id(3), Status: SessionCompleted}, Looked: now.Add(-99 * time.Hour)},
			Seen{Session: Session{ID: id(4), Status: SessionWaiting}, Looked: now.Add(-time.Hour)},
			Seen{Session: Session{ID: id(5), Status: SessionWaiting}, Looked: now.Add(time.Minute)}) // of a clock that was put back
		c.run(t, sheet(many(1, 5)...))
		for n, want := range map[int]int{1: 1, 2: 0, 3: 0, 4: 1, 5: 1} {
			if got := looked.count(id(n)); got != want {
				t.Errorf("session %d was looked at %d times, want %d", n, got, want)
			}
		}
		if c.server.count(id(1)) != 3 || c.server.count(id(3)) != 0 {
			t.Errorf("calls %d for one that was down twice, %d for one that was paid", c.server.count(id(1)), c.server.count(id(3)))
		}
	})
}

func TestLooksThatAreThrottledHoldEverybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(ok200))
		begin := time.Now()
		looked := c.looking(func(session string, nth int) Look {
			if session == id(2) && nth == 1 {
				return limitLook
			}
			return inState(SessionWaiting)
		})
		c.cfg.Concurrency = 1
		res := c.run(t, sheet(many(1, 5)...))
		if n := c.server.total(); n != 5 || res.ending.Code != "" {
			t.Errorf("%d of 5 were sent; it ended with %q", n, res.ending.Code)
		}
		for _, k := range append(slices.Clone(c.server.calls), looked.calls...) {
			if at := k.at.Sub(begin); at > 100*time.Millisecond && at < 3*time.Second {
				t.Errorf("a call at %s, in the pause", at)
			}
		}
		if !slices.Contains(c.watch.notices, "throttled") {
			t.Errorf("notices: %v", c.watch.notices)
		}
	})
}

func TestOutageOfLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(ok200))
		over := time.Now().Add(5 * time.Minute)
		looked := c.looking(func(string, int) Look {
			if time.Now().Before(over) {
				return failedLook
			}
			return inState(SessionWaiting)
		})
		c.cfg.Concurrency = 16
		res := c.run(t, sheet(many(1, 200)...))
		if got := c.server.total(); got != 200 || res.ending.Code != "" {
			t.Errorf("%d of 200 were sent; it ended with %q", got, res.ending.Code)
		}
		if !slices.Contains(c.watch.notices, "unavailable") {
			t.Errorf("notices: %v", c.watch.notices)
		}
		var probes int
		for _, k := range looked.calls {
			if k.at.Before(over) {
				probes++
			}
		}
		if probes < 12 || probes > 80 {
			t.Errorf("%d looks into an outage of 5 minutes", probes)
		}
	})
}

func TestLooksEndARun(t *testing.T) {
	for _, test := range []struct {
		name   string
		look   Look
		want   string
		most   int // looks
		within time.Duration
	}{
		{"never available", failedLook, StopNothing, 120, 11 * time.Minute},
		{"throttled for ever", limitLook, StopNothing, 2000, 11 * time.Minute},
		{"denied", deniedLook, StopDenied, 8, time.Second},
		{"never understood", vagueLook, StopIdentical, 40, 10 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCampaign(t, always(ok200))
			looked := c.looking(func(string, int) Look { return test.look })
			begin := time.Now()
			res := c.run(t, sheet(many(1, 500)...))
			if res.ending.Code != test.want || c.server.total() != 0 || len(looked.calls) > test.most || time.Since(begin) > test.within {
				t.Errorf("%s: it ended with %q after %s, %d looks and %d sends", test.name, res.ending.Code, time.Since(begin), len(looked.calls), c.server.total())
			}
		})
	}
}

// Looks succeed, sends do not: that is an outage all the same, and it ends.
func TestLooksDoNotHideThatSendsFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(down))
		c.looking(func(string, int) Look { return inState(SessionWaiting) })
		begin := time.Now()
		res := c.run(t, sheet(many(1, 300)...))
		if res.ending.Code != StopNothing || time.Since(begin) > 11*time.Minute || c.server.total() > 120 {
			t.Errorf("it ended with %q after %s and %d sends", res.ending.Code, time.Since(begin), c.server.total())
		}
		if !slices.Contains(c.watch.notices, "unavailable") {
			t.Errorf("notices: %v", c.watch.notices)
		}
	})
}

// The rate is kept by looks and sends together, over any second.
func TestLooksAndSendsShareTheRate(t *testing.T) {
	for _, rate := range []float64{4, 20, 100} {
		synctest.Test(t, func(t *testing.T) {
			c := newCampaign(t, func(ctx context.Context, _ Distribution, _ int) Reply {
				return slowly(ctx, time.Duration(rand.N(300))*time.Millisecond, ok200)
			})
			c.rate, c.cfg.Concurrency = rate, 16
			begin := time.Now()
			looked := c.looking(func(string, int) Look { return inState(SessionWaiting) })
			const rows = 60
			c.run(t, sheet(many(1, rows)...))
			var at []time.Time
			for _, k := range append(slices.Clone(c.server.calls), looked.calls...) {
				at = append(at, k.at)
			}
			slices.SortFunc(at, time.Time.Compare)
			if len(at) != 2*rows {
				t.Fatalf("%d calls for %d rows", len(at), rows)
			}
			for i := int(rate); i < len(at); i++ {
				if gap := at[i].Sub(at[i-int(rate)]); gap < time.Second-time.Microsecond {
					t.Fatalf("rate %v: %d calls within %s", rate, int(rate)+1, gap)
				}
			}
			if took, want := time.Since(begin), time.Duration(float64(2*rows)/rate*float64(time.Second)); took > want+want/5+time.Second {
				t.Errorf("rate %v: %d calls took %s, which %s are enough for", rate, 2*rows, took, want)
			}
		})
	}
}

// Of several calls that wait, sends go first.
func TestSendsGoBeforeLooks(t *testing.T) {
	for _, rate := range []float64{2, 20, 200} {
		synctest.Test(t, func(t *testing.T) {
			p, end := started(&commonPace{}, rate)
			var mu sync.Mutex
			var order []byte
			took := func(kind byte) {
				mu.Lock()
				order = append(order, kind)
				mu.Unlock()
			}
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if err := p.Aside(t.Context()); err != nil {
						t.Error(err)
					}
					took('l')
				})
			}
			time.Sleep(3 * p.gap()) // the looks are waiting, one of them at the head
			mu.Lock()
			before := len(order)
			mu.Unlock()
			for range 10 {
				all.Go(func() {
					if err := permit(t.Context(), p); err != nil {
						t.Error(err)
					}
					took('s')
				})
			}
			all.Wait()
			got := string(order[before:])
			late := 0
			for i, kind := range []byte(got) {
				if kind == 's' {
					late = i
				}
			}
			if late > 10 { // one look may have had its slot already when they came
				t.Errorf("rate %v: the last of 10 sends was the %dth call: %s", rate, late+1, got)
			}
			end()
		})
	}
}

func TestAsidesEndWithThePacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, end := started(&commonPace{next: time.Now().Add(time.Hour)}, 1)
		got := make(chan error, 2)
		ctx, cancel := context.WithCancel(t.Context())
		for _, ctx := range []context.Context{ctx, t.Context()} {
			go func() { got <- p.Aside(ctx) }()
		}
		synctest.Wait()
		cancel()
		if err := <-got; err != ErrStopped {
			t.Errorf("its context ended, and it gives %v", err)
		}
		p.Stop()
		if err := <-got; err != ErrStopped {
			t.Errorf("the pacer was stopped, and it gives %v", err)
		}
		end()
	})
}
