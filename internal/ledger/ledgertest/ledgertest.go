// Package ledgertest states what every ledger promises, whatever database it is kept in: the rules of
// the port pipeline.Ledger, of the records, the runs, the pace and the reports. It knows no SQL. Start
// from [Run].
package ledgertest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// Campaign is a run that has begun.
type Campaign interface {
	pipeline.Records
	pipeline.Ledger
	pipeline.Holds
	Over()
	End(ctx context.Context, ending pipeline.Finding, counts json.RawMessage) error
}

// View is what nobody in particular sees of a target.
type View interface {
	pipeline.Records
	pipeline.Sends
	pipeline.Contacts
	pipeline.Looks
}

// Ledger is one opening of a ledger.
type Ledger interface {
	View(target string) View
	Held(ctx context.Context, run string, late bool) ([]pipeline.Hold, error)
	NeverAgain(ctx context.Context, who string, contacts ...pipeline.Digest) (int, error)
	Find(ctx context.Context, contacts ...pipeline.Digest) ([]ledger.Found, error)
	FindSessions(ctx context.Context, sessions ...string) ([]ledger.Found, error)
	OnList(ctx context.Context, contacts ...pipeline.Digest) (map[pipeline.Digest]ledger.Listed, error)
	Forget(ctx context.Context, who string, contacts ...pipeline.Digest) (ledger.Forgot, error)
	Remember(ctx context.Context, contacts ...pipeline.Digest) (int, error)
	EachSent(ctx context.Context, target string, wanted func(ledger.RunInfo) bool, each func(ledger.Sent) error) error
	SettleOpened(ctx context.Context, doubts []ledger.Sent) ([]pipeline.Ticket, error)
	Pace(target string) pipeline.Pace
	Begin(ctx context.Context, info ledger.RunInfo) (Campaign, error)
	Busy(ctx context.Context, input [32]byte, target string) (*ledger.RunInfo, error)
	LastRun(ctx context.Context, input [32]byte, target string) (ledger.RunInfo, bool, error)
	FindRun(ctx context.Context, id string) (ledger.RunInfo, bool, error)
	Runs(ctx context.Context, limit int) ([]ledger.RunState, error)
	Codes(ctx context.Context, run string) ([]ledger.CodeCount, error)
	Doubts(ctx context.Context, run string) ([]ledger.Doubt, error)
	Settle(ctx context.Context, tickets []pipeline.Ticket, delivered bool, who string) (int, error)
	Order(ctx context.Context, run string, o pipeline.Order, by string) (bool, error)
	HaltAll(ctx context.Context, halt bool, by string) (bool, error)
	Ordered(ctx context.Context, runs ...string) (pipeline.Ordered, error)
	Purge(ctx context.Context, before time.Time, dry bool) (ledger.Purged, error)
	ReportWritten(ctx context.Context, report, input [32]byte, path, run string) error
	ReportKnown(ctx context.Context, report [32]byte) ([32]byte, bool, error)
}

// Store is where one ledger is kept.
type Store struct {
	Open func(t *testing.T) Ledger      // opens it once more, as another process does, until the end of the test
	Kill func(t *testing.T, c Campaign) // ends a run as the death of its process does
}

const target = "https://api.example.com"

// Run holds a kind of ledger to the contract. The constructor gives a new one each time.
func Run(t *testing.T, constructor func(t *testing.T) Store) {
	for name, test := range map[string]func(*testing.T, *bench){
		"one of many claims is granted":         oneOfMany,
		"a claim compares and swaps":            compareAndSwap,
		"a claim taken back leaves nothing":     takenBack,
		"an open intent of a dead run":          deadRun,
		"the rules of a conclusion":             conclusions,
		"an outcome that is repeated":           repeated,
		"what comes late":                       lateWords,
		"what a record is":                      whatARecordIs,
		"beneath a gate that is empty":          beneathAnEmptyGate,
		"concluded meanwhile":                   concludedMeanwhile,
		"two rounds at once":                    twoRounds,
		"a doubt in an earlier round":           earlierDoubt,
		"a retry after a failure":               retry,
		"another contact after a refusal":       otherContact,
		"each contact of a session":             eachContact,
		"one session twice in a batch":          twiceInABatch,
		"what lies beneath changes the whole":   beneath,
		"nothing that was not judged is passed": stale,
		"a doubt is made before a resend":       resend,
		"targets know nothing of each other":    targets,
		"settle":                                settle,
		"settled, and then accepted":            settledAndAccepted,
		"an attempt under way is not settled":   openIsNotSettled,
		"purge":                                 purge,
		"runs":                                  runs,
		"orders":                                orders,
		"a doubt stays under a resend":          doubtStays,
		"the same content twice at once":        sameContent,
		"the pace is one, and slots come back":  pace,
		"reports are known by their bytes":      reports,
		"a contact cools down":                  coolDown,
		"two campaigns want one contact":        coolDownAtOnce,
		"no more than there may be":             counts,
		"who is never messaged again":           neverAgain,
		"what rules have held back":             held,
		"what was sent to a contact":            find,
		"a contact is forgotten":                forget,
		"forgotten while a call goes on":        forgetBusy,
		"forgotten amid many runs":              forgetAmid,
		"what looks have told":                  looks,
		"what runs have sent":                   sentByRuns,
		"a doubt that its session ends":         openedSince,
	} {
		t.Run(name, func(t *testing.T) {
			s := constructor(t)
			test(t, &bench{t: t, Store: s, l: s.Open(t)})
		})
	}
}

