package ledger

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"hppsend/pipeline"
)

// Options say which ledger to open.
type Options struct {
	Path        string
	Environment string // production, playground or sandbox; a ledger of another one is refused
	Create      bool   // make it if it is not there
	Replace     bool   // make it even where one was lost
	Network     bool   // take one on a network file system too
	// Wait is how long a statement waits while another process writes; 0 for ten seconds.
	Wait time.Duration
}

// Ledger is an open ledger. It is safe for concurrent use, and several processes may have it open.
type Ledger struct {
	path string
	made time.Time

	environment string

	secret *secret
	db     *sql.DB // for looking up
	conn   *sql.Conn
	dead   sync.Map // numbers of runs that were found dead

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
	if err := l.open(ctx, opt); err != nil {
		if l.db != nil {
			l.db.Close()
		}
		return nil, l.explain(err)
	}
	go l.write()
	return l, nil
}

func (l *Ledger) open(ctx context.Context, opt Options) error {
	path, err := placeOf(opt.Path)
	if err != nil {
		return err
	}
	l.path = path
	if err := oneName(path); err != nil {
		return err
	}
	exists, err := l.exists()
	if err != nil {
		return err
	}
	if !exists && !opt.Create {
		return &pipeline.Error{
			Kind: pipeline.Usage, Problem: "ledger " + l.path, Err: ErrMissing,
			Todo: "if no link was ever sent from here, make one with --create-ledger; if it should be here, find it first: without it everything would be sent again",
		}
	}
	if err := os.MkdirAll(l.runsFolder(), 0o700); err != nil {
		return err
	}
	if kind, err := onNetwork(filepath.Dir(l.path)); err != nil {
		return err
	} else if kind != "" && !opt.Network {
		return wrong(pipeline.Usage, l.path,
			"it would lie on a network file system ("+kind+"), whose locks do not hold against crashes and other machines",
			"name a place on a disk of this machine with --ledger; or say --network-ledger if no other machine ever uses it")
	}
	// One process at a time makes or opens it, so that two first runs do not make two secrets.
	lock := flock.New(l.path + ".lock")
	if err := l.await(ctx, lock); err != nil {
		return err
	}
	defer lock.Unlock()
	if exists, err = l.exists(); err != nil {
		return err
	}
	var first bool
	if l.secret, first, err = l.openSecret(exists, opt.Replace); err != nil {
		return err
	}
	if !exists { // so that nobody else can read it, nor the files that SQLite puts beside it
		f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		f.Close()
	}
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: l.path}).EscapedPath(), RawQuery: url.Values{
		"_pragma": {fmt.Sprintf("busy_timeout(%d)", cmp.Or(opt.Wait, 10*time.Second).Milliseconds()), "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
		"_txlock": {"immediate"},
	}.Encode()}
	if l.db, err = sql.Open("sqlite", dsn.String()); err != nil {
		return err
	}
	if l.conn, err = l.db.Conn(ctx); err != nil {
		return err
	}
	if err := l.migrate(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO meta VALUES ('environment', ?), ('secret', ?), ('made', ?)",
			opt.Environment, l.secret.check(), time.Now().UnixMilli())
		return err
	}); err != nil {
		return err
	}
	if err := l.verify(ctx, opt); err != nil || !first {
		return err
	}
	return settleSecret(l.path)
}

// opening is how long another process may take to make or open the ledger, and again how often it is
// looked whether it has.
const opening, again = 30 * time.Second, 20 * time.Millisecond

// await takes the lock under which a ledger is opened.
func (l *Ledger) await(ctx context.Context, lock *flock.Flock) error {
	within, cancel := context.WithTimeout(ctx, opening)
	defer cancel()
	_, err := lock.TryLockContext(within, again)
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		return wrong(pipeline.NoLedger, l.path, fmt.Sprintf("another process has been opening it for more than %s", opening),
			"see whether an hppsend hangs or was suspended, and end it")
	}
	return err
}

// onNetwork is networked, which tests stand in for.
var onNetwork = networked

// exists reports whether the database is there; an empty file is the trace of a first start cut short.
func (l *Ledger) exists() (bool, error) {
	info, err := os.Stat(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case info.IsDir():
		return false, wrong(pipeline.NoLedger, l.path, "it is a folder", "name a file with --ledger")
	}
	return info.Size() > 0, nil
}

