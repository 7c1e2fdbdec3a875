package sandbox

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

// lookAnswer is what a look was answered.
type lookAnswer struct {
	Code    int
	Session string    `json:"session_id"`
	Status  string    `json:"status"`
	Updated time.Time `json:"updated_at"`
	Expires time.Time `json:"expires_at"`
}

func look(s *Server, session string) (got lookAnswer, w *httptest.ResponseRecorder) {
	w = do(s, "GET", "/hpp/v1/sessions/"+session, "")
	got.Code = w.Code
	json.Unmarshal(w.Body.Bytes(), &got)
	return got, w
}

// living gives a session whose consumer does so.
func living(t *testing.T, want func(life) bool) (string, life) {
	t.Helper()
	for n := range 1000 {
		id := fmt.Sprintf("d0000000-0000-4000-8000-%012d", n)
		if l := lifeOf(id); want(l) {
			return id, l
		}
	}
	t.Fatal("no session lives like that")
	return "", life{}
}

func TestSessionsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{})
		expect := func(id string, status int, want string) {
			t.Helper()
			got, w := look(s, id)
			if got.Code != status || got.Status != want {
				t.Errorf("%s is answered %d %s, want %d %s", id, w.Code, w.Body, status, want)
			}
			if status == 200 && (got.Session != id || !got.Expires.After(got.Updated) || got.Updated.IsZero()) {
				t.Errorf("%s is %s", id, w.Body)
			}
		}
		paid, way := living(t, func(l life) bool { return l.end == "COMPLETED" })
		cancelled, _ := living(t, func(l life) bool { return l.end == "CANCELLED" })
		opened, _ := living(t, func(l life) bool { return l.opens > 0 && l.ends == 0 })
		unopened, _ := living(t, func(l life) bool { return l.opens == 0 })
		untouched, _ := living(t, func(l life) bool { return l.end == "COMPLETED" && l.opens != way.opens })
		all := []string{paid, cancelled, opened, unopened}
		for _, id := range append(all, untouched) {
			expect(id, 200, "WAITING")
		}
		expect("00000404"+id[8:], 404, "")
		expect("00000400"+id[8:], 200, "DISABLED")
		for _, id := range all {
			post(s, id, email)
			expect(id, 200, "WAITING")
		}
		time.Sleep(way.opens - 1)
		expect(paid, 200, "WAITING")
		time.Sleep(time.Nanosecond)
		expect(paid, 200, "IN_PROGRESS")
		time.Sleep(way.ends - way.opens)
		expect(paid, 200, "COMPLETED")
		time.Sleep(10 * time.Second)
		expect(cancelled, 200, "CANCELLED")
		expect(opened, 200, "IN_PROGRESS")
		expect(unopened, 200, "WAITING")
		expect(untouched, 200, "WAITING") // it was never sent
		time.Sleep(sessionLife)
		expect(paid, 200, "COMPLETED")
		expect(opened, 404, "")
		expect(unopened, 404, "")
		if w := post(s, unopened, email); w.Code != 404 || errorCode(w) != "NOT_FOUND" {
			t.Errorf("a session whose life is over is sent: %d", w.Code)
		}
		stats := s.Stats()
		if want := len(all) + 1; stats.Calls != want || len(stats.Sessions) != len(all) {
			t.Errorf("%d calls for %d sessions, want %d: looks are counted as calls", stats.Calls, len(stats.Sessions), want)
		}
		if stats.Looked[untouched] != 2 || stats.Looks < 15 || len(stats.LookArrivals) != stats.Looks {
			t.Errorf("%d looks (%d at one that was looked at twice), %d arrivals", stats.Looks, stats.Looked[untouched], len(stats.LookArrivals))
		}
	})
}

func TestLivesAreSpread(t *testing.T) {
	const n = 20_000
	var opened, paid, cancelled float64
	for range n {
		switch l := lifeOf(uuid.NewString()); {
		case l.opens == 0:
			continue
		case l.opens < time.Second || l.opens > 3*time.Second || l.ends > 6*time.Second:
			t.Fatalf("a life of %+v", l)
		case l.end == "COMPLETED":
			paid++
		case l.end == "CANCELLED":
			cancelled++
		}
		opened++
	}
	for what, share := range map[string][2]float64{"opened": {opened, 0.6}, "paid": {paid, 0.3}, "cancelled": {cancelled, 0.1}} {
		if math.Abs(share[0]/n-share[1]) > 0.02 {
			t.Errorf("%.1f %% are %s, want %.0f %%", 100*share[0]/n, what, 100*share[1])
		}
	}
}

func TestLooksByTheScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scripted(t, `
sessions: {gone: [accept, expired]}
looks:
  a: [WAITING, unavailable, {do: ON_THE_MOON, status: 203}, COMPLETED]
  late: [{do: WAITING, expires_in: -1m}]
  gone: [{do: IN_PROGRESS, latency: 2s}, expired]
  slow: [{do: throttled, reset: "7"}, {do: error, status: 502}, forbidden]
`)
		for _, step := range []struct {
			id     string
			code   int
			status string
		}{
			{"a", 200, "WAITING"},
			{"a", 503, ""},
			{"a", 203, "ON_THE_MOON"},
			{"a", 200, "COMPLETED"},
			{"a", 200, "COMPLETED"},
			{"gone", 200, "IN_PROGRESS"},
			{"gone", 404, ""},
			{"slow", 429, ""},
			{"slow", 502, ""},
			{"slow", 403, ""},
			{"late", 200, "WAITING"},
		} {
			if got, w := look(s, step.id); got.Code != step.code || got.Status != step.status {
				t.Errorf("%s is answered %d %s, want %d %s", step.id, w.Code, w.Body, step.code, step.status)
			}
		}
		if got, _ := look(s, "late"); !got.Expires.Equal(time.Now().Add(-time.Minute)) {
			t.Errorf("late expires at %s, want a minute ago", got.Expires)
		}
		if w := post(s, "gone", email); w.Code != 204 {
			t.Errorf("looks use up the steps of the sends: %d", w.Code)
		}
	})
}

// A sandbox inside the program ends with it; the next one is told what was sent.
func TestSandboxThatIsToldOfWhatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		paid, _ := living(t, func(l life) bool { return l.end == "COMPLETED" })
		old, _ := living(t, func(l life) bool { return l.opens == 0 })
		sent := map[string]time.Time{paid: time.Now().Add(-time.Minute), old: time.Now().Add(-48 * time.Hour)}
		s := New(Config{Sent: func(session string) time.Time { return sent[session] }})
		if got, _ := look(s, paid); got.Status != "COMPLETED" {
			t.Errorf("sent a minute ago and paid: %+v", got)
		}
		if got, _ := look(s, old); got.Code != 404 {
			t.Errorf("sent two days ago and never opened: %+v", got)
		}
		if got, _ := look(s, id); got.Status != "WAITING" {
			t.Errorf("never sent: %+v", got)
		}
		if n := s.Stats().Sent; n != 0 {
			t.Errorf("%d messages went out", n)
		}
	})
}

func TestSessionLifeOfTheConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{SessionLife: time.Minute})
		if got, _ := look(s, id); got.Code != 200 || !got.Expires.Equal(time.Now().Add(time.Minute)) {
			t.Errorf("got %+v", got)
		}
		time.Sleep(time.Minute)
		if got, _ := look(s, id); got.Code != 404 {
			t.Errorf("a minute later: %+v", got)
		}
	})
}
