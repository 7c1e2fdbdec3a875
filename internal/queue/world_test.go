package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// world is several workers, a ledger in memory, a queue and a server, on one clock, with faults that a seed draws. The
// ledger does what the contract of the real one says; what happens to it on a real wire the tests of the ledger hold.
type world struct {
	t       *testing.T
	planted string // the one thing that is done wrong; empty for none

	mu     sync.Mutex
	rng    *rand.Rand
	calm   bool // no more faults
	over   chan struct{}
	procs  []*proc
	run    ledger.SharedRun
	spec   Spec
	due    []pipeline.Due
	ended  bool
	ending pipeline.Finding
	endAt  time.Time
	chunks map[int]*chunk
	said   []json.RawMessage
	known  map[string]*record
	jobs   []*job
	next   time.Time // slot of the pace
	calls  map[string]*called
	faults []string
	wrong  []string
}

type chunk struct {
	text     []byte
	released bool
	life     *life
	asked    time.Time
	job      int
	due      time.Time // not before
}

type record struct {
	ticket  pipeline.Ticket
	version pipeline.Version
	intent  *simPart
	binding bool
	tried   int
	status  pipeline.Status
	code    string
	at      time.Time // of that
}

type job struct {
	chunk int
	state string // available, running, done
}

// called is what the server has seen of a session.
type called struct {
	calls int
	maybe bool      // it was accepted, or may have been
	first time.Time // call
	at    time.Time // when it was
}

// proc is a process. It is silent since it was frozen, cut off or killed, until it is heard of again.
type proc struct {
	id                   int
	crashed, cut, leaves bool
	frozen               chan struct{}
	silent, heardAgain   time.Time
	life                 *life
	enlisted             bool
	stop                 chan struct{}
}

// life is a process as the ledger knows it: one that was taken for dead has to begin another.
type life struct {
	proc *proc
	dead bool
}

var (
	errGone = errors.New("the database cannot be reached")
	errOver = errors.New("the world has ended")
	errDead = errors.New("taken for dead")
)

func (w *world) n(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rng.IntN(n)
}

func (w *world) fault(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// silence is how long nothing was heard of a process.
func (p *proc) silence(now time.Time) time.Duration {
	switch {
	case p.silent.IsZero():
		return 0
	case !p.crashed && !p.cut && p.frozen == nil && !now.Before(p.heardAgain) && !p.life.dead:
		p.silent = time.Time{}
		return 0
	}
	return now.Sub(p.silent)
}

func (l *life) lives(now time.Time) bool {
	limit := 4500 * time.Millisecond
	if l.proc.crashed {
		limit = 2500 * time.Millisecond
	}
	return !l.dead && l == l.proc.life && l.proc.silence(now) < limit
}

// gate holds a process up that is frozen, and for good one that was killed.
func (w *world) gate(p *proc) error {
	for {
		w.mu.Lock()
		frozen, crashed := p.frozen, p.crashed
		w.mu.Unlock()
		switch {
		case crashed:
			<-w.over
			return errOver
		case frozen == nil:
			return nil
		}
		select {
		case <-frozen:
		case <-w.over:
			return errOver
		}
	}
}

// do is a word with the ledger: it takes its time, the process may be struck before and after it, and the answer may be
// lost, so that it is said again.
func (w *world) do(p *proc, change func(again bool) error) error {
	if err := w.gate(p); err != nil {
		return err
	}
	time.Sleep(time.Duration(w.n(20)) * time.Millisecond)
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if err := w.gate(p); err != nil {
			return err
		}
		w.mu.Lock()
		cut := p.cut
		w.mu.Unlock()
		if !cut {
			break
		}
		if time.Now().After(end) {
			return errGone
		}
	}
	w.mu.Lock()
	err := change(false)
	if err == nil && !w.calm && w.rng.IntN(40) == 0 {
		err = change(true)
	}
	w.mu.Unlock()
	if late := w.n(20); late > 0 {
		time.Sleep(time.Duration(late) * time.Millisecond)
	}
	return cmp.Or(w.gate(p), err)
}

// bury ends a life that is over, and what was open by it is in doubt.
func (w *world) bury(l *life) {
	l.dead = true
	for _, r := range w.known {
		if r.intent != nil && r.intent.life == l {
			w.interrupt(r)
		}
	}
}

func (w *world) interrupt(r *record) {
	r.intent = nil
	r.version++
	if w.planted == "a dead worker's claims are free again" {
		return
	}
	if r.status != pipeline.Delivered {
		r.status, r.code, r.at = pipeline.Uncertain, pipeline.CodeInterrupted, time.Now()
		r.tried++
	}
}

// giver is the queue as one process has it.
type giver struct {
	link
	work func(ctx context.Context, run string, chunk int)
	ends chan struct{}
	all  sync.WaitGroup
}

func (g *giver) Start(ctx context.Context) error {
	for range slots {
		g.all.Go(func() {
			for {
				if g.gate(g.proc) != nil {
					return
				}
				j := g.take()
				if j == nil {
					select {
					case <-time.After(150 * time.Millisecond):
						continue
					case <-g.ends:
						return
					}
				}
				g.work(ctx, g.run.ID, j.chunk)
				g.mu.Lock()
				if !g.proc.crashed {
					j.state = "done"
				}
				g.mu.Unlock()
			}
		})
	}
	return nil
}

