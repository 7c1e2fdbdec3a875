package hpp

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hppsend/pipeline"
)

const (
	phone   = "+46701740605"
	email   = "anna@example.com"
	session = "9cbc9884-1fdb-45a8-9694-9340340d0436"
)

func bySMS(session string) pipeline.Distribution {
	return pipeline.Distribution{Session: session, Method: pipeline.SMS, Contact: phone, Country: "SE", Other: email}
}

// server is written by hand so that it can misbehave: it hands every connection to a function.
type server struct {
	net.Listener
	URL string

	mu      sync.Mutex
	conns   []net.Conn
	arrived map[string]int // whole requests, by their path
	running sync.WaitGroup
}

// serve starts a server that ends with the test.
func serve(t testing.TB, setup *tls.Config, handle func(*server, net.Conn)) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Listener: l, URL: "http://" + l.Addr().String(), arrived: map[string]int{}}
	if setup != nil {
		s.URL = "https://" + l.Addr().String()
	}
	s.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, conn)
			s.mu.Unlock()
			s.running.Go(func() {
				defer conn.Close()
				if setup != nil {
					conn = tls.Server(conn, setup)
					defer conn.Close()
				}
				handle(s, conn)
			})
		}
	})
	t.Cleanup(s.stop)
	return s
}

// stop ends all that the server does, and waits for it: counts are final afterwards.
func (s *server) stop() {
	_ = s.Close()
	s.mu.Lock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

func (s *server) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// request reads one whole request and counts it; false when there is none.
func (s *server) request(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	if _, err := io.Copy(io.Discard, req.Body); err != nil {
		return false
	}
	s.mu.Lock()
	s.arrived[req.URL.Path]++
	s.mu.Unlock()
	return true
}

func (s *server) requests(session string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrived[pathBefore+session+pathAfter]
}

// reset ends a connection so that the other side sees a reset.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func newClient(t testing.TB, cfg Config) *Client {
	t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Concurrency == 0 {
		cfg.Concurrency = 4
	}
	if cfg.Credentials.Username == "" {
		cfg.Credentials = Credentials{"DemoMerchant", "DemoPassword"}
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// certificate gives a server's side of TLS for example.com and 127.0.0.1, and the file by which a
// client comes to trust it.
func certificate(t testing.TB) (setup *tls.Config, caFile string) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(caFile, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: s.TLS.Certificates}, caFile
}
