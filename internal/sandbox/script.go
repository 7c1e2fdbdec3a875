package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Action is what the sandbox does with a call. The list is closed; the package's comment tells what
// each does.
type Action string

const (
	actionAccept      Action = "accept"
	actionExpired     Action = "expired"
	actionDisabled    Action = "disabled"
	actionRefuse      Action = "refuse"
	actionUnavailable Action = "unavailable"
	actionThrottled   Action = "throttled"
	actionDenied      Action = "denied"
	actionForbidden   Action = "forbidden"
	actionGateway     Action = "gateway"
	actionError       Action = "error"
	actionRedirect    Action = "redirect"
	actionHang        Action = "hang"
	actionResetBefore Action = "reset_before"
	actionResetAfter  Action = "reset_after"
	actionCut         Action = "cut"
	actionHuge        Action = "huge"
	actionDrip        Action = "drip"
	actionSession     Action = "session" // of a look: the state that the step names
)

// Step is what the sandbox does with one call for a session, or with one look at it.
type Step struct {
	Action     Action        `yaml:"do"`
	Latency    time.Duration `yaml:"latency"`     // before the answer; of drip, also between the bytes
	Accepted   bool          `yaml:"accepted"`    // a sound request is acted on all the same
	Status     int           `yaml:"status"`      // 0: the action's own
	Code       string        `yaml:"error_code"`  // empty: BAD_VALUE
	Messages   Messages      `yaml:"message"`     // in YAML one, or a list
	Form       Form          `yaml:"body"`        // empty: FormMessages
	RetryAfter string        `yaml:"retry_after"` // seconds or an HTTP date
	Reset      string        `yaml:"reset"`       // X-Ratelimit-Reset, in seconds
	Location   string        `yaml:"location"`    // empty: a redirect to nowhere
	Size       int           `yaml:"size"`        // in bytes; 0: hugeSize
	State      string        `yaml:"-"`           // of a look at a session that is there
	ExpiresIn  time.Duration `yaml:"expires_in"`  // of that session, from the answer on; less than 0 for long ago; 0: as it lives
}

// Messages are those of an error object.
type Messages []string

// Script says what named sessions do, call by call and look by look; the last step of a session repeats. "*" is
// every other session.
type Script struct {
	Sessions map[string][]Step `yaml:"sessions"`
	Looks    map[string][]Step `yaml:"looks"`
}

const hugeSize = 4 << 20

// actions tells the status of each action, which statuses a step may name instead, and what else a
// step may say beside do and latency.
var actions = map[Action]struct {
	status, from, to int
	keys             []string
}{
	actionAccept:      {http.StatusNoContent, 200, 299, nil},
	actionExpired:     {},
	actionDisabled:    {},
	actionRefuse:      {http.StatusBadRequest, 400, 599, []string{"error_code", "message", "body"}},
	actionUnavailable: {keys: []string{"accepted"}},
	actionThrottled:   {status: http.StatusTooManyRequests, keys: []string{"retry_after", "reset"}},
	actionDenied:      {status: http.StatusUnauthorized},
	actionForbidden:   {status: http.StatusForbidden},
	actionGateway:     {http.StatusBadGateway, 400, 599, []string{"accepted"}},
	actionError:       {http.StatusInternalServerError, 400, 599, []string{"accepted"}},
	actionRedirect:    {http.StatusFound, 300, 399, []string{"location", "accepted"}},
	actionHang:        {keys: []string{"accepted"}},
	actionResetBefore: {},
	actionResetAfter:  {keys: []string{"accepted"}},
	actionCut:         {http.StatusBadRequest, 200, 599, []string{"accepted"}},
	actionHuge:        {http.StatusBadRequest, 200, 599, []string{"size", "accepted"}},
	actionDrip:        {http.StatusBadRequest, 200, 599, []string{"accepted"}},
	actionSession:     {http.StatusOK, 200, 299, []string{"expires_in"}},
}

// stateForm is what the state of a session looks like, known or not.
var stateForm = regexp.MustCompile(`^[A-Z][A-Z_]*$`)

// notFor tells why a step is none of a look, or none of a distribution; empty where it is one.
func notFor(looks bool, do string) string {
	switch state := stateForm.MatchString(do); {
	case state && !looks:
		return "is a state, which looks have, and sessions have not"
	case looks && (Action(do) == actionAccept || Action(do) == actionDisabled || Action(do) == actionSession):
		return "is nothing that a look meets; name a state such as WAITING"
	}
	return ""
}

