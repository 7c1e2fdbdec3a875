package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"
)

// book is a ledger in memory that follows the rules of the real one, and counts what it is asked.
type book struct {
	mu     sync.Mutex
	kept   []*keptRecord // a ticket is the index of its record and one
	dead   map[string]bool
	most   int // claims that were open without a call, at most
	idle   int // such claims now
	claims int

	failClaim    func(Claim) error
	failConclude func(Conclusion) error
	concluded    func(*keptRecord) // what happens as soon as an attempt is closed
}

type keptRecord struct {
	session string
	intent  string // the run that has an attempt open
	gone    bool   // taken back before anything was tried
	Record         // its Status is empty while nothing was concluded
}

// interrupt is what a record becomes by the death of the run that has an attempt open.
func interrupt(r *Record, run string) {
	r.Status, r.Code, r.Reason = Uncertain, CodeInterrupted, "the run died in the middle of a call"
	r.Binding, r.Run = false, run
	r.Attempts++
}

func newBook() *book { return &book{dead: map[string]bool{}} }

// run is the book as one run sees it; the empty name is nobody's in particular.
func (b *book) run(name string) *bookRun { return &bookRun{b, name} }

type bookRun struct {
	*book
	name string
}

func (b *book) Digest(contact string) (d Digest) {
	sum := sha256.Sum256([]byte("secret" + contact))
	d[0] = 1
	copy(d[1:], sum[:])
	return d
}

func (r *bookRun) records(session string) (out []Record) {
	for _, k := range r.kept {
		if k.session != session || k.gone {
			continue
		}
		rec := k.Record
		if rec.Status == "" {
			rec.Status = Pending
		}
		switch {
		case k.intent == "":
		case k.intent == r.name:
			rec.Intent, rec.Run = OwnIntent, k.intent
		case !r.dead[k.intent]:
			rec.Intent, rec.Run = ForeignIntent, k.intent
		case rec.Status != Delivered:
			interrupt(&rec, k.intent)
		}
		out = append(out, rec)
	}
	return out
}

func (r *bookRun) Lookup(ctx context.Context, sessions []string) ([][]Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([][]Record, len(sessions))
	for i, s := range sessions {
		out[i] = r.records(s)
	}
	return out, ctx.Err()
}

func (r *bookRun) Claim(ctx context.Context, c Claim) (Ticket, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := cmp.Or(ctx.Err(), r.killed()); err != nil {
		return 0, err
	}
	if r.failClaim != nil {
		if err := r.failClaim(c); err != nil {
			return 0, err
		}
	}
	d := c.Distribution
	if !c.Due(r.records(d.Session)) {
		return 0, nil
	}
	r.claims++
	r.idle++
	r.most = max(r.most, r.idle)
	contact, other := r.Digest(d.Contact), Digest{}
	if d.Other != "" {
		other = r.Digest(d.Other)
	}
	for _, k := range r.kept {
		if k.session == d.Session && !k.gone && k.Method == d.Method && k.Contact == contact && k.Country == d.Country {
			if k.intent != "" { // of a dead run
				interrupt(&k.Record, k.intent)
			}
			k.intent = r.name
			return Ticket(k.ID), nil
		}
	}
	k := &keptRecord{session: d.Session, intent: r.name, Record: Record{
		ID: int64(len(r.kept) + 1), Method: d.Method, Contact: contact, Other: other, Country: d.Country,
	}}
	r.kept = append(r.kept, k)
	return Ticket(k.ID), nil
}

func (r *bookRun) Conclude(ctx context.Context, t Ticket, c Conclusion) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := cmp.Or(ctx.Err(), r.killed()); err != nil {
		return err
	}
	if r.failConclude != nil {
		if err := r.failConclude(c); err != nil {
			return err
		}
	}
	k := r.kept[t-1]
	defer func() {
		if r.concluded != nil {
			r.concluded(k)
		}
	}()
	open := k.intent == r.name
	if open {
		k.intent = ""
	}
	if !c.Called {
		mine := k.Status == Rejected && k.Run == r.name
		switch {
		case open:
			r.idle--
			k.gone = k.Status == "" && k.Attempts == 0
		case mine && c.Status == Rejected:
			k.Binding = c.Binding
		case mine && c.Status == Pending:
			k.Status, k.Binding = "", false
		}
		return nil
	}
	k.Attempts++
	if k.Status == Delivered || !open && c.Status != Delivered {
		return nil
	}
	if k.Status == Uncertain && c.Status != Delivered {
		k.Run = r.name
		return nil
	}
	if c.Status == Pending && k.Status != "" {
		return nil
	}
	k.Run, k.Status, k.Code, k.Reason, k.Binding = r.name, c.Status, c.Code, c.Reason, c.Binding
	k.HTTPStatus, k.CorrelationID, k.Time = c.HTTPStatus, c.CorrelationID, c.Time
	if c.Status == Pending {
		k.Status = ""
	}
	return nil
}