func (g *giver) take() *job {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.ends:
		return nil
	default:
	}
	for _, j := range g.jobs {
		if j != nil && j.state == "available" {
			j.state = "running"
			return j
		}
	}
	return nil
}

func (g *giver) Stop(context.Context) error {
	close(g.ends)
	g.all.Wait()
	return nil
}

func (g *giver) Close() {}

// Look is a look of a process at a session.
func (l link) Look(_ context.Context, session string) pipeline.Look {
	return pipeline.Look{Sight: pipeline.Found, Session: pipeline.Session{ID: session, Status: pipeline.SessionWaiting}, Now: time.Now()}
}

// Send is a call of a process to the server.
func (l link) Send(ctx context.Context, d pipeline.Distribution) pipeline.Reply {
	l.mu.Lock()
	r := l.known[d.Session]
	switch {
	case l.ended:
		l.world.fault("%s is called after the run has ended", d.Session)
	case r == nil || r.intent == nil || r.intent.proc != l.proc || r.intent.life.dead:
		l.world.fault("%s is called without a claim", d.Session)
	}
	c := l.calls[d.Session]
	if c == nil {
		c = &called{first: time.Now()}
		l.calls[d.Session] = c
	}
	if c.calls++; c.maybe {
		l.world.fault("%s is called again", d.Session)
	}
	var reply pipeline.Reply
	switch n := l.rng.IntN(20); {
	case n < 14:
		reply = pipeline.Reply{Verdict: pipeline.Accepted, HTTPStatus: 200}
		c.maybe, c.at = true, time.Now()
	case n < 16:
		reply = pipeline.Reply{Verdict: pipeline.Refused, HTTPStatus: 400, Code: fmt.Sprint("BAD", n)}
	case n < 19:
		reply = pipeline.Reply{Verdict: pipeline.Unavailable}
	default:
		reply = pipeline.Reply{Verdict: pipeline.Unclear, Code: pipeline.CodeNoClearAnswer}
		c.maybe, c.at = true, time.Now()
	}
	took := time.Duration(l.rng.IntN(400)) * time.Millisecond
	l.mu.Unlock()
	time.Sleep(took)
	l.gate(l.proc)
	return reply
}

// start starts a worker, which lives until the world has ended, or it is told to stop.
func (w *world) start(all *sync.WaitGroup) {
	w.mu.Lock()
	p := &proc{id: len(w.procs), stop: make(chan struct{})}
	w.procs = append(w.procs, p)
	w.mu.Unlock()
	l := link{w, p}
	worker := &Worker{
		Ledger: l, Caller: l, Target: w.spec.Target, User: w.spec.User, Concurrency: 3, Log: slog.New(slog.DiscardHandler),
		Jobs: func(_ context.Context, work func(context.Context, string, int)) (Source, error) {
			return &giver{link: l, work: work, ends: make(chan struct{})}, nil
		},
		Record: func(ledger.RunInfo, pipeline.Tally, pipeline.Ending) json.RawMessage { return nil },
	}
	all.Go(func() { worker.Run(context.Background(), p.stop) })
}

// AddChunk and HandOver make a world a run that is handed over.
func (w *world) AddChunk(_ context.Context, n int, text []byte) error {
	w.chunks[n] = &chunk{text: text}
	return nil
}

func (w *world) HandOver(_ context.Context, s ledger.Share) error {
	w.run.Share = s
	return nil
}

// judge says what is wrong in the end.
func (w *world) judge() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		left, out, taken, _ := w.count()
		w.fault("the run has not ended: %d chunks are left, %d out, %d taken", left, out, taken)
	}
	beyond := time.Time{} // the first call of what is no canary
	for i, d := range w.due {
		if c := w.calls[d.Distribution.Session]; c != nil && i >= w.spec.Send.Canary && (beyond.IsZero() || c.first.Before(beyond)) {
			beyond = c.first
		}
	}
	for i, d := range w.due {
		session := d.Distribution.Session
		if c := w.calls[session]; i < w.spec.Send.Canary && !beyond.IsZero() && (c == nil || c.at.After(beyond)) {
			w.fault("%s of the canary is not sent before others are", session)
		}
		r, c := w.known[session], w.calls[session]
		if i < w.spec.Send.Canary && w.ended && w.ending.Code == "" && (r == nil || r.status != pipeline.Delivered) {
			w.fault("%s of the canary is not delivered, and the rest was sent", session)
		}
		switch {
		case w.ended && w.ending.Code == "" && (r == nil || r.intent == nil && r.status == ""):
			w.fault("%s is pending, and the run went through", session)
		case r != nil && r.status == pipeline.Delivered && (c == nil || !c.maybe):
			w.fault("%s is delivered, and was not accepted", session)
		case c != nil && c.maybe && (r == nil || r.status != pipeline.Delivered && r.status != pipeline.Uncertain && r.intent == nil):
			w.fault("%s may have been accepted, and is %v", session, r)
		}
	}
	for _, a := range w.spec.Rules.Allowances {
		sent := map[time.Time]int{}
		for _, c := range w.calls {
			if begins, _ := a.Per.Within(c.at.UTC()); c.maybe {
				if sent[begins]++; sent[begins] == a.Messages+1 {
					w.fault("more than %s were sent", a)
				}
			}
		}
	}
	slices.Sort(w.wrong)
	return slices.Compact(w.wrong)
}

func (w *world) String() string { return strings.Join(w.faults, ", ") }
