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
	Folder   string // for its state, or of what is in Books what it has at hand; made when it is not there
	Accounts []Account
	// Server is the ledger on a server beside which Beside finds the books; Open goes by the first account's. Without one
	// they are in the folder.
	Server ledger.Options
	Limits Limits
	Keep   time.Duration // how long an upload is kept after the last that was done to it
	Log    *slog.Logger
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
	lostAfter      = 24 * time.Hour // a file that nobody knows was not being written any more
	invitationLife = 7 * 24 * time.Hour
)

// Desk is where uploads lie. It is safe for concurrent use.
type Desk struct {
	Config
	db       *books
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
	signins signins
	checks  singleflight.Group
	fetches singleflight.Group
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

// Open opens the desk in a folder, which no other process may have open. Where the ledgers are on a server, so are its
// books, and others may work with them.
func Open(ctx context.Context, cfg Config) (_ *Desk, err error) {
	d := newDesk(cfg)
	for i := range d.Accounts {
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
	shared, err := d.sharedBooks(ctx)
	if err != nil {
		return nil, err
	}
	if shared == nil {
		if err := d.lockFolder(); err != nil {
			return nil, err
		}
	}
	if err := d.openBooks(ctx, shared); err != nil {
		return nil, errors.Join(err, d.unlock())
	}
	if err := errors.Join(d.clearTmp(), d.knowsBooks(ctx)); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if _, err := os.Stat(d.path("page.db")); err == nil && shared != nil {
		d.Log.Warn("the page has its books in the database of the ledger; those in its folder, of before, are not used", "folder", d.Folder)
	}
	return d, nil
}

// sharedBooks opens the books beside the ledger of the first account; nil where that is in a file. If they are shared all
// ledgers have to be: another host would not know what is sent by one in a file.
func (d *Desk) sharedBooks(ctx context.Context) (*sql.DB, error) {
	if len(d.Accounts) == 0 {
		return nil, nil
	}
	first := &d.Accounts[0]
	for i := range d.Accounts {
		a := &d.Accounts[i]
		if ledger.OnServer(a.Ledger.Info().Path) != ledger.OnServer(first.Ledger.Info().Path) {
			return nil, &pipeline.Error{
				Kind: pipeline.Usage, Problem: fmt.Sprintf("the accounts %s and %s cannot be on one page: the ledger of one is in a file, that of the other on a server", first.Name, a.Name),
				Todo: "move the one in the file with hppsend ledger move, or serve them apart",
			}
		}
	}
	return first.Ledger.Page(ctx)
}

func (d *Desk) lockFolder() error {
	d.lock = flock.New(d.path("page.lock"))
	switch held, err := d.lock.TryLock(); {
	case err != nil:
		return broken("lock the folder of the page", err)
	case !held:
		return &pipeline.Error{
			Kind: pipeline.Busy, Problem: "another hppsend serve works in " + d.Folder,
			Todo: "end that one first, or name another folder with --state",
		}
	}
	return nil
}

func (d *Desk) unlock() error {
	if d.lock == nil {
		return nil
	}
	return d.lock.Unlock()
}

// clearTmp removes what a process that was killed has left. Of a folder that is not locked another may be using some.
func (d *Desk) clearTmp() error {
	leftovers, err := filepath.Glob(d.path("tmp", "*"))
	if err != nil {
		return err
	}
	for _, path := range leftovers {
		if info, err := os.Stat(path); !d.db.shared || err == nil && time.Since(info.ModTime()) > lostAfter {
			os.RemoveAll(path)
		}
	}
	return nil
}

// Beside opens the books of a desk that another process may be working with, for its people and its audit trail
// alone: accounts need no more than their names.
func Beside(ctx context.Context, cfg Config) (*Desk, error) {
	d := newDesk(cfg)
	for i := range d.Accounts {
		d.accounts[d.Accounts[i].Name] = &d.Accounts[i]
	}
	var shared *sql.DB
	if ledger.OnServer(d.Server.Path) {
		var err error
		if shared, err = ledger.OpenPage(ctx, d.Server); err != nil {
			return nil, err
		}
	}
	return d, d.openBooks(ctx, shared)
}

func (d *Desk) openBooks(ctx context.Context, shared *sql.DB) error {
	if shared != nil {
		d.db = &books{DB: shared, shared: true}
		_, err := d.db.clock(ctx, d.db)
		if err != nil {
			err = errors.Join(broken("open the books of the page", err), d.db.Close())
		}
		return err
	}
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
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return broken("open the books of the page", err)
	}
	d.db = &books{DB: db}
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

// knowsBooks sees that shared books were sealed by the secret of the ledger that they lie beside: they outlive one that is
// dropped.
func (d *Desk) knowsBooks(ctx context.Context) error {
	if !d.db.shared {
		return nil
	}
	const place = "books"
	k := d.Accounts[0].key
	return d.tx(ctx, func(t *txn) error {
		var sealed []byte
		if err := t.QueryRowContext(ctx, "SELECT sealed FROM about").Scan(&sealed); err != nil {
			return err
		}
		if sealed == nil {
			return t.exec("UPDATE about SET sealed = ?", k.seal(place, place))
		}
		if _, err := k.open(place, sealed); err != nil {
			return &pipeline.Error{
				Kind: pipeline.NoLedger, Problem: "the books of the page beside the ledger " + d.Accounts[0].Ledger.Info().Path + " are of another ledger",
				Todo: "see that the first account is the same on all hosts; if that ledger is gone for good, drop the schema of its page and say hppsend ledger migrate",
			}
		}
		return nil
	})
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
	return errors.Join(d.db.Close(), d.unlock())
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
