package ledgertest

import (
	"fmt"
	"testing"
	"time"

	"hppsend/pipeline"
)

// lateWords are conclusions of a run whose attempt at the record is over, since another run has the record by
// now: they close nothing of the other's, and end no doubt and no refusal.
func lateWords(t *testing.T, b *bench) {
	late, now := b.begin("l", ""), b.begin("n", "")
	ticket := late.send(1, anna, pipeline.Pending)
	now.claim(1, anna)
	late.conclude(ticket, called(pipeline.Delivered))
	if rec := b.record(1); rec.Intent != pipeline.ForeignIntent || rec.Status != pipeline.Delivered {
		t.Errorf("of a late delivery beside an open attempt comes %+v", rec)
	}

	ticket = late.send(2, anna, pipeline.Failed)
	now.claim(2, anna)
	late.conclude(ticket, called(pipeline.Failed))
	if rec := b.record(2); rec.Intent != pipeline.ForeignIntent {
		t.Errorf("a late failure closes another's attempt: %+v", rec)
	}

	ticket = late.send(3, anna, pipeline.Pending)
	now.conclude(now.claim(3, anna), pipeline.Conclusion{Status: pipeline.Rejected, Called: true, Binding: true})
	late.conclude(ticket, called(pipeline.Failed))
	if rec := b.record(3); rec.Status != pipeline.Rejected || !rec.Binding || rec.Run != "n" {
		t.Errorf("a late failure ends another's refusal: %+v", rec)
	}

	ticket = late.send(4, anna, pipeline.Pending)
	dies := b.beginOn(b.Open(t), "d", "")
	dies.claim(4, anna)
	b.Kill(t, dies.Campaign)
	b.begin("e", "") // by which the doubt is written
	late.conclude(ticket, called(pipeline.Failed))
	if rec := b.record(4); rec.Status != pipeline.Uncertain || rec.Code != pipeline.CodeInterrupted {
		t.Errorf("a late failure ends another's doubt: %+v", rec)
	}

	ticket = late.send(5, anna, pipeline.Uncertain)
	late.conclude(ticket, called(pipeline.Failed))
	if rec := b.record(5); rec.Status != pipeline.Uncertain {
		t.Errorf("a doubt that no death has made ends by a failure of its own run: %+v", rec)
	}

	ticket = late.send(6, anna, pipeline.Delivered)
	late.conclude(ticket, pipeline.Conclusion{Status: pipeline.Rejected, Binding: true})
	if rec := b.record(6); rec.Binding {
		t.Errorf("a delivery is made to bind: %+v", rec)
	}
}

// whatARecordIs has one record for each method, contact and country, and what was refused in doubt bind no more.
func whatARecordIs(t *testing.T, b *bench) {
	r := b.begin("a", "")
	number := pipeline.Distribution{Session: session(1), Method: pipeline.SMS, Contact: "+46701740605", Country: "SE"}
	abroad, mail := number, number
	abroad.Country = "NO"
	mail.Method = pipeline.Email
	for _, d := range []pipeline.Distribution{number, abroad, mail} {
		c := pipeline.Claim{Distribution: d}
		got := must(r.Claim(t.Context(), c))(t)
		if got.Ticket == 0 {
			c.Seen = got.Version
			got = must(r.Claim(t.Context(), c))(t)
		}
		r.conclude(got.Ticket, called(pipeline.Rejected))
	}
	if all := b.records(1); len(all) != 3 {
		t.Errorf("three distributions of a session have records %+v", all)
	}

	r.conclude(r.claim(2, anna), pipeline.Conclusion{Status: pipeline.Rejected, Called: true, Binding: true})
	dies := b.beginOn(b.Open(t), "d", "")
	dies.claim(2, anna)
	b.Kill(t, dies.Campaign)
	b.begin("e", "")
	if rec := b.record(2); rec.Status != pipeline.Uncertain || rec.Binding {
		t.Errorf("a refusal that is in doubt is %+v", rec)
	}

	r.send(3, anna, pipeline.Pending)
	for _, c := range must(b.l.Codes(t.Context(), "a"))(t) {
		if c.Status == pipeline.Pending {
			t.Errorf("an attempt that came to nothing is counted as %+v", c)
		}
	}
}

// beneathAnEmptyGate has the first claim of a session taken back while another lies beneath it.
func beneathAnEmptyGate(t *testing.T, b *bench) {
	r := b.begin("a", "")
	first := r.claim(1, anna)
	r.claim(1, bo)
	r.conclude(first, pipeline.Conclusion{Status: pipeline.Pending})
	if got := r.ask(1, "carl@example.com", pipeline.NoRecords); got.Ticket != 0 {
		t.Error("a session with an open attempt is claimed as if it had none")
	}
	if all := b.records(1); len(all) != 1 || all[0].Intent == pipeline.NoIntent {
		t.Errorf("it has %+v", all)
	}

	r.send(2, anna, pipeline.Rejected)
	r.send(2, bo, pipeline.Pending)
	r.conclude(r.claim(2, bo), pipeline.Conclusion{Status: pipeline.Pending})
	if all := b.records(2); len(all) != 2 || all[1].Attempts != 1 {
		t.Errorf("an attempt that came to nothing is forgotten: %+v", all)
	}
}

// concludedMeanwhile has a claim that was judged while an attempt was open, and comes when it is over.
func concludedMeanwhile(t *testing.T, b *bench) {
	r, other := b.begin("a", ""), b.begin("o", "")
	for n, again := range []pipeline.Status{pipeline.Pending, pipeline.Failed} { // of the attempt before
		r.send(n, anna, again)
		ticket := r.claim(n, anna)
		seen := other.ask(n, anna, pipeline.Unseen)
		r.conclude(ticket, called(pipeline.Delivered))
		if got := other.ask(n, anna, seen.Version); got.Ticket != 0 || got.Records[0].Status != pipeline.Delivered {
			t.Errorf("after %s: a claim that saw an open attempt is granted when it was delivered: %+v", again, got)
		}
	}
}

// doubtStays has a doubt that a resend does not end: it comes to nothing, or is cut off, or is told twice.
func doubtStays(t *testing.T, b *bench) {
	failed := called(pipeline.Failed)
	b.begin("a", "").send(1, anna, pipeline.Uncertain)
	crashed := b.beginOn(b.Open(t), "crashed", "")
	crashed.claim(2, anna)
	b.Kill(t, crashed.Campaign)
	b.begin("sees", "")
	for n := 1; n <= 2; n++ {
		frozen := b.beginOn(b.Open(t), fmt.Sprint("frozen", n), "")
		ticket := frozen.claim(n, anna)
		b.Kill(t, frozen.Campaign)
		b.begin(fmt.Sprint("buries", n), "")
		for range 2 {
			frozen.conclude(ticket, failed)
			if rec := b.record(n); rec.Status != pipeline.Uncertain {
				t.Errorf("session %d: a resend that was taken for dead has made it %+v", n, rec)
			}
			failed.Time = failed.Time.Add(time.Second)
		}
		again := b.begin(fmt.Sprint("again", n), "")
		ticket = again.claim(n, anna)
		for _, s := range []pipeline.Status{pipeline.Failed, pipeline.Failed, pipeline.Rejected, pipeline.Pending} {
			again.conclude(ticket, called(s))
			if rec := b.record(n); rec.Status != pipeline.Uncertain {
				t.Errorf("session %d: a resend that came to %s has made it %+v", n, s, rec)
			}
		}
		again.conclude(ticket, called(pipeline.Delivered))
		b.wantRecord(n, pipeline.Delivered, pipeline.NoIntent, b.record(n).Attempts)
	}
}
