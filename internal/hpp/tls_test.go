package hpp

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hppsend/pipeline"
)

func TestTLS(t *testing.T) {
	setup, caFile := certificate(t)
	old := setup.Clone()
	old.MaxVersion = tls.VersionTLS11
	h2 := setup.Clone()
	h2.NextProtos = []string{"h2", "http/1.1"}
	for _, c := range []struct {
		name    string
		setup   *tls.Config
		caFile  string
		handle  func(*server, net.Conn)
		host    string // instead of the server's own
		verdict pipeline.Verdict
		reason  string
	}{
		{"trusted by its file", setup, caFile, answering(noContent), "", pipeline.Accepted, ""},
		{"HTTP/2 on offer", h2, caFile, answering(noContent), "", pipeline.Accepted, ""},
		{"not trusted", setup, "", answering(noContent), "", pipeline.Unavailable, "authority"},
		{"another name", setup, caFile, answering(noContent), "localhost", pipeline.Unavailable, "not for localhost"},
		{"too old", old, caFile, answering(noContent), "", pipeline.Unavailable, "handshake"},
		{"no TLS at all", nil, caFile, mute, "", pipeline.Unavailable, "in time"},
		{"plain HTTP", nil, caFile, func(_ *server, conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
			silence(conn)
		}, "", pipeline.Unavailable, "does not speak TLS"},
		{"hangs up before", nil, caFile, func(_ *server, conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1))
		}, "", pipeline.Unavailable, "before a byte"},
		{"hangs up after the handshake and the request", setup, caFile, then("", hangUp), "", pipeline.Unclear, "closed"},
		{"silent after the request", setup, caFile, then("", silence), "", pipeline.Unclear, "in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, c.setup, c.handle)
			endpoint := "https://" + s.Addr().String()
			if c.host != "" {
				endpoint = strings.Replace(endpoint, "127.0.0.1", c.host, 1)
			}
			client := newClient(t, Config{Endpoint: endpoint, CAFile: c.caFile, Timeout: time.Second})
			got := client.Send(t.Context(), bySMS(session))
			if got.Verdict != c.verdict || !strings.Contains(got.Reason, c.reason) {
				t.Errorf("got %+v, want %s with %q", got, c.verdict, c.reason)
			}
			s.stop()
			if n := s.requests(session); n > 1 || (c.verdict == pipeline.Unavailable) != (n == 0) {
				t.Errorf("%d requests arrived", n)
			}
		})
	}
}

// tunnel gives a proxy that counts what it is asked to open, and opens the way to the server
// whatever the name.
func tunnel(t *testing.T, setup *tls.Config, to *server, opened *atomic.Int64) *server {
	return serve(t, setup, func(_ *server, conn net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil || req.Method != http.MethodConnect {
			return
		}
		opened.Add(1)
		back, err := net.Dial("tcp", to.Addr().String())
		if err != nil {
			return
		}
		defer back.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(conn, back)
			_ = conn.Close()
		}()
		_, _ = io.Copy(back, conn)
		_ = back.Close()
		<-done
	})
}

func viaProxy(t *testing.T, proxy string) {
	for _, name := range []string{"https_proxy", "http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "REQUEST_METHOD"} {
		t.Setenv(name, "")
	}
	t.Setenv("HTTPS_PROXY", proxy)
}

func TestProxy(t *testing.T) {
	setup, caFile := certificate(t)
	for _, c := range []struct {
		name    string
		outer   *tls.Config // of the way to the proxy
		inner   func(*server, net.Conn)
		host    string
		verdict pipeline.Verdict
		reason  string
	}{
		{"opens the way", nil, answering(noContent), "example.com", pipeline.Accepted, ""},
		{"opens the way, itself on TLS", setup, answering(noContent), "example.com", pipeline.Accepted, ""},
		{"another name behind it", nil, answering(noContent), "example.org", pipeline.Unavailable, "not for example.org"},
		{"the answer is lost", nil, then("", hangUp), "example.com", pipeline.Unclear, ""},
		{"the answer is lost, itself on TLS", setup, then("", hangUp), "example.com", pipeline.Unclear, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, setup, c.inner)
			var opened atomic.Int64
			proxy := tunnel(t, c.outer, s, &opened)
			viaProxy(t, proxy.URL)
			got := newClient(t, Config{Endpoint: "https://" + c.host, CAFile: caFile}).Send(t.Context(), bySMS(session))
			if got.Verdict != c.verdict || !strings.Contains(got.Reason, c.reason) {
				t.Errorf("got %+v, want %s with %q", got, c.verdict, c.reason)
			}
			proxy.stop()
			s.stop()
			if n := s.requests(session); (c.verdict == pipeline.Unavailable) != (n == 0) {
				t.Errorf("%d requests arrived", n)
			}
			if n := opened.Load(); n != 1 {
				t.Errorf("the proxy was asked %d times", n)
			}
		})
	}
}

