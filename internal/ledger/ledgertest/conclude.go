package ledgertest

import (
	"fmt"
	"strings"
	"testing"

	"hppsend/pipeline"
)

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
