package pipeline

import "time"

// Status is the state of a row. The list is closed; DESIGN of the program rests on it.
type Status string

// The statuses of a row.
const (
	Delivered Status = "delivered" // HPP accepted it, now or earlier; there is no receipt from the phone
	Rejected  Status = "rejected"  // cannot be sent as it stands: our own check, or HPP's refusal
	Failed    Status = "failed"    // surely not sent, and no fault of the row
	Uncertain Status = "uncertain" // it may have been sent; never again by itself
	Skipped   Status = "skipped"   // left out on purpose
	Pending   Status = "pending"   // not reached
)

// Statuses lists every status in the order in which people read them.
func Statuses() []Status {
	return []Status{Delivered, Rejected, Failed, Uncertain, Skipped, Pending}
}

// Outcome is what became of one row; the report shows one for each.
type Outcome struct {
	Session       string // canonical; empty when there is no readable one
	Status        Status
	Code          string
	Reason        string
	Findings      []Finding // all that our own check found; the first gives Code, and Reason names all
	Note          string    // what was remarked on a row that is sent all the same; contacts in it are masked
	Method        Method
	SentTo        string // the contact in clear, as it was given to HPP; for the report only
	HTTPStatus    int    // of the last attempt; 0 when there was no answer
	Attempts      int    // HTTP calls made for the row, over all runs
	CorrelationID string
	Time          time.Time // of the last attempt; zero when there was none
	Target        string
	Run           string // the run that came to this outcome
	SentNow       bool   // delivered by this run
}
