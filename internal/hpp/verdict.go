package hpp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hppsend/pipeline"
)

// maxRetryAfter is the longest wait that a server is granted.
const maxRetryAfter = 5 * time.Minute

// answer is what came back behind a status line.
type answer struct {
	status int
	header http.Header
	body   []byte // at most maxBody+1 bytes
	err    error  // why the body could not be read to its end
}

// judge gives the verdict on an answer: by its status, and by whether it carries HPP's own error
// object, never by its words.
func judge(a answer) pipeline.Reply {
	p, ours := a.problem()
	r := pipeline.Reply{
		HTTPStatus: a.status, CorrelationID: a.header.Get("Klarna-Correlation-Id"), Quota: quota(a.header),
	}
	if r.CorrelationID == "" {
		r.CorrelationID = strings.Join([]string(p.CorrelationID), " ")
	}
	var ending string // what HPP says, if it does
	if ours {
		ending = ": " + p.String()
	}
	switch {
	case a.status >= 200 && a.status <= 299:
		r.Verdict = pipeline.Accepted
	case a.status == http.StatusUnauthorized:
		r.Verdict, r.Code = pipeline.Denied, pipeline.StopDenied
		r.Reason = "the credentials were not accepted (HTTP 401): wrong user name or password, or another region's" + ending
	case a.status == http.StatusTooManyRequests:
		r.Verdict, r.Code = pipeline.Throttled, pipeline.CodeThrottled
		r.Reason = "the merchant's rate limit is used up (HTTP 429)" + ending
		r.RetryAfter = retryAfter(a.header, time.Now())
	case a.status == http.StatusServiceUnavailable && ours:
		r.Verdict, r.Code = pipeline.Unavailable, pipeline.CodeUnavailable
		r.Reason = "HPP cannot send at the moment (HTTP 503)" + ending
	case a.status == http.StatusForbidden || a.refusal() && !ours && a.err == nil:
		r.Verdict, r.Code = pipeline.RefusedByOther, fmt.Sprintf("http_%d", a.status)
		r.Reason = fmt.Sprintf("refused with HTTP %d, but not as HPP refuses a row: "+
			"a firewall or a proxy, or an endpoint that is not HPP's", a.status)
		if ours {
			r.Code, r.Reason = p.Code, fmt.Sprintf("not allowed (HTTP %d)%s", a.status, ending)
		}
	case a.refusal() && ours:
		r.Verdict, r.Code, r.Reason = pipeline.Refused, p.Code, p.String()
	default:
		r.Verdict, r.Code = pipeline.Unclear, pipeline.CodeNoClearAnswer
		r.Reason = fmt.Sprintf("the call was made and HTTP %d is no clear answer to it", a.status)
		if a.err != nil {
			r.Reason = fmt.Sprintf("the call was made and the answer (HTTP %d) broke off", a.status)
		}
		r.Reason += ending
	}
	return r
}

// settled reports whether the status alone decides the verdict.
func settled(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return true
	}
	return status >= 200 && status <= 299
}

// refusal reports whether the status says that the request was not accepted, and nothing else. A
// server that answers 408 may be one of a chain, with the request passed on.
func (a answer) refusal() bool {
	return a.status >= 400 && a.status <= 499 && a.status != http.StatusRequestTimeout
}

// problem is HPP's error object in any of its documented shapes.
type problem struct {
	Code          string   `json:"error_code"`
	Message       wordings `json:"error_message"`
	Messages      wordings `json:"error_messages"`
	CorrelationID wordings `json:"correlation_id"`
}

// problem reads the error object. It is HPP's only if error_code is text: others, such as
// Cloudflare, have a number of that name.
func (a answer) problem() (p problem, ours bool) {
	if a.err != nil || len(a.body) > maxBody || json.Unmarshal(a.body, &p) != nil {
		return problem{}, false
	}
	p.Code = strings.TrimSpace(p.Code)
	return p, p.Code != ""
}

// String gives HPP's words, or the code when there are none.
func (p problem) String() string {
	if words := strings.TrimSpace(strings.Join(append(p.Messages, p.Message...), "; ")); words != "" {
		return words
	}
	return p.Code
}

// wordings is a text or a list of texts; what is neither is left out.
type wordings []string

// UnmarshalJSON never refuses: an odd message must not hide the code beside it.
func (w *wordings) UnmarshalJSON(b []byte) error {
	var one string
	var many []any
	*w = nil
	switch {
	case json.Unmarshal(b, &one) == nil:
		many = []any{one}
	case json.Unmarshal(b, &many) != nil:
		return nil
	}
	for _, v := range many {
		if s, ok := v.(string); ok && s != "" {
			*w = append(*w, s)
		}
	}
	return nil
}

// quota reads the rate limit headers, such as X-Ratelimit-Limit: 40, 40;w=1. What is not as Klarna
// documents it counts as not said.
func quota(h http.Header) pipeline.Quota {
	limit, policy, _ := strings.Cut(h.Get("X-Ratelimit-Limit"), ",")
	most, err := strconv.Atoi(strings.TrimSpace(limit))
	left, err2 := strconv.Atoi(strings.TrimSpace(h.Get("X-Ratelimit-Remaining")))
	if err != nil || err2 != nil || most <= 0 || left < 0 {
		return pipeline.Quota{}
	}
	q := pipeline.Quota{Limit: most, Remaining: left, Window: time.Second}
	if _, window, ok := strings.Cut(policy, "w="); ok {
		window, _, _ = strings.Cut(window, ";")
		if w, err := strconv.ParseUint(strings.TrimSpace(window), 10, 32); err == nil && w > 0 {
			q.Window = min(time.Duration(w)*time.Second, maxRetryAfter)
		}
	}
	return q
}

// retryAfter reads how long the server asks to wait: Retry-After in seconds or as a date, else
// X-Ratelimit-Reset in seconds, else 0.
func retryAfter(h http.Header, now time.Time) time.Duration {
	for _, name := range [...]string{"Retry-After", "X-Ratelimit-Reset"} {
		v := strings.TrimSpace(h.Get(name))
		n, err := strconv.ParseUint(v, 10, 64)
		if err == nil || errors.Is(err, strconv.ErrRange) { // then n is the greatest there is
			if n > 0 {
				return time.Duration(min(n, uint64(maxRetryAfter/time.Second))) * time.Second
			}
			continue
		}
		if at, err := http.ParseTime(v); err == nil {
			if date, err := http.ParseTime(h.Get("Date")); err == nil {
				now = date // the server's own clock, as the date it asks for
			}
			if wait := at.Sub(now); wait > 0 {
				return min(wait, maxRetryAfter)
			}
		}
	}
	return 0
}
