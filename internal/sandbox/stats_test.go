package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scripted(t, "sessions:\n  a: [{do: gateway, status: 504, accepted: true}]\n  b: [{do: error, status: 500}]\n")
		began := time.Now()
		post(s, "a", email)
		time.Sleep(time.Second)
		post(s, "b", email)
		post(s, strings.ToUpper(id), email)
		post(s, id, "not JSON")
		do(s, "GET", "/hpp/v1/sessions/c", "")
		first, later := began, began.Add(time.Second)
		want := Stats{
			Calls: 4, Sent: 2,
			Accepted: map[string]int{"a": 1, id: 1},
			Sessions: map[string]Session{"a": {1, 1, Times{first}}, "b": {1, 0, Times{later}}, id: {2, 1, Times{later, later}}},
			Answers:  map[int]int{504: 1, 500: 1, 204: 1, 400: 1, 200: 1},
			Arrivals: Times{first, later, later, later},
			Looks:    1, Looked: map[string]int{"c": 1}, LookArrivals: Times{later},
		}
		if diff := cmp.Diff(want, s.Stats()); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		var served Stats
		w := do(s, "GET", "/_sandbox/stats", "")
		if err := json.Unmarshal(w.Body.Bytes(), &served); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, served); diff != "" {
			t.Errorf("stats as they are served (-want +got):\n%s", diff)
		}
	})
}

func TestStatsAsJSON(t *testing.T) {
	at := Times{time.Unix(1, 500)}
	got, err := json.Marshal(Stats{
		Calls: 1, Sent: 1, Accepted: map[string]int{"a": 1}, Sessions: map[string]Session{"a": {1, 1, at}},
		Answers: map[int]int{204: 1}, Arrivals: at, Looks: 2, Looked: map[string]int{"b": 2}, LookArrivals: at,
	})
	want := `{"calls":1,"sent":1,"accepted":{"a":1},"sessions":{"a":{"calls":1,"accepted":1,"arrivals":[1000000500]}},"answers":{"204":1},"arrivals":[1000000500],"looks":2,"looked":{"b":2},"look_arrivals":[1000000500]}`
	if string(got) != want || err != nil {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

func TestStatsNeedCredentialsFromElsewhere(t *testing.T) {
	s := New(Config{})
	for _, tc := range []struct {
		from  string
		known bool
		want  int
	}{{"127.0.0.1:5", false, 200}, {"[::1]:5", false, 200}, {"192.0.2.1:5", false, 403}, {"192.0.2.1:5", true, 200}} {
		r := httptest.NewRequest("GET", "/_sandbox/stats", nil)
		r.RemoteAddr = tc.from
		if tc.known {
			r.SetBasicAuth(DefaultUsername, DefaultPassword)
		}
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != tc.want {
			t.Errorf("from %s, credentials: %v: answered %d, want %d", tc.from, tc.known, w.Code, tc.want)
		}
	}
}

func TestArrivalsAreBounded(t *testing.T) {
	s := newState()
	for i := range arrivalsMost + 5 {
		s.arrived([]string{"a", "b"}[i%2])
	}
	if len(s.arrivals) != arrivalsMost || s.calls != arrivalsMost+5 || len(s.sessions["a"].arrivals) != sessionArrivalsMost {
		t.Errorf("%d arrivals of %d calls are kept, and %d of one session", len(s.arrivals), s.calls, len(s.sessions["a"].arrivals))
	}
}

func BenchmarkDistribute(b *testing.B) {
	for name, body := range map[string]string{
		"e-mail": email, "E.164": sms,
		"local": `{"contact_information":{"phone":"0701740605","phone_country":"SE"},"method":"sms"}`,
	} {
		b.Run(name, func(b *testing.B) {
			s := New(Config{})
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				if w := post(s, fmt.Sprintf("a0000000-0000-4000-8000-%012d", n), body); w.Code != 204 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