var errKilled = errors.New("the process was killed")

// killed is the error of every change by a run that is dead; b.mu is held.
func (r *bookRun) killed() error {
	if r.dead[r.name] {
		return errKilled
	}
	return nil
}

// kill ends a run as a crash does: from now on nothing of it reaches the ledger or the server.
func (b *book) kill(run string) {
	b.mu.Lock()
	b.dead[run] = true
	b.mu.Unlock()
}

// called takes note that a claim has got its permit.
func (b *book) called() {
	b.mu.Lock()
	b.idle--
	b.mu.Unlock()
}

// know puts a record into the book.
func (b *book) know(session string, rec Record) *keptRecord {
	b.mu.Lock()
	defer b.mu.Unlock()
	rec.ID = int64(len(b.kept) + 1)
	k := &keptRecord{session: session, Record: rec}
	b.kept = append(b.kept, k)
	return k
}

func (b *book) open() (intents int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range b.kept {
		if k.intent != "" && !k.gone && !b.dead[k.intent] {
			intents++
		}
	}
	return intents
}

// commonPace is a pace in memory that any number of pacers share.
type commonPace struct {
	mu          sync.Mutex
	next, pause time.Time
	stall       time.Duration // how long the next reservation takes
	fail        error
	reserved    int
}

func (p *commonPace) Reserve(ctx context.Context, slots int, rate float64) (Slice, error) {
	p.mu.Lock()
	stall := p.stall
	p.stall = 0
	p.mu.Unlock()
	if stall > 0 {
		select {
		case <-time.After(stall):
		case <-ctx.Done():
			return Slice{}, ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return Slice{}, p.fail
	}
	p.reserved++
	s := Slice{Start: time.Now(), Slots: slots, Pause: p.pause}
	if p.next.After(s.Start) {
		s.Start = p.next
	}
	if slots > 0 {
		p.next = s.Start.Add(time.Duration(float64(slots) / rate * float64(time.Second)))
	}
	return s, nil
}

func (p *commonPace) Pause(_ context.Context, until time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until.After(p.pause) {
		p.pause = until
	}
	return p.fail
}

// call is one that the server has seen.
type call struct {
	Distribution
	at time.Time
}

// server answers calls by a script, and keeps them.
type server struct {
	answer func(ctx context.Context, d Distribution, nth int) Reply // nth from 1, of the session
	called func()

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
	if s.called != nil {
		s.called()
	}
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

// mortal is the sender of a run that may be killed.
type mortal struct {
	run    *bookRun
	server *server
}

func (m mortal) Send(ctx context.Context, d Distribution) Reply {
	m.run.mu.Lock()
	err := m.run.killed()
	m.run.mu.Unlock()
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
	broken error // after the last row
	read   func(row int)
}

func (s *table) Input() Input { return Input{Path: s.name, Format: CSV, IsReport: s.report} }

func (s *table) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for i, r := range s.rows {
			r.File, r.Row = s.name, i+2
			if s.read != nil {
				s.read(i)
			}
			if !yield(r, nil) {
				return
			}
		}
		if s.broken != nil {
			yield(Row{}, s.broken)
		}
	}
}

func sheet(rows ...Row) *table { return &table{name: "list.csv", rows: rows} }

// id gives the session id of a row.
func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func mail(n int) string { return fmt.Sprintf("person%d@example.com", n) }

// many gives rows with ids from first on, by e-mail.
func many(first, n int) (rows []Row) {
	for i := first; i < first+n; i++ {
		rows = append(rows, byMail(i))
	}
	return rows
}

func byMail(n int) Row { return Row{Fields: Fields{Session: id(n), Email: mail(n)}} }

func byPhone(n int) Row {
	return Row{Fields: Fields{Session: id(n), Phone: fmt.Sprintf("+46701740%03d", 605+n%95), PhoneCountry: "SE"}}
}

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

// campaign is a run with everything about it that a test may set.
type campaign struct {
	book    *book
	pace    *commonPace
	server  *server
	cfg     SendConfig
	rules   Rules
	rate    float64
	ctx     context.Context
	stop    chan struct{}
	watch   watcher
	checked func() // between check and send
}

