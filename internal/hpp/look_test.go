package hpp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"hppsend/pipeline"
)

// saying is an answer with a body whose length is right.
func saying(status int, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

func TestLooksAtServersThatMisbehave(t *testing.T) {
	const (
		short  = 300 * time.Millisecond // as many wait for nothing
		object = `{"error_code":"NOT_FOUND","error_messages":["+46701740605 is not here"]}`
		good   = `{"session_id":"` + session + `","status":"IN_PROGRESS","updated_at":"2026-11-05T12:00:00Z","expires_at":"2026-11-07T11:00:00Z"}`
	)
	for _, c := range []struct {
		name   string
		handle func(*server, net.Conn)
		sight  pipeline.Sight
		status pipeline.SessionStatus
	}{
		{"as documented", answering(saying(200, good)), pipeline.Found, "IN_PROGRESS"},
		{"another 2xx", answering(saying(203, good)), pipeline.Found, "IN_PROGRESS"},
		{"the id in capitals", answering(saying(200, strings.ReplaceAll(good, session, strings.ToUpper(session)))), pipeline.Found, "IN_PROGRESS"},
		{"no id", answering(saying(200, `{"status":"WAITING"}`)), pipeline.Found, "WAITING"},
		{"a status nobody knows", answering(saying(200, `{"status":"ON_THE_MOON"}`)), pipeline.Found, "ON_THE_MOON"},
		{"odd times", answering(saying(200, `{"status":"WAITING","updated_at":7,"expires_at":"soon"}`)), pipeline.Found, "WAITING"},

		{"gone", answering(saying(404, object)), pipeline.Gone, pipeline.SessionGone},
		{"a proxy's 404", answering(saying(404, "<html>")), pipeline.LookVague, ""},
		{"wrong credentials", answering(saying(401, "")), pipeline.LookDenied, ""},
		{"rate limit", answering(saying(429, "")), pipeline.LookLimit, ""},
		{"rate limit, dripping", then("HTTP/1.1 429 X\r\n\r\n", drip), pipeline.LookLimit, ""},

		{"a page", answering(saying(200, "<html>+46701740605</html>")), pipeline.LookVague, ""},
		{"nothing", answering("HTTP/1.1 204 No Content\r\n\r\n"), pipeline.LookVague, ""},
		{"another's session", answering(saying(200, `{"session_id":"x","status":"COMPLETED"}`)), pipeline.LookVague, ""},
		{"an id that is none", answering(saying(200, `{"session_id":7,"status":"COMPLETED"}`)), pipeline.LookVague, ""},
		{"no status", answering(saying(200, `{"session_id":"`+session+`"}`)), pipeline.LookVague, ""},
		{"a number for a status", answering(saying(200, `{"status":200}`)), pipeline.LookVague, ""},
		{"a contact for a status", answering(saying(200, `{"status":"anna@example.com"}`)), pipeline.LookVague, ""},
		{"a status of our own", answering(saying(200, `{"status":"GONE"}`)), pipeline.LookVague, ""},
		{"a list", answering(saying(200, `[`+good+`]`)), pipeline.LookVague, ""},
		{"half of it, said to be all", answering(saying(200, good[:60])), pipeline.LookVague, ""},
		{"more than HPP says", answering(saying(200, good+strings.Repeat(" ", maxBody))), pipeline.LookVague, ""},
		{"nested too deep", answering(saying(200, strings.Repeat("[", maxBody))), pipeline.LookVague, ""},
		{"a redirect", answering("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), pipeline.LookVague, ""},
		{"a firewall", answering(saying(403, "<html>")), pipeline.LookVague, ""},
		{"not allowed", answering(saying(403, object)), pipeline.LookVague, ""},
		{"a refusal that is none", answering(saying(400, object)), pipeline.LookVague, ""},

		{"internal error", answering(saying(500, "")), pipeline.LookFailed, ""},
		{"HPP's own 503", answering(saying(503, object)), pipeline.LookFailed, ""},
		{"a gateway's 503", answering(saying(503, "<html>")), pipeline.LookFailed, ""},
		{"time-out at the server", answering(saying(408, object)), pipeline.LookFailed, ""},
		{"cut off", then("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"+good[:60], hangUp), pipeline.LookFailed, ""},
		{"reset", then("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"+good[:60], reset), pipeline.LookFailed, ""},
		{"half, then silence", then("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"+good[:60], silence), pipeline.LookFailed, ""},
		{"dripping", then("HTTP/1.1 200 OK\r\n\r\n", drip), pipeline.LookFailed, ""},
		{"a body without end", then("HTTP/1.1 200 OK\r\n\r\n", forever("aaaaaaaa")), pipeline.LookVague, ""},
		{"silence", then("", silence), pipeline.LookFailed, ""},
		{"hangs up", then("", hangUp), pipeline.LookFailed, ""},
		{"resets", then("", reset), pipeline.LookFailed, ""},
		{"no HTTP", then("SSH-2.0-OpenSSH_9.6\r\n\r\n", hangUp), pipeline.LookFailed, ""},
		{"headers without end", then("HTTP/1.1 200 OK\r\n", forever("X-A: b\r\n")), pipeline.LookFailed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, nil, c.handle)
			client := newClient(t, Config{Endpoint: s.URL, Timeout: short})
			l := client.Look(t.Context(), session)
			s.stop()
			if l.Sight != c.sight || l.Session.Status != c.status || l.Session.ID != session {
				t.Errorf("got %s, %+v (%s), want %s and %q", l.Sight, l.Session, l.Reason, c.sight, c.status)
			}
			if (l.Reason == "") != (l.Sight == pipeline.Found) || (l.Code == "") != (l.Sight == pipeline.Found) {
				t.Errorf("%s with code %q and reason %q", l.Sight, l.Code, l.Reason)
			}
			if text := fmt.Sprintf("%+v", l); strings.Contains(text, phone) || strings.Contains(text, email) {
				t.Errorf("a contact came through: %s", contactless(text))
			}
			if n := s.arrived[pathBefore+session]; n > 1 {
				t.Errorf("one look made %d calls", n)
			}
		})
	}
}

func contactless(s string) string {
	return strings.NewReplacer(phone, "(phone)", email, "(email)").Replace(s)
}

func TestLookAsItIsOnTheWire(t *testing.T) {
	got := make(chan *http.Request, 1)
	s := serve(t, nil, func(_ *server, conn net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		got <- req
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nDate: "+time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)+
			"\r\nX-Ratelimit-Limit: 40, 40;w=1\r\nX-Ratelimit-Remaining: 3\r\nKlarna-Correlation-Id: c-1\r\nContent-Length: 63\r\n\r\n"+
			`{"status":"WAITING","expires_at":"2026-11-07T11:00:00.123Z"   }`)
	})
	c := newClient(t, Config{Endpoint: s.URL})
	l := c.Look(t.Context(), session)
	req := <-got
	if req.Method != "GET" || req.URL.Path != pathBefore+session || req.ContentLength != 0 || len(req.TransferEncoding) > 0 {
		t.Errorf("%s %s with a body of %d %v", req.Method, req.URL, req.ContentLength, req.TransferEncoding)
	}
	user, password, _ := req.BasicAuth()
	if user != "DemoMerchant" || password != "DemoPassword" || req.Header.Get("User-Agent") != "hppsend" || req.Header.Get("Content-Type") != "" {
		t.Errorf("the headers are %v", req.Header)
	}
	want := time.Date(2026, 11, 7, 11, 0, 0, 123e6, time.UTC)
	if l.Sight != pipeline.Found || !l.Session.Expires.Equal(want) || l.CorrelationID != "c-1" || l.Quota.Remaining != 3 {
		t.Errorf("got %+v", l)
	}
	if behind := time.Since(l.Now); behind < 59*time.Minute || behind > 61*time.Minute {
		t.Errorf("the server's clock was not taken: it is %s behind ours", behind)
	}
}

