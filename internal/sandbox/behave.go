package sandbox

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// perform carries out a step, once the call has been read.
func perform(c *call, step Step) {
	switch step.Action {
	case actionAccept, actionDenied, actionError:
		c.WriteHeader(step.status())
	case actionExpired:
		c.refuse(notFound)
	case actionDisabled:
		c.refuse(disabled)
	case actionUnavailable:
		c.refuse(unavailable)
	case actionRefuse:
		c.refuse(step.problem())
	case actionThrottled:
		setIf(c, "Retry-After", step.RetryAfter)
		setIf(c, "X-Ratelimit-Reset", step.Reset)
		if step.RetryAfter == "" && step.Reset == "" {
			c.Header().Set("X-Ratelimit-Reset", "1")
		}
		c.WriteHeader(step.status())
	case actionForbidden:
		c.page(step.status(), "Request blocked")
	case actionGateway:
		c.page(step.status(), http.StatusText(step.status()))
	case actionRedirect:
		setIf(c, "Location", step.Location)
		c.WriteHeader(step.status())
	case actionHang:
		io.Copy(io.Discard, c.r.Body) // else it is not noticed that the client leaves
		<-c.r.Context().Done()
		panic(http.ErrAbortHandler)
	case actionResetAfter:
		reset(c)
	case actionCut:
		cut(c, step.status())
	case actionHuge:
		c.WriteHeader(step.status())
		io.Copy(c, io.LimitReader(spaces{}, int64(step.size())))
	case actionDrip:
		drip(c, step)
	}
}

func setIf(w http.ResponseWriter, name, value string) {
	if value != "" {
		w.Header().Set(name, value)
	}
}

// reset ends the connection with a RST.
func reset(c *call) {
	conn, _, err := http.NewResponseController(c).Hijack()
	if err != nil { // a handler without a connection
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// cut promises more than it sends.
func cut(c *call, status int) {
	c.Header().Set("Content-Type", "application/json")
	c.Header().Set("Content-Length", "500")
	c.WriteHeader(status)
	io.WriteString(c, `{"error_code":`)
	http.NewResponseController(c).Flush()
	panic(http.ErrAbortHandler)
}

// drip answers slower than anybody waits.
func drip(c *call, step Step) {
	c.WriteHeader(step.status())
	for c.r.Context().Err() == nil {
		if _, err := io.WriteString(c, " "); err != nil {
			return
		}
		if err := http.NewResponseController(c).Flush(); err != nil {
			return
		}
		wait(c.r.Context(), max(step.Latency, time.Millisecond))
	}
}

// spaces is spaces without end.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte{' '}, len(p))), nil }

// magic is what the first group of a session id asks for.
func magic(session string) []Step {
	group, rest, _ := strings.Cut(session, "-")
	if len(group) != 8 || len(rest) != 27 {
		return nil
	}
	switch group {
	case "00000404":
		return []Step{{Action: actionExpired}}
	case "00000400":
		return []Step{{Action: actionDisabled}}
	case "00000403":
		return []Step{{Action: actionForbidden}}
	case "00000408":
		return []Step{{Action: actionAccept, Latency: 2 * time.Second}}
	case "00000429":
		return []Step{{Action: actionThrottled}, {Action: actionAccept}}
	case "00000503":
		return []Step{{Action: actionUnavailable}, {Action: actionAccept}}
	case "00000599":
		return []Step{{Action: actionUnavailable}}
	case "00000504":
		return []Step{{Action: actionGateway, Status: http.StatusGatewayTimeout, Accepted: true}}
	case "00000000":
		return []Step{{Action: actionHang}}
	}
	return nil
}
