package sandbox

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestScriptsAreRead(t *testing.T) {
	got, err := LoadScript(strings.NewReader(`
sessions:
  00000404: &twice
    - unavailable
    - {do: throttled, retry_after: "1", reset: "2", latency: 1m30s}
  b: *twice
  c: [{do: refuse, status: 409, error_code: X, message: [a, b], body: error_id}, {do: refuse, message: c}]
  d: [{do: redirect, status: 308, location: /there, accepted: true}, {do: huge, size: 7}]
  "*": [accept]
`))
	if err != nil {
		t.Fatal(err)
	}
	twice := []Step{{Action: actionUnavailable}, {Action: actionThrottled, RetryAfter: "1", Reset: "2", Latency: 90 * time.Second}}
	want := Script{Sessions: map[string][]Step{
		"00000404": twice, "b": twice,
		"c": {
			{Action: actionRefuse, Status: 409, Code: "X", Messages: Messages{"a", "b"}, Form: FormErrorID},
			{Action: actionRefuse, Messages: Messages{"c"}},
		},
		"d": {{Action: actionRedirect, Status: 308, Location: "/there", Accepted: true}, {Action: actionHuge, Size: 7}},
		"*": {{Action: actionAccept}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the script (-want +got):\n%s", diff)
	}
	if empty, err := LoadScript(strings.NewReader("")); err != nil || empty.Sessions != nil {
		t.Errorf("an empty file gives %v, %v", empty, err)
	}
}

func TestScriptsThatAreRefused(t *testing.T) {
	for _, tc := range []struct{ script, want string }{
		{"sessions:\n  a: [explode]\n", `line 2: "explode" is nothing`},
		{"sessions:\n  a:\n    - {latency: 1s}\n", `line 3: "" is nothing`},
		{"sessions:\n  a: [{do: accept, speed: 9}]\n", `line 2: accept has no "speed"`},
		{"sessions:\n  a: [{do: expired, status: 200}]\n", `line 2: expired has no "status"`},
		{"sessions:\n  a: [{do: reset_before, accepted: true}]\n", `line 2: reset_before has no "accepted"`},
		{"sessions:\n  a: [{do: hang, size: 1}]\n", `line 2: hang has no "size"`},
		{"session:\n  a: [accept]\n", `line 1: a script has no "session"`},
		{"- accept\n", "line 1: a script is not a mapping"},
		{"sessions:\n  - accept\n", "line 2: sessions is not a mapping"},
		{"sessions:\n  a: accept\n", "line 2: a session has a list of steps"},
		{"sessions:\n  a: []\n", "line 2: a session has a list of steps"},
		{"sessions:\n  a: [~, accept]\n", "line 2: a step is the name of an action"},
		{"sessions:\n  a: &a [*a]\n", "line 2: a step is the name of an action"},
		{"sessions:\n", "line 1: sessions is not a mapping"},
		{"sessions:\n  a: [accept]\n  a: [accept]\n", `line 3: mapping key "a" already defined`},
		{"sessions:\n  a: [{do: error, status: 99}]\n", "line 2: the status of error is from 400 to 599, not 99"},
		{"sessions:\n  a: [{do: accept, status: 400}]\n", "line 2: the status of accept is from 200 to 299"},
		{"sessions:\n  a: [{do: error, status: many}]\n", "line 2: cannot unmarshal"},
		{"sessions:\n  a: [{do: refuse, body: poem}]\n", `line 2: "poem" is no form`},
		{"sessions:\n  a: [{do: accept, latency: 5}]\n", `line 2: latency "5" is not a duration`},
		{"sessions:\n  a: [{do: accept, latency: -5s}]\n", "line 2: latency and size are not negative"},
		{"sessions:\n  a: [WAITING]\n", `line 2: "WAITING" is a state`},
		{"sessions:\n  a: [{do: WAITING}]\n", `line 2: "WAITING" is a state`},
		{"looks:\n  a: [accept]\n", `line 2: "accept" is nothing that a look meets`},
		{"looks:\n  a: [{do: disabled}]\n", `line 2: "disabled" is nothing that a look meets`},
		{"looks:\n  a: [session]\n", `line 2: "session" is nothing that a look meets`},
		{"looks:\n  a: [waiting]\n", `line 2: "waiting" is nothing that the sandbox`},
		{"looks:\n  a: [{do: WAITING, accepted: true}]\n", `line 2: WAITING has no "accepted"`},
		{"looks:\n  a: [{do: WAITING, expires_in: 5}]\n", `line 2: expires_in "5" is not a duration`},
		{"looks:\n  a: [{do: expired, expires_in: 5s}]\n", `line 2: expired has no "expires_in"`},
		{"looks:\n  a: WAITING\n", "line 2: a session has a list of steps"},
		{"looks:\n  - a\n", "line 2: looks is not a mapping"},
		{"sessions: {}\n---\nsessions: {}\n", "more than one YAML document"},
		{"sessions: [", "line 1"},
	} {
		_, err := LoadScript(strings.NewReader(tc.script))
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q gives %v, want one line with %q", tc.script, err, tc.want)
		}
	}
}

func TestStepsFollowEachOtherAndTheLastRepeats(t *testing.T) {
	s := scripted(t, "sessions: {a: [unavailable, expired, accept], "+strings.ToUpper(id)+": [denied], \"*\": [disabled]}")
	var got []int
	for range 4 {
		got = append(got, post(s, "a", email).Code)
	}
	got = append(got, post(s, id, email).Code, post(s, "00000404"+id[8:], email).Code)
	if diff := cmp.Diff([]int{503, 404, 204, 204, 401, 400}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestErrorObjectsOfEveryForm(t *testing.T) {
	s := scripted(t, `
sessions:
  plain: [refuse]
  messages: [{do: refuse, status: 422, error_code: X, message: [no, never], body: messages}]
  message: [{do: refuse, error_code: X, message: [no, never], body: message}]
  error_id: [{do: refuse, error_code: X, message: no, body: error_id}]
`)
	for session, want := range map[string]map[string]any{
		"plain":    {"error_code": "BAD_VALUE", "error_messages": []any{"Refused by the script"}, "correlation_id": "ID"},
		"messages": {"error_code": "X", "error_messages": []any{"no", "never"}, "correlation_id": "ID"},
		"message":  {"error_code": "X", "error_message": "no; never", "correlation_id": "ID", "service_version": "sandbox"},
		"error_id": {"error_code": "X", "error_message": "no", "error_id": "ID", "error_type": "INPUT_ERROR"},
	} {
		w := post(s, session, email)
		text := strings.ReplaceAll(w.Body.String(), w.Header().Get(correlationID), "ID")
		var got map[string]any
		json.Unmarshal([]byte(text), &got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", session, diff)
		}
	}
}

// A fault sends no message that HPP would have refused.
func TestFaultsAcceptSoundRequestsOnly(t *testing.T) {
	s := scripted(t, `sessions: {"*": [{do: error, accepted: true}]}`)
	if a, b := post(s, "a", email).Code, post(s, "b", "{}").Code; a != 500 || b != 500 {
		t.Errorf("answered %d and %d, want 500", a, b)
	}
	if diff := cmp.Diff(map[string]int{"a": 1}, s.Stats().Accepted); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
}

func TestEveryActionIsPerformedAndDocumented(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	left, leave := context.WithCancel(t.Context())
	leave() // else some do not end
	for action := range actions {
		if action == actionSession { // of looks alone: TestLooksByTheScript
			continue
		}
		s := New(Config{Script: Script{Sessions: map[string][]Step{"*": {{Action: action}}}}})
		aborted := func() (aborted bool) {
			defer func() { aborted = recover() == http.ErrAbortHandler }()
			s.ServeHTTP(httptest.NewRecorder(), request("POST", "/hpp/v1/sessions/s/distribution", email).WithContext(left))
			return
		}()
		if answers := len(s.Stats().Answers); answers == 0 && !aborted {
			t.Errorf("%s does nothing", action)
		}
		if !strings.Contains(string(doc), "\n//\t"+string(action)+" ") {
			t.Errorf("%s is not in the package's comment", action)
		}
	}
}

// FuzzLoadScript holds that a script that is taken has an action for every call.
func FuzzLoadScript(f *testing.F) {
	for _, seed := range []string{
		"", "looks: {a: [WAITING, {do: X, expires_in: 1s}]}", "sessions: {a: [accept]}", "sessions: {a: [~]}", "sessions: {a: &x [{do: huge, size: 5}], b: *x}",
		"sessions:\n  \"*\":\n    - {do: refuse, status: 409, error_code: X, message: [a, b], body: error_id, latency: 1s}\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		script, err := LoadScript(strings.NewReader(text))
		if err != nil {
			if len(script.Sessions) > 0 {
				t.Errorf("%q is refused and taken: %v", text, err)
			}
			return
		}
		for session, steps := range script.Sessions {
			if len(steps) == 0 {
				t.Errorf("%q: %q has no steps", text, session)
			}
			for _, step := range steps {
				if _, ok := actions[step.Action]; !ok || step.Latency < 0 || step.Size < 0 {
					t.Errorf("%q: %q has the step %+v", text, session, step)
				}
			}
		}
	})
}