func newCampaign(answer func(context.Context, Distribution, int) Reply) *campaign {
	c := &campaign{
		book: newBook(), pace: &commonPace{}, server: &server{answer: answer}, rate: 100, ctx: context.Background(),
		cfg: SendConfig{
			Concurrency: 4, MaxAttempts: 5, RetryFor: 10 * time.Minute, Grace: 30 * time.Second, StopAfterIdentical: 25,
		},
		rules: Rules{Target: "sandbox", Run: "run-1", Hidden: RefuseHidden}, stop: make(chan struct{}),
	}
	c.server.called = c.book.called
	return c
}

// again is the next run on the same ledger and server.
func (c *campaign) again(run string) *campaign {
	next := newCampaign(c.server.answer)
	next.book, next.pace, next.server, next.cfg, next.rules, next.rate = c.book, c.pace, c.server, c.cfg, c.rules, c.rate
	next.rules.Run = run
	return next
}

type result struct {
	ending  Ending
	plan    *Plan
	reports [][]Outcome // of each file
	tallies []Tally
}

// statuses gives the status and code of every row of the first file, as "status/code".
func (r result) statuses() (out []string) {
	for _, o := range r.reports[0] {
		out = append(out, short(o))
	}
	return out
}

func short(o Outcome) string {
	if o.Code == "" {
		return string(o.Status)
	}
	return string(o.Status) + "/" + o.Code
}

var testDefaults = Defaults{SessionFromURL: func(url string) (string, error) {
	const base = "https://api.example.com/hpp/v1/sessions/"
	if len(url) <= len(base) || url[:len(base)] != base {
		return "", errors.New("it is not at the endpoint")
	}
	return url[len(base):], nil
}}

// run checks the files, sends them, and reports on them.
func (c *campaign) run(t *testing.T, files ...*table) result {
	t.Helper()
	var sources []Source
	for _, f := range files {
		sources = append(sources, f)
	}
	plan, err := Check(context.Background(), CheckConfig{
		Rules: withoutRun(c.rules), Defaults: testDefaults, Records: c.book.run(""),
	}, sources...)
	if err != nil {
		t.Fatal(err)
	}
	if c.checked != nil {
		c.checked()
	}
	pacer := NewPacer(c.pace, c.rate)
	var pacing sync.WaitGroup
	pacing.Go(func() { pacer.Run(c.ctx) })
	sending := NewSending(c.cfg, pacer, &c.watch, c.stop)
	run := c.book.run(c.rules.Run)
	claims := make(chan struct{}, ClaimBound(c.rate, c.cfg.Concurrency))
	res := result{plan: plan}
	for i, src := range sources {
		plan.Files[i].Run = c.rules.Run
		res.ending = sending.Send(c.ctx, plan, i, src, &Courier{
			Rules: c.rules, Records: run, Ledger: run, Permits: pacer, Sender: mortal{run, c.server}, Grace: c.cfg.Grace, Claims: claims,
		})
		if res.ending.Code != "" {
			break
		}
	}
	pacer.Stop()
	pacing.Wait()
	return res
}

// runAndReport is run, with the report pass after it.
func (c *campaign) runAndReport(t *testing.T, files ...*table) result {
	t.Helper()
	res := c.run(t, files...)
	for i, f := range files {
		var sink collected
		tally, err := Report(context.Background(), res.plan, i, f, res.ending.Finding, &sink)
		if err != nil {
			t.Fatalf("report: %v (the run ended with %v)", err, res.ending)
		}
		if len(sink.outcomes) != len(f.rows) || tally.Rows != len(f.rows) {
			t.Errorf("%d rows have %d outcomes, %d counted", len(f.rows), len(sink.outcomes), tally.Rows)
		}
		res.reports = append(res.reports, sink.outcomes)
		res.tallies = append(res.tallies, tally)
	}
	return res
}

func withoutRun(r Rules) Rules {
	r.Run = ""
	return r
}

// wantCalls fails unless exactly the sessions were called, in any order, as often as they are named.
func (c *campaign) wantCalls(t *testing.T, sessions ...string) {
	t.Helper()
	var got []string
	for _, k := range c.server.calls {
		got = append(got, k.Session)
	}
	slices.Sort(got)
	slices.Sort(sessions)
	if !slices.Equal(got, sessions) {
		t.Errorf("calls for %q, want %q", got, sessions)
	}
}
