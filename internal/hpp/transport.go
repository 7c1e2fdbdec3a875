package hpp

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpproxy"

	"hppsend/pipeline"
)

const (
	// idleTimeout is below the shortest time after which servers in wide use drop an idle connection
	// by default (Apache and Node 5 s, AWS 60 s, nginx 75 s): a call on a connection that the server
	// is just closing would leave its row uncertain, and a new handshake costs only milliseconds.
	idleTimeout = 3 * time.Second

	// maxHeader bounds all headers of an answer together, interim (1xx) answers included.
	maxHeader = 64 << 10

	// maxDial bounds a dial by itself: the transport lets it go on when its call was given up.
	maxDial = 30 * time.Second
)

// newTransport makes a transport for one host whose every connection counts what is written to it.
func newTransport(cfg Config, roots *x509.CertPool, proxy proxyFunc) *http.Transport {
	dialer := &net.Dialer{Timeout: min(cfg.Timeout, maxDial), KeepAlive: 15 * time.Second}
	t := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &countedConn{Conn: conn}, nil
		},
		Proxy: func(r *http.Request) (*url.URL, error) { return proxy(r.URL) },
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, r *http.Response) error {
			if r.StatusCode != http.StatusOK {
				return &proxyError{status: r.StatusCode}
			}
			return nil
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    min(cfg.Timeout, maxDial),
		MaxIdleConnsPerHost:    cfg.Concurrency, // the default of 2 costs up to 4.5 times the time of a call
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // the bound on a body is then a bound on memory
		Protocols:              new(http.Protocols),
	}
	// One call at a time on a connection: its bytes are the call's bytes.
	t.Protocols.SetHTTP1(true)
	return t
}

type proxyFunc = func(*url.URL) (*url.URL, error)

// proxyFor reads HTTPS_PROXY and NO_PROXY; loopback never goes through a proxy.
func proxyFor() (proxyFunc, error) {
	env := httpproxy.FromEnvironment()
	raw := env.HTTPSProxy
	if raw != "" && !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || raw != "" && !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
		// httpproxy would go without a proxy, silently. Not the cause: it quotes a URL that may hold a password.
		return nil, &pipeline.Error{
			Kind: pipeline.Usage, Problem: "HTTPS_PROXY does not hold the URL of a proxy",
			Todo: "set it to http://HOST:PORT, or unset it",
		}
	}
	return env.ProxyFunc(), nil
}

// loadRoots gives the system's certificates and those of a file in PEM or DER form; nil stands for the
// system's.
func loadRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	hint := "give a file of certificates in PEM form (-----BEGIN CERTIFICATE-----)"
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, &pipeline.Error{Kind: pipeline.Usage, Problem: "read the CA file", Todo: hint, Err: err}
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, &pipeline.Error{Kind: pipeline.Usage, Problem: "read the system's certificates", Todo: "repair them", Err: err}
	}
	if pool.AppendCertsFromPEM(bytes.TrimPrefix(pem, []byte("\ufeff"))) {
		return pool, nil
	}
	certs, err := x509.ParseCertificates(pem)
	if err != nil || len(certs) == 0 {
		return nil, &pipeline.Error{Kind: pipeline.Usage, Problem: "the CA file " + quote(file) + " holds no certificate", Todo: hint}
	}
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

// proxyError says that a proxy did not open the way to the endpoint.
type proxyError struct{ status int }

func (e *proxyError) Error() string { return "the proxy answered " + http.StatusText(e.status) }

// countedConn counts the bytes that the operating system took and gave.
type countedConn struct {
	net.Conn
	written, read atomic.Int64
}

func (c *countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// meter tells what went over the wire for one call.
//
// The transport gives a connection to a call only when handshakes, the proxy's CONNECT and earlier
// calls on it are over, so what is written from there on is the call's. The one exception, TLS
// taking its leave of a connection just lost, errs on the safe side. When RoundTrip returns an error
// its writer has ended, so the count is final; beside a response it need not be.
type meter struct {
	conns []measured
	stale atomic.Bool // see trace
}

type measured struct {
	*countedConn
	writtenBefore, readBefore int64
}

func (m *meter) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			conn := counted(info.Conn)
			m.conns = append(m.conns, measured{conn, conn.written.Load(), conn.read.Load()})
		},
		// When an answer begins and no byte came in since the call got its connection, it is left over
		// from a server that answered the call before twice. The transport does not always notice.
		GotFirstResponseByte: func() {
			if c := m.conns[len(m.conns)-1]; c.read.Load() == c.readBefore {
				m.stale.Store(true)
				_ = c.Close()
			}
		},
	}
}

// wrote reports whether a byte of the call was written.
func (m *meter) wrote() bool {
	return slices.ContainsFunc(m.conns, func(c measured) bool { return c.written.Load() != c.writtenBefore })
}

// counted finds our connection under as many layers of TLS as there are; a proxy spoken to in TLS
// makes two.
func counted(conn net.Conn) *countedConn {
	for {
		switch c := conn.(type) {
		case *countedConn:
			return c
		case *tls.Conn:
			conn = c.NetConn()
		default:
			panic("hpp: a connection that was not dialled by this package")
		}
	}
}
