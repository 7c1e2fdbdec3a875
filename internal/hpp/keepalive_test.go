package hpp

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"hppsend/pipeline"
)

const noContent = "HTTP/1.1 204 No Content\r\n\r\n"

// TestKeptConnectionsThatClose is the proof of promise 1 at this level: whatever a server does to a
// connection that is just being used again, no request arrives twice, and none of which we say that
// it never left.
func TestKeptConnectionsThatClose(t *testing.T) {
	setup, caFile := certificate(t)
	for _, c := range []struct {
		name   string
		setup  *tls.Config
		sends  int
		handle func(*server, net.Conn)
	}{
		{"closed behind the answer", nil, 500, then(noContent, hangUp)},
		{"reset behind the answer", nil, 500, then(noContent, reset)},
		{"closed behind the answer, TLS", setup, 200, then(noContent, hangUp)},
		{"reset at the first byte of the next", nil, 500, then(noContent, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1))
			reset(conn)
		})},
		{"closed behind the next request", nil, 500, func(s *server, conn net.Conn) {
			r := bufio.NewReader(conn)
			if s.request(r) {
				_, _ = io.WriteString(conn, noContent)
				s.request(r)
			}
		}},
		{"closed behind the next request, TLS", setup, 200, func(s *server, conn net.Conn) {
			r := bufio.NewReader(conn)
			if s.request(r) {
				_, _ = io.WriteString(conn, noContent)
				s.request(r)
			}
		}},
		{"answered and closed, now and then", nil, 500, func(s *server, conn net.Conn) {
			r := bufio.NewReader(conn)
			for range 3 {
				if !s.request(r) {
					return
				}
				_, _ = io.WriteString(conn, noContent)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, c.setup, c.handle)
			client := newClient(t, Config{Endpoint: s.URL, CAFile: caFile})
			replies := make([]pipeline.Reply, c.sends)
			var reused atomic.Int64
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
				if i.Reused {
					reused.Add(1)
				}
			}})
			var senders sync.WaitGroup
			for worker := range 4 {
				senders.Go(func() {
					for i := worker; i < c.sends; i += 4 {
						replies[i] = client.Send(ctx, bySMS(fmt.Sprint("s", i)))
					}
				})
			}
			senders.Wait()
			s.stop()
			count := map[pipeline.Verdict]int{}
			for i, r := range replies {
				count[r.Verdict]++
				arrived := s.requests(fmt.Sprint("s", i))
				switch {
				case arrived > 1:
					t.Errorf("send %d arrived %d times", i, arrived)
				case r.Verdict == pipeline.Accepted && arrived == 1:
				case r.Verdict == pipeline.Unclear:
				case r.Verdict == pipeline.Unavailable && arrived == 0:
				default:
					t.Errorf("send %d arrived %d times and is %+v", i, arrived, r)
				}
			}
			if reused.Load() == 0 {
				t.Error("no connection was used again: nothing was tested")
			}
			t.Logf("%d of %d on kept connections: %v", reused.Load(), c.sends, count)
		})
	}
}

// TestKeptConnectionFoundClosed closes the connection between its choice and the first byte.
func TestKeptConnectionFoundClosed(t *testing.T) {
	s := serve(t, nil, answering(noContent))
	c := newClient(t, Config{Endpoint: s.URL})
	if r := c.Send(t.Context(), bySMS("first")); r.Verdict != pipeline.Accepted {
		t.Fatalf("%+v", r)
	}
	reused := false
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		reused = i.Reused
		_ = i.Conn.Close()
	}})
	r := c.Send(ctx, bySMS("second"))
	if !reused || r.Verdict != pipeline.Unavailable || r.HTTPStatus != 0 {
		t.Errorf("reused %v, got %+v", reused, r)
	}
	s.stop()
	if n := s.requests("second"); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

// TestAnswersLeftOver has a server answer a request twice. The second answer must not pass for the
// answer to the next request, which here gets the connection before the transport could look.
func TestAnswersLeftOver(t *testing.T) {
	answer := func(id string) string { return httpAnswer(200, "Klarna-Correlation-Id: "+id+"\r\n", "") }
	idle, asked := make(chan struct{}), make(chan struct{})
	s := serve(t, nil, func(s *server, conn net.Conn) {
		r := bufio.NewReader(conn)
		if s.request(r) {
			_, _ = io.WriteString(conn, answer("real")+answer("left-over"))
			s.request(r) // only when it is here is it beyond doubt that it was written
			close(asked)
			_, _ = io.Copy(io.Discard, conn)
		}
	})
	c := newClient(t, Config{Endpoint: s.URL})

	first := make(chan pipeline.Reply)
	go func() {
		first <- c.Send(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			PutIdleConn: func(error) {
				close(idle)
				<-asked
			},
		}), bySMS("first"))
	}()
	<-idle
	second := c.Send(t.Context(), bySMS("second"))
	if r := <-first; r.Verdict != pipeline.Accepted || r.CorrelationID != "real" {
		t.Errorf("first: %+v", r)
	}
	if second.Verdict != pipeline.Unclear || !strings.Contains(second.Reason, "earlier call") {
		t.Errorf("second: %+v", second)
	}
}

// TestCancelAtAnyMoment cancels around the first byte: the transport reports the request as written
// just before it flushes it to the socket. On either side the verdict must fit what arrived.
func TestCancelAtAnyMoment(t *testing.T) {
	s := serve(t, nil, func(s *server, conn net.Conn) {
		for r := bufio.NewReader(conn); s.request(r); {
			_, _ = io.WriteString(conn, noContent)
		}
	})
	c := newClient(t, Config{Endpoint: s.URL})
	verdicts := make([]pipeline.Verdict, 300)
	for i := range verdicts {
		ctx, cancel := context.WithCancel(t.Context())
		var trace httptrace.ClientTrace
		switch i % 3 {
		case 0:
			trace.GotConn = func(httptrace.GotConnInfo) { cancel() }
		case 1:
			trace.WroteRequest = func(httptrace.WroteRequestInfo) { cancel() }
		case 2:
			trace.WroteRequest = func(httptrace.WroteRequestInfo) { go cancel() }
		}
		ctx = httptrace.WithClientTrace(ctx, &trace)
		verdicts[i] = c.Send(ctx, bySMS(fmt.Sprint("s", i))).Verdict
		cancel()
	}
	s.stop()
	count := map[pipeline.Verdict]int{}
	for i, v := range verdicts {
		count[v]++
		if arrived := s.requests(fmt.Sprint("s", i)); arrived > 1 || arrived == 1 && v == pipeline.Unavailable {
			t.Errorf("send %d arrived %d times and is %s", i, arrived, v)
		}
	}
	if count[pipeline.Unavailable] == 0 || count[pipeline.Unclear] == 0 {
		t.Error("one side of the first byte was never tried")
	}
	t.Log(count)
}
