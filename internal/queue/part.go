package queue

import (
	"context"
	"encoding/json"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// tellEvery is how often is told what calls came to.
const tellEvery = 100 * time.Millisecond

// part is what this process does of one run: one sending, into which the rows of all its chunks go.
type part struct {
	worker *Worker
	run    Part
	id     string
	joined chan struct{} // closed once it is known whether it has joined
	failed error         // to join
	rows   chan pipeline.Due
	stop   chan struct{} // closed: no new call
	halt   func()        // closes it
	over   chan struct{} // closed once no row is brought to an outcome any more, by the worker
	ended  bool          // it is; of the worker
	chunks sync.WaitGroup
	ending pipeline.Ending

	telling chan struct{} // holds whoever tells: one at a time, so that nothing overtakes
	mu      sync.Mutex
	word    said // that is still to be told
	busy    map[int]bool
	shut    map[pipeline.Method]later // by which nothing may go for a while: the rows of a million chunks need not be asked about
}

func newPart(w *Worker, id string) *part {
	p := &part{
		worker: w, id: id, rows: make(chan pipeline.Due), stop: make(chan struct{}), joined: make(chan struct{}), over: make(chan struct{}),
		telling: make(chan struct{}, 1), busy: map[int]bool{}, shut: map[pipeline.Method]later{},
	}
	p.halt = sync.OnceFunc(func() { close(p.stop) })
	return p
}

// begin joins in the run, and sends what comes in until the part is halted, or cannot go on.
func (p *part) begin(ctx context.Context, r ledger.SharedRun) error {
	w := p.worker
	var spec Spec
	err := json.Unmarshal(r.Spec, &spec)
	if err == nil && w.Tighten != nil {
		w.Tighten(&spec)
	}
	if err == nil {
		p.run, err = w.Ledger.Join(ctx, r.ID, w.Version)
	}
	if err != nil {
		w.ending(p)
		w.left(p)
		return err
	}
	go func() {
		if err := pipeline.Guarded(func() error { p.send(ctx, spec); return nil }); err != nil {
			p.ending = pipeline.Broken("", err)
		}
		w.ending(p)
		p.chunks.Wait()
		p.leave()
		w.left(p)
	}()
	return nil
}

// leave has others take what is left of the part's chunks, as soon as the ledger can be told. At the end of the worker
// that it is gone tells them too.
func (p *part) leave() {
	for tries := time.Duration(1); ; tries++ {
		err := p.tell()
		if err == nil {
			err = pipeline.Guarded(func() error { return p.run.Leave(context.Background()) })
		}
		if err == nil {
			return
		}
		p.worker.Log.Warn("leave a run", "run", p.id, "error", err)
		select {
		case <-time.After(min(tries*100*time.Millisecond, 5*time.Second)):
		case <-p.worker.ends:
			return
		}
	}
}

// send sends what comes in by chunks until the part is halted, or cannot go on.
func (p *part) send(ctx context.Context, spec Spec) {
	w, rate := p.worker, spec.Rate
	if rate == 0 {
		rate = math.Inf(1)
	}
	pacer := pipeline.NewPacer(w.Ledger.Pace(spec.Target), rate, spec.Headroom)
	pacing, stopPacer := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { pipeline.Guarded(func() error { return pacer.Run(pacing) }) }) // its error comes back from every permit
	beside.Go(func() { pipeline.Guarded(func() error { p.tellRegularly(pacing); return nil }) })
	cfg := spec.Send.Own()
	cfg.Concurrency = w.Concurrency
	sending := pipeline.NewSending(cfg, pacer, watch{w, p.id}, p.stop)
	p.ending = sending.SendShare(ctx, p.rows, p.answered, &pipeline.Distributor{
		Rules: spec.Rules, Records: p.run, Ledger: p.run, Holds: p.run, Permits: pacer, Sender: w.Caller, Looker: w.Caller, Looks: p.run,
		Grace: spec.Send.Grace, Binding: spec.Send.StopAfterIdentical == 0,
	})
	stopPacer()
	beside.Wait()
}

