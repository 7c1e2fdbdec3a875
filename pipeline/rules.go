package pipeline

import (
	"context"
	"fmt"
	"time"
)

// ContactRule says what becomes of further sessions of one contact.
type ContactRule string

// The rules for a contact that has several sessions in one campaign.
const (
	EachSession  ContactRule = "all"
	FirstSession ContactRule = "first"  // the later ones are skipped
	OneSession   ContactRule = "refuse" // such a file is refused
)

// Period is a stretch of the calendar in which messages are counted.
type Period string

// The periods. A week begins on Monday.
const (
	Hour Period = "hour"
	Day  Period = "day"
	Week Period = "week"
)

// Allowance is how many messages may be sent at a target in each period, by all runs on the ledger together.
// What is uncertain counts.
type Allowance struct {
	Messages int
	Per      Period
	Method   Method `json:",omitempty"` // that is counted; empty for both
}

// String gives the allowance as people write it: 5000/day, or sms 20/day.
func (a Allowance) String() string {
	text := fmt.Sprintf("%d/%s", a.Messages, a.Per)
	if a.Method != "" {
		text = string(a.Method) + " " + text
	}
	return text
}

// covers reports whether messages by a method count.
func (a Allowance) covers(m Method) bool { return a.Method == "" || a.Method == m }

// Within gives the period that a time lies in, by the calendar of the time's zone. Where its clock goes back over
// midnight, what comes after lies in the new day. An hour ends where the clock is changed within it.
func (p Period) Within(t time.Time) (begins, ends time.Time) {
	if p == Hour {
		begins = t.Add(-time.Duration(t.Minute())*time.Minute - time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond()))
		ends = begins.Add(time.Hour)
		changed, changes := t.ZoneBounds()
		if changed.After(begins) && !changed.After(t) { // in years to come that are not listed Go errs at the end of leap years
			begins = changed
		}
		if changes.After(t) && changes.Before(ends) {
			ends = changes
		}
		return begins, ends
	}
	year, month, day := t.Date()
	days := 1
	if p == Week {
		day, days = day-(int(t.Weekday())+6)%7, 7
	}
	for ends = midnight(year, month, day, t.Location()); !ends.After(t); day += days {
		begins, ends = ends, midnight(year, month, day+days, t.Location())
	}
	return begins, ends
}

// midnight is the first moment at which a day has begun: of a midnight that comes twice the first, and where it does not
// come at all the end of the gap.
func midnight(year int, month time.Month, day int, loc *time.Location) time.Time {
	shown := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	for at := shown.Add(-36 * time.Hour).In(loc); ; {
		_, ahead := at.Zone()
		first := shown.Add(-time.Duration(ahead) * time.Second)
		if first.Before(at) {
			first = at
		}
		_, changes := at.ZoneBounds()
		if !changes.After(at) || first.Before(changes) {
			return first.In(loc)
		}
		at = changes
	}
}

// Restraint is what the ledger judges together with a claim, so that no two runs pass it at once.
type Restraint struct {
	Cooldown time.Time // the contacts were sent nothing since then, but by the run's own campaign; zero for no matter when
	Once     bool      // nor anything for another session by the run's own campaign
	Counts   []Count
}

// Count is how many messages there may be at the target since a time, this one included.
type Count struct {
	Since    time.Time
	Messages int
	Method   Method // that is counted; empty for both
}

// Bar is why a claim was not granted, beside what is known of its session. The zero Bar is none.
type Bar struct {
	Forgotten bool      // one of the contacts must never be messaged again
	Sent      time.Time // when one of the contacts was last sent something, if that is too recent
	Again     bool      // the campaign has sent the contact something already
	Full      int       // the place of the count that is reached, from 1
	Open      bool      // it is only calls under way that bar it, and these may come to nothing
}

// Contacts looks up what is known of contacts, whatever session it was for. It is safe for concurrent use.
type Contacts interface {
	// LastSent gives when each contact was last sent anything, or may have been, at the target; zero for not since a
	// time. What a campaign has sent, which is its content and round, does not count in its own check.
	LastSent(ctx context.Context, contacts []Digest, since time.Time, content [32]byte, reminder string) ([]time.Time, error)
	// AnyForgotten reports whether there is anybody who must never be messaged again, and Forgotten which contacts must not.
	AnyForgotten(ctx context.Context) (bool, error)
	Forgotten(ctx context.Context, contacts []Digest) ([]bool, error)
}

// Hold is a row that a rule has held back.
type Hold struct {
	N      int // the row's number in its file, from 0
	Status Status
	Code   string
	Reason string // without a contact in clear
}

// Holds keeps what rules have held back, for the report.
type Holds interface {
	// Hold keeps rows of the run; late ones were held back when their turn had come.
	Hold(ctx context.Context, rows []Hold, late bool) error
}
