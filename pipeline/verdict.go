package pipeline

import (
	"context"
	"time"
)

// Verdict is what one HTTP call came to. The kind decides what may happen next: each kind answers
// whether it is the row's fault, whether it may be tried again, and whether it may have happened.
type Verdict uint8

// The verdicts on one attempt.
const (
	// Accepted: any 2xx. The row is delivered.
	Accepted Verdict = iota + 1
	// Refused: a 4xx with HPP's own error object. The row is rejected.
	Refused
	// RefusedByOther: 403, or a 4xx without such an object: a firewall, a mistyped endpoint. Not HPP's word on the row.
	RefusedByOther
	// Throttled: 429. Nothing happened; everybody waits.
	Throttled
	// Unavailable: not one byte of the request reached the socket, or HPP's own 503. May be tried again.
	Unavailable
	// Unclear: bytes were written and no clear answer came. It may have been sent; never again in this run.
	Unclear
	// Denied: 401. The credentials are wrong, not the rows.
	Denied
)

func (v Verdict) String() string {
	switch v {
	case Accepted:
		return "accepted"
	case Refused:
		return "refused"
	case RefusedByOther:
		return "refused by something else"
	case Throttled:
		return "throttled"
	case Unavailable:
		return "unavailable"
	case Unclear:
		return "unclear"
	case Denied:
		return "denied"
	}
	return "no verdict"
}

// Reply is the answer to one attempt, already judged.
type Reply struct {
	Verdict       Verdict
	HTTPStatus    int           // 0 when no status line came
	Code          string        // HPP's error_code, or ours; empty when accepted
	Reason        string        // a sentence for a person, masked of the row's contact
	CorrelationID string        // the Klarna-Correlation-Id header, else the body's correlation_id
	RetryAfter    time.Duration // how long the server asks to wait when Throttled; 0 when it does not say
	Quota         Quota
}

// Quota is what an answer says of the merchant's rate limit, which the shop's checkout shares.
type Quota struct {
	Limit     int // calls in each window; 0 when the answer does not say
	Remaining int // of these
	Window    time.Duration
}

// left is the share of the limit that is left.
func (q Quota) left() float64 { return float64(q.Remaining) / float64(q.Limit) }

// Sender makes one HTTP call for one distribution and judges the answer. It never repeats a call by
// itself. It is safe for concurrent use. When ctx ends before the answer the verdict is Unclear if
// bytes were written, else Unavailable.
type Sender interface {
	Send(ctx context.Context, d Distribution) Reply
}