func TestProxyThatFails(t *testing.T) {
	for _, c := range []struct {
		name, answer, reason string
	}{
		{"refuses", "HTTP/1.1 407 password-of-the-proxy\r\nContent-Length: 0\r\n\r\n", "HTTP 407"},
		{"is down", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "HTTP 502"},
		{"hangs up", "", "before a byte"},
		{"hangs up in the handshake", "HTTP/1.1 200 OK\r\n\r\n", "before a byte"},
	} {
		t.Run(c.name, func(t *testing.T) {
			proxy := serve(t, nil, func(_ *server, conn net.Conn) {
				r := bufio.NewReader(conn)
				if req, err := http.ReadRequest(r); err != nil || req.Header.Get("Proxy-Authorization") == "" {
					return
				}
				_, _ = io.WriteString(conn, c.answer)
				if strings.Contains(c.answer, " 200 ") {
					_, _ = r.ReadByte()
				}
			})
			viaProxy(t, "http://user:password-of-the-proxy@"+proxy.Addr().String())
			got := newClient(t, Config{Endpoint: "https://example.com"}).Send(t.Context(), bySMS(session))
			if got.Verdict != pipeline.Unavailable || !strings.Contains(got.Reason, c.reason) {
				t.Errorf("got %+v, want it unavailable with %q", got, c.reason)
			}
			if strings.Contains(fmt.Sprint(got), "password-of") {
				t.Error("the proxy's password is shown")
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		gone := serve(t, nil, mute)
		gone.stop()
		viaProxy(t, gone.URL)
		got := newClient(t, Config{Endpoint: "https://example.com"}).Send(t.Context(), bySMS(session))
		if got.Verdict != pipeline.Unavailable || !strings.Contains(got.Reason, "the proxy refused the connection") {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("not for loopback", func(t *testing.T) {
		s, proxy := serve(t, nil, answering(noContent)), serve(t, nil, mute)
		viaProxy(t, proxy.URL)
		t.Setenv("HTTP_PROXY", proxy.URL)
		got := newClient(t, Config{Endpoint: s.URL}).Send(t.Context(), bySMS(session))
		if got.Verdict != pipeline.Accepted || proxy.connections() != 0 {
			t.Errorf("got %+v and %d connections to the proxy", got, proxy.connections())
		}
	})
}

func TestProxyThatIsNone(t *testing.T) {
	for raw, ok := range map[string]bool{
		"": true, "proxy.example.com:3128": true, "http://proxy.example.com": true, "socks5://127.0.0.1:1080": true,
		"http://user:pa%zzword@proxy.example.com": false, "ftp://proxy.example.com": false, "http://[::1": false,
	} {
		viaProxy(t, raw)
		_, err := New(Config{
			Endpoint: "https://example.com", Credentials: Credentials{"u", "p"}, Timeout: 1, Concurrency: 1,
		})
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), "word@") {
			t.Errorf("%s: %v", cmp.Or(raw, "none"), err != nil)
		}
	}
}

// TestFormsOfCertificates trusts one certificate in each of the forms that programs export.
func TestFormsOfCertificates(t *testing.T) {
	setup, caFile := certificate(t)
	s := serve(t, setup, answering(noContent))
	text, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	for name, form := range map[string][]byte{
		"PEM":                         text,
		"PEM behind a mark":           append([]byte("\ufeff"), text...),
		"PEM with CRLF and a heading": append([]byte("our proxy\r\n"), bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))...),
		"DER":                         block.Bytes,
	} {
		file := filepath.Join(t.TempDir(), "ca")
		if err := os.WriteFile(file, form, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := newClient(t, Config{Endpoint: s.URL, CAFile: file}).Send(t.Context(), bySMS(name)); r.Verdict != pipeline.Accepted {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
