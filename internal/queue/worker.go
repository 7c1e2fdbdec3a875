package queue

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// Worker is a process that takes work: runs that were handed over for a user at a target.
type Worker struct {
	Ledger Book
	// Jobs connects to the queue, which gives chunks to a function.
	Jobs        func(ctx context.Context, work func(ctx context.Context, run string, chunk int)) (Source, error)
	Caller      Caller
	Target      string
	User        string
	Concurrency int // calls under way at once, for each run
	Version     string
	Host        string
	Tighten     func(*Spec) // to what the policy of this machine allows; nil: as each run says
	Log         *slog.Logger
	Record      func(ledger.RunInfo, pipeline.Tally, pipeline.Ending) json.RawMessage

	counts counts
	calls  context.Context // cuts calls off
	ends   <-chan struct{} // closed once no chunk is taken any more
	parts  sync.WaitGroup

	mu      sync.Mutex
	of      map[string]*part     // by the run
	backOff map[string]time.Time // runs that nothing could be done for a moment ago
	known   map[string]ledger.SharedRun
	looked  time.Time
	resting bool // nothing is begun
}

// How often the runs are looked at, how often is said that they cannot be, and for how long something is begun by what
// was seen.
const (
	lookEvery     = 200 * time.Millisecond
	complainEvery = 10 * time.Second
	stale         = 3 * time.Second
)

// Run works until stop is closed: no new call then, calls in flight may end, and what is left goes to others. The
// context cuts calls off. It returns an error when the ledger cannot be used at the beginning.
func (w *Worker) Run(ctx context.Context, stop <-chan struct{}) error {
	w.of, w.backOff = map[string]*part{}, map[string]time.Time{}
	w.calls, w.ends = ctx, stop
	dead, leave, err := w.enlist(ctx)
	if err != nil {
		return err
	}
	defer func() { leave() }()
	jobs, err := w.Jobs(ctx, w.chunk)
	if err != nil {
		return err
	}
	defer jobs.Close()
	if err := jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	conductor := &Conductor{Ledger: w.Ledger, Jobs: jobs, Record: w.Record}
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	var complained time.Time
	for on := true; on; {
		if dead() { // or was taken for it, and begins anew
			w.Log.Warn("this worker was taken for dead, since it had not been heard of; it begins anew")
			w.rest(true)
			w.parts.Wait()
			leave()
			if dead, leave, err = w.enlist(ctx); err != nil {
				dead, leave = func() bool { return true }, func() {}
				w.Log.Warn("the ledger cannot be used", "error", err)
			} else {
				w.rest(false)
			}
		} else if err := pipeline.Guarded(func() error { return w.look(ctx, conductor) }); err != nil {
			if time.Since(complained) > complainEvery {
				complained = time.Now()
				w.Log.Warn("look at the runs", "error", err)
			}
		} else {
			complained = time.Time{}
		}
		select {
		case <-every.C:
		case <-stop:
			on = false
		case <-ctx.Done():
			on = false
		}
	}
	w.rest(true)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- pipeline.Guarded(func() error { return jobs.Stop(ending) }) }() // none is fetched any more
	w.parts.Wait()
	cancel()
	if err := <-stopped; err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (w *Worker) enlist(ctx context.Context) (dead func() bool, leave func(), err error) {
	return w.Ledger.Enlist(ctx, ledger.Worker{
		Queue: Name(w.Target, w.User), Target: w.Target, UserName: w.User, Version: w.Version, Host: w.Host, PID: os.Getpid(), Started: time.Now(),
	})
}

// look decides about every run of the queue.
func (w *Worker) look(ctx context.Context, c *Conductor) error {
	ctx, cancel := context.WithTimeout(ctx, stale)
	defer cancel()
	runs, err := w.learn(ctx)
	if err != nil {
		return err
	}
	var faults []error
	for _, r := range runs {
		faults = append(faults, c.Step(ctx, r))
	}
	return errors.Join(faults...)
}

// Healthy gives the error that the runs could not be looked at for some seconds.
func (w *Worker) Healthy() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.looked) < 5*time.Second {
		return nil
	}
	return errors.New("the ledger has not answered for some seconds")
}

// learn finds out what runs there are, and ends what this process does for those that are held, or are over.
func (w *Worker) learn(ctx context.Context) ([]ledger.SharedRun, error) {
	runs, err := w.Ledger.SharedRuns(ctx, Name(w.Target, w.User))
	if err != nil {
		return nil, err
	}
	known := map[string]ledger.SharedRun{}
	for _, r := range runs {
		var st state
		if err := json.Unmarshal(r.State, &st); err != nil {
			return nil, err
		}
		if r.Ordered.Order == pipeline.GoOn && st.Brakes.Ended().Code == "" && !st.Over {
			known[r.ID] = r
		}
	}
	w.mu.Lock()
	w.known, w.looked = known, time.Now()
	for id, p := range w.of {
		if _, ok := known[id]; !ok {
			p.halt()
		}
	}
	w.mu.Unlock()
	return runs, nil
}

// chunk works on a chunk that the queue has a job for.
func (w *Worker) chunk(ctx context.Context, run string, n int) {
	p, err := w.partOf(ctx, run)
	if err == nil && p != nil {
		defer p.chunks.Done()
		if err = pipeline.Guarded(func() error { return p.work(ctx, n) }); err != nil {
			p.halt() // so that nothing of the chunk stays with it
		}
	}
	if err != nil && !errors.Is(err, ledger.ErrOver) {
		w.Log.Warn("work on a chunk", "run", run, "chunk", n, "error", err)
	}
}

// partOf gives what this process does of a run, and begins it; nil when there is nothing to be done for it now. The
// caller says Done to its chunks.
func (w *Worker) partOf(ctx context.Context, run string) (*part, error) {
	if !w.knows(run) { // since it is new, perhaps
		if _, err := w.learn(ctx); err != nil {
			return nil, err
		}
	}
	p, r, isNew := w.partNow(run)
	if p == nil {
		return nil, nil
	}
	if isNew {
		p.failed = p.begin(w.calls, r)
		close(p.joined)
	}
	if <-p.joined; p.failed != nil {
		p.chunks.Done()
		return nil, p.failed
	}
	return p, nil
}

// partNow is partOf before the ledger knows of the part.
func (w *Worker) partNow(run string) (p *part, r ledger.SharedRun, isNew bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r, ok := w.known[run]
	p = w.of[run]
	switch {
	case !ok, w.resting, time.Since(w.looked) > stale, time.Now().Before(w.backOff[run]), p != nil && p.ended:
		return nil, r, false
	case p == nil:
		p = newPart(w, run)
		w.of[run] = p
		w.parts.Add(1)
		isNew = true
	}
	p.chunks.Add(1)
	return p, r, isNew
}

func (w *Worker) knows(run string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ok := w.known[run]
	return ok
}

// ending takes note that a part brings no more rows to an outcome; no chunk comes to it from then on.
func (w *Worker) ending(p *part) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.ended = true
	close(p.over)
}

// left takes note that a part has ended. One that could not go on is not begun anew at once.
func (w *Worker) left(p *part) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.of, p.id)
	w.parts.Done()
	if code := p.ending.Code; code != "" && code != pipeline.StopSignal {
		w.backOff[p.id] = time.Now().Add(time.Second)
		w.Log.Warn(p.ending.Reason, "run", p.id, "code", code, "error", p.ending.Err)
	}
}

// rest ends what this process does for any run, and begins nothing until it is told otherwise.
func (w *Worker) rest(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resting = on
	if !on {
		return
	}
	for _, p := range w.of {
		p.halt()
	}
}
