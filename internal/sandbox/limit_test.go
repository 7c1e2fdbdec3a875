package sandbox

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRateLimitOfAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock begins at a full second
		s := New(Config{RateLimit: 3})
		look := "/hpp/v1/sessions/" + odd
		for _, tc := range []struct {
			after     time.Duration
			method    string
			want      int
			remaining string
		}{
			{0, "POST", 204, "2"},
			{0, "GET", 200, "1"},
			{900 * time.Millisecond, "POST", 204, "0"},
			{0, "POST", 429, "0"},
			{0, "GET", 429, "0"},
			{99 * time.Millisecond, "POST", 429, "0"},
			{time.Millisecond, "POST", 204, "2"}, // the next window
			{0, "POST", 204, "1"},
		} {
			time.Sleep(tc.after)
			path := look
			if tc.method == "POST" {
				path += "/distribution"
			}
			w := do(s, tc.method, path, email)
			got := []string{w.Header().Get("X-Ratelimit-Limit"), w.Header().Get("X-Ratelimit-Remaining"), w.Header().Get("X-Ratelimit-Reset")}
			if diff := cmp.Diff([]string{"3, 3;w=1", tc.remaining, "1"}, got); w.Code != tc.want || diff != "" {
				t.Errorf("%s after %s is answered %d, want %d; headers (-want +got):\n%s", tc.method, tc.after, w.Code, tc.want, diff)
			}
		}
	})
}

func TestNoLimitHasNoHeaders(t *testing.T) {
	if got := post(New(Config{}), id, email).Header().Get("X-Ratelimit-Limit"); got != "" {
		t.Errorf("X-Ratelimit-Limit: %s", got)
	}
}

// What the limit or the credentials refuse has not reached the session.
func TestScriptsGoOnWithCallsThatWereLetIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scripted(t, `sessions: {"*": [unavailable, accept]}`)
		s.limit.most = 1
		var got []int
		for range 2 {
			got = append(got, post(s, id, email).Code, post(s, id, email).Code)
			time.Sleep(time.Second)
		}
		want := []int{http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusNoContent, http.StatusTooManyRequests}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answers (-want +got):\n%s", diff)
		}
	})
}
