package sandbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func started(t *testing.T, cfg Config) (*Server, string) {
	t.Helper()
	s := New(cfg)
	url, err := s.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, url
}

// wire is a client of its own, which sees what arrives.
type wire struct {
	net.Conn
	in *bufio.Reader
}

const goOn = "HTTP/1.1 100 Continue\r\n\r\n"

// dial sends the head of a distribution. The server asks for the body when it begins to read it.
func dial(t *testing.T, url, session string) *wire {
	t.Helper()
	addr := strings.TrimPrefix(url, "http://")
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "POST /hpp/v1/sessions/%s/distribution HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic c2FuZGJveDpzYW5kYm94\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n", session, addr, len(email))
	return &wire{c, bufio.NewReader(c)}
}

// goOn waits until the server asks for the body, and sends it.
func (w *wire) goOn(t *testing.T) {
	t.Helper()
	if got, err := w.in.Peek(len(goOn)); string(got) != goOn {
		t.Fatalf("the server answers the head with %q, %v", got, err)
	}
	w.in.Discard(len(goOn))
	io.WriteString(w, email)
}

// read gives what arrives until the connection ends, or until something has come, and how it ended.
func (w *wire) read(until string) (text, end string) {
	var got strings.Builder
	for {
		b, err := w.in.ReadByte()
		switch {
		case errors.Is(err, syscall.ECONNRESET):
			return got.String(), "reset"
		case err != nil:
			return got.String(), err.Error()
		}
		got.WriteByte(b)
		if until != "" && strings.HasSuffix(got.String(), until) {
			return got.String(), "open"
		}
	}
}

