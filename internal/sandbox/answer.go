package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

const correlationID = "Klarna-Correlation-Id"

// call is one call, and the answer to it.
type call struct {
	http.ResponseWriter
	r       *http.Request
	state   *state
	session string
	status  int // 0 while there is no answer
}

// Unwrap lets an http.ResponseController through.
func (c *call) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// WriteHeader begins the answer, and counts it.
func (c *call) WriteHeader(status int) {
	c.status = status
	c.state.answered(status)
	c.ResponseWriter.WriteHeader(status)
}

func (c *call) json(status int, body any) {
	c.Header().Set("Content-Type", "application/json")
	c.WriteHeader(status)
	json.NewEncoder(c).Encode(body)
}

// page answers as something between the client and HPP does: a page for people, and no correlation id.
func (c *call) page(status int, title string) {
	c.Header().Del(correlationID)
	c.Header().Set("Content-Type", "text/html")
	c.WriteHeader(status)
	fmt.Fprintf(c, "<html><head><title>%d %s</title></head><body><h1>%[2]s</h1></body></html>\n", status, title)
}

// refuse answers with one of HPP's error objects.
func (c *call) refuse(p problem) { c.json(p.status, p.body(c.Header().Get(correlationID))) }

// problem is an error answer of HPP's.
type problem struct {
	status   int
	code     string
	messages []string
	form     Form
}

// Form is a form that HPP's error objects have been seen in.
type Form string

// The forms. The first is the documented one, and the default.
const (
	FormMessages Form = "messages" // error_messages, a list
	FormMessage  Form = "message"  // error_message, one string, and service_version
	FormErrorID  Form = "error_id" // the newer one, whose error_id is the correlation id
)

var (
	notFound    = newProblem(http.StatusNotFound, "NOT_FOUND", "There is no such session, or it has expired")
	disabled    = newProblem(http.StatusBadRequest, "BAD_VALUE", "The session is disabled")
	unavailable = newProblem(http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE",
		"Unable to distribute the link due to an internal error. Please try again")
)

func newProblem(status int, code, message string) problem {
	return problem{status: status, code: code, messages: []string{message}}
}

func (p problem) body(correlation string) map[string]any {
	body := map[string]any{"error_code": p.code}
	switch p.form {
	case FormMessage:
		body["error_message"], body["correlation_id"], body["service_version"] = strings.Join(p.messages, "; "), correlation, "sandbox"
	case FormErrorID:
		body["error_message"], body["error_id"], body["error_type"] = strings.Join(p.messages, "; "), correlation, "INPUT_ERROR"
	default:
		body["error_messages"], body["correlation_id"] = p.messages, correlation
	}
	return body
}
