package desk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/singleflight"

	"hppsend/internal/campaign"
	"hppsend/internal/ledger"
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
	Folder   string // for its state, or for what it has at hand of shared books; made when it is not there
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
	approvalLife   = campaign.ApprovalLife
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
	lists   map[string]listed // by account, as they were last read
	checks  singleflight.Group
	fetches singleflight.Group
	turns   chan struct{} // of what reads whole files
	writes  chan struct{} // likewise of what writes into the books, since SQLite is not fair to who waits
}

func newDesk(cfg Config) *Desk {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	return &Desk{
		Config: cfg, accounts: map[string]*Account{}, poke: make(chan struct{}, 1), sheets: map[string]*Sheet{}, runs: map[string]*sending{},
		looks: map[string]time.Time{}, lists: map[string]listed{}, turns: make(chan struct{}, 2), writes: make(chan struct{}, 1),
	}
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