var changing = regexp.MustCompile(`Date: [^\r]*\r\n|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// same takes out of an answer what is another each time, and the CRs.
func same(answer string) string {
	answer = changing.ReplaceAllStringFunc(answer, func(s string) string {
		if strings.HasPrefix(s, "Date") {
			return ""
		}
		return "ID"
	})
	return strings.ReplaceAll(answer, "\r", "")
}

func TestWhatArrives(t *testing.T) {
	const (
		klarna = "Klarna-Correlation-Id: ID\n"
		object = "Content-Type: application/json\n"
		bye    = "Connection: close\n\n"
	)
	for _, tc := range []struct {
		step string
		want string
		end  string // EOF when empty
		sent bool
	}{
		{"accept", "204 No Content\n" + klarna + bye, "", true},
		{"{do: accept, status: 200}", "200 OK\n" + klarna + "Content-Length: 0\n" + bye, "", true},
		{"expired", "404 Not Found\n" + object + klarna + "Content-Length: 148\n" + bye +
			`{"correlation_id":"ID","error_code":"NOT_FOUND","error_messages":["There is no such session, or it has expired"]}` + "\n", "", false},
		{"disabled", "400 Bad Request\n" + object + klarna + "Content-Length: 128\n" + bye +
			`{"correlation_id":"ID","error_code":"BAD_VALUE","error_messages":["The session is disabled"]}` + "\n", "", false},
		{"{do: refuse, status: 409, error_code: X, message: no}", "409 Conflict\n" + object + klarna + "Content-Length: 99\n" + bye +
			`{"correlation_id":"ID","error_code":"X","error_messages":["no"]}` + "\n", "", false},
		{"{do: unavailable, accepted: true}", "503 Service Unavailable\n" + object + klarna + "Content-Length: 187\n" + bye +
			`{"correlation_id":"ID","error_code":"SERVICE_UNAVAILABLE","error_messages":["Unable to distribute the link due to an internal error. Please try again"]}` + "\n", "", true},
		{"throttled", "429 Too Many Requests\n" + klarna + "X-Ratelimit-Reset: 1\nContent-Length: 0\n" + bye, "", false},
		{"{do: throttled, retry_after: 7}", "429 Too Many Requests\n" + klarna + "Retry-After: 7\nContent-Length: 0\n" + bye, "", false},
		{"{do: throttled, reset: 3}", "429 Too Many Requests\n" + klarna + "X-Ratelimit-Reset: 3\nContent-Length: 0\n" + bye, "", false},
		{"denied", "401 Unauthorized\n" + klarna + "Content-Length: 0\n" + bye, "", false},
		{"forbidden", "403 Forbidden\nContent-Type: text/html\nContent-Length: 98\n" + bye +
			"<html><head><title>403 Request blocked</title></head><body><h1>Request blocked</h1></body></html>\n", "", false},
		{"{do: gateway, status: 504, accepted: true}", "504 Gateway Timeout\nContent-Type: text/html\nContent-Length: 98\n" + bye +
			"<html><head><title>504 Gateway Timeout</title></head><body><h1>Gateway Timeout</h1></body></html>\n", "", true},
		{"error", "500 Internal Server Error\n" + klarna + "Content-Length: 0\n" + bye, "", false},
		{"{do: error, status: 408, accepted: true}", "408 Request Timeout\n" + klarna + "Content-Length: 0\n" + bye, "", true},
		{"{do: redirect, status: 307, location: /there}", "307 Temporary Redirect\n" + klarna + "Location: /there\nContent-Length: 0\n" + bye, "", false},
		{"redirect", "302 Found\n" + klarna + "Content-Length: 0\n" + bye, "", false},
		{"{do: cut, accepted: true}", "400 Bad Request\nContent-Length: 500\n" + object + klarna + bye + `{"error_code":`, "", true},
		{"{do: huge, size: 5}", "400 Bad Request\n" + klarna + "Content-Length: 5\nContent-Type: text/plain; charset=utf-8\n" + bye + "     ", "", false},
		{"{do: drip, latency: 1ms}", "400 Bad Request\n" + klarna + "Content-Type: text/plain; charset=utf-8\nConnection: close\n" +
			"Transfer-Encoding: chunked\n\n1\n \n1\n \n", "open", false},
		{"reset_after", "", "reset", false},
		{"{do: reset_after, accepted: true}", "", "reset", true},
	} {
		t.Run(tc.step, func(t *testing.T) {
			t.Parallel()
			script, err := LoadScript(strings.NewReader("sessions: {s: [" + tc.step + "]}"))
			if err != nil {
				t.Fatal(err)
			}
			s, url := started(t, Config{Script: script})
			w := dial(t, url, "s")
			w.goOn(t)
			until := ""
			if tc.end == "open" {
				until = "1\r\n \r\n1\r\n \r\n"
			}
			got, end := w.read(until)
			want := tc.want
			if want != "" {
				want = "HTTP/1.1 " + want
			}
			if tc.end == "" {
				tc.end = "EOF"
			}
			if diff := cmp.Diff(want, same(got)); diff != "" || end != tc.end {
				t.Errorf("ended with %s, want %s; what arrived (-want +got):\n%s", end, tc.end, diff)
			}
			if stats := s.Stats(); stats.Sent == 1 != tc.sent {
				t.Errorf("%d messages were sent, want one: %v", stats.Sent, tc.sent)
			}
		})
	}
}

func TestResetBeforeReading(t *testing.T) {
	s, url := started(t, Config{Script: Script{Sessions: map[string][]Step{"*": {{Action: actionResetBefore}}}}})
	if got, end := dial(t, url, "s").read(""); got != "" || end != "reset" {
		t.Errorf("%q arrives, and then %s; want a reset before the body is asked for", got, end)
	}
	if stats := s.Stats(); stats.Calls != 1 || stats.Sent != 0 {
		t.Errorf("%d calls came in and %d were accepted, want 1 and none", stats.Calls, stats.Sent)
	}
}

func TestHugeByDefault(t *testing.T) {
	if got := post(scripted(t, "sessions: {s: [huge]}"), "s", email).Body.Len(); got != hugeSize {
		t.Errorf("a huge body has %d bytes", got)
	}
}

// told is a log that tells when a call is over.
type told struct{ over chan struct{} }

func (told) Enabled(context.Context, slog.Level) bool { return true }
func (h told) Handle(context.Context, slog.Record) error {
	h.over <- struct{}{}
	return nil
}
func (h told) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h told) WithGroup(string) slog.Handler      { return h }

func TestHangingCalls(t *testing.T) {
	for name, end := range map[string]func(*Server, *wire){
		"until the client goes":   func(_ *Server, w *wire) { w.Close() },
		"until the server closes": func(s *Server, _ *wire) { s.Close() },
	} {
		for _, sent := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, accepted %v", name, sent), func(t *testing.T) {
				log := told{make(chan struct{}, 1)}
				s, url := started(t, Config{
					Script: Script{Sessions: map[string][]Step{"*": {{Action: actionHang, Accepted: sent}}}}, Log: slog.New(log),
				})
				w := dial(t, url, "s")
				w.goOn(t)
				for sent && s.Stats().Sent == 0 {
					runtime.Gosched() // the message goes out before the end
				}
				end(s, w)
				<-log.over
				if got, _ := w.read(""); got != "" {
					t.Errorf("a hanging call is answered %q", got)
				}
				if s.Stats().Sent == 1 != sent {
					t.Errorf("%d messages were sent, want one: %v", s.Stats().Sent, sent)
				}
				if got := s.Stats().Answers; len(got) != 0 {
					t.Errorf("answers are counted: %v", got)
				}
			})
		}
	}
}