// bench is a ledger under test, opened once.
type bench struct {
	t *testing.T
	Store
	l Ledger
}

func (b *bench) begin(id, reminder string) *sender { return b.beginOn(b.l, id, reminder) }

func (b *bench) beginOn(l Ledger, id, reminder string) *sender {
	b.t.Helper()
	c, err := l.Begin(b.t.Context(), info(id, reminder))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { b.Kill(b.t, c) })
	return &sender{c, b}
}

func info(id, reminder string) ledger.RunInfo {
	return ledger.RunInfo{
		ID: id, Target: target, Reminder: reminder, Path: id + ".csv", SHA256: [32]byte([]byte(strings.Repeat(id, 32))), Host: "here",
		Started: time.Now(), Options: []byte("{}"),
	}
}

// records gives what nobody in particular sees of a session.
func (b *bench) records(n int) []pipeline.Record {
	b.t.Helper()
	all, err := b.l.View(target).Lookup(b.t.Context(), []string{session(n)})
	if err != nil || len(all) != 1 {
		b.t.Fatalf("session %d: %v, %v", n, all, err)
	}
	return all[0]
}

// record gives the one record of a session.
func (b *bench) record(n int) pipeline.Record {
	b.t.Helper()
	all := b.records(n)
	if len(all) != 1 {
		b.t.Fatalf("session %d has records %+v; want one", n, all)
	}
	return all[0]
}

func (b *bench) wantRecord(n int, s pipeline.Status, intent pipeline.Intent, attempts int) {
	b.t.Helper()
	if rec := b.record(n); rec.Status != s || rec.Intent != intent || rec.Attempts != attempts {
		b.t.Errorf("session %d: it is %s with intent %d after %d attempts; want %s, %d, %d", n, rec.Status, rec.Intent, rec.Attempts, s, intent, attempts)
	}
}

func session(n int) string { return fmt.Sprintf("f0000000-0000-4000-8000-%012d", n) }

const (
	anna = "anna@example.com"
	bo   = "bo@example.com"
)

func claimOf(n int, contact string, seen pipeline.Version) pipeline.Claim {
	d := pipeline.Distribution{Session: session(n), Method: pipeline.Email, Contact: contact}
	return pipeline.Claim{Distribution: d, Place: pipeline.Place{Row: n}, Seen: seen}
}

// called is the conclusion of a call.
func called(s pipeline.Status) pipeline.Conclusion {
	return pipeline.Conclusion{Status: s, Called: true, Code: "x", Time: time.Now()}
}

// sender is a run whose errors end the test.
type sender struct {
	Campaign
	b *bench
}

func (s *sender) ask(n int, contact string, seen pipeline.Version) pipeline.Claimed {
	s.b.t.Helper()
	got, err := s.Claim(s.b.t.Context(), claimOf(n, contact, seen))
	if err != nil {
		s.b.t.Fatal(err)
	}
	return got
}

// claim claims a session, whatever its records are.
func (s *sender) claim(n int, contact string) pipeline.Ticket {
	s.b.t.Helper()
	seen := pipeline.NoRecords
	for range 10 {
		got := s.ask(n, contact, seen)
		if got.Ticket != 0 {
			return got.Ticket
		}
		seen = got.Version
	}
	s.b.t.Fatal("a claim with the version of the moment is refused")
	return 0
}

func (s *sender) conclude(ticket pipeline.Ticket, c pipeline.Conclusion) {
	s.b.t.Helper()
	if err := s.Conclude(s.b.t.Context(), ticket, c); err != nil {
		s.b.t.Fatal(err)
	}
}

// send makes a whole attempt.
func (s *sender) send(n int, contact string, status pipeline.Status) pipeline.Ticket {
	s.b.t.Helper()
	ticket := s.claim(n, contact)
	s.conclude(ticket, called(status))
	return ticket
}

func (s *sender) end() {
	s.b.t.Helper()
	if err := s.End(s.b.t.Context(), pipeline.Finding{}, []byte("{}")); err != nil {
		s.b.t.Fatal(err)
	}
}

// must gives a value, or ends the test.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
