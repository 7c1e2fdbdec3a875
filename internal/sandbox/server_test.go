package sandbox

import (
	"bytes"
	"encoding/json"
	"log/slog"
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
	id    = "d0000000-0000-4000-8000-000000000002"
	odd   = "d0000000-0000-4000-8000-000000000001"
)

func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.SetBasicAuth(DefaultUsername, DefaultPassword)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func do(s *Server, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, request(method, path, body))
	return w
}

// post makes one distribute call without a network.
func post(s *Server, session, body string) *httptest.ResponseRecorder {
	return do(s, "POST", "/hpp/v1/sessions/"+session+"/distribution", body)
}

// errorCode is the error_code of an answer, "" when it has none.
func errorCode(w *httptest.ResponseRecorder) string {
	var body struct {
		Code string `json:"error_code"`
	}
	json.Unmarshal(w.Body.Bytes(), &body)
	return body.Code
}

func scripted(t *testing.T, text string) *Server {
	t.Helper()
	script, err := LoadScript(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{Script: script})
}

func TestCallsAreLetInWithCredentialsOnly(t *testing.T) {
	s := New(Config{Username: "K1", Password: "pw"})
	for _, tc := range []struct {
		user, password string
		want           int
	}{{"K1", "pw", 204}, {"K1", "", 401}, {"", "", 401}, {"K2", "pw", 401}, {DefaultUsername, DefaultPassword, 401}} {
		r := request("POST", "/hpp/v1/sessions/"+id+"/distribution", email)
		r.SetBasicAuth(tc.user, tc.password)
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != tc.want || w.Body.Len() > 0 || w.Header().Get(correlationID) == "" {
			t.Errorf("%s:%s is answered %d %q, want %d without a body", tc.user, tc.password, w.Code, w.Body, tc.want)
		}
	}
	if got := s.Stats().Accepted[id]; got != 1 {
		t.Errorf("%d calls were accepted, want the one with the credentials", got)
	}
}

func TestInvalidPaths(t *testing.T) {
	s := New(Config{})
	for _, call := range []string{
		"POST /hpp/v2/other", "POST /hpp/v1/sessions//distribution", "POST /hpp/v1/sessions/a/b/distribution",
		"GET /hpp/v1/sessions/", "GET /hpp/v1/sessions/a/distribution", "POST /hpp/v1/sessions/a", "POST /_sandbox/stats",
	} {
		method, path, _ := strings.Cut(call, " ")
		if w := do(s, method, path, email); w.Code != 403 || w.Header().Get(correlationID) == "" {
			t.Errorf("%s is answered %d, want 403 with a correlation id", call, w.Code)
		}
	}
	if got := s.Stats().Calls; got != 0 {
		t.Errorf("%d of them count as distributions", got)
	}
}

func TestMagicSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for group, want := range map[string]struct {
			answers []int
			sent    int
		}{
			"00000404": {[]int{404, 404}, 0}, "00000400": {[]int{400, 400}, 0}, "00000403": {[]int{403, 403}, 0},
			"00000408": {[]int{204, 204}, 2}, "00000429": {[]int{429, 204, 204}, 2}, "00000503": {[]int{503, 204}, 1},
			"00000599": {[]int{503, 503, 503}, 0}, "00000504": {[]int{504, 504}, 2}, "10000404": {[]int{204}, 1},
		} {
			s := New(Config{})
			for n, status := range want.answers {
				began := time.Now()
				if w := post(s, group+id[8:], email); w.Code != status {
					t.Errorf("call %d of %s is answered %d, want %d", n+1, group, w.Code, status)
				}
				if took := time.Since(began); (took == 2*time.Second) != (group == "00000408") {
					t.Errorf("%s took %s", group, took)
				}
			}
			if got := s.Stats().Sent; got != want.sent {
				t.Errorf("%s sent %d messages, want %d", group, got, want.sent)
			}
		}
		if w := post(scripted(t, "sessions: {00000404"+id[8:]+": [accept]}"), "00000404"+id[8:], email); w.Code != 204 {
			t.Errorf("the script does not override the magic: %d", w.Code)
		}
		if w := post(New(Config{}), "00000404", email); w.Code != 204 {
			t.Errorf("an id that is no UUID has magic: %d", w.Code)
		}
	})
}

func TestLatencyOfEveryAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Latency: time.Second, RateLimit: 1})
		for _, call := range []struct {
			method, path string
			want         int
		}{
			{"POST", "/hpp/v1/sessions/" + id + "/distribution", 204},
			{"GET", "/hpp/v1/sessions/" + id, 200},
		} {
			began := time.Now()
			if w := do(s, call.method, call.path, email); w.Code != call.want || time.Since(began) != time.Second {
				t.Errorf("%s is answered %d after %s, want %d after 1s", call.path, w.Code, time.Since(began), call.want)
			}
		}
		r := request("POST", "/hpp/v1/sessions/"+id+"/distribution", email)
		r.Header.Del("Authorization")
		began := time.Now()
		if s.ServeHTTP(httptest.NewRecorder(), r); time.Since(began) != time.Second {
			t.Errorf("a 401 comes after %s", time.Since(began))
		}
	})
}

func TestLogMasksContacts(t *testing.T) {
	var log bytes.Buffer
	s := New(Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	post(s, id, sms)
	post(s, odd, email)
	post(s, "twisted", `{"contact_information":{"phone":"anna@example.com"},"method":"sms"}`)
	post(s, "none", `{}`)
	var ends []string
	for line := range strings.Lines(log.String()) {
		_, fields, _ := strings.Cut(line, "msg=distribution ")
		fields, _, _ = strings.Cut(fields, " correlation_id=")
		ends = append(ends, fields)
	}
	want := []string{
		"session=" + id + " contact=\"+46 ••• 05\" do=accept sent=true status=204",
		"session=" + odd + " contact=a•••@e•••.com do=accept sent=true status=204",
		"session=twisted contact=a•••@e•••.com do=accept sent=false status=400",
		"session=none contact=\"\" do=accept sent=false status=400",
	}
	if diff := cmp.Diff(want, ends); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
}

func TestCloseWithoutStart(t *testing.T) {
	if err := New(Config{}).Close(); err != nil {
		t.Error(err)
	}
}

func TestStartOnATakenAddress(t *testing.T) {
	_, url := started(t, Config{})
	if _, err := New(Config{}).Start(strings.TrimPrefix(url, "http://")); err == nil {
		t.Error("two sandboxes listen on one address")
	}
}