// openSecret reads the secret, or makes one. That of a ledger in the making has a name of its own until
// the database is on disk, so that a secret without a database tells of one that was lost.
func (l *Ledger) openSecret(exists, replace bool) (key *secret, first bool, err error) {
	key, err = readSecret(secretPath(l.path))
	switch {
	case err == nil && !exists && !replace:
		return nil, false, wrong(pipeline.Usage, l.path, "it is gone or empty, and its secret is still there: it was lost",
			"restore it from a backup; to begin anew, say --create-ledger, and everything can be sent again")
	case err == nil || !errors.Is(err, fs.ErrNotExist):
		return key, false, err
	}
	key, err = readSecret(newSecretPath(l.path))
	switch {
	case err == nil || !errors.Is(err, fs.ErrNotExist):
		return key, true, err // of a first start that was cut short
	case exists:
		return nil, false, wrong(pipeline.NoLedger, l.path, "its secret, "+secretPath(l.path)+", is not there, so no contact can be recognised",
			"put the secret back from the same backup as the ledger")
	}
	key, err = newSecret(newSecretPath(l.path))
	return key, true, err
}

func (l *Ledger) verify(ctx context.Context, opt Options) error {
	var environment string
	var check []byte
	var made int64
	if err := l.conn.QueryRowContext(ctx, `SELECT (SELECT value FROM meta WHERE name = 'environment'),
		(SELECT value FROM meta WHERE name = 'secret'), (SELECT value FROM meta WHERE name = 'made')`).
		Scan(&environment, &check, &made); err != nil {
		return err
	}
	l.made, l.environment = time.UnixMilli(made), environment
	if environment != opt.Environment {
		return wrong(pipeline.Usage, l.path, fmt.Sprintf("it is of the environment %s, and this run is for %s", environment, opt.Environment),
			"name another with --ledger, or leave the flag out")
	}
	if !bytes.Equal(check, l.secret.check()) {
		return wrong(pipeline.NoLedger, l.path, "the secret beside it is that of another ledger",
			"put the secret back from the same backup as the ledger")
	}
	return nil
}

// explain gives every error of opening the same form.
func (l *Ledger) explain(err error) error {
	var known *pipeline.Error
	if errors.As(err, &known) {
		return known
	}
	problem, todo := "it cannot be opened", "look at the file and its folder: who owns them, and is there room on the disk?"
	var code *sqlite.Error
	switch {
	case damaged(err):
		problem, todo = "it is damaged, or no ledger", restore
	case errors.As(err, &code) && (code.Code()&0xff == sqlite3.SQLITE_BUSY || code.Code()&0xff == sqlite3.SQLITE_LOCKED):
		problem, todo = "another process keeps it to itself", "try again in a moment"
	}
	return &pipeline.Error{Kind: pipeline.NoLedger, Problem: "ledger " + l.path + ": " + problem, Todo: todo, Err: err}
}

const restore = "restore it with its secret from a backup; what was sent since that backup is not known to it"

// damaged reports whether an error says that the database itself is broken.
func damaged(err error) bool {
	var code *sqlite.Error
	return errors.As(err, &code) && (code.Code()&0xff == sqlite3.SQLITE_NOTADB || code.Code()&0xff == sqlite3.SQLITE_CORRUPT)
}

// Info is what each run tells about its ledger.
type Info struct {
	Path        string
	Environment string
	Made        time.Time
	Size        int64 // bytes, with what SQLite keeps beside it
}

// Info tells where the ledger is, how old and how large.
func (l *Ledger) Info() Info {
	info := Info{Path: l.path, Environment: l.environment, Made: l.made}
	for _, name := range []string{l.path, l.path + "-wal"} {
		if st, err := os.Stat(name); err == nil {
			info.Size += st.Size()
		}
	}
	return info
}

// Close waits for what is being written and closes the database.
func (l *Ledger) Close() error {
	l.gathering.Lock()
	l.closed = true
	l.gathering.Unlock()
	close(l.quit)
	<-l.ended
	for _, st := range l.statements {
		st.Close()
	}
	return errors.Join(l.conn.Close(), l.db.Close())
}

// Digest stands for a contact in this ledger.
func (l *Ledger) Digest(contact string) pipeline.Digest { return l.secret.digest(contact) }

// Key derives a key of 32 bytes from the ledger's secret, for what is kept beside it under a name of its own.
func (l *Ledger) Key(name string) []byte { return l.secret.derive("hppsend key 1\n" + name) }

func (l *Ledger) runsFolder() string { return filepath.Clean(l.path) + ".runs" }
