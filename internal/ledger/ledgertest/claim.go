package ledgertest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"hppsend/pipeline"
)

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
	if got := r.ask(1, bo, pipeline.NoRecords); len(got.Records) != 1 || got.Records[0].Status != pipeline.Delivered {
		t.Errorf("a claim that is refused is told of another target's records: %+v", got)
	}
	b.wantRecord(1, pipeline.Delivered, pipeline.NoIntent, 1)
	all, err := b.l.View(target).Lookup(t.Context(), []string{session(2), "", session(1), session(1)})
	if err != nil || len(all) != 4 || len(all[0]) != 0 || len(all[1]) != 0 || len(all[2]) != 1 || len(all[3]) != 1 {
		t.Errorf("several are looked up as %+v, %v", all, err)
	}
}
