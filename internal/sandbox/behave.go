package sandbox

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// problem is an error answer of Klarna's.
type problem struct {
	status  int
	code    string
	message string
	shape   shape
}

// shape is a form that Klarna's error bodies have been seen in.
type shape string

// The shapes; messages is the documented one.
const (
	shapeMessages shape = "messages"
	shapeMessage  shape = "message"
	shapeErrorID  shape = "error_id"
)

var (
	notFound    = problem{status: http.StatusNotFound, code: "NOT_FOUND", message: "There is no such session, or it has expired"}
	disabled    = problem{status: http.StatusBadRequest, code: "BAD_VALUE", message: "The session is disabled"}
	unavailable = problem{status: http.StatusServiceUnavailable, code: "SERVICE_UNAVAILABLE", message: "Unable to distribute the link due to an internal error. Please try again"}
)

func (p problem) body(correlation string) any {
	switch p.shape {
	case shapeMessage:
		return map[string]any{"error_code": p.code, "error_message": p.message, "correlation_id": correlation, "service_version": "sandbox"}
	case shapeErrorID:
		return map[string]any{"error_id": correlation, "error_type": "INPUT_ERROR", "error_code": p.code, "error_message": p.message}
	}
	return map[string]any{"error_code": p.code, "error_messages": []string{p.message}, "correlation_id": correlation}
}

// perform carries out a step, once the call has been read.
func (s *Server) perform(w http.ResponseWriter, r *http.Request, step Step) {
	switch step.Action {
	case actionAccept:
		s.answer(w, step.status(), nil)
	case actionExpired:
		s.refuse(w, notFound)
	case actionDisabled:
		s.refuse(w, disabled)
	case actionUnavailable:
		s.refuse(w, unavailable)
	case actionRefuse:
		s.refuse(w, problem{step.status(), step.Code, step.Message, step.Shape})
	case actionThrottled:
		setIf(w, "Retry-After", step.RetryAfter)
		setIf(w, "X-Ratelimit-Reset", step.Reset)
		if step.RetryAfter == "" && step.Reset == "" {
			w.Header().Set("X-Ratelimit-Reset", "1")
		}
		s.answer(w, step.status(), nil)
	case actionDenied, actionError:
		s.answer(w, step.status(), nil)
	case actionForbidden:
		s.page(w, step.status(), "Request blocked")
	case actionGateway:
		s.page(w, step.status(), http.StatusText(step.status()))
	case actionRedirect:
		setIf(w, "Location", step.Location)
		s.answer(w, step.status(), nil)
	case actionHang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case actionResetAfter:
		reset(w)
	case actionCut:
		s.cut(w, step)
	case actionHuge:
		w.WriteHeader(step.status())
		io.Copy(w, io.LimitReader(endless{}, int64(step.Size)))
	case actionDrip:
		s.drip(w, r, step)
	}
}

func setIf(w http.ResponseWriter, name, value string) {
	if value != "" {
		w.Header().Set(name, value)
	}
}

// page answers as something between the client and HPP does, with a page for people.
func (s *Server) page(w http.ResponseWriter, status int, title string) {
	s.state.answered(status)
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<html><head><title>%d %s</title></head><body><h1>%s</h1></body></html>\n", status, title, title)
}

// reset ends the connection with a RST.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// cut promises more than it sends.
func (s *Server) cut(w http.ResponseWriter, step Step) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	s.state.answered(step.status())
	fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: 500\r\nKlarna-Correlation-Id: %s\r\n\r\n{\"error_code\":",
		step.status(), http.StatusText(step.status()), uuid.NewString())
}

// drip answers slower than anybody waits.
func (s *Server) drip(w http.ResponseWriter, r *http.Request, step Step) {
	w.WriteHeader(step.status())
	for _, b := range []byte(strings.Repeat(" ", 1<<20)) {
		if _, err := w.Write([]byte{b}); err != nil || r.Context().Err() != nil {
			return
		}
		http.NewResponseController(w).Flush()
		wait(r.Context(), max(step.Latency, time.Millisecond))
	}
}

// endless is spaces without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
