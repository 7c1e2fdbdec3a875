package pipeline

import (
	"fmt"
	"strings"
	"time"
)

// Rules are the options that the judgement of a row depends on.
type Rules struct {
	Target          string // as identities use it
	Reminder        string // the round; empty for the first
	Run             string // the run that asks, or that is reported on; empty in a check
	EachContact     bool   // a session may go to each of several contacts
	RetryRejected   bool
	ResendUncertain bool
	Hidden          HiddenRule

	// Suppressed are those who must not be messaged; nil for no list.
	Suppressed SuppressionList `json:"-"`
	Cooldown   time.Duration   // since a contact was last sent anything; 0 for none
	PerContact ContactRule     // empty for EachSession
	Fallback   bool            // the other contact is tried where HPP refuses the first for what it is
	Allowances []Allowance
	Zone       string // IANA, by whose calendar the allowances are counted, and in which people are told of times; empty for UTC

	Home     string        // IANA, the zone of recipients of whom none is known; empty to refuse them
	Hours    Hours         // at which recipients may be messaged; zero for always
	Holidays *Holidays     `json:",omitempty"` // on which they may not
	Margin   time.Duration // how long before the end of the hours no call may begin any more

	Preflight *Preflight `json:",omitempty"` // nil: sessions are not looked at
}

// HiddenRule says what to do about rows that are hidden in the spreadsheet program.
type HiddenRule string

// The rules for hidden rows.
const (
	RefuseHidden HiddenRule = "refuse" // the file is refused if a hidden row would be sent
	SkipHidden   HiddenRule = "skip"
	SendHidden   HiddenRule = "send"
)

// stage is where in the order of judgement a row's outcome was found; the first that applies counts.
type stage uint8

const (
	stageNoSession stage = iota
	stageDelivered
	stageUncertain
	stageInFlight
	stageElsewhere
	stageRule
	stageOwnCheck
	stageRepeat
	stageHeld
	stageRefused
	stageSend
)

// judgement is an outcome and where it was found.
type judgement struct {
	stage   stage
	outcome Outcome
}

// judge gives what the records say of a row by itself, as if no other row had its session. own is the
// record of the asking run's earlier attempt at the row: how that ended does not bind it, but what
// another run has made of the record since does.
func (r Rules) judge(it item, records []Record, own Ticket) judgement {
	if it.session == "" {
		st := stageNoSession
		if it.finding().Code == CodeTotalsRow {
			st = stageRule
		}
		return judgement{st, r.found(it)}
	}
	if rec, same, ok := r.delivered(it, records); ok {
		return judgement{stageDelivered, r.fromDelivery(it, rec, same)}
	}
	doubt, inDoubt := r.doubt(records, own)
	if inDoubt && !r.mayResend(doubt, own) {
		return judgement{stageUncertain, r.fromRecord(it, doubt, Uncertain)}
	}
	for _, rec := range records {
		if rec.Intent != NoIntent {
			return judgement{stageInFlight, r.inFlight(it, rec)}
		}
	}
	j := r.undecided(it, records, own)
	if inDoubt && j.stage != stageSend { // nothing but a delivery ends a doubt
		return judgement{stageUncertain, r.fromRecord(it, doubt, Uncertain)}
	}
	return j
}

// undecided judges a row whose session is neither delivered nor under way.
func (r Rules) undecided(it item, records []Record, own Ticket) judgement {
	switch {
	case it.hidden && r.Hidden == SkipHidden:
		reason := "the row is hidden in the spreadsheet, and hidden rows are left out"
		if it.struck {
			reason = "the row is struck out in the spreadsheet, and such rows are left out as hidden ones are"
		}
		return judgement{stageRule, r.outcome(it, Skipped, CodeHiddenRow, reason)}
	case r.Reminder != "" && !deliveredBefore(records):
		return judgement{stageRule, r.outcome(it, Skipped, CodeNotDeliveredBefore, fmt.Sprintf(
			"the session was delivered in no earlier round, so reminder %q does not apply to it", r.Reminder))}
	case len(it.findings) > 0:
		return judgement{stageOwnCheck, r.found(it)}
	}
	if alt, ok := r.turned(it, records, own); ok {
		return r.undecided(alt, records, own)
	}
	if rec, ok := r.refusal(it, records, own); ok {
		return judgement{stageRefused, r.fromRecord(it, rec, Rejected)}
	}
	return judgement{stageSend, r.outcome(it, Pending, CodeNotReached, "not sent yet")}
}

// refusal finds a refusal of exactly this distribution that binds.
func (r Rules) refusal(it item, records []Record, own Ticket) (Record, bool) {
	for _, rec := range records {
		if rec.Status == Rejected && rec.Binding && (it.matches(rec) || r.mayBe(it, rec)) && !r.owns(rec, own) && (!r.RetryRejected || rec.Run == r.Run) {
			return rec, true
		}
	}
	return Record{}, false
}

// afterwards gives what became of a row that a run was to send.
func (r Rules) afterwards(it item, records []Record, why Finding) Outcome {
	if rec, ok := r.doubt(records, 0); ok { // a resend that was not reached, or that came to nothing
		return r.fromRecord(it, rec, Uncertain)
	}
	if alt, ok := r.instead(it, records); ok {
		return r.afterwards(alt, records, why)
	}
	for _, rec := range records {
		if rec.Run == r.Run && (it.matches(rec) || r.mayBe(it, rec)) && (rec.Status == Rejected || rec.Status == Failed) {
			return r.fromRecord(it, rec, rec.Status)
		}
	}
	return r.outcome(it, Pending, why.Code, why.Reason)
}

