package hpp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"hppsend/pipeline"
)

// answering gives a server that reads each request and then says exactly this.
func answering(parts ...string) func(*server, net.Conn) {
	return func(s *server, conn net.Conn) {
		r := bufio.NewReader(conn)
		for s.request(r) {
			if _, err := io.WriteString(conn, strings.Join(parts, "")); err != nil {
				return
			}
		}
	}
}

// then gives a server that reads one request, begins its answer, and goes on as it likes.
func then(begin string, goOn func(net.Conn)) func(*server, net.Conn) {
	return func(s *server, conn net.Conn) {
		if s.request(bufio.NewReader(conn)) {
			_, _ = io.WriteString(conn, begin)
			goOn(conn)
		}
	}
}

func hangUp(net.Conn) {}

func silence(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func forever(text string) func(net.Conn) {
	return func(conn net.Conn) {
		for {
			if _, err := io.WriteString(conn, text); err != nil {
				return
			}
		}
	}
}

func drip(conn net.Conn) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := io.WriteString(conn, " "); err != nil {
			return
		}
	}
}

func TestServersThatMisbehave(t *testing.T) {
	const (
		short  = 300 * time.Millisecond // as many wait for nothing
		object = `{"error_code":"BAD_VALUE","error_messages":["no"]}`
		ok     = "HTTP/1.1 204 No Content\r\n\r\n"
	)
	bad := fmt.Sprintf("HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n", len(object))
	for _, c := range []struct {
		name    string
		handle  func(*server, net.Conn)
		verdict pipeline.Verdict
		status  int
	}{
		{"silence", then("", silence), pipeline.Unclear, 0},
		{"hangs up", then("", hangUp), pipeline.Unclear, 0},
		{"resets", then("", reset), pipeline.Unclear, 0},
		{"resets in mid-request", func(_ *server, conn net.Conn) {
			_, _ = io.ReadFull(conn, make([]byte, 10))
			reset(conn)
		}, pipeline.Unclear, 0},
		{"half a status line", then("HTTP/1.1 20", hangUp), pipeline.Unclear, 0},
		{"half a header", then("HTTP/1.1 204 No Content\r\nServ", hangUp), pipeline.Unclear, 0},
		{"no HTTP", then("SSH-2.0-OpenSSH_9.6\r\n\r\n", hangUp), pipeline.Unclear, 0},
		{"a bad length", then("HTTP/1.1 204 No Content\r\nContent-Length: x\r\n\r\n", hangUp), pipeline.Unclear, 0},
		{"headers without end", then("HTTP/1.1 204 No Content\r\n", forever("X-A: b\r\n")), pipeline.Unclear, 0},
		{"a header without end", then("HTTP/1.1 204 No Content\r\nX: ", forever("aaaaaaaa")), pipeline.Unclear, 0},
		{"interim answers without end", then("", forever("HTTP/1.1 103 Early Hints\r\n\r\n")), pipeline.Unclear, 0},
		{"another protocol", then("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
			drip), pipeline.Unclear, 101},

		{"an interim answer", answering("HTTP/1.1 100 Continue\r\n\r\n", ok), pipeline.Accepted, 204},
		{"a success cut off", then("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", hangUp), pipeline.Accepted, 200},
		{"a success without end", then("HTTP/1.1 200 OK\r\n\r\n", forever("aaaaaaaa")), pipeline.Accepted, 200},
		{"a success dripping", then("HTTP/1.1 200 OK\r\n\r\n", drip), pipeline.Accepted, 200},
		{
			"a bad chunk in a success", then("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", hangUp),
			pipeline.Accepted, 200,
		},
		{
			"a 204 with a body", answering("HTTP/1.1 204 No Content\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"),
			pipeline.Accepted, 204,
		},

		{"a refusal after hints", answering("HTTP/1.1 103 Early Hints\r\n\r\n", bad, object), pipeline.Refused, 400},
		{"a refusal in chunks", answering("HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n",
			fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(object), object)), pipeline.Refused, 400},
		{"a refusal in HTTP/1.0", then("HTTP/1.0 400 No\r\n\r\n"+object, hangUp), pipeline.Refused, 400},
		{"a refusal cut off", then(bad+object[:20], hangUp), pipeline.Unclear, 400},
		{"a refusal reset", then(bad+object[:20], reset), pipeline.Unclear, 400},
		{"a length too long", then(bad+object[:20], silence), pipeline.Unclear, 400},
		{"a refusal dripping", then("HTTP/1.1 400 No\r\n\r\n", drip), pipeline.Unclear, 400},
		{"a refusal without end", then("HTTP/1.1 400 No\r\n\r\n"+object, forever("    ")), pipeline.RefusedByOther, 400},
		{
			"a length too short", then("HTTP/1.1 400 No\r\nContent-Length: 9\r\n\r\n"+object, hangUp),
			pipeline.RefusedByOther, 400,
		},
		{
			"a redirect to nowhere", answering("HTTP/1.1 302 Found\r\nLocation: ::\r\nContent-Length: 0\r\n\r\n"),
			pipeline.Unclear, 302,
		},
		{"a redirect without a place", answering("HTTP/1.1 307 No\r\nContent-Length: 0\r\n\r\n"), pipeline.Unclear, 307},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, nil, c.handle)
			timeout := time.Minute // for what a busy machine is slow with
			if c.verdict == pipeline.Unclear {
				timeout = short
			}
			client := newClient(t, Config{Endpoint: s.URL, Timeout: timeout})
			began := time.Now()
			got := client.Send(t.Context(), bySMS(session))
			if took := time.Since(began); took > 30*time.Second { // half of the longer time-out: tests share the machine
				t.Errorf("took %v with a time-out of %v", took, timeout)
			}
			if got.Verdict != c.verdict || got.HTTPStatus != c.status {
				t.Errorf("got %+v, want %s %d", got, c.verdict, c.status)
			}
			if strings.Contains(got.Reason, phone) || len(got.Reason) > 4*maxReason {
				t.Errorf("the reason shows too much")
			}
			s.stop()
			if n := s.requests(session); n > 1 {
				t.Errorf("%d requests arrived", n)
			}
		})
	}
}