// LoadScript reads a script. What it does not know it refuses, naming the line. An empty one is a
// script without sessions.
func LoadScript(r io.Reader) (Script, error) {
	var s Script
	dec := yaml.NewDecoder(r)
	err := dec.Decode(&s)
	if err == nil && dec.Decode(new(yaml.Node)) != io.EOF {
		err = errors.New("there is more than one YAML document in it")
	}
	if wrong := (*yaml.TypeError)(nil); errors.As(err, &wrong) {
		err = errors.New(strings.Join(wrong.Errors, "; ")) // on one line
	}
	if err != nil && err != io.EOF {
		return Script{}, err
	}
	return s, nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *Script) UnmarshalYAML(n *yaml.Node) error {
	if err := only(n, "a script", "sessions", "looks"); err != nil {
		return err
	}
	for i := 1; i < len(n.Content); i += 2 {
		what := n.Content[i-1].Value
		if n.Content[i].Kind != yaml.MappingNode {
			return fmt.Errorf("line %d: %s is not a mapping of ids to lists of steps", n.Content[i].Line, what)
		}
		for j, steps := range n.Content[i].Content {
			if steps = resolved(steps); j%2 == 0 {
				continue // an id
			}
			if steps.Kind != yaml.SequenceNode || len(steps.Content) == 0 {
				return fmt.Errorf("line %d: a session has a list of steps, such as [accept]", steps.Line)
			}
			for _, step := range steps.Content {
				step = resolved(step)
				if null := step.ShortTag() == "!!null"; null || step.Kind == yaml.SequenceNode { // yaml drops nulls
					return fmt.Errorf("line %d: a step is the name of an action, or a mapping with do", step.Line)
				}
				if why := notFor(what == "looks", named(step)); why != "" {
					return fmt.Errorf("line %d: %q %s", step.Line, named(step), why)
				}
			}
		}
	}
	type plain Script
	return n.Decode((*plain)(s))
}

// named is what a step says that is to be done.
func named(step *yaml.Node) string {
	if step.Kind == yaml.ScalarNode {
		return step.Value
	}
	for i := 0; i+1 < len(step.Content); i += 2 {
		if step.Content[i].Value == "do" {
			return step.Content[i+1].Value
		}
	}
	return ""
}

func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// UnmarshalYAML implements yaml.Unmarshaler: an action alone, or one with its details.
func (s *Step) UnmarshalYAML(n *yaml.Node) error {
	type plain Step
	var step struct {
		Do Action `yaml:"do"`
	}
	if n.Kind == yaml.ScalarNode {
		step.Do = Action(n.Value)
	} else if err := n.Decode(&step); err != nil {
		return err
	}
	what := step.Do
	if stateForm.MatchString(string(what)) {
		step.Do, s.State = actionSession, string(what)
	}
	a, ok := actions[step.Do]
	if !ok {
		return fmt.Errorf("line %d: %q is nothing that the sandbox can do", n.Line, step.Do)
	}
	if n.Kind == yaml.ScalarNode {
		s.Action = step.Do
		return nil
	}
	keys := append([]string{"do", "latency"}, a.keys...)
	if a.to != 0 {
		keys = append(keys, "status")
	}
	if err := only(n, string(what), keys...); err != nil {
		return err
	}
	if err := n.Decode((*plain)(s)); err != nil {
		return err
	}
	s.Action = step.Do
	switch {
	case s.Status != 0 && (s.Status < a.from || s.Status > a.to):
		return fmt.Errorf("line %d: the status of %s is from %d to %d, not %d", n.Line, s.Action, a.from, a.to, s.Status)
	case !slices.Contains([]Form{"", FormMessages, FormMessage, FormErrorID}, s.Form):
		return fmt.Errorf("line %d: %q is no form of an error body", n.Line, s.Form)
	case s.Latency < 0 || s.Size < 0:
		return fmt.Errorf("line %d: latency and size are not negative", n.Line)
	}
	return nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (m *Messages) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*m = Messages{n.Value}
		return nil
	}
	return n.Decode((*[]string)(m))
}

// only refuses unknown keys, which yaml does not do below an Unmarshaler, and durations without a
// unit, which it takes for nanoseconds.
func only(n *yaml.Node, what string, known ...string) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: %s is not a mapping", n.Line, what)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !slices.Contains(known, key.Value) {
			return fmt.Errorf("line %d: %s has no %q, only %s", key.Line, what, key.Value, strings.Join(known, ", "))
		}
		if key.Value == "latency" || key.Value == "expires_in" {
			if _, err := time.ParseDuration(value.Value); err != nil {
				return fmt.Errorf("line %d: %s %q is not a duration such as 200ms", value.Line, key.Value, value.Value)
			}
		}
	}
	return nil
}

// step is what the n-th call for a session meets, n from 1.
func (s *Server) step(session string, n int) Step {
	steps, ok := s.steps[session]
	if !ok {
		if steps, ok = s.steps["*"]; !ok {
			steps = magic(session)
		}
	}
	if len(steps) == 0 {
		return Step{Action: actionAccept}
	}
	return steps[min(n, len(steps))-1]
}

func (s Step) status() int { return cmp.Or(s.Status, actions[s.Action].status) }

func (s Step) size() int { return cmp.Or(s.Size, hugeSize) }

func (s Step) problem() problem {
	messages := s.Messages
	if len(messages) == 0 {
		messages = Messages{"Refused by the script"}
	}
	return problem{s.status(), cmp.Or(s.Code, "BAD_VALUE"), messages, s.Form}
}
