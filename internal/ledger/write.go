package ledger

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"hppsend/pipeline"
)

// maxGroup bounds how many changes share one commit.
const maxGroup = 1024

// errClosed says that a ledger was used after Close.
var errClosed = errors.New("the ledger is closed")

// unwritten says that a change could not be made; nothing of it is in the ledger.
func (l *Ledger) unwritten(err error) error {
	if known := (*pipeline.Error)(nil); errors.As(err, &known) {
		return err
	}
	_, _, cause := l.store.reason(err)
	return &pipeline.Error{Kind: pipeline.NoLedger, Problem: "write the ledger " + l.path, Todo: l.store.todo(err, false), Err: cause}
}

// change is made in a transaction that it shares with others. It must not depend on having been undone:
// when one of a group fails, none of the group is made, and all return the error.
type change interface{ apply(*txn) error }

// op is a change that somebody waits for.
type op struct {
	change
	taken atomic.Bool // by the writing goroutine, or back
	made  bool        // together with others
	done  chan error
}

// txn is the transaction of a group of changes.
type txn struct {
	ctx context.Context
	l   *Ledger

	anyForgotten *bool // nil until it is known
}

// update makes a change and returns when it is on disk. A context that ends takes back one that was not
// begun yet.
func (l *Ledger) update(ctx context.Context, c change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o := &op{change: c, done: make(chan error, 1)}
	l.gathering.Lock()
	if l.closed {
		l.gathering.Unlock()
		return errClosed
	}
	l.gathered = append(l.gathered, o)
	l.gathering.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // it is awake already
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		if o.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		return <-o.done
	}
}

// write is the one goroutine that writes: it commits whatever has gathered while the last commit ran.
func (l *Ledger) write() {
	defer close(l.ended)
	for open := true; open; {
		select {
		case <-l.wake:
		case <-l.quit:
			open = false
		}
		for group := l.gather(); len(group) > 0; group = l.gather() {
			err := l.persist(group)
			for _, o := range group {
				o.done <- err
			}
		}
	}
}

// persist commits a group, and tries again where that helps.
func (l *Ledger) persist(group []*op) error {
	began := time.Now()
	for tries := 1; ; tries++ {
		err := pipeline.Guarded(func() error { return l.commit(group) })
		if err == nil {
			return nil
		}
		if !l.store.again(err, tries, began) {
			return l.unwritten(err)
		}
		for _, o := range group {
			if c, ok := o.change.(interface{ retried() }); ok {
				c.retried()
			}
		}
	}
}

// gather takes what has gathered. It first lets those run who wait for a processor, since they are about to
// bring more: so groups become as large as there are senders.
func (l *Ledger) gather() []*op {
	var group []*op
	for before := -1; len(group) < maxGroup; {
		runtime.Gosched()
		l.gathering.Lock()
		for _, o := range l.gathered {
			if o.taken.CompareAndSwap(false, true) {
				group = append(group, o)
			}
		}
		l.gathered = l.gathered[:0]
		l.gathering.Unlock()
		if len(group) == before {
			break
		}
		before = len(group)
	}
	return group
}

func (l *Ledger) commit(group []*op) error {
	ctx, cancel := l.store.within()
	defer cancel()
	t := &txn{ctx: ctx, l: l}
	if err := l.store.connect(ctx); err != nil {
		return err
	}
	if err := t.exec("{begin}"); err != nil {
		return err
	}
	done := false
	defer func() { // after a panic too
		if !done {
			t.exec("ROLLBACK")
		}
	}()
	rest, err := l.store.many(t, group)
	if err != nil {
		return err
	}
	for _, o := range rest {
		if err := o.apply(t); err != nil {
			return err
		}
	}
	if err := t.exec("COMMIT"); err != nil {
		return err
	}
	done = true
	return nil
}

// stmt gives the prepared form of a statement, which is kept.
func (t *txn) stmt(query string) (*sql.Stmt, error) {
	if st, ok := t.l.statements[query]; ok {
		return st, nil
	}
	st, err := t.l.conn.PrepareContext(t.ctx, t.l.store.sql(query))
	if err != nil {
		return nil, err
	}
	t.l.statements[query] = st
	return st, nil
}

func (t *txn) exec(query string, args ...any) error {
	_, err := t.result(query, args...)
	return err
}

func (t *txn) result(query string, args ...any) (sql.Result, error) {
	st, err := t.stmt(query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(t.ctx, t.l.store.args(args)...)
}

// changed makes a change, and reports whether there was anything to change.
func (t *txn) changed(query string, args ...any) (bool, error) {
	res, err := t.result(query, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

func (t *txn) query(query string, args ...any) (*sql.Rows, error) {
	st, err := t.stmt(query)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(t.ctx, t.l.store.args(args)...)
}

// get scans the one row of a query; sql.ErrNoRows when there is none.
func (t *txn) get(dest []any, query string, args ...any) error {
	st, err := t.stmt(query)
	if err != nil {
		return err
	}
	return st.QueryRowContext(t.ctx, t.l.store.args(args)...).Scan(dest...)
}