// The transport must not make a second call of a look by itself, which no permit was had for.
func TestLookIsOneCall(t *testing.T) {
	s := serve(t, nil, func(s *server, conn net.Conn) {
		r := bufio.NewReader(conn)
		for n := 0; s.request(r); n++ {
			if n == 1 { // the second on this connection: read, and never answered
				reset(conn)
				return
			}
			io.WriteString(conn, saying(200, `{"status":"WAITING"}`))
		}
	})
	c := newClient(t, Config{Endpoint: s.URL})
	for i, want := range []pipeline.Sight{pipeline.Found, pipeline.LookFailed, pipeline.Found} {
		if l := c.Look(t.Context(), session); l.Sight != want {
			t.Errorf("look %d is %s (%s), want %s", i, l.Sight, l.Reason, want)
		}
	}
	s.stop()
	if n := s.arrived[pathBefore+session]; n != 3 {
		t.Errorf("3 looks made %d calls", n)
	}
}

func TestLookWithoutAServer(t *testing.T) {
	s := serve(t, nil, func(*server, net.Conn) {})
	s.stop()
	c := newClient(t, Config{Endpoint: s.URL})
	if l := c.Look(t.Context(), session); l.Sight != pipeline.LookFailed || !strings.Contains(l.Reason, "refused the connection") {
		t.Errorf("got %s: %s", l.Sight, l.Reason)
	}
	for _, id := range []string{"", "a/b", "..", "a%2fb"} {
		if l := c.Look(t.Context(), id); l.Sight != pipeline.LookVague || l.Code != pipeline.CodeBadSession {
			t.Errorf("%q is asked for: %+v", id, l)
		}
	}
}