func TestWhatTheStatusSaysIsNotWaitedFor(t *testing.T) {
	for status, want := range map[int]pipeline.Verdict{
		200: pipeline.Accepted, 401: pipeline.Denied, 403: pipeline.RefusedByOther, 429: pipeline.Throttled,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			s := serve(t, nil, then(fmt.Sprintf("HTTP/1.1 %d X\r\n\r\n", status), drip))
			c := newClient(t, Config{Endpoint: s.URL, Timeout: time.Minute})
			began := time.Now()
			if r := c.Send(t.Context(), bySMS(session)); r.Verdict != want {
				t.Errorf("got %+v", r)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("waited %v for a body that decides nothing", took)
			}
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := serve(t, nil, mute)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := serve(t, nil, answering(fmt.Sprintf(
			"HTTP/1.1 %d Elsewhere\r\nLocation: %s/hpp\r\nContent-Length: 0\r\n\r\n", status, other.URL)))
		got := newClient(t, Config{Endpoint: s.URL}).Send(t.Context(), bySMS(session))
		if got.Verdict != pipeline.Unclear || got.HTTPStatus != status {
			t.Errorf("%d: got %+v", status, got)
		}
		if n := s.requests(session); n != 1 {
			t.Errorf("%d: %d requests arrived", status, n)
		}
	}
	if n := other.connections(); n != 0 {
		t.Errorf("the other host got %d connections", n)
	}
}

func mute(_ *server, conn net.Conn) { silence(conn) }

func TestCancelledCalls(t *testing.T) {
	arrived := make(chan struct{})
	s := serve(t, nil, then("", func(conn net.Conn) {
		close(arrived)
		silence(conn)
	}))
	c := newClient(t, Config{Endpoint: s.URL})

	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	if got := c.Send(ctx, bySMS(session)); got.Verdict != pipeline.Unclear || got.Code != "no_clear_answer" {
		t.Errorf("cancelled when the request had arrived: got %+v", got)
	}
	if got := c.Send(ctx, bySMS("late")); got.Verdict != pipeline.Unavailable || got.Code != "unavailable" {
		t.Errorf("cancelled before: got %+v", got)
	}
	s.stop()
	if n := s.requests("late"); n != 0 {
		t.Errorf("%d requests arrived after the end", n)
	}
}

func TestNobodyListens(t *testing.T) {
	s := serve(t, nil, mute)
	s.stop()
	got := newClient(t, Config{Endpoint: s.URL}).Send(t.Context(), bySMS(session))
	if got.Verdict != pipeline.Unavailable || !strings.Contains(got.Reason, "refused the connection") {
		t.Errorf("got %+v", got)
	}
}
