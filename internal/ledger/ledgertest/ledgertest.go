// Package ledgertest states what every ledger promises, whatever database it is kept in: the rules of
// the port pipeline.Ledger, of the records, the runs, the pace and the reports. It knows no SQL. Start
// from [Run].
package ledgertest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// Campaign is a run that has begun.
type Campaign interface {
	pipeline.Records
	pipeline.Ledger
	Over()
	End(ctx context.Context, ending pipeline.Finding, counts json.RawMessage) error
}

// Ledger is one opening of a ledger.
type Ledger interface {
	View(target string) pipeline.Records
	Pace(target string) pipeline.Pace
	Begin(ctx context.Context, info ledger.RunInfo) (Campaign, error)
	Busy(ctx context.Context, input [32]byte, target string) (*ledger.RunInfo, error)
	LastRun(ctx context.Context, input [32]byte, target string) (ledger.RunInfo, bool, error)
	FindRun(ctx context.Context, id string) (ledger.RunInfo, bool, error)
	Runs(ctx context.Context, limit int) ([]ledger.RunState, error)
	Codes(ctx context.Context, run string) ([]ledger.CodeCount, error)
	Doubts(ctx context.Context, run string) ([]ledger.Doubt, error)
	Settle(ctx context.Context, tickets []pipeline.Ticket, delivered bool, who string) (int, error)
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
		"the same content twice at once":        sameContent,
		"the pace is one, and slots come back":  pace,
		"reports are known by their bytes":      reports,
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

func oneOfMany(t *testing.T, b *bench) {
	const sessions, workers = 20, 8
	var mu sync.Mutex
	granted, refused := map[int]int{}, 0
	var all sync.WaitGroup
	for i, id := range []string{"a", "b"} {
		r := b.beginOn(b.Open(t), id, "")
		for worker := range workers {
			all.Go(func() {
				for n := range sessions {
					got, err := r.Claim(t.Context(), claimOf(n, fmt.Sprintf("p%d-%d@example.com", i, worker), pipeline.NoRecords))
					mu.Lock()
					switch {
					case err != nil:
						t.Error(err)
					case got.Ticket != 0:
						granted[n]++
					default:
						refused++
						if len(got.Records) != 1 || got.Records[0].Intent == pipeline.NoIntent || got.Version <= 0 {
							t.Errorf("a refused claim is told %+v", got)
						}
					}
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	for n := range sessions {
		if granted[n] != 1 {
			t.Errorf("session %d was granted %d times", n, granted[n])
		}
	}
	if want := 2*workers*sessions - sessions; refused != want {
		t.Errorf("%d claims were refused, want %d", refused, want)
	}
}

func compareAndSwap(t *testing.T, b *bench) {
	r, other := b.begin("a", ""), b.beginOn(b.Open(t), "b", "")
	if got := r.ask(1, anna, pipeline.Unseen); got.Ticket != 0 || got.Version != pipeline.NoRecords || len(got.Records) != 0 {
		t.Fatalf("a claim that only asks is told %+v", got)
	}
	ticket := r.ask(1, anna, pipeline.NoRecords).Ticket
	open := other.ask(1, anna, pipeline.NoRecords)
	if ticket == 0 || open.Ticket != 0 || open.Records[0].Intent != pipeline.ForeignIntent {
		t.Fatalf("granted as %d; another is told %+v", ticket, open)
	}
	r.conclude(ticket, called(pipeline.Failed))
	failed := other.ask(1, anna, open.Version)
	if failed.Ticket != 0 || failed.Version == open.Version || len(failed.Records) != 1 || failed.Records[0].Status != pipeline.Failed {
		t.Fatalf("after an outcome that was not judged another is told %+v", failed)
	}
	if got := r.ask(1, anna, pipeline.NoRecords); got.Ticket != 0 {
		t.Error("a claim that judged no records is granted though there are some")
	}
	if got := r.ask(1, anna, pipeline.Unseen); got.Ticket != 0 || got.Version != failed.Version {
		t.Errorf("a claim that only asks is told %+v", got)
	}
	if got := other.ask(1, anna, failed.Version); got.Ticket != ticket {
		t.Errorf("with the version of the moment a claim is answered %+v; want ticket %d again", got, ticket)
	}
	if got := r.ask(1, bo, failed.Version); got.Ticket != 0 || got.Records[0].Intent != pipeline.ForeignIntent {
		t.Errorf("one version is granted twice: %+v", got)
	}
	if got := r.ask(2, bo, failed.Version); got.Ticket != 0 {
		t.Error("the version of another session is granted")
	}
}

func takenBack(t *testing.T, b *bench) {
	r := b.begin("a", "")
	r.conclude(r.claim(1, anna), pipeline.Conclusion{Status: pipeline.Pending})
	if got := b.records(1); len(got) != 0 {
		t.Errorf("a claim that was given back left %+v", got)
	}
	if got := r.ask(1, bo, pipeline.Unseen); len(got.Records) != 0 {
		t.Errorf("the next claim is told of %+v", got.Records)
	}
	r.claim(1, bo)
	if rec := b.record(1); rec.Contact != b.l.View(target).Digest(bo) || rec.Attempts != 0 {
		t.Errorf("claimed for another contact it is %+v", rec)
	}
	kept := r.send(2, anna, pipeline.Failed)
	if again := r.claim(2, anna); again != kept {
		t.Errorf("a retry has ticket %d, and the first had %d", again, kept)
	}
	r.conclude(kept, pipeline.Conclusion{Status: pipeline.Pending})
	b.wantRecord(2, pipeline.Failed, pipeline.NoIntent, 1)
}

func deadRun(t *testing.T, b *bench) {
	r := b.beginOn(b.Open(t), "a", "")
	r.send(1, anna, pipeline.Delivered)
	r.claim(2, anna)
	r.claim(3, anna)
	r.send(4, anna, pipeline.Delivered)
	r.claim(4, anna)
	b.wantRecord(2, pipeline.Pending, pipeline.ForeignIntent, 0)
	b.Kill(t, r.Campaign)
	check := func() {
		t.Helper()
		b.wantRecord(1, pipeline.Delivered, pipeline.NoIntent, 1)
		b.wantRecord(2, pipeline.Uncertain, pipeline.NoIntent, 1)
		b.wantRecord(4, pipeline.Delivered, pipeline.NoIntent, 1)
		if rec := b.record(2); rec.Code != pipeline.CodeInterrupted || rec.Run != "a" || rec.Binding {
			t.Errorf("what was open is %+v", rec)
		}
	}
	check()
	next := b.begin("b", "")
	check()
	got := next.ask(2, bo, pipeline.NoRecords)
	if got.Ticket != 0 || got.Records[0].Status != pipeline.Uncertain {
		t.Errorf("a session in doubt is claimed for another contact: %+v", got)
	}
	next.conclude(next.ask(2, bo, got.Version).Ticket, called(pipeline.Failed)) // --resend-uncertain
	if all := b.records(2); len(all) != 2 || all[0].Status != pipeline.Uncertain {
		t.Errorf("a doubt ended by a failure of another contact: %+v", all)
	}
	if n := len(must(b.l.Doubts(t.Context(), "a"))(t)); n != 2 {
		t.Errorf("the dead run left %d doubts, want 2", n)
	}
}

// conclusions holds the rules in the comment of the conclusion, one a row: what two runs do to one record,
// and what it is then.
func conclusions(t *testing.T, b *bench) {
	back := pipeline.Conclusion{Status: pipeline.Pending}
	binds := pipeline.Conclusion{Status: pipeline.Rejected, Binding: true}
	for n, tt := range []struct {
		name    string
		earlier pipeline.Status // of another run's attempt; "" for none
		attempt pipeline.Conclusion
		revised *pipeline.Conclusion // a second conclusion of the same attempt
		want    pipeline.Status
		run     string
		binding bool
	}{
		{"a first attempt", "", called(pipeline.Delivered), nil, pipeline.Delivered, "a", false},
		{"a first that was throttled", "", called(pipeline.Pending), nil, pipeline.Pending, "a", false},
		{"a delivery is never overwritten", pipeline.Delivered, called(pipeline.Rejected), nil, pipeline.Delivered, "o", false},
		{"nor by a doubt", pipeline.Delivered, called(pipeline.Uncertain), nil, pipeline.Delivered, "o", false},
		{"a doubt ends by a delivery", pipeline.Uncertain, called(pipeline.Delivered), nil, pipeline.Delivered, "a", false},
		{"by no refusal", pipeline.Uncertain, called(pipeline.Rejected), nil, pipeline.Uncertain, "a", false},
		{"by no failure", pipeline.Uncertain, called(pipeline.Failed), nil, pipeline.Uncertain, "a", false},
		{"nor by being given back", pipeline.Uncertain, back, nil, pipeline.Uncertain, "o", false},
		{"an attempt that came to nothing", pipeline.Rejected, called(pipeline.Pending), nil, pipeline.Rejected, "o", false},
		{"a claim given back", pipeline.Failed, back, nil, pipeline.Failed, "o", false},
		{"a failure that is delivered", pipeline.Failed, called(pipeline.Delivered), nil, pipeline.Delivered, "a", false},
		{"a refusal made to bind", "", called(pipeline.Rejected), &binds, pipeline.Rejected, "a", true},
		{"a refusal taken back", "", called(pipeline.Rejected), &back, pipeline.Pending, "a", false},
		{"a delivery is not revised", "", called(pipeline.Delivered), &back, pipeline.Delivered, "a", false},
		{"a doubt is not revised", "", called(pipeline.Uncertain), &back, pipeline.Uncertain, "a", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := &bench{t: t, Store: b.Store, l: b.l}
			o, a := b.begin(fmt.Sprintf("o%d", n), ""), b.begin(fmt.Sprintf("a%d", n), "")
			if tt.earlier != "" {
				o.send(n, anna, tt.earlier)
			}
			ticket := a.claim(n, anna)
			a.conclude(ticket, tt.attempt)
			if tt.revised != nil {
				o.conclude(ticket, *tt.revised) // which is not its own
				if rec := b.record(n); rec.Status != tt.attempt.Status || rec.Binding {
					t.Errorf("another run has revised it: %+v", rec)
				}
				a.conclude(ticket, *tt.revised)
			}
			rec := b.record(n)
			if rec.Status != tt.want || rec.Intent != pipeline.NoIntent || rec.Binding != tt.binding || rec.Run != tt.run+fmt.Sprint(n) {
				t.Errorf("it becomes %+v", rec)
			}
		})
	}
	t.Run("taken for dead, and alive", func(t *testing.T) {
		b := &bench{t: t, Store: b.Store, l: b.l}
		for n, s := range []pipeline.Status{pipeline.Rejected, pipeline.Failed, pipeline.Pending, pipeline.Delivered} {
			a, n := b.beginOn(b.Open(t), fmt.Sprintf("dead%d", n), ""), 100+n
			ticket := a.claim(n, anna)
			b.Kill(t, a.Campaign)
			b.begin(fmt.Sprintf("after%d", n), "")
			b.wantRecord(n, pipeline.Uncertain, pipeline.NoIntent, 1)
			a.conclude(ticket, called(s))
			b.wantRecord(n, s, pipeline.NoIntent, 1)
		}
	})
}

func repeated(t *testing.T, b *bench) {
	r := b.begin("a", "")
	for n, s := range []pipeline.Status{pipeline.Delivered, pipeline.Uncertain, pipeline.Failed, pipeline.Rejected} {
		ticket := r.send(n, anna, s)
		before := b.record(n)
		r.conclude(ticket, called(s))
		if rec := b.record(n); rec.Status != s || rec.Run != "a" || rec.Code != before.Code {
			t.Errorf("%s once more, it is %+v", s, rec)
		}
	}
	if err := r.Conclude(t.Context(), 999_999, called(pipeline.Failed)); err != nil {
		t.Errorf("a ticket of nothing: %v", err)
	}
}

func twoRounds(t *testing.T, b *bench) {
	b.begin("first", "").send(1, anna, pipeline.Delivered)
	may, june := b.begin("m", "may"), b.beginOn(b.Open(t), "j", "june")
	seen := may.ask(1, anna, pipeline.NoRecords)
	if same := june.ask(1, anna, pipeline.NoRecords); same.Ticket != 0 || same.Version != seen.Version {
		t.Fatalf("two rounds see %+v and %+v", seen, same)
	}
	ticket := may.ask(1, anna, seen.Version).Ticket
	late := june.ask(1, anna, seen.Version)
	if ticket == 0 || late.Ticket != 0 || len(late.Records) != 2 {
		t.Fatalf("one round has ticket %d, the other at once %+v", ticket, late)
	}
	may.conclude(ticket, called(pipeline.Delivered))
	if got := june.ask(1, anna, late.Version); got.Ticket != 0 {
		t.Error("an outcome of another round that was not judged is passed over")
	}
	all := b.records(1)
	if len(all) != 2 || all[0].Reminder != "" || all[1].Reminder != "may" || all[1].Status != pipeline.Delivered {
		t.Errorf("two rounds left %+v", all)
	}
}

func earlierDoubt(t *testing.T, b *bench) {
	b.begin("a", "").send(1, anna, pipeline.Uncertain)
	may := b.begin("m", "may")
	got := may.ask(1, anna, pipeline.NoRecords)
	if got.Ticket != 0 || got.Records[0].Status != pipeline.Uncertain {
		t.Fatalf("a round after a doubt is told %+v", got)
	}
	may.conclude(may.ask(1, anna, got.Version).Ticket, called(pipeline.Delivered)) // --resend-uncertain
	if all := b.records(1); len(all) != 2 || all[0].Status != pipeline.Uncertain || all[1].Status != pipeline.Delivered {
		t.Errorf("the doubt of the earlier round has become %+v", all)
	}
}

func retry(t *testing.T, b *bench) {
	first := b.begin("a", "").send(1, anna, pipeline.Failed)
	second := b.begin("b", "")
	if got := second.send(1, anna, pipeline.Delivered); got != first {
		t.Errorf("a retry has ticket %d, want %d", got, first)
	}
	b.wantRecord(1, pipeline.Delivered, pipeline.NoIntent, 2)
	if rec := b.record(1); rec.Run != "b" {
		t.Errorf("it is of run %q", rec.Run)
	}
}

func otherContact(t *testing.T, b *bench) {
	r := b.begin("a", "")
	first := r.claim(1, anna)
	r.conclude(first, pipeline.Conclusion{Status: pipeline.Rejected, Called: true, Binding: true, Code: "BAD", Time: time.Now()})
	second := r.send(1, bo, pipeline.Delivered)
	all := b.records(1)
	if first == second || len(all) != 2 || all[0].Status != pipeline.Rejected || !all[0].Binding || all[1].Status != pipeline.Delivered {
		t.Errorf("the refusal and the delivery are %+v", all)
	}
	if again := r.claim(1, anna); again != first {
		t.Errorf("the first contact has ticket %d, want %d again", again, first)
	}
}

func eachContact(t *testing.T, b *bench) {
	r := b.begin("a", "")
	contacts := []string{anna, bo, "cy@example.com"}
	for _, c := range contacts {
		r.send(1, c, pipeline.Delivered)
	}
	all := b.records(1)
	if len(all) != len(contacts) {
		t.Fatalf("%d contacts left %+v", len(contacts), all)
	}
	for i, c := range contacts {
		if all[i].Contact != r.Digest(c) || all[i].Status != pipeline.Delivered {
			t.Errorf("%s has %+v", c, all[i])
		}
	}
}

func twiceInABatch(t *testing.T, b *bench) {
	r := b.begin("a", "")
	for n := range 20 {
		var mu sync.Mutex
		var granted []pipeline.Ticket
		var both sync.WaitGroup
		for _, contact := range []string{anna, bo} {
			both.Go(func() {
				got, err := r.Claim(t.Context(), claimOf(n, contact, pipeline.NoRecords))
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				} else if got.Ticket != 0 {
					granted = append(granted, got.Ticket)
				} else if got.Records[0].Intent != pipeline.OwnIntent {
					t.Errorf("the other row is told %+v", got)
				}
			})
		}
		both.Wait()
		if len(granted) != 1 {
			t.Errorf("of two rows at once tickets %v were granted", granted)
		}
		b.record(n)
	}
}

// beneath changes every record of a session in every way: whoever has judged them before is refused.
func beneath(t *testing.T, b *bench) {
	r, other := b.begin("a", ""), b.beginOn(b.Open(t), "b", "")
	first, second := r.send(1, anna, pipeline.Failed), r.send(1, bo, pipeline.Uncertain)
	changes := map[string]func(){
		"a claim of the first":                func() { r.claim(1, anna) },
		"its being taken back":                func() { r.conclude(first, pipeline.Conclusion{Status: pipeline.Pending}) },
		"an attempt at the first":             func() { r.send(1, anna, pipeline.Rejected) },
		"an attempt at the second":            func() { r.send(1, bo, pipeline.Failed) },
		"a revision of the first":             func() { r.conclude(first, pipeline.Conclusion{Status: pipeline.Rejected, Binding: true}) },
		"a third":                             func() { r.send(1, "cy@example.com", pipeline.Failed) },
		"a person who settles the second":     func() { must(b.l.Settle(t.Context(), []pipeline.Ticket{second}, false, "Ann"))(t) },
		"a claim of the second that is ended": func() { r.conclude(r.claim(1, bo), pipeline.Conclusion{Status: pipeline.Pending}) },
		"a purge of all": func() {
			r.send(1, anna, pipeline.Failed)
			must(b.l.Purge(t.Context(), time.Now().Add(time.Hour), false))(t)
		},
	}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		r.conclude(first, pipeline.Conclusion{Status: pipeline.Pending})
		before := other.ask(1, anna, pipeline.Unseen)
		was := fmt.Sprint(before.Records)
		changes[name]()
		if now := other.ask(1, anna, pipeline.Unseen); fmt.Sprint(now.Records) == was {
			continue // it has changed nothing
		}
		if got := other.ask(1, anna, before.Version); before.Version > 0 && got.Ticket != 0 {
			t.Errorf("%s went unseen", name)
			other.conclude(got.Ticket, pipeline.Conclusion{Status: pipeline.Pending})
		}
	}
}

// stale has a session judged, and then changed by others than those who claim: the version is then another.
func stale(t *testing.T, b *bench) {
	old := func(s pipeline.Status) pipeline.Conclusion {
		c := called(s)
		c.Time = time.Now().AddDate(0, 0, -100)
		return c
	}
	r, reader := b.beginOn(b.Open(t), "a", ""), b.begin("r", "")
	settled := r.send(1, anna, pipeline.Uncertain)
	r.send(2, anna, pipeline.Failed)
	r.conclude(r.claim(2, bo), old(pipeline.Rejected))
	r.send(3, anna, pipeline.Failed)
	r.claim(3, bo)
	seen := map[int]pipeline.Version{}
	for n := 1; n <= 3; n++ {
		seen[n] = reader.ask(n, anna, pipeline.Unseen).Version
	}
	must(b.l.Settle(t.Context(), []pipeline.Ticket{settled}, false, "Ann"))(t)
	must(b.l.Purge(t.Context(), time.Now().AddDate(0, 0, -90), false))(t)
	b.Kill(t, r.Campaign)
	b.begin("next", "")
	for n, what := range map[int]string{1: "what was settled", 2: "what a purge forgot", 3: "what a dead run left open"} {
		if got := reader.ask(n, anna, seen[n]); got.Ticket != 0 {
			t.Errorf("%s went unseen", what)
		}
	}
}

// resend claims what a run left open that died while the resending one was already under way.
func resend(t *testing.T, b *bench) {
	a, next := b.beginOn(b.Open(t), "a", ""), b.begin("n", "")
	a.claim(1, anna)
	b.Kill(t, a.Campaign)
	next.send(1, anna, pipeline.Failed)
	b.wantRecord(1, pipeline.Uncertain, pipeline.NoIntent, 2)
}

func targets(t *testing.T, b *bench) {
	r := b.begin("a", "")
	r.send(1, anna, pipeline.Delivered)
	elsewhere := info("b", "")
	elsewhere.Target = "https://other.example.com"
	other := &sender{must(b.l.Begin(t.Context(), elsewhere))(t), b}
	defer b.Kill(t, other.Campaign)
	if got := other.ask(1, anna, pipeline.NoRecords); got.Ticket == 0 {
		t.Errorf("a session that is another target's is refused: %+v", got)
	}
	b.wantRecord(1, pipeline.Delivered, pipeline.NoIntent, 1)
	all, err := b.l.View(target).Lookup(t.Context(), []string{session(2), "", session(1), session(1)})
	if err != nil || len(all) != 4 || len(all[0]) != 0 || len(all[1]) != 0 || len(all[2]) != 1 || len(all[3]) != 1 {
		t.Errorf("several are looked up as %+v, %v", all, err)
	}
}

func settle(t *testing.T, b *bench) {
	r := b.begin("a", "")
	delivered, first, second := r.send(1, anna, pipeline.Delivered), r.send(2, anna, pipeline.Uncertain), r.send(3, anna, pipeline.Uncertain)
	doubts := must(b.l.Doubts(t.Context(), "a"))(t)
	if len(doubts) != 2 || doubts[0].Ticket != first || doubts[0].Session != session(2) || doubts[0].Place.Row != 2 || doubts[0].Place.File != "a.csv" {
		t.Fatalf("doubts %+v", doubts)
	}
	if n := must(b.l.Settle(t.Context(), []pipeline.Ticket{delivered, first, 999_999}, true, "Ann"))(t); n != 1 {
		t.Errorf("settled %d; want the one that was in doubt", n)
	}
	if rec := b.record(2); rec.Status != pipeline.Delivered || rec.Code != pipeline.CodeSettledDelivered || !strings.Contains(rec.Reason, "by Ann on ") {
		t.Errorf("settled as delivered it is %+v", rec)
	}
	if n := must(b.l.Settle(t.Context(), []pipeline.Ticket{first, second}, false, "Bo"))(t); n != 1 {
		t.Errorf("settled %d; a doubt that has ended is not settled again", n)
	}
	if rec := b.record(3); rec.Status != pipeline.Failed || rec.Code != pipeline.CodeSettledNotSent {
		t.Errorf("settled as not sent it is %+v", rec)
	}
	if rec := b.record(1); rec.Code != "x" {
		t.Errorf("what was no doubt was changed: %+v", rec)
	}
}

// A run that was taken for dead and lives has the last word when it says that HPP accepted.
func settledAndAccepted(t *testing.T, b *bench) {
	r := b.beginOn(b.Open(t), "a", "")
	ticket := r.claim(1, anna)
	b.Kill(t, r.Campaign)
	if doubts := must(b.l.Doubts(t.Context(), "a"))(t); len(doubts) != 1 || doubts[0].Ticket != ticket {
		t.Errorf("doubts %+v", doubts)
	}
	must(b.l.Settle(t.Context(), []pipeline.Ticket{ticket}, false, "Ann"))(t)
	b.wantRecord(1, pipeline.Failed, pipeline.NoIntent, 1)
	r.conclude(ticket, called(pipeline.Delivered))
	if rec := b.record(1); rec.Status != pipeline.Delivered {
		t.Errorf("it is %+v", rec)
	}
}

func openIsNotSettled(t *testing.T, b *bench) {
	ticket := b.begin("a", "").send(1, anna, pipeline.Uncertain)
	b.begin("b", "").claim(1, anna) // --resend-uncertain
	if doubts := must(b.l.Doubts(t.Context(), "a"))(t); len(doubts) != 0 {
		t.Errorf("doubts %v", doubts)
	}
	if n := must(b.l.Settle(t.Context(), []pipeline.Ticket{ticket}, false, "Ann"))(t); n != 0 {
		t.Errorf("settled %d while a call is under way", n)
	}
}

func purge(t *testing.T, b *bench) {
	day := func(n int) time.Time { return time.Now().AddDate(0, 0, n) }
	at := func(s pipeline.Status, when time.Time) pipeline.Conclusion {
		c := called(s)
		c.Time = when
		return c
	}
	r := b.begin("a", "")
	for n, s := range []pipeline.Status{pipeline.Delivered, pipeline.Uncertain, pipeline.Rejected} {
		r.conclude(r.claim(n, anna), at(s, day(-100)))
	}
	r.conclude(r.claim(4, anna), at(pipeline.Delivered, day(-1)))
	r.claim(5, anna)
	// Of several records the old ones go, the first or a later one, and the rest is there as it was.
	r.conclude(r.claim(6, anna), at(pipeline.Delivered, day(-100)))
	r.conclude(r.claim(6, bo), at(pipeline.Delivered, day(-1)))
	r.conclude(r.claim(7, anna), at(pipeline.Delivered, day(-1)))
	r.conclude(r.claim(7, bo), at(pipeline.Delivered, day(-100)))
	for n, contact := range []string{anna, bo, "cy@example.com"} {
		r.conclude(r.claim(8, contact), at(pipeline.Failed, day(-100-n)))
	}
	p := must(b.l.Purge(t.Context(), day(-90), true))(t)
	if p.Uncertain != 1 || p.Runs != 0 {
		t.Errorf("it would forget %+v", p)
	}
	if n := len(b.records(0)); n != 1 {
		t.Errorf("a dry run forgot %d of 1", 1-n)
	}
	if done := must(b.l.Purge(t.Context(), day(-90), false))(t); done != p {
		t.Errorf("it forgot %+v, and had said %+v", done, p)
	}
	for n, want := range map[int]int{0: 0, 1: 0, 2: 0, 4: 1, 5: 1, 8: 0} {
		if got := b.records(n); len(got) != want {
			t.Errorf("session %d has records %+v, want %d", n, got, want)
		}
	}
	b.wantRecord(5, pipeline.Pending, pipeline.ForeignIntent, 0)
	for n, contact := range map[int]string{6: bo, 7: anna} {
		found := false
		for _, rec := range b.records(n) {
			found = found || rec.Status == pipeline.Delivered && rec.Contact == r.Digest(contact)
		}
		if got := r.ask(n, "cy@example.com", pipeline.NoRecords); !found || got.Ticket != 0 {
			t.Errorf("session %d: what is young was found %v, and a claim that judged nothing is told %+v", n, found, got)
		}
	}
	if got := r.ask(8, anna, pipeline.NoRecords); got.Ticket == 0 {
		t.Errorf("a session that was forgotten is refused: %+v", got)
	}
}

func runs(t *testing.T, b *bench) {
	first := b.begin("abc1", "")
	for n, s := range []pipeline.Status{pipeline.Delivered, pipeline.Delivered, pipeline.Uncertain} {
		first.send(n, anna, s)
	}
	first.claim(9, anna)
	if err := first.End(t.Context(), pipeline.Finding{Code: "stopped", Reason: "by hand"}, []byte(`{"rows":3}`)); err != nil {
		t.Fatal(err)
	}
	b.wantRecord(9, pipeline.Uncertain, pipeline.NoIntent, 1)
	b.begin("abd2", "")
	all := must(b.l.Runs(t.Context(), 0))(t)
	if len(all) != 2 || all[0].ID != "abd2" || !all[0].Lives || all[1].Lives || all[1].Ending != "stopped" || all[1].Uncertain != 2 {
		t.Errorf("runs %+v", all)
	}
	if last := must(b.l.Runs(t.Context(), 1))(t); len(last) != 1 || last[0].ID != "abd2" {
		t.Errorf("the last run is %+v", last)
	}
	codes := must(b.l.Codes(t.Context(), "abc1"))(t)
	if len(codes) != 3 || codes[0] != (ledger.CodeCount{Status: pipeline.Delivered, Code: "x", Count: 2}) {
		t.Errorf("codes %+v", codes)
	}
	for id, want := range map[string]string{"abc1": "abc1", "ABD2": "abd2", "abd": "abd2", "ab": "", "x": "", "": "", "abc12": "", "%": ""} {
		found, ok, err := b.l.FindRun(t.Context(), id)
		if err != nil || ok != (want != "") || ok && found.ID != want {
			t.Errorf("%q finds %q, %v, %v", id, found.ID, ok, err)
		}
	}
}

func sameContent(t *testing.T, b *bench) {
	r, again := b.begin("a", ""), info("a", "")
	again.ID = "z"
	if _, err := b.l.Begin(t.Context(), again); err == nil || !strings.Contains(err.Error(), "run a,") {
		t.Errorf("a second run on the same content: %v", err)
	}
	if busy := must(b.Open(t).Busy(t.Context(), again.SHA256, target))(t); busy == nil || busy.ID != "a" {
		t.Errorf("busy is %+v", busy)
	}
	r.end()
	if busy := must(b.l.Busy(t.Context(), again.SHA256, target))(t); busy != nil {
		t.Errorf("after its end busy is %+v", busy)
	}
	next := must(b.l.Begin(t.Context(), again))(t)
	defer b.Kill(t, next)
	if last, ok, err := b.l.LastRun(t.Context(), again.SHA256, target); err != nil || !ok || last.ID != "z" || !last.Ended.IsZero() {
		t.Errorf("the last run is %+v, %v, %v", last, ok, err)
	}
}

func pace(t *testing.T, b *bench) {
	p, other := b.l.Pace(target), b.Open(t).Pace(target)
	ten := must(p.Reserve(t.Context(), 10, 100, time.Time{}))(t)
	next := must(other.Reserve(t.Context(), 0, 100, time.Time{}))(t)
	if got := next.Start.Sub(ten.Start); got.Round(time.Millisecond) != 100*time.Millisecond {
		t.Errorf("behind ten slots at 100 a second another is told to come after %s", got)
	}
	unused := ten
	unused.Slots = 4
	if err := p.GiveBack(t.Context(), unused); err != nil {
		t.Fatal(err)
	}
	next = must(other.Reserve(t.Context(), 1, 100, time.Time{}))(t)
	if got := next.Start.Sub(ten.Start); got.Round(time.Millisecond) != 60*time.Millisecond {
		t.Errorf("behind ten slots of which four came back the next is after %s", got)
	}
	until := time.Now().Add(time.Minute)
	if err := other.Pause(t.Context(), until); err != nil {
		t.Fatal(err)
	}
	if s := must(p.Reserve(t.Context(), 0, 100, time.Time{}))(t); s.Pause.Sub(until).Abs() > time.Millisecond {
		t.Errorf("all wait until %s, want %s", s.Pause, until)
	}
	if s := must(b.l.Pace("https://other.example.com").Reserve(t.Context(), 1, 100, time.Time{}))(t); !s.Pause.IsZero() {
		t.Errorf("another target is paused too: %+v", s)
	}
}

func reports(t *testing.T, b *bench) {
	if err := b.l.ReportWritten(t.Context(), [32]byte{1}, [32]byte{2}, "may.report.csv", "a"); err != nil {
		t.Fatal(err)
	}
	if input, ok, err := b.l.ReportKnown(t.Context(), [32]byte{1}); err != nil || !ok || input != [32]byte{2} {
		t.Errorf("got %v, %v, %v", input, ok, err)
	}
	if _, ok, err := b.l.ReportKnown(t.Context(), [32]byte{3}); err != nil || ok {
		t.Errorf("bytes that were never written are known: %v, %v", ok, err)
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
