package ledgertest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

// restrained asks for a claim that must keep to more than its session.
func (s *sender) restrained(n int, contact, other string, r pipeline.Restraint) pipeline.Claimed {
	s.b.t.Helper()
	c := claimOf(n, contact, pipeline.NoRecords)
	c.Distribution.Other, c.Restraint = other, r
	got, err := s.Claim(s.b.t.Context(), c)
	if err != nil {
		s.b.t.Fatal(err)
	}
	return got
}

// What a contact was sent bars it for other campaigns, under whatever session and by whichever of a row's contacts.
func coolDown(t *testing.T, b *bench) {
	first, again, other := b.begin("a", ""), b.begin("b", ""), b.begin("c", "")
	first.send(1, anna, pipeline.Delivered)
	first.send(2, bo, pipeline.Uncertain)
	first.send(3, "rejected@example.com", pipeline.Rejected)
	first.send(4, "failed@example.com", pipeline.Failed)
	first.claim(5, "open@example.com")
	gone := b.begin("d", "")
	gone.claim(6, "interrupted@example.com")
	b.Kill(t, gone.Campaign)
	recent := pipeline.Restraint{Cooldown: time.Now().Add(-time.Hour)}
	for n, contact := range []string{anna, bo, "open@example.com", "interrupted@example.com", "ANNA@Example.com"} {
		if got := other.restrained(20+n, contact, "", recent); got.Ticket != 0 || got.Bar.Sent.IsZero() {
			t.Errorf("%d: a contact that was sent something just now is answered %+v", n, got)
		}
		if got := other.restrained(30+n, "+4670174060"+fmt.Sprint(n), contact, recent); got.Ticket != 0 || got.Bar.Sent.IsZero() {
			t.Errorf("%d: a row whose other contact was is answered %+v", n, got)
		}
		if got := other.restrained(40+n, contact, "", pipeline.Restraint{Cooldown: time.Now().Add(time.Hour)}); got.Ticket == 0 {
			t.Errorf("%d: what lies further back than the cool-down bars: %+v", n, got)
		} else {
			other.conclude(got.Ticket, pipeline.Conclusion{Status: pipeline.Pending})
		}
	}
	for n, contact := range []string{"rejected@example.com", "failed@example.com", "never@example.com"} {
		if got := again.restrained(50+n, contact, "", recent); got.Ticket == 0 {
			t.Errorf("%s was sent nothing, and is answered %+v", contact, got)
		}
	}
	if got := first.restrained(60, anna, "", recent); got.Ticket == 0 {
		t.Errorf("a campaign is barred by what it has sent itself: %+v", got)
	}
	first.End(t.Context(), pipeline.Finding{}, nil)
	round := info("a", "june")
	round.ID = "june"
	c, err := b.l.Begin(t.Context(), round)
	if err != nil {
		t.Fatal(err)
	}
	if got := (&sender{c, b}).restrained(61, anna, "", recent); got.Ticket != 0 {
		t.Errorf("another round of a content is not barred by the one before: %+v", got)
	}

	view := b.l.View(target)
	digests := []pipeline.Digest{view.Digest(anna), {}, view.Digest("nobody@example.com"), view.Digest(bo), view.Digest(anna)}
	got, err := view.LastSent(t.Context(), digests, time.Now().Add(-time.Hour), info("c", "").SHA256, "")
	if err != nil {
		t.Fatal(err)
	}
	sent := make([]bool, len(got))
	for i, at := range got {
		sent[i] = !at.IsZero()
	}
	if diff := cmp.Diff([]bool{true, false, false, true, true}, sent); diff != "" {
		t.Errorf("last sent (-want +got):\n%s", diff)
	}
	if got, err := view.LastSent(t.Context(), digests, time.Now().Add(-time.Hour), info("a", "").SHA256, ""); err != nil || !got[0].IsZero() {
		t.Errorf("in its own check what a campaign has sent is %v, %v", got, err)
	}
}

