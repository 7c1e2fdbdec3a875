package desk

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/singleflight"
	_ "modernc.org/sqlite" // the driver

	"hppsend/internal/campaign"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// Account is a merchant account, or a department: where it sends to and how, and on which ledger.
type Account struct {
	Name    string
	Options campaign.Options // how its uploads are read and sent, where nobody says otherwise
	Ledger  *ledger.Ledger
	// Dial and Record are ports of its campaigns.
	Dial   func() (campaign.Caller, error)
	Record func(campaign.FileResult) json.RawMessage
	// Approvers says how many people have to approve.
	Approvers Approvers

	key key
}

// Approvers says how many people, who had no hand in it, have to approve what sends so many messages. The empty
// Approvers let the person who asks do it.
type Approvers []Tier

// Tier is a rule of Approvers: People from Messages on.
type Tier struct{ Messages, People int }

// For gives how many people it takes.
func (a Approvers) For(messages int) (people int) {
	for _, t := range a {
		if messages >= t.Messages {
			people = max(people, t.People)
		}
	}
	return people
}

// Limits keep one person, or one file, from taking all the room.
type Limits struct {
	Upload int64 // bytes of a file
	Person int64 // bytes of all files of a person that are kept
}

// Config is what a desk works with.
type Config struct {
	Folder   string // for its state; made when it is not there
	Accounts []Account
	Limits   Limits
	Keep     time.Duration // how long an upload is kept after the last that was done to it
	Log      *slog.Logger
	// Notify tells people that an upload waits for their approval; nil tells nobody. It may take its time.
	Notify func(context.Context, Waits)
}

// Waits is an upload that waits for approval.
type Waits struct {
	Upload, Account string
	People          []Person // who may approve it
}

// How long things hold.
const (
	approvalLife   = 72 * time.Hour
	invitationLife = 7 * 24 * time.Hour
)

// Desk is where uploads lie. It is safe for concurrent use.
type Desk struct {
	Config
	db       *sql.DB
	lock     *flock.Flock
	accounts map[string]*Account
	poke     chan struct{} // something may have to be started

	mu      sync.Mutex
	sheets  map[string]*Sheet // by upload; of the last few
	recent  []string          // uploads of these, the last one last
	runs    map[string]*sending
	looks   map[string]time.Time // when who looked where, of the last while
	closing bool
	sends   sync.WaitGroup
	guesses guesses
	checks  singleflight.Group
	turns   chan struct{} // of what reads whole files
	writes  chan struct{} // likewise of what writes into the books, since SQLite is not fair to who waits
}

func newDesk(cfg Config) *Desk {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	return &Desk{
		Config: cfg, accounts: map[string]*Account{}, poke: make(chan struct{}, 1), sheets: map[string]*Sheet{}, runs: map[string]*sending{},
		looks: map[string]time.Time{}, turns: make(chan struct{}, 2), writes: make(chan struct{}, 1),
	}
}

// Open opens the desk in a folder, which no other process may have open.
func Open(ctx context.Context, cfg Config) (_ *Desk, err error) {
	d := newDesk(cfg)
	for i := range cfg.Accounts {
		a := &d.Accounts[i]
		a.key = a.Ledger.Key("page")
		a.Options.Outputs = campaign.Outputs{None: true}
		d.accounts[a.Name] = a
	}
	for _, dir := range []string{d.Folder, d.path("files"), d.path("tmp")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, broken("make the folder of the page", err)
		}
	}
	d.lock = flock.New(d.path("page.lock"))
	switch held, err := d.lock.TryLock(); {
	case err != nil:
		return nil, broken("lock the folder of the page", err)
	case !held:
		return nil, &pipeline.Error{
			Kind: pipeline.Busy, Problem: "another hppsend serve works in " + d.Folder,
			Todo: "end that one first, or name another folder with --state",
		}
	}
	defer func() {
		if err != nil {
			d.lock.Unlock()
		}
	}()
	leftovers, err := filepath.Glob(d.path("tmp", "*"))
	if err != nil {
		return nil, err
	}
	for _, path := range leftovers { // of a process that was killed
		os.RemoveAll(path)
	}
	return d, d.openBooks(ctx)
}

// Beside opens the books of a desk that another process may be working with, for its people and its audit trail
// alone: accounts need no more than their names.
func Beside(ctx context.Context, cfg Config) (*Desk, error) {
	d := newDesk(cfg)
	for i := range d.Accounts {
		d.accounts[d.Accounts[i].Name] = &d.Accounts[i]
	}
	return d, d.openBooks(ctx)
}

func (d *Desk) openBooks(ctx context.Context) (err error) {
	path := d.path("page.db")
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return broken("open the books of the page", err)
	} else if err := f.Close(); err != nil {
		return err
	}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)"},
		"_txlock": {"immediate"},
	}.Encode()}
	if d.db, err = sql.Open("sqlite", dsn.String()); err != nil {
		return broken("open the books of the page", err)
	}
	err = d.tx(ctx, func(t *txn) error {
		var version int
		if err := t.QueryRowContext(t.ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		switch version {
		case 0:
			return t.exec(schema + "PRAGMA user_version = 1")
		case 1:
			return nil
		}
		return fmt.Errorf("they are of a later version of hppsend (%d)", version)
	})
	if err != nil {
		return errors.Join(broken("open the books of the page, "+path, err), d.db.Close())
	}
	return nil
}

// Close lets the calls under way end, and closes the books. What was being sent goes on at the next start.
func (d *Desk) Close() error {
	d.mu.Lock()
	d.closing = true
	for _, s := range d.runs {
		s.halt()
	}
	d.mu.Unlock()
	d.sends.Wait()
	err := d.db.Close()
	if d.lock != nil {
		err = errors.Join(err, d.lock.Unlock())
	}
	return err
}

func (d *Desk) path(parts ...string) string {
	return filepath.Join(append([]string{d.Folder}, parts...)...)
}

// inTurn waits until not too many whole files are read at once, and gives what ends the turn.
func (d *Desk) inTurn() (end func()) {
	d.turns <- struct{}{}
	return func() { <-d.turns }
}

// AccountNames gives the accounts of the desk, in order.
func (d *Desk) AccountNames() []string {
	var names []string
	for _, a := range d.Accounts {
		names = append(names, a.Name)
	}
	return names
}

// txn is a transaction of the books.
type txn struct {
	*sql.Tx
	ctx context.Context
	now time.Time
}

func (t *txn) exec(query string, args ...any) error {
	_, err := t.ExecContext(t.ctx, query, args...)
	return err
}

// tx does something to the books as a whole, or not at all.
func (d *Desk) tx(ctx context.Context, do func(*txn) error) (err error) {
	select {
	case d.writes <- struct{}{}:
		defer func() { <-d.writes }()
	case <-ctx.Done():
		return broken("the books of the page", ctx.Err())
	}
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return broken("the books of the page", err)
	}
	defer tx.Rollback()
	if err := do(&txn{tx, ctx, time.Now()}); err != nil {
		return err
	}
	return broken("the books of the page", tx.Commit())
}

// column gives all values of the one column that a query has.
func column[T any](ctx context.Context, d interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, query string, args ...any,
) (all []T, err error) {
	rows, err := d.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func contains[T comparable](all []T, any ...T) bool {
	return slices.ContainsFunc(all, func(v T) bool { return slices.Contains(any, v) })
}
