package hpp

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

func TestRequestBytes(t *testing.T) {
	got := make(chan string, 1)
	s := serve(t, nil, func(s *server, conn net.Conn) {
		var b strings.Builder
		s.request(bufio.NewReader(io.TeeReader(conn, &b)))
		got <- b.String()
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	})
	c := newClient(t, Config{Endpoint: s.URL, UserAgent: "hppsend/1.2.3"})

	head := func(path, length string) string {
		return "POST /hpp/v1/sessions/" + path + "/distribution HTTP/1.1\r\n" +
			"Host: " + s.Addr().String() + "\r\n" +
			"User-Agent: hppsend/1.2.3\r\n" +
			"Content-Length: " + length + "\r\n" +
			"Accept: application/json\r\n" +
			"Authorization: Basic RGVtb01lcmNoYW50OkRlbW9QYXNzd29yZA==\r\n" +
			"Cache-Control: no-cache\r\n" +
			"Content-Type: application/json\r\n\r\n"
	}
	for _, sent := range []struct {
		d    pipeline.Distribution
		want string
	}{
		{
			bySMS(session),
			head(session, "84") + `{"contact_information":{"phone":"+46701740605","phone_country":"SE"},"method":"sms"}`,
		},
		{
			pipeline.Distribution{Session: session, Method: pipeline.Email, Contact: email, Other: phone},
			head(session, "69") + `{"contact_information":{"email":"anna@example.com"},"method":"email"}`,
		},
		{
			pipeline.Distribution{Session: "a?b#c;é", Method: pipeline.Email, Contact: email},
			head("a%3Fb%23c%3B%C3%A9", "69") + `{"contact_information":{"email":"anna@example.com"},"method":"email"}`,
		},
	} {
		if r := c.Send(t.Context(), sent.d); r.Verdict != pipeline.Accepted {
			t.Fatalf("%+v", r)
		}
		if diff := cmp.Diff(sent.want, <-got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestNothingIsSentThatIsNoRequest(t *testing.T) {
	s := serve(t, nil, func(*server, net.Conn) {})
	c := newClient(t, Config{Endpoint: s.URL})
	for _, id := range []string{
		"", ".", "..", "../x", "a/b", `a\b`, "a%2fb", "a\x00b", "a\r\nb", "a\u202eb", "a\xffb", " \u00a0",
		strings.Repeat("a", maxSession+1),
	} {
		if r := c.Send(t.Context(), bySMS(id)); r.Verdict != pipeline.Refused || r.Code != pipeline.CodeBadSession {
			t.Errorf("session %q: got %+v", id, r)
		}
	}
	for code, d := range map[string]pipeline.Distribution{
		pipeline.CodeBadMethod:      {Session: session, Method: "token", Contact: email},
		pipeline.CodeMissingContact: {Session: session, Method: pipeline.Email},
	} {
		if r := c.Send(t.Context(), d); r.Verdict != pipeline.Refused || r.Code != code {
			t.Errorf("got %+v, want %s", r, code)
		}
	}
	if n := s.connections(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}
