package ledger

import (
	"strings"
	"testing"
	"time"

	"hppsend/pipeline"
)

func TestSettle(t *testing.T) {
	l := opened(t)
	r := begun(t, l, "abcdef")
	concluded := func(n int, s pipeline.Status) pipeline.Ticket {
		ticket := r.mustClaim(t, claimOf(n, "anna@example.com"))
		r.mustConclude(t, ticket, pipeline.Conclusion{Status: s, Called: true, Code: "x", CorrelationID: "c", Time: time.Now()})
		return ticket
	}
	delivered, first, second := concluded(1, pipeline.Delivered), concluded(2, pipeline.Uncertain), concluded(3, pipeline.Uncertain)

	doubts, err := l.Doubts(t.Context(), "abcdef")
	if err != nil || len(doubts) != 2 || doubts[0].Ticket != first || doubts[0].Session != session(2) || doubts[0].Place.Row != 2 ||
		doubts[0].Place.File != "abcdef.csv" || doubts[0].CorrelationID != "c" {
		t.Fatalf("doubts %+v, %v", doubts, err)
	}
	if n, err := l.Settle(t.Context(), []pipeline.Ticket{delivered, first, 999}, true, "Ann"); err != nil || n != 1 {
		t.Errorf("settled %d, %v; want the one that was in doubt", n, err)
	}
	if rec := record(t, r.View, 2); rec.Status != pipeline.Delivered || rec.Code != pipeline.CodeSettledDelivered || !strings.Contains(rec.Reason, "by Ann on ") {
		t.Errorf("settled as delivered it is %+v", rec)
	}
	if n, err := l.Settle(t.Context(), []pipeline.Ticket{first, second}, false, "Bo"); err != nil || n != 1 {
		t.Errorf("settled %d, %v; a doubt that has ended is not settled again", n, err)
	}
	if rec := record(t, r.View, 3); rec.Status != pipeline.Failed || rec.Code != pipeline.CodeSettledNotSent {
		t.Errorf("settled as not sent it is %+v", rec)
	}
	if rec := record(t, r.View, 1); rec.Code != "x" {
		t.Errorf("what was no doubt was changed: %+v", rec)
	}
	var kept int
	if err := l.db.QueryRow("SELECT count(*) FROM settlement WHERE who IN ('Ann', 'Bo') AND was = 'x'").Scan(&kept); err != nil || kept != 2 {
		t.Errorf("%d settlements are kept, %v", kept, err)
	}
}
