package pipeline

import (
	"context"
	"time"
)

// Digest stands for a contact in the ledger: a version byte and a keyed hash. The zero Digest stands
// for no contact.
type Digest [17]byte

// ForgottenVersion is the version byte of what takes the place of a digest once its contact was forgotten, so that
// nobody can tell whose it was. It is that of no contact.
const ForgottenVersion = 0xff

// Forgotten reports whether a digest was that of a contact that was forgotten since.
func (d Digest) Forgotten() bool { return d[0] == ForgottenVersion }

// Intent reports whether an attempt on a record is open: claimed, and not yet concluded.
type Intent uint8

// The intents.
const (
	NoIntent      Intent = iota
	OwnIntent            // of the run that asks
	ForeignIntent        // of another run that lives
)

// Record is what the ledger knows of one (target, session, reminder, method, contact, country).
// An intent that a dead run left open is given as Uncertain, CodeInterrupted.
type Record struct {
	ID            int64
	Reminder      string
	Method        Method
	Contact       Digest
	Other         Digest // the row's other contact
	Country       string
	Status        Status // Pending while nothing was concluded
	Binding       bool   // of a refusal: later runs respect it
	HTTPStatus    int
	Code          string
	Reason        string
	CorrelationID string
	Attempts      int
	Time          time.Time // of the last conclusion
	Run           string    // the run that claimed it last
	Intent        Intent
}

// Records looks up what is known. Both methods are safe for concurrent use.
type Records interface {
	// Lookup gives, for each session in its canonical form, every record of it at the target.
	Lookup(ctx context.Context, sessions []string) ([][]Record, error)
	Digest(contact string) Digest
}

// Claim asks for the right to make one attempt. It is granted if nothing has come to the ledger about the
// session, at this target, since its records were as the caller has judged them.
type Claim struct {
	Distribution Distribution
	Place        Place
	Seen         Version // of the records that were judged
	Restraint    Restraint
}

// Version tells one state of the records of a session from every other. A ledger's own are positive.
type Version int64

// The versions that no ledger gives.
const (
	NoRecords Version = 0  // the session has none
	Unseen    Version = -1 // nothing was judged yet: the claim only asks for the records
)

// Ticket is a claim that was granted: the number of its record. The zero Ticket was not granted.
type Ticket int64

// Claimed is the answer to a claim. Where it was not granted, the records are others than those that were
// judged, and come with it.
type Claimed struct {
	Ticket  Ticket
	Version Version // of Records
	Records []Record
	Bar     Bar // where it is one, Version and Records are not told
}

// Conclusion closes an attempt, or revises what an earlier attempt of the same run was closed with.
type Conclusion struct {
	Status        Status // Pending takes the attempt back
	Called        bool   // an HTTP call was made; false when the claim is given back unused
	Binding       bool
	HTTPStatus    int
	Code          string
	Reason        string
	CorrelationID string
	Time          time.Time
}

// Ledger is the durable record of attempts. Claim and Conclude return when the change is on disk; all are safe for
// concurrent use.
//
// A delivery is never overwritten. A record in doubt stays Uncertain under any conclusion but a
// delivery, or what the very run that left it in doubt still writes.
type Ledger interface {
	Claim(ctx context.Context, c Claim) (Claimed, error)
	Conclude(ctx context.Context, t Ticket, c Conclusion) error
	// Holds gives why no call may begin on what was claimed, for good or for the moment: the ledger may have taken
	// the run for dead, and others see doubts in what it has open. Nil while calls may begin.
	Holds() error
}

// SliceTime is how much time's worth of slots is taken at once, so that a run can hand out many permits for
// one write to the ledger, and hear of a pause this soon. A slot is to be used within it.
const SliceTime = 100 * time.Millisecond

// Slice is a stretch of time in which a run may make a number of calls.
type Slice struct {
	Start time.Time
	Slots int
	End   time.Time // when the next slot is, at the same rate; no slot is used from then on
	Next  int64     // the same in the ledger's own terms, by which it knows the slice again
	Pause time.Time // no call before this time, whoever asks; zero when there is none
	// Factor is what the rate was multiplied by, over 0 to 1, to leave others room; 0 counts as 1.
	Factor float64
}

// Pace is the one pace that all runs on a ledger share for a target.
type Pace interface {
	// Reserve takes slots at the given rate (a second) from the next free time on, and not before from: so
	// runs take turns. Behind the slot of a slow run it takes none that would begin more than two SliceTime
	// ahead, so that nobody who dies or ends holds others up: then Start says when they would. With no slots
	// it only reads that, and the pause.
	//
	// The slot of a run so slow that it lasts longer than a SliceTime is over for faster runs after one.
	Reserve(ctx context.Context, slots int, rate float64, from time.Time) (Slice, error)
	// GiveBack gives back the last Slots of a slice, which are unused, if nobody has taken any after them.
	GiveBack(ctx context.Context, s Slice) error
	// Pause holds every run until the given time.
	Pause(ctx context.Context, until time.Time) error
	// Slow multiplies every run's rate by 0.7, down to a twentieth, unless that was done within the given
	// time. From then on it grows back by a twentieth of the rate a second.
	Slow(ctx context.Context, within time.Duration) error
}

// Observer hears what a person may want to know while a run goes on. It is called from one goroutine
// at a time and must not block.
type Observer interface {
	Progress(Progress)
	Notice(Notice)
}

// Notice is something worth a line: a pause, a wait, a run that stops.
type Notice struct {
	Code string // stable, lower case: throttled, waiting, ledger_unwritable, stopping …
	Text string
	Time time.Time
}

// AwaitingAnswer is why nothing is sent while a person is asked.
const AwaitingAnswer = "waiting for an answer"

// Progress is how far the send pass is with a file.
type Progress struct {
	Due       int // rows that were to be sent when the run began
	Delivered int // of these, by this run
	Rejected  int
	Failed    int
	Uncertain int
	Skipped   int // found served, by another run, when their turn came
	InFlight  int
	Retrying  int       // rows that wait for another attempt
	Rate      float64   // calls a second that may be made at present; +Inf for no limit of ours
	Waiting   string    // why nothing is being sent; empty when something is
	Until     time.Time // when the waiting ends; zero when that is not known
	Rule      string    // the code of the rule by which all that is left waits, such as CodeQuota; empty for another reason
}

// Done is how many rows have their outcome.
func (p Progress) Done() int {
	return p.Delivered + p.Rejected + p.Failed + p.Uncertain + p.Skipped
}

func (p *Progress) count(s Status) {
	switch s {
	case Delivered:
		p.Delivered++
	case Rejected:
		p.Rejected++
	case Failed:
		p.Failed++
	case Uncertain:
		p.Uncertain++
	case Skipped:
		p.Skipped++
	case Pending:
	}
}

// Sink takes the rows of a report in input order.
type Sink interface {
	Write(Row, Outcome) error
}
