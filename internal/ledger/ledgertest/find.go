package ledgertest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// shown is what is asked of a Found here.
func shown(all []ledger.Found) (out []string) {
	for _, f := range all {
		intent := ""
		if f.Intent != pipeline.NoIntent {
			intent = " open"
		}
		out = append(out, fmt.Sprintf("%s %s %s %s%s", f.Session[len(f.Session)-2:], f.Target, f.Run, f.Status, intent))
	}
	return out
}

// Everything that was sent to a contact is found, in order, whatever session, run, round and target it was for, and so is
// what is under way; what was sent to the other contact of its row is not.
func find(t *testing.T, b *bench) {
	ctx := t.Context()
	first, second := b.begin("a", ""), b.begin("b", "june")
	for n, s := range []pipeline.Status{pipeline.Delivered, pipeline.Rejected, pipeline.Failed, pipeline.Uncertain} {
		first.send(n+1, anna, s)
		time.Sleep(2 * time.Millisecond) // the ledger counts milliseconds
	}
	first.send(1, bo, pipeline.Delivered)
	first.restrained(9, bo, anna, pipeline.Restraint{})
	elsewhere := info("c", "")
	elsewhere.Target, elsewhere.Label = "https://api-na.example.com", "Week 47"
	c, err := b.l.Begin(ctx, elsewhere)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Kill(t, c) })
	time.Sleep(2 * time.Millisecond)
	(&sender{c, b}).send(1, anna, pipeline.Delivered)
	time.Sleep(2 * time.Millisecond)
	second.claim(1, "Anna@Example.com")
	gone := b.beginOn(b.Open(t), "d", "")
	time.Sleep(2 * time.Millisecond)
	gone.claim(6, anna)
	b.Kill(t, gone.Campaign)
	back := first.claim(7, anna)
	first.conclude(back, pipeline.Conclusion{Status: pipeline.Pending}) // which leaves nothing

	got := must(b.l.Find(ctx, b.l.View(target).Digest("ANNA@example.com")))(t)
	want := []string{
		"01 " + target + " a delivered", "02 " + target + " a rejected", "03 " + target + " a failed", "04 " + target + " a uncertain",
		"01 https://api-na.example.com c delivered", "01 " + target + " b pending open", "06 " + target + " d uncertain",
	}
	if diff := cmp.Diff(want, shown(got)); diff != "" {
		t.Errorf("to Anna (-want +got):\n%s", diff)
	}
	if f := got[4]; f.File != "c.csv" || f.Label != "Week 47" || f.Attempts != 1 || f.Code != "x" || f.Row != 1 {
		t.Errorf("%+v", f)
	}
	if both := must(b.l.Find(ctx, b.l.View(target).Digest(anna), b.l.View(target).Digest(bo)))(t); len(both) != len(got)+2 {
		t.Errorf("to both there are %q", shown(both))
	}
	if none := must(b.l.Find(ctx, b.l.View(target).Digest("nobody@example.com")))(t); len(none) != 0 {
		t.Errorf("to nobody there are %q", shown(none))
	}
	of := must(b.l.FindSessions(ctx, session(1), session(6), session(99)))(t)
	if len(of) != 5 {
		t.Errorf("of two sessions there are %q", shown(of))
	}
}

// A contact that was forgotten is in no record any more, and what was sent stays sent.
func forget(t *testing.T, b *bench) {
	ctx := t.Context()
	r, view := b.begin("a", ""), b.l.View(target)
	statuses := []pipeline.Status{pipeline.Delivered, pipeline.Rejected, pipeline.Failed, pipeline.Uncertain}
	for n, s := range statuses {
		r.send(n+1, anna, s)
	}
	beside := claimOf(5, bo, pipeline.NoRecords)
	beside.Distribution.Other = anna
	got, err := r.Claim(ctx, beside)
	if err != nil || got.Ticket == 0 {
		t.Fatal(got, err)
	}
	said := called(pipeline.Delivered)
	said.Reason = "a•••@e••• is fine"
	r.conclude(got.Ticket, said)
	ticket := r.claim(6, anna)
	said.Status = pipeline.Rejected
	r.conclude(ticket, said)
	blank := r.claim(7, anna)
	r.conclude(blank, pipeline.Conclusion{Status: pipeline.Pending})
	r.send(1, bo, pipeline.Delivered) // beneath the gate
	second := b.begin("b", "june")
	second.send(2, anna, pipeline.Failed)
	before := r.ask(8, anna, pipeline.NoRecords)
	r.conclude(before.Ticket, called(pipeline.Failed))
	seen := r.ask(8, anna, pipeline.Unseen).Version

	digest := view.Digest(anna)
	f, err := b.l.Forget(ctx, "Ann, asked by +46701740605", digest)
	if want := (ledger.Forgot{Listed: 1, Records: 7, Others: 1}); err != nil || f.Listed != want.Listed || f.Others != want.Others || f.Records < want.Records {
		t.Errorf("forgotten was %+v, %v; want %+v at least", f, err, want)
	}
	if again, err := b.l.Forget(ctx, "Ann", digest); err != nil || again != (ledger.Forgot{}) {
		t.Errorf("the second time there was %+v, %v", again, err)
	}
	if left := must(b.l.Find(ctx, digest))(t); len(left) != 0 {
		t.Errorf("still there: %q", shown(left))
	}
	nobodys := map[pipeline.Digest]bool{}
	for n, s := range statuses {
		for _, rec := range b.records(n + 1) {
			if rec.Contact == view.Digest(bo) {
				continue
			}
			if rec.Status != s && rec.Reminder == "" || !rec.Contact.Forgotten() || nobodys[rec.Contact] {
				t.Errorf("session %d, which was %s, has %+v", n+1, s, rec)
			}
			nobodys[rec.Contact] = true
		}
	}
	if rec := b.record(5); rec.Other != (pipeline.Digest{}) || rec.Contact != view.Digest(bo) || rec.Reason == said.Reason {
		t.Errorf("beside the other contact there is %+v", rec)
	}
	if rec := b.record(6); rec.Reason == said.Reason || rec.Status != pipeline.Rejected {
		t.Errorf("what was said of the contact is %+v", rec)
	}
	// Whoever judged by what the records were is told that they are others.
	if got := r.ask(8, bo, seen); got.Ticket != 0 {
		t.Errorf("a claim by records that changed is granted: %+v", got)
	}
	for n := range 9 {
		if got := r.ask(n+1, anna, pipeline.NoRecords); got.Ticket != 0 || !got.Bar.Forgotten {
			t.Errorf("session %d is granted for who was forgotten: %+v", n+1, got)
		}
	}
	listed := must(b.l.OnList(ctx, digest, view.Digest(bo)))(t)
	if at, on := listed[digest]; len(listed) != 1 || !on || at.Who != "Ann, asked by +46 ••• 05" || time.Since(at.Time) > time.Minute {
		t.Errorf("on the list are %+v", listed)
	}
	for i, want := range []int{1, 0} {
		if n, err := b.l.Remember(ctx, digest, view.Digest(bo)); err != nil || n != want {
			t.Errorf("%d: %d were taken off the list, %v; want %d", i, n, err, want)
		}
	}
	if got := r.ask(50, anna, pipeline.NoRecords); got.Ticket == 0 {
		t.Errorf("who was taken off the list again is answered %+v", got)
	}
	if b.records(1); len(must(b.l.Find(ctx, digest))(t)) != 1 {
		t.Error("what was forgotten came back")
	}
}

