package pipeline

import (
	"context"
	"crypto/sha256"
	"iter"
	"sync"
	"time"
)

// call is one that the server has seen.
type call struct {
	Distribution
	at time.Time
}

// server answers calls by a script, and keeps them.
type server struct {
	answer func(ctx context.Context, d Distribution, nth int) Reply // nth from 1, of the session

	mu    sync.Mutex
	calls []call
	nth   map[string]int
	busy  int
	most  int // calls at once
}

func (s *server) Send(ctx context.Context, d Distribution) Reply {
	s.mu.Lock()
	if s.nth == nil {
		s.nth = map[string]int{}
	}
	s.nth[d.Session]++
	n := s.nth[d.Session]
	s.calls = append(s.calls, call{d, time.Now()})
	s.busy++
	s.most = max(s.most, s.busy)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.busy--
		s.mu.Unlock()
	}()
	return s.answer(ctx, d, n)
}

func (s *server) count(session string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nth[session]
}

func (s *server) total() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// countedPermits counts who waits for a permit, each with a claim.
type countedPermits struct {
	*Pacer
	mu        sync.Mutex
	now, most int
}

func (p *countedPermits) Turn(ctx context.Context) (Turn, error) {
	t, err := p.Pacer.Turn(ctx)
	return &countedTurn{t, p}, err
}

type countedTurn struct {
	Turn
	permits *countedPermits
}

func (t *countedTurn) Permit(ctx context.Context) error {
	t.permits.wait(1)
	defer t.permits.wait(-1)
	return t.Turn.Permit(ctx)
}

func (p *countedPermits) wait(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now += n
	p.most = max(p.most, p.now)
}

// mortal is the sender of a run that may be killed.
type mortal struct {
	run    *bookRun
	server *server
}

func (m mortal) Send(ctx context.Context, d Distribution) Reply {
	m.run.book.mu.Lock()
	err := m.run.book.killed(m.run.name)
	m.run.book.mu.Unlock()
	if err != nil {
		return down
	}
	return m.server.Send(ctx, d)
}

// Answers of every verdict.
var (
	ok200        = Reply{Verdict: Accepted, HTTPStatus: 204}
	badValue     = Reply{Verdict: Refused, HTTPStatus: 400, Code: "BAD_VALUE", Reason: "the phone number is not valid"}
	notFound     = Reply{Verdict: Refused, HTTPStatus: 404, Code: "NOT_FOUND", Reason: "no such session"}
	firewall     = Reply{Verdict: RefusedByOther, HTTPStatus: 403, Code: "refused_by_other", Reason: "not an answer of HPP's"}
	tooMany      = Reply{Verdict: Throttled, HTTPStatus: 429, Code: "throttled"}
	down         = Reply{Verdict: Unavailable, Code: CodeUnavailable, Reason: "connection refused"}
	noAnswer     = Reply{Verdict: Unclear, HTTPStatus: 502, Code: CodeNoClearAnswer, Reason: "the gateway gave up"}
	unauthorised = Reply{Verdict: Denied, HTTPStatus: 401, Code: "denied"}
)

// always answers every call alike.
func always(r Reply) func(context.Context, Distribution, int) Reply {
	return func(context.Context, Distribution, int) Reply { return r }
}

// bySession answers by session, in the order of its calls and then the last again; others are accepted.
func bySession(script map[string][]Reply) func(context.Context, Distribution, int) Reply {
	return func(_ context.Context, d Distribution, nth int) Reply {
		replies := script[d.Session]
		if len(replies) == 0 {
			return ok200
		}
		return replies[min(nth, len(replies))-1]
	}
}

// slowly gives an answer after a time, or no clear one when the call is cut off before.
func slowly(ctx context.Context, d time.Duration, r Reply) Reply {
	select {
	case <-time.After(d):
		return r
	case <-ctx.Done():
		return Reply{Verdict: Unclear, Code: CodeNoClearAnswer, Reason: "the call was cut off"}
	}
}

// table is a source in memory.
type table struct {
	name   string
	rows   []Row
	report bool
	bytes  string // what its content is known by; empty for none in particular
	mapped []Mapping
	column string // the only one of Cells, which says when the session expires
	broken error  // after the last row
	read   func(row int)
}

func (s *table) Input() Input {
	in := Input{Path: s.name, Format: CSV, IsReport: s.report, Mapped: s.mapped}
	if s.column != "" {
		in.Columns, in.ExpiresAt = []string{s.column}, 1
	}
	if s.bytes != "" {
		in.SHA256 = sha256.Sum256([]byte(s.bytes))
	}
	return in
}

// Batches yields the rows by 512.
func (s *table) Batches() iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		var rows []Row
		for i, r := range s.rows {
			if r.File, r.Row = s.name, i+2; s.read != nil {
				s.read(i)
			}
			if rows = append(rows, r); len(rows) < 512 && i < len(s.rows)-1 {
				continue
			}
			if !yield(rows, nil) {
				return
			}
			rows = nil
		}
		if s.broken != nil {
			yield(nil, s.broken)
		}
	}
}

func sheet(rows ...Row) *table { return &table{name: "list.csv", rows: rows} }

// collected is a sink.
type collected struct {
	rows     []Row
	outcomes []Outcome
}

func (c *collected) Write(r Row, o Outcome) error {
	c.rows = append(c.rows, r)
	c.outcomes = append(c.outcomes, o)
	return nil
}

// watcher keeps what an observer is told.
type watcher struct {
	mu      sync.Mutex
	last    Progress
	notices []string
	reports int
}

func (w *watcher) Progress(p Progress) {
	w.mu.Lock()
	w.last = p
	w.reports++
	w.mu.Unlock()
}

func (w *watcher) Notice(n Notice) {
	w.mu.Lock()
	w.notices = append(w.notices, n.Code)
	w.mu.Unlock()
}
