package pipeline

// action is what becomes of a row after an attempt.
type action struct {
	status Status // what the row has come to; in the ledger, if it was called
	next   next
}

// next is what a run does about a row.
type next uint8

const (
	nothing      next = iota // the row has its outcome, or the run ends
	afterPause               // another attempt, as soon as there is no pause: this one cost the row nothing
	afterDelay               // another attempt, after exponential back-off
	afterRefusal             // an attempt at its other contact
	afterOther               // another try at the claim, which another run holds
)

// after gives what follows from the answer to a call. On the last attempt no other would follow.
func after(v Verdict, last bool) action {
	switch v {
	case Accepted:
		return action{Delivered, nothing}
	case Refused, RefusedByOther:
		return action{Rejected, nothing}
	case Throttled:
		return action{Pending, afterPause}
	case Unavailable:
		if last {
			return action{Failed, nothing}
		}
		return action{Pending, afterDelay}
	case Denied:
		return action{Pending, nothing}
	case Unclear:
	}
	return action{Uncertain, nothing} // a sender that gives no verdict has to be taken for one that may have sent
}

// unclaimed gives what follows from what the records say of a row that could not be claimed.
func unclaimed(found Outcome) action {
	if found.SentNow { // by another process that sends the run
		return action{Delivered, nothing}
	}
	switch found.Status {
	case Pending:
		return action{Pending, afterOther}
	case Uncertain, Rejected:
		return action{found.Status, nothing}
	case Delivered, Skipped, Failed:
	}
	return action{Skipped, nothing} // served by another run
}
