package ledger

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"time"

	"hppsend/pipeline"
)

// How often a process says that it lives, how long it may call by that, and how long one waits for the answer, at the
// beginning and later. The functions lives of the schema go by the first two.
const (
	beatEvery = 500 * time.Millisecond
	beatHolds = 1500 * time.Millisecond
	beatWait  = time.Second
	beginWait = 10 * time.Second
)

// life keeps the runs of this process alive in the eyes of all: it has a row and a lock in the database, and says every
// half second that it lives, on a connection of its own. When that has gone unanswered for too long no call may begin.
// Others then take it for dead, later than that; what it has open is in doubt from there on.
type life struct {
	server *server

	mu      sync.Mutex
	runs    int
	process int64
	sent    time.Time // when the last word was sent that was answered
	over    error     // it was taken for dead
	stop    context.CancelFunc
	beats   sync.WaitGroup
}

func (s *server) hold(ctx context.Context, _ string) (hold, error) {
	l := &s.life
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.runs == 0 || l.over != nil {
		if err := l.begin(ctx); err != nil {
			return nil, s.unwritten(err)
		}
	}
	l.runs++
	return &share{life: l, process: l.process}, nil
}

// begin enters this process anew.
func (l *life) begin(ctx context.Context) error {
	if l.stop != nil {
		l.stop()
	}
	within, cancel := context.WithTimeout(ctx, beginWait)
	defer cancel()
	conn, err := l.server.db.Conn(within)
	if err != nil {
		return err
	}
	var sent time.Time
	locked := false
	if err = l.server.back(within, conn); err == nil { // before anything of it is remembered
		sent = time.Now()
		l.process, err = l.server.enter(within, conn)
	}
	if err == nil {
		locked, err = l.server.lock(within, conn, l.process)
	}
	if err != nil {
		drop(conn)
		return err
	}
	l.sent, l.over, l.runs = sent, nil, 0
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	process := l.process
	l.beats.Go(func() {
		if err := pipeline.Guarded(func() error { l.beat(life, conn, process, locked); return nil }); err != nil {
			l.mu.Lock()
			l.over = forGood{err}
			l.mu.Unlock()
		}
	})
	return nil
}

// lock takes the lock of the process, which lasts as long as the connection. It reports false as long as one before,
// which the server has not given up yet, has it.
func (s *server) lock(ctx context.Context, conn *sql.Conn, process int64) (locked bool, err error) {
	err = conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock((SELECT locks FROM meta), $1::integer)", process).Scan(&locked)
	return locked, err
}

// beat says that the process lives until life ends, on one connection after another, and takes it out then.
func (l *life) beat(life context.Context, conn *sql.Conn, process int64, locked bool) {
	every := time.NewTicker(beatEvery)
	defer every.Stop()
	for life.Err() == nil {
		select {
		case <-every.C:
		case <-life.Done():
			continue
		}
		sent := time.Now()
		within, cancel := context.WithTimeout(life, beatWait)
		heard, err := false, error(nil)
		if conn == nil {
			if conn, err = l.server.db.Conn(within); err == nil {
				err = l.server.back(within, conn)
			}
			locked = false
		}
		if err == nil && !locked {
			locked, err = l.server.lock(within, conn, process)
		}
		if err == nil {
			heard, err = l.server.say(within, conn, process)
		}
		cancel()
		if err != nil && conn != nil {
			drop(conn)
			conn = nil
		}
		l.mu.Lock()
		switch {
		case l.process != process:
		case err == nil && heard:
			l.sent = sent
		case err == nil:
			l.over = forGood{errRun}
		case isFinal(err):
			l.over = err
		}
		over := l.over
		l.mu.Unlock()
		if over != nil {
			break
		}
	}
	if conn != nil {
		within, cancel := context.WithTimeout(context.WithoutCancel(life), beatWait)
		l.server.leave(within, conn, process)
		cancel()
		drop(conn)
	}
}

// mine reports whether a process is this one, and alive as far as it knows.
func (l *life) mine(process int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.process == process && l.over == nil && l.runs > 0
}

// lost gives why no call may begin.
func (l *life) lost(process int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.process != process:
		return forGood{errRun}
	case l.over != nil:
		return l.over
	case passed(l.sent) > beatHolds:
		return errUnheard
	}
	return nil
}

// errUnheard says that no call may begin for the moment.
var errUnheard = &pipeline.Error{
	Kind: pipeline.NoLedger, Problem: "the database of the ledger has not answered for some seconds",
	Todo: "see that it runs and can be reached; the same command then goes on where this one stopped",
}

// passed is how long ago a moment was, also where the machine has slept since: the steady clock stands still then.
func passed(since time.Time) time.Duration {
	return max(time.Since(since), time.Now().Round(0).Sub(since.Round(0)))
}

// share is one run's share of the life of its process.
type share struct {
	life    *life
	process int64
	once    sync.Once
}

func (h *share) entered(t *txn, number int64) error {
	state := ""
	if err := t.get([]any{&state}, "SELECT state FROM meta FOR SHARE"); err != nil {
		return err
	}
	if state != stateOpen {
		return wrong(pipeline.Usage, t.l.path, "it was moved meanwhile", "start again, and it says where to")
	}
	return t.exec("UPDATE run SET process = ? WHERE number = ?", h.process, number)
}

func (h *share) lost() error { return h.life.lost(h.process) }

// ready waits, no longer than a change is tried again, until calls may begin.
func (h *share) ready(ctx context.Context) error {
	end := time.Now().Add(h.life.server.wait)
	for {
		err := h.lost()
		if err == nil || isFinal(err) || time.Now().After(end) {
			return err
		}
		select {
		case <-time.After(beatEvery / 10):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (h *share) release() {
	h.once.Do(func() {
		l := h.life
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.process != h.process {
			return
		}
		if l.runs--; l.runs == 0 {
			l.stop()
		}
	})
}

// end stops saying that the process lives, and waits until it is taken out.
func (l *life) end() {
	l.mu.Lock()
	if l.stop != nil {
		l.stop()
	}
	l.mu.Unlock()
	l.beats.Wait()
}

// forGood is an error after which a run cannot go on.
type forGood struct{ error }

// Unwrap gives what a person is told.
func (e forGood) Unwrap() error { return e.error }

func isFinal(err error) bool { return errors.As(err, new(forGood)) }

// drop ends a connection, so that its locks go.
func drop(conn *sql.Conn) {
	conn.Raw(func(any) error { return driver.ErrBadConn })
	conn.Close()
}
