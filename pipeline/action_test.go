package pipeline

import "testing"

func TestWhatFollowsFromAnAnswer(t *testing.T) {
	for _, tt := range []struct {
		verdict Verdict
		last    bool
		status  Status
		next    next
	}{
		{Accepted, false, Delivered, nothing},
		{Accepted, true, Delivered, nothing},
		{Refused, false, Rejected, nothing},
		{Refused, true, Rejected, nothing},
		{RefusedByOther, false, Rejected, nothing},
		{RefusedByOther, true, Rejected, nothing},
		{Throttled, false, Pending, afterPause},
		{Throttled, true, Pending, afterPause}, // it cost the row nothing
		{Unavailable, false, Pending, afterDelay},
		{Unavailable, true, Failed, nothing},
		{Unclear, false, Uncertain, nothing}, // never again in this run
		{Unclear, true, Uncertain, nothing},
		{Denied, false, Pending, nothing},
		{Denied, true, Pending, nothing},
		{0, false, Uncertain, nothing}, // a sender that says nothing may have sent
		{0, true, Uncertain, nothing},
		{Denied + 1, true, Uncertain, nothing},
	} {
		if got := after(tt.verdict, tt.last); got != (action{tt.status, tt.next}) {
			t.Errorf("after %v, last %v: %v", tt.verdict, tt.last, got)
		}
	}
}

func TestWhatFollowsWithoutAClaim(t *testing.T) {
	for found, want := range map[Status]action{
		Pending:   {Pending, afterOther}, // another run may yet give it up
		Uncertain: {Uncertain, nothing},
		Rejected:  {Rejected, nothing},
		Delivered: {Skipped, nothing}, // by another run, while this one was on its way
		Skipped:   {Skipped, nothing},
		Failed:    {Skipped, nothing},
	} {
		if got := unclaimed(Outcome{Status: found}); got != want {
			t.Errorf("found %s: %v, want %v", found, got, want)
		}
	}
}
