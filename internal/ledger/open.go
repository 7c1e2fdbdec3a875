package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"hppsend/pipeline"
)

// Options say which ledger to open.
type Options struct {
	Path        string
	Environment string // production, playground or sandbox; a ledger of another one is refused
	Create      bool   // make it if it is not there
	Replace     bool   // make it even where one was lost
	Network     bool   // take one on a network file system too
	State       string // the folder for what a machine keeps of a ledger on a server
	Sealed      bool   // to look at it, even where nothing may be sent by it
	Runs        bool   // for its runs alone: without the secret on this machine, and whatever its database has lost
	// Grace is how long a change is tried again that a server does not make; 0 for ten seconds.
	Grace time.Duration
	// Wait is how long a statement waits while another process writes; 0 for ten seconds.
	Wait time.Duration
}

// Ledger is an open ledger. It is safe for concurrent use, and several processes may have it open.
type Ledger struct {
	store store
	path  string
	made  time.Time

	environment string

	secret *secret
	db     *sql.DB // for looking up
	conn   *sql.Conn
	dead   sync.Map // numbers of runs that were found dead
	over   sync.Map // numbers of runs of this process that make no call any more

	gathering sync.Mutex
	gathered  []*op // changes that the writing goroutine has not taken yet
	closed    bool
	wake      chan struct{} // of size 1: something has gathered
	quit      chan struct{}
	ended     chan struct{}

	statements map[string]*sql.Stmt // of the writing goroutine
}

// ErrMissing says that there is no ledger at the place.
var ErrMissing = errors.New("there is none at this place")

// wrong says what is wrong with the ledger at a path and what to do.
func wrong(kind pipeline.Kind, path, problem, todo string) error {
	return &pipeline.Error{Kind: kind, Problem: "ledger " + path + ": " + problem, Todo: todo}
}

// Open opens a ledger, or makes it. The caller closes it. Every error is a *[pipeline.Error].
func Open(ctx context.Context, opt Options) (*Ledger, error) {
	l := &Ledger{
		path: opt.Path, wake: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{}),
		statements: map[string]*sql.Stmt{},
	}
	l.store = file{l}
	if OnServer(opt.Path) {
		s, err := newServer(l, opt)
		if err != nil {
			return nil, err
		}
		l.store = s
	}
	if err := l.store.open(ctx, opt); err != nil {
		if l.db != nil {
			l.db.Close()
		}
		return nil, l.explain(err)
	}
	go l.write()
	return l, nil
}

func otherEnvironment(path, is, wanted string) error {
	todo := "name another with --ledger, or leave the flag out"
	if OnServer(path) {
		todo = "each environment has a schema of its own there: say ?search_path=NAME in the address"
	}
	return wrong(pipeline.Usage, path, fmt.Sprintf("it is of the environment %s, and this run is for %s", is, wanted), todo)
}

// movedTo says that a ledger was taken over elsewhere.
func movedTo(path, place string) error {
	todo := "say --ledger " + place
	if !OnServer(place) {
		todo = "name that file with --ledger there; a ledger in a file serves one machine"
	}
	return wrong(pipeline.Usage, path, "it was moved to "+place+", and nothing may be sent by it any more", todo)
}

// Info is what each run tells about its ledger.
type Info struct {
	Path        string
	Environment string
	Made        time.Time
	Size        int64 // bytes, with what its database keeps beside it
}

// Info tells where the ledger is, how old and how large.
func (l *Ledger) Info() Info {
	info := l.store.info()
	info.Path, info.Environment, info.Made = l.path, l.environment, l.made
	return info
}

// Close waits for what is being written and closes the database.
func (l *Ledger) Close() error {
	l.gathering.Lock()
	closed := l.closed
	l.closed = true
	l.gathering.Unlock()
	if closed {
		return nil
	}
	close(l.quit)
	<-l.ended
	for _, st := range l.statements {
		st.Close()
	}
	err := l.conn.Close()
	if errors.Is(err, sql.ErrConnDone) { // it was lost
		err = nil
	}
	return errors.Join(l.store.close(), err, l.db.Close())
}

// Digest stands for a contact in this ledger.
func (l *Ledger) Digest(contact string) pipeline.Digest { return l.secret.digest(contact) }

// Key derives a key of 32 bytes from the ledger's secret, for what is kept beside it under a name of its own.
func (l *Ledger) Key(name string) []byte { return l.secret.derive("hppsend key 1\n" + name) }

// explain gives every error of opening the same form.
func (l *Ledger) explain(err error) error {
	var known *pipeline.Error
	if errors.As(err, &known) {
		return known
	}
	problem, todo, cause := l.store.reason(err)
	return &pipeline.Error{Kind: pipeline.NoLedger, Problem: "ledger " + l.path + ": " + problem, Todo: todo, Err: cause}
}

// row asks for one row, outside any transaction.
func (l *Ledger) row(ctx context.Context, query string, args ...any) *sql.Row {
	return l.db.QueryRowContext(ctx, l.store.sql(query), l.store.args(args)...)
}

// rows asks for rows, outside any transaction.
func (l *Ledger) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return l.db.QueryContext(ctx, l.store.sql(query), l.store.args(args)...)
}