// answered takes note of what a call came to.
func (p *part) answered(a pipeline.Answer) {
	if !a.Look {
		p.worker.counts.call(a.Reply.Verdict)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a.Reply.Quota = pipeline.Quota{}
	p.word.Answers = append(p.word.Answers, a)
}

// settled takes note that a row has come to an outcome.
func (p *part) settled(s pipeline.Status) {
	p.worker.counts.row(s)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.word.add(map[pipeline.Status]int{s: 1})
}

// tell tells what calls came to. What cannot be told now is told the next time.
func (p *part) tell() error {
	p.telling <- struct{}{}
	defer func() { <-p.telling }()
	p.mu.Lock()
	word := p.word
	p.word = said{}
	p.mu.Unlock()
	if len(word.Answers) == 0 && len(word.Rows) == 0 && word.Later == (later{}) {
		return nil
	}
	text, err := json.Marshal(word)
	if err == nil {
		err = p.run.Tell(context.Background(), text)
	}
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.word.Answers = append(word.Answers, p.word.Answers...)
		p.word.add(word.Rows)
		p.word.Later = word.Later
	}
	return err
}

// add takes in so many more rows that came to an outcome.
func (s *said) add(rows map[pipeline.Status]int) {
	if s.Rows == nil {
		s.Rows = map[pipeline.Status]int{}
	}
	for status, n := range rows {
		s.Rows[status] += n
	}
}

func (p *part) tellRegularly(ctx context.Context) {
	every := time.NewTicker(tellEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			p.tell()
		case <-ctx.Done():
			return
		}
	}
}

// work brings the rows of a chunk to their outcomes, as far as the part comes. What it has of the chunk when it fails
// or is over, its leaving gives back.
func (p *part) work(ctx context.Context, n int) error {
	if !p.busyWith(n, true) { // by another job for it
		return nil
	}
	defer p.busyWith(n, false)
	text, ok, err := p.run.Take(ctx, n)
	if err != nil || !ok {
		return err
	}
	var rows []pipeline.Due
	if err := json.Unmarshal(text, &rows); err != nil {
		return err
	}
	var left atomic.Int64
	left.Store(int64(len(rows)))
	done := make(chan struct{})
	through := func() {
		if left.Add(-1) == 0 {
			close(done)
		}
	}
	until := make([]later, len(rows)) // of those that a rule keeps for later
	for i, row := range rows {
		if until[i] = p.closed(row.Distribution.Method); until[i] != (later{}) {
			through()
			continue
		}
		row.Settled = func(s pipeline.Status) {
			p.settled(s)
			through()
		}
		row.Later = func(r pipeline.Result) {
			until[i] = later{r.Unclaimed.Reason, r.Again}
			if r.Unclaimed.Code == pipeline.CodeQuota { // else it is for where the recipient is
				p.close(r.Made.Method, until[i])
			}
			through()
		}
		select {
		case p.rows <- row:
		case <-p.over:
			return nil
		}
	}
	select {
	case <-done:
	case <-p.over:
		return nil
	}
	if err := p.tell(); err != nil { // before the chunk is known to be done
		return err
	}
	return p.finish(context.WithoutCancel(ctx), n, rows, until)
}

// close tells that no message may go by a method for a while.
func (p *part) close(m pipeline.Method, l later) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.Until.After(p.shut[m].Until) {
		p.shut[m] = l
	}
}

// closed gives until when no message may go by a method; zero where one may.
func (p *part) closed(m pipeline.Method) later {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.shut[m]; time.Now().Before(l.Until) {
		return l
	}
	return later{}
}

// finish ends a chunk, or puts back what of it is kept for later, until the first of that may go.
func (p *part) finish(ctx context.Context, n int, rows []pipeline.Due, until []later) error {
	var first later
	var back []pipeline.Due
	for i, u := range until {
		if u == (later{}) {
			continue
		}
		if back = append(back, rows[i]); first == (later{}) || u.Until.Before(first.Until) {
			first = u
		}
	}
	if back == nil {
		return p.run.Finish(ctx, n)
	}
	text, err := json.Marshal(back)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.word.Later = first
	p.mu.Unlock()
	if err := p.tell(); err != nil {
		return err
	}
	return p.run.Defer(ctx, n, text, time.Until(first.Until))
}

// busyWith begins the work on a chunk, and reports false when it goes on already, or ends it.
func (p *part) busyWith(n int, begins bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !begins:
		delete(p.busy, n)
	case p.busy[n]:
		return false
	default:
		p.busy[n] = true
	}
	return true
}

// watch says in the log what people should know of a run.
type watch struct {
	worker *Worker
	run    string
}

func (watch) Progress(pipeline.Progress) {}

func (o watch) Notice(n pipeline.Notice) {
	if n.Code != pipeline.StopSignal { // of the part, not of the run
		o.worker.Log.Info(n.Text, "run", o.run, "code", n.Code)
	}
}
