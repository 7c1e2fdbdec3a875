package pipeline

import (
	"context"
	"time"
)

// SessionStatus is how HPP calls the state of a session. It is an open set: one that is not listed here, and
// the empty one, say nothing that may be acted upon.
type SessionStatus string

// The states of a session [doc, Read Session].
const (
	SessionWaiting    SessionStatus = "WAITING"     // nobody has opened the page yet
	SessionInProgress SessionStatus = "IN_PROGRESS" // the consumer has opened it, so that the link arrived
	SessionBack       SessionStatus = "BACK"
	SessionFailed     SessionStatus = "FAILED"
	SessionError      SessionStatus = "ERROR"
	SessionManualID   SessionStatus = "MANUAL_ID_CHECK"
	SessionCompleted  SessionStatus = "COMPLETED"
	SessionCancelled  SessionStatus = "CANCELLED"
	SessionDisabled   SessionStatus = "DISABLED"
	// SessionGone is ours: HPP answered 404, so the session has expired or there never was one.
	SessionGone SessionStatus = "GONE"
)

// SessionStatuses lists the states that are known, in the order in which a session goes through them.
func SessionStatuses() []SessionStatus {
	return []SessionStatus{
		SessionWaiting, SessionInProgress, SessionBack, SessionFailed, SessionError, SessionManualID,
		SessionCompleted, SessionCancelled, SessionDisabled, SessionGone,
	}
}

// Opened reports whether a consumer must have opened the page for the session to be in this state. A session
// can be cancelled or disabled without, and an error may be HPP's own.
func (s SessionStatus) Opened() bool {
	switch s {
	case SessionInProgress, SessionBack, SessionFailed, SessionManualID, SessionCompleted:
		return true
	}
	return false
}

// Ended reports whether no other state follows this one.
func (s SessionStatus) Ended() bool {
	switch s {
	case SessionCompleted, SessionCancelled, SessionDisabled, SessionGone:
		return true
	}
	return false
}

// Session is what HPP says of a session.
type Session struct {
	ID      string
	Status  SessionStatus
	Updated time.Time // zero when the answer does not say
	Expires time.Time // likewise
}

// ExpiredAt reports whether the session says that its life is over by then.
func (s Session) ExpiredAt(now time.Time) bool { return !s.Expires.IsZero() && !now.Before(s.Expires) }

// Sight is what a look at a session came to.
type Sight uint8

// The sights. A look changes nothing, so that every kind may be looked at again.
const (
	Found      Sight = iota + 1 // Session tells all that was said
	Gone                        // 404: there is no such session, or it has expired
	LookLimit                   // 429: everybody waits
	LookDenied                  // 401: the credentials are wrong
	LookFailed                  // HPP could not be reached, or did not answer in full: may be tried again
	LookVague                   // an answer, and none that is understood: another try would not help
)

func (s Sight) String() string {
	switch s {
	case Found:
		return "found"
	case Gone:
		return "gone"
	case LookLimit:
		return "throttled"
	case LookDenied:
		return "denied"
	case LookFailed:
		return "unavailable"
	case LookVague:
		return "unclear"
	}
	return "no sight"
}

// Look is the answer to one look, already judged. No word of the server's is in it.
type Look struct {
	Sight         Sight
	Session       Session   // its status is SessionGone where it is gone, and empty where nothing is known
	Now           time.Time // by the server's clock, as far as it tells, else by ours
	HTTPStatus    int       // 0 when no status line came
	Code          string    // ours, or HPP's error_code; empty when found
	Reason        string    // a sentence for a person; empty when found
	CorrelationID string
	RetryAfter    time.Duration // how long the server asks to wait at LookLimit; 0 when it does not say
	Quota         Quota
}

// Looker makes one HTTP call to learn how a session stands. It never repeats a call by itself, and is safe for
// concurrent use.
type Looker interface {
	Look(ctx context.Context, session string) Look
}

// reply is the look as an answer to a call, for what decides about the run as a whole.
func (l Look) reply() Reply {
	r := Reply{HTTPStatus: l.HTTPStatus, Code: l.Code, Reason: l.Reason, CorrelationID: l.CorrelationID, RetryAfter: l.RetryAfter, Quota: l.Quota}
	switch l.Sight {
	case Found, Gone:
		r.Verdict = Accepted
	case LookLimit:
		r.Verdict = Throttled
	case LookDenied:
		r.Verdict = Denied
	case LookFailed:
		r.Verdict = Unavailable
	default:
		r.Verdict = Unclear
	}
	return r
}