// Of several campaigns that want the same contact at the same moment one has it.
func coolDownAtOnce(t *testing.T, b *bench) {
	const contacts, rounds = 12, 4
	recent := pipeline.Restraint{Cooldown: time.Now().Add(-time.Hour)}
	var mu sync.Mutex
	granted := map[string]int{}
	var all sync.WaitGroup
	for i, id := range []string{"a", "b", "c"} {
		r := b.beginOn(b.Open(t), id, "")
		for n := range contacts {
			all.Go(func() {
				for round := range rounds {
					contact := fmt.Sprintf("p%d@example.com", (n+round*i)%contacts)
					got, err := r.Claim(t.Context(), pipeline.Claim{
						Distribution: pipeline.Distribution{Session: session(1000*i + 50*round + n), Method: pipeline.Email, Contact: contact},
						Seen:         pipeline.NoRecords, Restraint: recent,
					})
					if err != nil {
						t.Error(err)
						return
					}
					if got.Ticket != 0 {
						mu.Lock()
						granted[contact+" "+id]++
						mu.Unlock()
					}
				}
			})
		}
	}
	all.Wait()
	campaigns := map[string]int{}
	for key := range granted {
		campaigns[key[:len(key)-2]]++
	}
	for n := range contacts {
		if contact := fmt.Sprintf("p%d@example.com", n); campaigns[contact] != 1 {
			t.Errorf("%s was granted to %d campaigns", contact, campaigns[contact])
		}
	}
}

