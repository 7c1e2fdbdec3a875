package hpp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"hppsend/pipeline"
)

// Look makes one call to learn how a session stands, and judges its answer. It returns within the time-out, or
// soon after ctx ends. As nothing is changed by a look, one that went out and was not answered in full may be
// made again: it is LookFailed, where a send would be in doubt.
func (c *Client) Look(ctx context.Context, session string) pipeline.Look {
	vague := pipeline.Look{
		Sight: pipeline.LookVague, Session: pipeline.Session{ID: session}, Now: time.Now(),
		Code: pipeline.CodeBadSession, Reason: "no request can be made of the session id",
	}
	if checkSession(session) != nil {
		return vague
	}
	a, wrote, err := c.exchange(ctx, settledLook, func(ctx context.Context) (*http.Request, error) { return c.newLook(ctx, session) })
	switch {
	case errors.Is(err, errNoRequest):
		return vague
	case err != nil:
		return c.unseen(session, wrote, err)
	}
	l := seen(session, a)
	l.CorrelationID = cut(ascii(c.secrets.Mask(printable(a.header.Get("Klarna-Correlation-Id")))), maxCorrelationID)
	return l
}

// newLook makes the documented call. Like a send it must reach the socket once, since one permit is one call:
// the transport repeats a GET by itself unless it has a body that cannot be had again. An empty one is not sent.
func (c *Client) newLook(ctx context.Context, session string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint+pathBefore+url.PathEscape(session), io.NopCloser(strings.NewReader("")))
	if err != nil {
		return nil, err
	}
	req.Header = c.looking // shared: a RoundTripper must not change it
	return req, nil
}

// settledLook reports whether the status alone decides, which that of a session found does not.
func settledLook(status int) bool { return settled(status) && status > 299 }

// unseen judges a look to which no status line came.
func (c *Client) unseen(session string, wrote bool, err error) pipeline.Look {
	l := pipeline.Look{
		Sight: pipeline.LookFailed, Session: pipeline.Session{ID: session}, Now: time.Now(), Code: pipeline.CodeUnavailable,
		Reason: "the session could not be looked at: " + c.unsent(err),
	}
	if wrote {
		l.Reason = "the session was asked for and no answer came"
		if timedOut(err) {
			l.Reason += " in time"
		}
	}
	return l
}

// seen gives what an answer says of a session. Only its own words of the status are taken over, and none of what
// it says beside: whose contact might be in it is not known here.
func seen(session string, a answer) pipeline.Look {
	r := judge(a)
	l := pipeline.Look{
		Session: pipeline.Session{ID: session}, Now: clock(a.header), HTTPStatus: a.status, RetryAfter: r.RetryAfter, Quota: r.Quota,
		Code: pipeline.CodeNoClearAnswer,
	}
	switch {
	case r.Verdict == pipeline.Throttled:
		l.Sight, l.Code, l.Reason = pipeline.LookLimit, r.Code, "the merchant's rate limit is used up (HTTP 429)"
	case r.Verdict == pipeline.Denied:
		l.Sight, l.Code, l.Reason = pipeline.LookDenied, r.Code, "the credentials were not accepted (HTTP 401)"
	case a.err != nil || a.status >= 500 || a.status == http.StatusRequestTimeout:
		l.Sight, l.Code, l.Reason = pipeline.LookFailed, pipeline.CodeUnavailable, fmt.Sprintf("HPP did not say how the session stands (HTTP %d)", a.status)
	case r.Verdict == pipeline.Accepted:
		s, why := session200(session, a.body)
		if why != "" {
			l.Sight, l.Reason = pipeline.LookVague, fmt.Sprintf("the answer (HTTP %d) %s", a.status, why)
			break
		}
		l.Sight, l.Session, l.Code = pipeline.Found, s, ""
	case r.Verdict == pipeline.Refused && a.status == http.StatusNotFound:
		l.Sight, l.Session.Status, l.Code = pipeline.Gone, pipeline.SessionGone, "NOT_FOUND"
		l.Reason = "HPP has no such session, or it has expired (HTTP 404)"
	default:
		l.Sight, l.Reason = pipeline.LookVague, fmt.Sprintf("HTTP %d is no answer to how the session stands", a.status)
	}
	return l
}

// statusForm is what a status looks like, also one that is not known yet. What is not of this form is not shown.
var statusForm = regexp.MustCompile(`^[A-Z][A-Z_]{0,39}$`)

// session200 reads what HPP says of a session, or tells what is wrong with it, in words that follow "the answer".
func session200(id string, body []byte) (pipeline.Session, string) {
	var said struct {
		ID      any `json:"session_id"`
		Status  any `json:"status"`
		Updated any `json:"updated_at"`
		Expires any `json:"expires_at"`
	}
	if len(body) > maxBody {
		return pipeline.Session{}, "is longer than one of HPP's"
	}
	if json.Unmarshal(body, &said) != nil {
		return pipeline.Session{}, "is not the JSON that is documented"
	}
	if got, _ := said.ID.(string); said.ID != nil && pipeline.CanonicalSession(got) != pipeline.CanonicalSession(id) {
		return pipeline.Session{}, "is of another session"
	}
	status, _ := said.Status.(string)
	if !statusForm.MatchString(status) || status == string(pipeline.SessionGone) {
		return pipeline.Session{}, "names no status"
	}
	return pipeline.Session{ID: id, Status: pipeline.SessionStatus(status), Updated: moment(said.Updated), Expires: moment(said.Expires)}, ""
}

// moment reads a time of HPP's, RFC 3339. What is none, or lies outside of what a session can live through,
// counts as not said.
func moment(v any) time.Time {
	text, _ := v.(string)
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() < 2000 || t.Year() > 2200 {
		return time.Time{}
	}
	return t
}

// clock gives the time by the server's own clock, which its expires_at is of, to the second.
func clock(h http.Header) time.Time {
	now := time.Now()
	if date, err := http.ParseTime(h.Get("Date")); err == nil && date.Sub(now).Abs() < 24*time.Hour {
		return date
	}
	return now
}
