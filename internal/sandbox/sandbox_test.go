package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	sms   = `{"contact_information":{"phone":"+46701740605","phone_country":"SE"},"method":"sms"}`
	email = `{"contact_information":{"email":"anna@example.com"},"method":"email"}`
	id    = "d0000000-0000-4000-8000-000000000001"
)

func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.SetBasicAuth(DefaultUsername, DefaultPassword)
	r.Header.Set("Content-Type", "application/json")
	return r
}

// call makes one distribute call without a network.
func call(s *Server, session, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, request("POST", "/hpp/v1/sessions/"+session+"/distribution", body))
	return w
}

// errorCode is the error_code of an answer, "" when it has none.
func errorCode(w *httptest.ResponseRecorder) string {
	var body struct {
		Code string `json:"error_code"`
	}
	json.Unmarshal(w.Body.Bytes(), &body)
	return body.Code
}

func TestValidation(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"SMS in full", sms, 204, ""},
		{"SMS as the API's examples have it", `{"contact_information":{"phone":"0712345678","phone_country":"se"},"method":"sms"}`, 204, ""},
		{"e-mail", email, 204, ""},
		{"unknown fields", `{"contact_information":{"email":"anna@example.com","fax":"1"},"method":"email","template":"x"}`, 204, ""},
		{"no JSON", `method=sms`, 400, "BAD_VALUE"},
		{"no method", `{"contact_information":{"email":"anna@example.com"}}`, 400, "CONSTRAINT_VIOLATION"},
		{"another method", `{"contact_information":{"email":"anna@example.com"},"method":"fax"}`, 400, "BAD_VALUE"},
		{"no phone", `{"contact_information":{"email":"anna@example.com"},"method":"sms"}`, 400, "MISSING_CONTACT_DATA"},
		{"no address", `{"contact_information":{"phone":"+46701740605"},"method":"email"}`, 400, "MISSING_CONTACT_DATA"},
		{"an address without a domain", `{"contact_information":{"email":"anna@"},"method":"email"}`, 400, "BAD_VALUE"},
		{"a phone that cannot be", `{"contact_information":{"phone":"0712","phone_country":"SE"},"method":"sms"}`, 400, "BAD_VALUE"},
		{"an unknown country", `{"contact_information":{"phone":"+46701740605","phone_country":"XX"},"method":"sms"}`, 400, "UNSUPPORTED_COUNTRY"},
		{"local without a country", `{"contact_information":{"phone":"0701740605"},"method":"sms"}`, 400, "UNSUPPORTED_COUNTRY"},
		{"over 1 MB", `{"x":"` + strings.Repeat("x", bodyMost) + `"}`, 413, "BAD_VALUE"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := New(Config{})
			w := call(s, id, tc.body)
			if w.Code != tc.status || errorCode(w) != tc.code {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, tc.status, tc.code)
			}
			if w.Header().Get("Klarna-Correlation-Id") == "" {
				t.Error("there is no Klarna-Correlation-Id")
			}
			if accepted := s.Stats().Accepted[id] == 1; accepted != (tc.status == 204) {
				t.Errorf("accepted: %v after a %d", accepted, w.Code)
			}
		})
	}
}

func TestCallsAreLetInWithCredentialsOnly(t *testing.T) {
	s := New(Config{Username: "K1", Password: "pw"})
	for _, tc := range []struct {
		user, password string
		want           int
	}{{"K1", "pw", 204}, {"K1", "", 401}, {"", "", 401}, {"K2", "pw", 401}} {
		r := request("POST", "/hpp/v1/sessions/"+id+"/distribution", email)
		r.SetBasicAuth(tc.user, tc.password)
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != tc.want {
			t.Errorf("%s:%s is answered %d, want %d", tc.user, tc.password, w.Code, tc.want)
		}
	}
	r := request("POST", "/hpp/v2/other", "")
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != 403 {
		t.Errorf("an invalid path is answered %d, want 403", w.Code)
	}
}

func TestMagicSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for group, want := range map[string][]int{
			"00000404": {404, 404}, "00000400": {400, 400}, "00000403": {403, 403}, "00000408": {204, 204},
			"00000429": {429, 204, 204}, "00000503": {503, 204}, "00000599": {503, 503, 503}, "00000504": {504, 504},
			"10000404": {204},
		} {
			s := New(Config{})
			session := group + id[8:]
			for n, status := range want {
				began := time.Now()
				if w := call(s, session, email); w.Code != status {
					t.Errorf("call %d of %s is answered %d, want %d", n+1, group, w.Code, status)
				}
				if took := time.Since(began); (took == 2*time.Second) != (group == "00000408") {
					t.Errorf("%s took %s", group, took)
				}
			}
		}
	})
}