// No more is granted in a stretch of time than there may be, however many ask at once.
func counts(t *testing.T, b *bench) {
	const most = 7
	since := time.Now().Add(-time.Hour)
	limit := pipeline.Restraint{Counts: []pipeline.Count{{Since: since, Messages: 1000}, {Since: since, Messages: most, Method: pipeline.Email}}}
	var mu sync.Mutex
	granted, barred := 0, 0
	var all sync.WaitGroup
	for i, id := range []string{"a", "b"} {
		r := b.beginOn(b.Open(t), id, "")
		for n := range 8 {
			all.Go(func() {
				for k := range 4 {
					got, err := r.Claim(t.Context(), pipeline.Claim{
						Distribution: pipeline.Distribution{Session: session(100*i + 10*n + k), Method: pipeline.Email, Contact: fmt.Sprintf("p%d-%d-%d@example.com", i, n, k)},
						Seen:         pipeline.NoRecords, Restraint: limit,
					})
					if err != nil {
						t.Error(err)
						return
					}
					status := []pipeline.Status{pipeline.Delivered, pipeline.Uncertain, pipeline.Rejected, pipeline.Failed}[k]
					mu.Lock()
					if got.Ticket != 0 && (status == pipeline.Delivered || status == pipeline.Uncertain) {
						granted++
					}
					if got.Bar.Full == 2 {
						barred++
					} else if got.Bar.Full != 0 {
						t.Errorf("barred by %+v", got.Bar)
					}
					mu.Unlock()
					if got.Ticket != 0 {
						if err := r.Conclude(t.Context(), got.Ticket, called(status)); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
	}
	all.Wait()
	if granted != most {
		t.Errorf("%d messages went out, of %d that may", granted, most)
	}
	if barred == 0 {
		t.Error("nobody was barred")
	}
	view := b.l.View(target)
	for m, want := range map[pipeline.Method]int{"": most, pipeline.Email: most, pipeline.SMS: 0} {
		if n, err := view.SentSince(t.Context(), since, m); err != nil || n != want {
			t.Errorf("by %q %d were sent, %v; want %d", m, n, err, want)
		}
	}
	if n, err := view.SentSince(t.Context(), time.Now().Add(time.Minute), ""); err != nil || n != 0 {
		t.Errorf("in a period to come %d were sent, %v", n, err)
	}
	if n, err := b.l.View("https://nobody.example.com").SentSince(t.Context(), since, ""); err != nil || n != 0 {
		t.Errorf("at another target %d were sent, %v", n, err)
	}
	r := b.begin("c", "")
	if got := r.restrained(900, anna, "", pipeline.Restraint{Counts: []pipeline.Count{{Since: time.Now().Add(time.Minute), Messages: 1}}}); got.Ticket == 0 {
		t.Errorf("what was sent before a period counts in it: %+v", got.Bar)
	}
}

// Who is never to be messaged again is not, by any run.
func neverAgain(t *testing.T, b *bench) {
	r := b.begin("a", "")
	r.claim(1, "before@example.com")
	view := b.l.View(target)
	for i, want := range []int{2, 0} {
		if n, err := b.l.NeverAgain(t.Context(), "Ann", view.Digest(anna), view.Digest("+46701740605")); err != nil || n != want {
			t.Errorf("%d: %d were added, %v; want %d", i, n, err, want)
		}
	}
	for n, contacts := range [][2]string{{anna, ""}, {bo, anna}, {"+46701740605", ""}, {"Anna@example.com", bo}} {
		if got := r.restrained(10+n, contacts[0], contacts[1], pipeline.Restraint{}); got.Ticket != 0 || !got.Bar.Forgotten {
			t.Errorf("%d: granted to somebody who must not be messaged: %+v", n, got)
		}
	}
	var at sync.WaitGroup // several at once, as one statement
	for n := range 8 {
		at.Go(func() {
			contact := []string{anna, bo}[n%2]
			if got, err := r.Claim(t.Context(), claimOf(20+n, contact, pipeline.NoRecords)); err != nil || (got.Ticket != 0) != (contact == bo) {
				t.Errorf("%d: %+v, %v", n, got, err)
			}
		})
	}
	at.Wait()
	if got, err := view.Forgotten(t.Context(), []pipeline.Digest{view.Digest(bo), {}, view.Digest(anna)}); err != nil || !cmp.Equal(got, []bool{false, false, true}) {
		t.Errorf("forgotten are %v, %v", got, err)
	}
}

// What rules have held back is known for the report, and goes with the run.
func held(t *testing.T, b *bench) {
	r := b.begin("a", "")
	early := []pipeline.Hold{{N: 0, Status: pipeline.Skipped, Code: pipeline.CodeSuppressed, Reason: "out.csv, line 7"}, {N: 40, Status: pipeline.Skipped, Code: pipeline.CodeOptedOut, Reason: "the column"}}
	late := []pipeline.Hold{{N: 9, Status: pipeline.Skipped, Code: pipeline.CodeCoolingDown, Reason: "until then"}}
	for _, err := range []error{r.Hold(t.Context(), early, false), r.Hold(t.Context(), late, true), r.Hold(t.Context(), late, true)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	l := b.Open(t)
	for late, want := range map[bool][]pipeline.Hold{false: {early[0], late[0], early[1]}, true: late} {
		if got, err := l.Held(t.Context(), "a", late); err != nil || !cmp.Equal(got, want) {
			t.Errorf("late %v: %+v, %v", late, got, err)
		}
	}
	many := make([]pipeline.Hold, 12_345)
	for i := range many {
		many[i] = pipeline.Hold{N: 100 + i, Status: pipeline.Skipped, Code: pipeline.CodeSuppressed}
	}
	if err := r.Hold(t.Context(), many, false); err != nil {
		t.Fatal(err)
	}
	if got, err := l.Held(t.Context(), "a", false); err != nil || len(got) != len(many)+3 {
		t.Errorf("%d rows are kept, %v", len(got), err)
	}
	r.End(t.Context(), pipeline.Finding{}, nil)
	if _, err := b.l.Purge(t.Context(), time.Now().Add(time.Hour), false); err != nil {
		t.Fatal(err)
	}
	if got, err := l.Held(t.Context(), "a", false); err != nil || len(got) != 0 {
		t.Errorf("after a purge %d rows are kept, %v", len(got), err)
	}
}
