package ledger

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

// What a run could not write before its end is in doubt for all who ask: at once in its own process, and on
// disk with its end, or with its death when that cannot be written either.
func TestOpenAtTheEndOfARun(t *testing.T) {
	l := opened(t)
	other := reopened(t, l.path)
	r := begun(t, l, "a")
	r.mustClaim(t, claimOf(1, "a@example.com"))
	inDoubt := func(v *View, want bool, when string) {
		t.Helper()
		rec := record(t, v, 1)
		if got := rec.Status == pipeline.Uncertain && rec.Intent == pipeline.NoIntent; got != want {
			t.Errorf("%s: it is %q with intent %d", when, rec.Status, rec.Intent)
		}
	}
	inDoubt(l.View(target), false, "while it sends")
	r.Over()
	inDoubt(l.View(target), true, "once it has made its last call")
	inDoubt(other.View(target), false, "elsewhere, while its process is there")
	if err := r.End(t.Context(), pipeline.Finding{}, nil); err != nil {
		t.Fatal(err)
	}
	inDoubt(other.View(target), true, "elsewhere, after its end")
	if doubts, err := other.Doubts(t.Context(), "a"); err != nil || len(doubts) != 1 {
		t.Errorf("to be settled are %v, %v", doubts, err)
	}
}

func TestRecordKeepsWhatAnAttemptCameTo(t *testing.T) {
	l := opened(t)
	r := begun(t, l, "a")
	c := claimOf(1, "+46701740605")
	c.Distribution.Other = "anna@example.com"
	ticket := r.mustClaim(t, c)
	if rec := record(t, r.View, 1); rec.Intent != pipeline.OwnIntent || rec.Status != pipeline.Pending {
		t.Errorf("a claimed session is %s with intent %d", rec.Status, rec.Intent)
	}
	at := time.UnixMilli(1_700_000_000_123)
	r.mustConclude(t, ticket, pipeline.Conclusion{
		Status: pipeline.Rejected, Called: true, Binding: true, HTTPStatus: 400, Code: "BAD_VALUE", Reason: "no", CorrelationID: "c1", Time: at,
	})
	want := pipeline.Record{
		ID: int64(ticket), Method: pipeline.SMS, Contact: l.Digest("+46701740605"), Other: l.Digest("ANNA@example.com"), Country: "SE",
		Status: pipeline.Rejected, Binding: true, HTTPStatus: 400, Code: "BAD_VALUE", Reason: "no", CorrelationID: "c1",
		Attempts: 1, Time: at, Run: "a",
	}
	if diff := cmp.Diff(want, record(t, l.View(target), 1)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if all, err := l.View("https://other.example.com").Lookup(t.Context(), []string{session(1)}); err != nil || len(all[0]) != 0 {
		t.Errorf("another target knows the session: %v, %v", all, err)
	}
}

// TestConcludedByAPart holds what is otherwise for the part of a run.
func TestConcludedByAPart(t *testing.T) {
	const part, whole = 9, 7
	old := state{run: whole, attempts: 1, Conclusion: pipeline.Conclusion{Status: pipeline.Uncertain, Code: pipeline.CodeInterrupted}}
	for status, want := range map[pipeline.Status]pipeline.Status{pipeline.Pending: pipeline.Failed, pipeline.Rejected: pipeline.Rejected, pipeline.Delivered: pipeline.Delivered} {
		if now, _ := old.concluded(part, whole, pipeline.Conclusion{Status: status, Called: true}); now.Status != want || now.run != whole {
			t.Errorf("taken for dead, it says %s: it becomes %q of run %d, want %q", status, now.Status, now.run, want)
		}
	}
}

// TestConcluded holds the rules in the comment of state.concluded, one a row.
func TestConcluded(t *testing.T) {
	const own, other = 7, 8
	done := func(s pipeline.Status) pipeline.Conclusion { return pipeline.Conclusion{Status: s, Called: true} }
	record := func(s pipeline.Status, intent, run int64, code string) state {
		return state{intent: intent, run: run, attempts: 1, Conclusion: pipeline.Conclusion{Status: s, Code: code}}
	}
	interrupted := pipeline.CodeInterrupted
	for _, tc := range []struct {
		name string
		old  state
		c    pipeline.Conclusion
		want pipeline.Status // "" for none
		open bool            // an intent is left
		goes bool            // the record goes
		runs int64
	}{
		{"a first attempt", record("", own, 0, ""), done(pipeline.Delivered), pipeline.Delivered, false, false, own},
		{"a delivery is never overwritten", record(pipeline.Delivered, own, other, ""), done(pipeline.Rejected), pipeline.Delivered, false, false, other},
		{"a doubt ends by a delivery", record(pipeline.Uncertain, own, other, "x"), done(pipeline.Delivered), pipeline.Delivered, false, false, own},
		{"a doubt ends by nothing else", record(pipeline.Uncertain, own, other, "x"), done(pipeline.Rejected), pipeline.Uncertain, false, false, own},
		{"nor by a failure", record(pipeline.Uncertain, own, other, "x"), done(pipeline.Failed), pipeline.Uncertain, false, false, own},
		{"taken for dead, and alive", record(pipeline.Uncertain, 0, own, interrupted), done(pipeline.Rejected), pipeline.Rejected, false, false, own},
		{"taken for dead, and throttled", record(pipeline.Uncertain, 0, own, interrupted), done(pipeline.Pending), "", false, false, own},
		{"another run's doubt is not ours to end", record(pipeline.Uncertain, 0, other, interrupted), done(pipeline.Failed), pipeline.Uncertain, false, false, other},
		{"a delivery is true whoever says it", record(pipeline.Uncertain, other, other, interrupted), done(pipeline.Delivered), pipeline.Delivered, true, false, own},
		{"an attempt that came to nothing", record(pipeline.Rejected, own, other, "BAD_VALUE"), done(pipeline.Pending), pipeline.Rejected, false, false, other},
		{"a claim given back", record(pipeline.Failed, own, other, "x"), pipeline.Conclusion{Status: pipeline.Pending}, pipeline.Failed, false, false, other},
		{"a first claim given back", state{intent: own}, pipeline.Conclusion{Status: pipeline.Pending}, "", false, true, 0},
		{"a refusal made to bind", record(pipeline.Rejected, 0, own, "x"), pipeline.Conclusion{Status: pipeline.Rejected, Binding: true}, pipeline.Rejected, false, false, own},
		{"a refusal taken back", record(pipeline.Rejected, 0, own, "x"), pipeline.Conclusion{Status: pipeline.Pending}, "", false, false, own},
		{"another run's refusal stays", record(pipeline.Rejected, 0, other, "x"), pipeline.Conclusion{Status: pipeline.Pending}, pipeline.Rejected, false, false, other},
		{"a delivery is not revised", record(pipeline.Delivered, 0, own, ""), pipeline.Conclusion{Status: pipeline.Pending}, pipeline.Delivered, false, false, own},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now, keep := tc.old.concluded(own, own, tc.c)
			if keep == tc.goes {
				t.Fatalf("kept: %v", keep)
			}
			if !keep {
				return
			}
			if now.Status != tc.want || (now.intent != 0) != tc.open || now.run != tc.runs {
				t.Errorf("becomes %q, intent %d, run %d; want %q, open %v, run %d", now.Status, now.intent, now.run, tc.want, tc.open, tc.runs)
			}
		})
	}
}

// The short way of a first attempt comes to what the rules say.
func TestFirstAttemptIsConcludedByTheRules(t *testing.T) {
	l := opened(t)
	r := begun(t, l, "a")
	for n, s := range []pipeline.Status{pipeline.Delivered, pipeline.Rejected, pipeline.Failed, pipeline.Uncertain, pipeline.Pending} {
		c := pipeline.Conclusion{Status: s, Called: true, Binding: n%2 == 1, HTTPStatus: 200 + n, Code: "x", Reason: "y", CorrelationID: "z", Time: time.UnixMilli(1_700_000_000_123)}
		ticket := r.mustClaim(t, claimOf(n, "anna@example.com"))
		r.mustConclude(t, ticket, c)
		var got state
		if err := l.update(t.Context(), changeFunc(func(t *txn) (err error) {
			got, err = t.state(ticket)
			return err
		})); err != nil {
			t.Fatal(err)
		}
		want, _ := state{intent: r.number}.concluded(r.number, r.number, c)
		want.Called = false // which is not kept
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(state{})); diff != "" {
			t.Errorf("concluded as %s (-rules +ledger):\n%s", s, diff)
		}
	}
}