func TestFaultsMaySendAllTheSame(t *testing.T) {
	script, err := LoadScript(strings.NewReader("sessions:\n  a: [{do: gateway, status: 504, accepted: true}]\n  \"*\": [{do: error, status: 500}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Script: script})
	if a, b := call(s, "a", email).Code, call(s, "b", email).Code; a != 504 || b != 500 {
		t.Errorf("answered %d and %d, want 504 and 500", a, b)
	}
	if diff := cmp.Diff(map[string]int{"a": 1}, s.Stats().Accepted); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
}

func TestErrorBodiesOfEveryShape(t *testing.T) {
	script, err := LoadScript(strings.NewReader(`
sessions:
  a: [{do: refuse, status: 400, error_code: X, message: no}]
  b: [{do: refuse, status: 400, error_code: X, message: no, body: message}]
  c: [{do: refuse, status: 400, error_code: X, message: no, body: error_id}]
`))
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Script: script})
	for session, field := range map[string]string{"a": "error_messages", "b": "service_version", "c": "error_id"} {
		w := call(s, session, email)
		var body map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body[field] == nil || body["error_code"] != "X" {
			t.Errorf("%s is answered %s, want a body with %s", session, w.Body, field)
		}
	}
}

func TestRateLimitOfAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{RateLimit: 3})
		var got []int
		for range 5 {
			got = append(got, call(s, id, email).Code)
		}
		w := call(s, id, email)
		if diff := cmp.Diff([]int{204, 204, 204, 429, 429}, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
		h := []string{w.Header().Get("X-Ratelimit-Limit"), w.Header().Get("X-Ratelimit-Remaining"), w.Header().Get("X-Ratelimit-Reset")}
		if diff := cmp.Diff([]string{"3, 3;w=1", "0", "2"}, h); diff != "" && h[2] != "1" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
		time.Sleep(time.Second)
		if w := call(s, id, email); w.Code != 204 {
			t.Errorf("the next window begins with %d", w.Code)
		}
	})
}

func TestSessionsCanBeAskedFor(t *testing.T) {
	s := New(Config{})
	for session, want := range map[string]int{id: 200, "00000404" + id[8:]: 404} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, request("GET", "/hpp/v1/sessions/"+session, ""))
		if w.Code != want || want == 200 && !strings.Contains(w.Body.String(), `"status":"WAITING"`) {
			t.Errorf("%s is answered %d %s", session, w.Code, w.Body)
		}
	}
}

func TestScriptsThatAreRefused(t *testing.T) {
	for script, want := range map[string]string{
		"sessions:\n  a: [explode]\n":                  "line 2",
		"sessions:\n  a: [{do: accept, speed: 9}]\n":   `no "speed"`,
		"session:\n  a: [accept]\n":                    "line 1",
		"sessions:\n  a: [{do: error, status: 99}]\n":  "99",
		"sessions:\n  a: [{do: refuse, body: poem}]\n": "poem",
		"sessions: [": "yaml",
	} {
		if _, err := LoadScript(strings.NewReader(script)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want an error with %q", script, err, want)
		}
	}
}

// TestFaultsOnTheWire looks at what arrives on a real connection.
func TestFaultsOnTheWire(t *testing.T) {
	script, err := LoadScript(strings.NewReader(`
sessions:
  before: [reset_before]
  after: [{do: reset_after, accepted: true}]
  cut: [{do: cut, status: 400}]
  huge: [{do: huge, size: 3000000}]
  hang: [hang]
  drip: [{do: drip, latency: 1ms}]
  away: [{do: redirect, status: 307, location: "https://example.com/"}]
`))
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Script: script})
	url, err := s.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	post := func(session string) (*http.Response, error) {
		r, _ := http.NewRequest("POST", url+"/hpp/v1/sessions/"+session+"/distribution", strings.NewReader(email))
		r.SetBasicAuth(DefaultUsername, DefaultPassword)
		return client.Do(r)
	}
	for _, session := range []string{"before", "after"} {
		if resp, err := post(session); err == nil {
			t.Errorf("%s is answered %s, want a reset", session, resp.Status)
		}
	}
	if got := s.Stats().Accepted; got["after"] != 1 || got["before"] != 0 {
		t.Errorf("accepted %v, want only what was accepted before its reset", got)
	}
	if resp, err := post("cut"); err != nil {
		t.Error(err)
	} else if _, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a cut-off answer ends with %v", err)
	}
	if resp, err := post("huge"); err != nil {
		t.Error(err)
	} else if n, _ := io.Copy(io.Discard, resp.Body); n != 3_000_000 {
		t.Errorf("a huge body has %d bytes", n)
	}
	if resp, err := post("away"); err != nil || resp.StatusCode != 307 {
		t.Errorf("a redirect is answered %v, %v", resp, err)
	}
	if resp, err := post("drip"); err != nil {
		t.Error(err)
	} else if _, err := bufio.NewReader(resp.Body).Peek(5); err != nil {
		t.Error(err)
	} else {
		resp.Body.Close()
	}
	hung := make(chan error, 1)
	go func() {
		_, err := post("hang")
		hung <- err
	}()
	for s.Stats().Called["hang"] == 0 {
		<-time.After(time.Millisecond)
	}
	s.Close()
	if err := <-hung; err == nil {
		t.Error("a hanging call was answered")
	}
}
