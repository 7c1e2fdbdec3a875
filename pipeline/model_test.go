package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestModel sends random files to a random server, stops and kills runs at random moments, lets others
// overlap with them, and holds the promises against what the server has seen. HPPSEND_SEEDS=n tries n seeds,
// HPPSEND_SEED=n that one alone; SWEEP=whole 400.
func TestModel(t *testing.T) {
	from, to := uint64(0), uint64(100)
	switch os.Getenv("SWEEP") {
	case "whole":
		to = 400
	case "thin": // under the race detector
		to = 25
	}
	if s := os.Getenv("HPPSEND_SEEDS"); s != "" {
		to = number(t, s)
	}
	if s := os.Getenv("HPPSEND_SEED"); s != "" {
		from = number(t, s)
		to = from + 1
	}
	for seed := from; seed < to && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("again with HPPSEND_SEED=%d", seed)
				}
			}()
			newModel(t, seed).check(t)
		})
	}
}

// wholeSweep reports whether nothing is to be left out, however long it takes.
func wholeSweep() bool { return os.Getenv("SWEEP") == "whole" }

func number(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// model is one world: a ledger, a server that has its moods, and the rows of one file.
type model struct {
	*rand.Rand
	mu     sync.Mutex // of the generator
	first  *campaign
	list   *table
	moods  []Reply         // of the server, one drawn for each call
	served map[string]bool // sessions that were accepted, or may have been
	faults []string
	broken time.Time // until then the ledger cannot be written
	sent   []call    // that were accepted, or may have been
	calm   time.Time // when the allowances were lifted
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{Rand: rand.New(rand.NewPCG(seed, 1)), served: map[string]bool{}}
	for _, mood := range []Reply{ok200, ok200, badValue, notFound, firewall, tooMany, down, noAnswer} {
		for range m.IntN(4) {
			m.moods = append(m.moods, mood)
		}
	}
	m.moods = append(m.moods, ok200)
	sessions := 1 + m.IntN(40)
	m.list = &table{name: "list.csv"}
	for range 1 + m.IntN(60) {
		row := byMail(m.IntN(sessions))
		switch m.IntN(12) {
		case 0:
			row.Fields.Email = mail(100 + m.IntN(5))
		case 1:
			row.Fields.Email = "nobody"
		case 2:
			row.Fields.Session = ""
		case 3:
			row.Fields.Phone, row.Fields.PhoneCountry = "+46701740605", "SE"
		case 4:
			row = byPhone(m.IntN(sessions))
		case 5:
			row.Hidden = true
		}
		m.list.rows = append(m.list.rows, row)
	}
	m.first = newCampaign(t, m.answer)
	m.first.rate = []float64{4, 20, 200, 2000}[m.IntN(4)]
	m.first.cfg = SendConfig{
		Concurrency: 1 + m.IntN(8), MaxAttempts: 1 + m.IntN(5), RetryFor: time.Duration(1+m.IntN(5)) * time.Minute,
		Grace: time.Duration(1+m.IntN(20)) * time.Second, StopAfterIdentical: m.IntN(6), Limit: m.IntN(3) * m.IntN(30),
	}
	m.first.rules.Hidden = []HiddenRule{SkipHidden, SendHidden}[m.IntN(2)]
	m.first.rules.RetryRejected = m.IntN(4) == 0
	if m.IntN(3) == 0 {
		m.first.rules.Fallback = true
		m.moods = append(m.moods, refusedFor("UNSUPPORTED_COUNTRY"), refusedFor("CONSTRAINT_VIOLATION"))
	}
	if m.IntN(3) == 0 {
		m.first.rules.Allowances = []Allowance{{Messages: 1 + m.IntN(20), Per: Hour}, {Messages: 1 + m.IntN(20), Per: Hour, Method: Email}}
		m.first.cfg.Wait = m.IntN(2) == 0
	}
	if m.IntN(4) == 0 {
		m.first.rules.PerContact = FirstSession
	}
	m.first.book.failConclude = func(Conclusion) error {
		if time.Now().Before(m.broken) {
			return errDisk
		}
		return nil
	}
	return m
}

func (m *model) draw(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.IntN(n)
}

func (m *model) answer(ctx context.Context, d Distribution, _ int) Reply {
	m.mu.Lock()
	if m.served[d.Session] {
		m.faults = append(m.faults, fmt.Sprintf("session %s was called after it was served", d.Session))
	}
	reply := m.moods[m.IntN(len(m.moods))]
	takes := time.Duration(m.IntN(5000)) * time.Millisecond
	m.mu.Unlock()
	if reply.Verdict == Throttled {
		reply.RetryAfter = time.Duration(m.draw(3)) * time.Second
	}
	reply.Quota = Quota{Limit: 40, Remaining: m.draw(41), Window: time.Second}
	if reply = slowly(ctx, takes, reply); reply.Verdict == Accepted || reply.Verdict == Unclear {
		m.mu.Lock()
		if m.served[d.Session] {
			m.faults = append(m.faults, fmt.Sprintf("session %s was served twice", d.Session))
		}
		m.served[d.Session] = true
		m.sent = append(m.sent, call{d, time.Now()})
		m.mu.Unlock()
	}
	return reply
}

// check runs until nothing is pending. Runs of the same rows in two files overlap now and then.
func (m *model) check(t *testing.T) {
	for n := 1; ; n++ {
		if n > 300 {
			t.Fatalf("rows are pending after %d runs", n)
		}
		c := m.next(fmt.Sprintf("run-%d", n), n > 20)
		var beside sync.WaitGroup
		if n <= 20 && m.draw(3) == 0 {
			other := m.next(fmt.Sprintf("beside-%d", n), false)
			wait := time.Duration(m.draw(2000)) * time.Millisecond
			beside.Go(func() {
				time.Sleep(wait)
				m.settled(t, other, other.run(t, m.list))
			})
		}
		res := c.runAndReport(t, m.list) // of one that was killed, as the next would make it
		m.settled(t, c, res)
		beside.Wait()
		if open := c.book.open(); open > 0 {
			t.Errorf("%s left %d intents open", c.rules.Run, open)
		}
		for i, out := range res.reports[0] {
			if out.Status == "" || out.Reason == "" && out.Status != Delivered {
				t.Errorf("row %d of %s is %q for %q", i, c.rules.Run, short(out), out.Reason)
			}
		}
		if res.tallies[0].SentNow > c.server.total() {
			t.Errorf("%d delivered by %d calls", res.tallies[0].SentNow, c.server.total())
		}
		if res.tallies[0].Status[Pending]+res.tallies[0].Status[Failed] == 0 {
			break
		}
		time.Sleep(time.Minute)
	}
	for _, f := range m.faults {
		t.Error(f)
	}
	m.withinAllowances(t)
}

// withinAllowances holds the messages that were sent, or may have been, against what may be in an hour.
func (m *model) withinAllowances(t *testing.T) {
	for _, a := range m.first.rules.Allowances {
		sent := map[time.Time]int{}
		for _, at := range m.sent {
			begins, _ := a.Per.Within(at.at)
			if a.covers(at.Method) {
				sent[begins]++
			}
		}
		for begins, n := range sent {
			if n > a.Messages && (m.calm.IsZero() || begins.Before(m.calm.Truncate(time.Hour))) {
				t.Errorf("%d messages in the %s from %s on, and %s is allowed", n, a.Per, begins, a)
			}
		}
	}
}

// next is a run that is stopped, cut off, killed or hampered at random, unless the world is to come to rest.
func (m *model) next(name string, calm bool) *campaign {
	c := m.first.again(name)
	if calm {
		m.mu.Lock()
		m.moods = []Reply{ok200}
		if m.calm.IsZero() {
			m.calm = time.Now()
		}
		m.mu.Unlock()
		c.cfg.Limit, c.rules.Allowances = 0, nil
		return c
	}
	at := time.Duration(m.draw(30_000)) * time.Millisecond
	c.cfg.Canary = m.draw(3) * m.draw(10)
	c.cfg.GoOn = func(ctx context.Context, _ int) bool {
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(m.draw(60)) * time.Second):
		}
		return m.draw(4) > 0
	}
	c.cfg.MaxRejected.Rows = m.draw(2) * m.draw(10)
	if m.draw(4) == 0 {
		c.cfg.Until = time.Now().Add(at)
	}
	switch m.draw(7) {
	case 0, 1:
		time.AfterFunc(at, func() { close(c.stop) })
	case 2:
		ctx, cancel := context.WithCancel(context.Background())
		c.ctx = ctx
		time.AfterFunc(at, cancel)
	case 3:
		ctx, cancel := context.WithCancel(context.Background())
		c.ctx = ctx
		time.AfterFunc(at, func() { c.book.kill(name); cancel() })
	case 4:
		c.book.mu.Lock()
		m.broken = time.Now().Add(c.cfg.Grace / 3)
		c.book.mu.Unlock()
	}
	return c
}

// settled holds against a run what must be so after each.
func (m *model) settled(t *testing.T, c *campaign, res result) {
	t.Helper()
	if errors.Is(res.ending.Err, errKilled) {
		return
	}
	if res.ending.Err != nil {
		t.Errorf("%s ended with %v: %v", c.rules.Run, res.ending, res.ending.Err)
	}
	if bound := ClaimBound(c.rate, c.cfg.Concurrency); c.mostIdle > bound {
		t.Errorf("%d claims waited for a permit, at most %d", c.mostIdle, bound)
	}
}