// delivered finds the delivery that counts for the row, the one to the row's own contact before others. Of one whose
// contact was forgotten nobody can tell whether it is the row's: it counts for any.
func (r Rules) delivered(it item, records []Record) (found Record, same, ok bool) {
	best := 0
	for _, rec := range records {
		if rec.Status != Delivered || r.Reminder != "" && rec.Reminder != r.Reminder {
			continue
		}
		near := 1
		switch own := it.contact == rec.Contact; {
		case own, it.contact == (Digest{}) && !r.EachContact, !r.EachContact && it.shares(rec):
			near = 3
		case rec.Contact.Forgotten():
			near = 2
		case r.EachContact:
			continue
		}
		if near > best || near == best && rec.Time.Before(found.Time) {
			best, found = near, rec
		}
	}
	return found, best == 3 || best == 2 && !r.EachContact, best > 0
}

// doubt finds what is uncertain about the session, in any round and under any contact, and first what
// keeps the row from being sent.
func (r Rules) doubt(records []Record, own Ticket) (found Record, ok bool) {
	for _, rec := range records {
		if rec.Status != Uncertain {
			continue
		}
		if !r.mayResend(rec, own) {
			return rec, true
		}
		if !ok {
			found, ok = rec, true
		}
	}
	return found, ok
}

// mayResend reports whether a row may be sent in spite of a doubt: one that the run itself has not made.
func (r Rules) mayResend(doubt Record, own Ticket) bool {
	return r.ResendUncertain && (doubt.Run != r.Run || r.owns(doubt, own))
}

// owns reports whether a record is of the run's own earlier attempt at the row, and nobody's since.
func (r Rules) owns(rec Record, own Ticket) bool { return Ticket(rec.ID) == own && rec.Run == r.Run }

// mayBe reports whether a record of the run itself, whose contact was forgotten, is what it made of the row: so that its
// report says what came of it.
func (r Rules) mayBe(it item, rec Record) bool {
	return rec.Contact.Forgotten() && rec.Run == r.Run && r.Run != "" && !r.EachContact && rec.Method == it.Method
}

func deliveredBefore(records []Record) bool {
	for _, rec := range records {
		if rec.Status == Delivered {
			return true
		}
	}
	return false
}

// deciding finds the record whose contact decides which of several rows is the primary one of a session.
func deciding(records []Record) (Record, bool) {
	weight := func(rec Record) int {
		switch {
		case rec.Status == Delivered:
			return 3
		case rec.Status == Uncertain || rec.Intent != NoIntent:
			return 2
		case rec.Status == Rejected && rec.Binding:
			return 1
		}
		return 0
	}
	best := -1
	for i, rec := range records {
		if best < 0 || weight(rec) > weight(records[best]) ||
			weight(rec) == weight(records[best]) && rec.Time.After(records[best].Time) {
			best = i
		}
	}
	if best < 0 {
		return Record{}, false
	}
	return records[best], true
}

func (r Rules) outcome(it item, s Status, code, reason string) Outcome {
	return Outcome{
		Session: it.session, Status: s, Code: code, Reason: reason, Method: it.Method, Target: r.Target, Run: r.Run,
	}
}

// found gives what our own check found. The reason names all of it.
func (r Rules) found(it item) Outcome {
	s, code := Rejected, it.finding().Code
	if code == CodeTotalsRow {
		s = Skipped
	}
	reasons := make([]string, len(it.findings))
	for i, f := range it.findings {
		reasons[i] = f.Reason
	}
	out := r.outcome(it, s, code, strings.Join(reasons, ". Also: "))
	out.Findings = it.findings
	return out
}

func (r Rules) fromRecord(it item, rec Record, s Status) Outcome {
	out := Outcome{
		Session: it.session, Status: s, Code: rec.Code, Reason: rec.Reason, Method: rec.Method, HTTPStatus: rec.HTTPStatus,
		Attempts: rec.Attempts, CorrelationID: rec.CorrelationID, Time: rec.Time, Target: r.Target, Run: rec.Run,
	}
	switch rec.Contact {
	case Digest{}:
	case it.contact:
		out.SentTo = it.Contact
	case it.other:
		out.SentTo = it.Other
	}
	return out
}

func (r Rules) fromDelivery(it item, rec Record, same bool) Outcome {
	out := r.fromRecord(it, rec, Delivered)
	switch {
	case !same && rec.Contact.Forgotten():
		out.Status, out.Code = Skipped, CodeSessionAlreadyDelivered
		out.Reason = fmt.Sprintf("the session was delivered on %s by run %s to a contact that was forgotten since, which may be this one", when(rec.Time), rec.Run)
	case !same:
		out.Status, out.Code = Skipped, CodeSessionAlreadyDelivered
		out.Reason = fmt.Sprintf("the session was delivered to another contact on %s by run %s", when(rec.Time), rec.Run)
	case rec.Code == CodeSettledDelivered && rec.Run == r.Run: // the record's own words tell who said so
	case rec.Code == CodeSettledDelivered:
		out.Code, out.Reason = CodeAlreadyDelivered, rec.Reason+"; not sent again"
	case rec.Run == r.Run:
		out.SentNow = true
		out.Code, out.Reason = "", "accepted by HPP for sending"
	default:
		out.Code = CodeAlreadyDelivered
		out.Reason = fmt.Sprintf("delivered on %s by run %s; not sent again", when(rec.Time), rec.Run)
	}
	return out
}

func (r Rules) inFlight(it item, rec Record) Outcome {
	if rec.Intent == OwnIntent || rec.Run == r.Run {
		return r.outcome(it, Pending, CodeInFlight, "a call for the session is under way")
	}
	return r.outcome(it, Pending, CodeInOtherRun, fmt.Sprintf("run %s is sending the session now", rec.Run))
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