// While a call goes on nothing is forgotten yet, but no other begins; what a dead run has left is a doubt that is.
func forgetBusy(t *testing.T, b *bench) {
	ctx := t.Context()
	r, digest := b.begin("a", ""), b.l.View(target).Digest(anna)
	r.send(1, anna, pipeline.Delivered)
	ticket := r.claim(2, anna)
	for range 2 {
		if f, err := b.l.Forget(ctx, "Ann", digest); !isBusy(err) || f.Records != 0 {
			t.Fatalf("while a call goes on: %+v, %v", f, err)
		}
	}
	if got := r.ask(3, anna, pipeline.NoRecords); got.Ticket != 0 {
		t.Errorf("another call begins: %+v", got)
	}
	r.conclude(ticket, called(pipeline.Delivered))
	beside := claimOf(4, bo, pipeline.NoRecords)
	other := b.beginOn(b.Open(t), "b", "")
	if got, err := other.Claim(ctx, beside); err != nil || got.Ticket == 0 {
		t.Fatal(got, err)
	}
	b.Kill(t, other.Campaign)
	if f, err := b.l.Forget(ctx, "Ann", digest); err != nil || f.Records != 2 {
		t.Errorf("after it: %+v, %v", f, err)
	}
	if f, err := b.l.Forget(ctx, "Ann", b.l.View(target).Digest(bo)); err != nil || f.Records != 1 {
		t.Errorf("what a dead run has left: %+v, %v", f, err)
	}
	b.wantRecord(4, pipeline.Uncertain, pipeline.NoIntent, 1)
	b.wantRecord(2, pipeline.Delivered, pipeline.NoIntent, 1)
}

func isBusy(err error) bool {
	known, ok := err.(*pipeline.Error)
	return ok && known.Kind == pipeline.Busy
}

// Runs that claim a contact while it is forgotten leave nothing of it, whichever comes first.
func forgetAmid(t *testing.T, b *bench) {
	ctx := t.Context()
	const runs, rounds = 3, 8
	for round := range rounds {
		contact := fmt.Sprintf("p%d@example.com", round)
		digest := b.l.View(target).Digest(contact)
		var all sync.WaitGroup
		for i := range runs {
			r := b.beginOn(b.l, fmt.Sprintf("%c%d", 'a'+i, round), "")
			all.Go(func() {
				for n := range 6 {
					c := claimOf(10000*round+100*i+n, bo, pipeline.NoRecords)
					if c.Distribution.Contact, c.Distribution.Other = contact, bo; n%2 == 0 {
						c.Distribution.Contact, c.Distribution.Other = bo, contact
					}
					got, err := r.Claim(ctx, c)
					if err == nil && got.Ticket != 0 {
						err = r.Conclude(ctx, got.Ticket, called(pipeline.Delivered))
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		for {
			_, err := b.l.Forget(ctx, "Ann", digest)
			if err == nil {
				break
			}
			if !isBusy(err) {
				t.Fatal(err)
			}
		}
		all.Wait()
		if left := must(b.l.Find(ctx, digest))(t); len(left) != 0 {
			t.Fatalf("round %d: %q", round, shown(left))
		}
		if f := must(b.l.Forget(ctx, "Ann", digest))(t); f != (ledger.Forgot{}) {
			t.Fatalf("round %d: %+v was left", round, f)
		}
	}
}
