package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// Action is what the sandbox does with a call.
type Action string

// The actions. The list is closed; [actions] says what each takes.
const (
	actionAccept      Action = "accept"       // 204
	actionExpired     Action = "expired"      // 404 NOT_FOUND
	actionDisabled    Action = "disabled"     // 400 BAD_VALUE
	actionRefuse      Action = "refuse"       // status, error_code, message and body as given
	actionUnavailable Action = "unavailable"  // 503 with Klarna's error body
	actionThrottled   Action = "throttled"    // 429; retry_after or reset in seconds
	actionDenied      Action = "denied"       // 401
	actionForbidden   Action = "forbidden"    // 403 with a firewall's page
	actionGateway     Action = "gateway"      // 502, 503 or 504 with a gateway's page
	actionError       Action = "error"        // any status with an empty body
	actionRedirect    Action = "redirect"     // 3xx to location
	actionHang        Action = "hang"         // reads the call and never answers
	actionResetBefore Action = "reset_before" // resets the connection without reading the body
	actionResetAfter  Action = "reset_after"  // reads the call, then resets the connection
	actionCut         Action = "cut"          // promises a body and sends half of it
	actionHuge        Action = "huge"         // 400 with a body of size bytes
	actionDrip        Action = "drip"         // 400 whose body comes one byte each latency
)

// Step is what the sandbox does with one call for a session.
type Step struct {
	Action     Action        `yaml:"do"`
	Latency    time.Duration `yaml:"latency"`     // before the answer; of drip, between the bytes
	Accepted   bool          `yaml:"accepted"`    // a fault after which the message goes out all the same
	Status     int           `yaml:"status"`      // of refuse, gateway, error, redirect, cut
	Code       string        `yaml:"error_code"`  // of refuse
	Message    string        `yaml:"message"`     // of refuse
	Shape      shape         `yaml:"body"`        // of refuse: messages, message, error_id
	RetryAfter string        `yaml:"retry_after"` // of throttled: seconds or an HTTP date
	Reset      string        `yaml:"reset"`       // of throttled: X-Ratelimit-Reset in seconds
	Location   string        `yaml:"location"`    // of redirect
	Size       int           `yaml:"size"`        // of huge, in bytes
}

// Script says what named sessions do, call by call; the last step of a session repeats. "*" is every
// other session.
type Script struct {
	Sessions map[string][]Step `yaml:"sessions"`
}

// defaults are the statuses of the actions that have one of their own.
var defaults = map[Action]int{
	actionAccept: http.StatusNoContent, actionExpired: 0, actionDisabled: 0, actionRefuse: http.StatusBadRequest,
	actionUnavailable: 0, actionThrottled: http.StatusTooManyRequests, actionDenied: http.StatusUnauthorized,
	actionForbidden: http.StatusForbidden, actionGateway: http.StatusBadGateway, actionError: http.StatusInternalServerError,
	actionRedirect: http.StatusFound, actionHang: 0, actionResetBefore: 0, actionResetAfter: 0, actionCut: http.StatusBadRequest,
	actionHuge: http.StatusBadRequest, actionDrip: http.StatusBadRequest,
}

// LoadScript reads a script. What it does not know it refuses, with the line.
func LoadScript(r io.Reader) (Script, error) {
	var s Script
	dec := yaml.NewDecoder(r)
	dec.KnownFields(true)
	if err := dec.Decode(&s); err != nil && !errors.Is(err, io.EOF) {
		return Script{}, err
	}
	return s, nil
}

// UnmarshalYAML reads a step: an action alone, or one with its details.
func (s *Step) UnmarshalYAML(n *yaml.Node) error {
	type plain Step
	if n.Kind == yaml.ScalarNode {
		s.Action = Action(n.Value)
	} else if err := knownKeys(n); err != nil {
		return err
	} else if err := n.Decode((*plain)(s)); err != nil {
		return err
	}
	if _, ok := defaults[s.Action]; !ok {
		return fmt.Errorf("line %d: %q is nothing that the sandbox can do", n.Line, s.Action)
	}
	if s.Status != 0 && (s.Status < 200 || s.Status > 599) {
		return fmt.Errorf("line %d: %d is no status of an answer", n.Line, s.Status)
	}
	if !slices.Contains([]shape{"", shapeMessages, shapeMessage, shapeErrorID}, s.Shape) {
		return fmt.Errorf("line %d: %q is no form of an error body", n.Line, s.Shape)
	}
	return nil
}

// knownKeys refuses unknown keys, which a decoder of its own does not inherit from the file's.
func knownKeys(n *yaml.Node) error {
	known := []string{"do", "latency", "accepted", "status", "error_code", "message", "body", "retry_after", "reset", "location", "size"}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; !slices.Contains(known, key.Value) {
			return fmt.Errorf("line %d: a step has no %q", key.Line, key.Value)
		}
	}
	return nil
}

// step is what the n-th call for a session meets, n from 1.
func (s *Server) step(session string, n int) Step {
	steps, ok := s.cfg.Script.Sessions[session]
	if !ok {
		if steps, ok = s.cfg.Script.Sessions["*"]; !ok {
			steps = magic(session)
		}
	}
	if len(steps) == 0 {
		return Step{Action: actionAccept}
	}
	return steps[min(n, len(steps))-1]
}

func (s Step) status() int {
	if s.Status != 0 {
		return s.Status
	}
	return defaults[s.Action]
}
