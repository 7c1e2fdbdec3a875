package web_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/desk"
	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/internal/sandbox"
	"hppsend/internal/web"
	"hppsend/pipeline"
)

const north, south = "north", "south"

// What Klarna knows the accounts by. The password is in no page and no log.
const (
	klarnaUser     = "K4242_canary"
	klarnaPassword = "klarna-password-canary-91c4"
)

// ways are those that the templates took in all tests.
var ways = &web.Branches{}

// TestMain runs the tests, and fails if a template has a way that none of them took.
func TestMain(m *testing.M) {
	code := m.Run()
	some := ""
	for _, name := range []string{"run", "skip", "list", "fuzz"} {
		some += flag.Lookup("test." + name).Value.String()
	}
	if code == 0 && some == "" {
		for _, way := range ways.Missed() {
			if slices.ContainsFunc(untaken, func(u [3]string) bool { return strings.HasPrefix(way, u[0]) && strings.Contains(way, u[1]) }) {
				continue
			}
			fmt.Println("no test takes this way of a template:", way)
			code = 1
		}
	}
	os.Exit(code)
}

// untaken are the ways of templates that no test takes: the template, the way, and why.
var untaken = [][3]string{
	{"audit.html", "yes {{if .Person}}", "a person without a name: all have one"},
	{"reading.html", "no {{if .Look.Sheet}}", "a workbook of whose sheets none is looked at: of the others nothing is known either"},
	{"approval.html", "yes {{if .Further}}", "more than 500 rows that are left out"},
}

// house is the page at work: a server, its desk with an account for each department, and a sandbox that they send to.
// Whatever is answered in it is held to what holds for every answer (see holds).
type house struct {
	t      *testing.T
	dir    string
	box    *sandbox.Server
	desk   *desk.Desk
	server *web.Server
	url    *url.URL // of the page
	certs  *httptest.Server
	log    logbook
	end    func()

	mu      sync.Mutex
	secrets []string // that the log must not hold
}

// plan is how a house is to be. Its zero value has one account, north, where one other person approves.
type plan struct {
	accounts  []string
	script    string // of the sandbox, as YAML
	approvers desk.Approvers
	canary    int
	tls       bool
	proxied   string             // the public URL, where it is not where the server listens
	desk      func(*desk.Config) // the last word on how the desk is
	web       func(*web.Config)  // the last word on how the server is
}

// newHouse opens a house with some accounts; north, if none is named.
func newHouse(t *testing.T, accounts ...string) *house {
	t.Helper()
	return plan{accounts: accounts}.open(t)
}

func (p plan) open(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir()}
	h.secret(klarnaPassword)
	script, err := sandbox.LoadScript(strings.NewReader(p.script))
	h.must(err)
	h.box = sandbox.New(sandbox.Config{Username: klarnaUser, Password: klarnaPassword, Script: script})
	endpoint, err := h.box.Start("127.0.0.1:0")
	h.must(err)
	t.Cleanup(func() { h.box.Close() })
	log := slog.New(slog.NewTextHandler(&h.log, nil))
	cfg := desk.Config{
		Folder: filepath.Join(h.dir, "page"), Keep: 30 * 24 * time.Hour, Log: log, Limits: desk.Limits{Upload: 1 << 20, Person: 64 << 20},
	}
	if len(p.accounts) == 0 {
		p.accounts = []string{north}
	}
	for _, name := range p.accounts {
		cfg.Accounts = append(cfg.Accounts, p.account(h, name, endpoint))
	}
	if p.desk != nil {
		p.desk(&cfg)
	}
	h.desk, err = desk.Open(t.Context(), cfg)
	h.must(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	h.must(err)
	h.url = &url.URL{Scheme: "http", Host: l.Addr().String()}
	var secure *tls.Config
	if p.tls {
		h.certs = httptest.NewTLSServer(nil) // has a certificate for loopback
		t.Cleanup(h.certs.Close)
		h.url.Scheme = "https"
		secure = &tls.Config{Certificates: h.certs.TLS.Certificates}
	}
	pages := web.Config{Desk: h.desk, PublicURL: h.url, Help: "# Help\n\nSay `hppsend serve`.\n\n## More\n\n- one\n- two\n\n    code\n", Version: "test", Log: log}
	if p.proxied != "" {
		pages.PublicURL, err = url.Parse(p.proxied)
		h.must(err)
	}
	if p.web != nil {
		p.web(&pages)
	}
	ctx, cancel := context.WithCancel(t.Context())
	h.server, err = web.New(ctx, pages)
	h.must(err)
	h.must(h.server.Cover(ways))
	done := make(chan error, 2)
	go func() { done <- h.desk.Run(ctx) }()
	go func() { done <- h.server.Serve(l, secure) }()
	h.end = sync.OnceFunc(func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if err := h.desk.Close(); err != nil {
			t.Error(err)
		}
		h.quiet()
	})
	t.Cleanup(h.end)
	return h
}

// account is one that sends to the sandbox, by a ledger of its own.
func (p plan) account(h *house, name, endpoint string) desk.Account {
	h.t.Helper()
	l, err := ledger.Open(h.t.Context(), ledger.Options{Path: filepath.Join(h.dir, name+".db"), Environment: "sandbox", Create: true})
	h.must(err)
	h.t.Cleanup(func() { l.Close() })
	if p.approvers == nil {
		p.approvers = desk.Approvers{{Messages: 0, People: 1}}
	}
	return desk.Account{
		Name: name, Ledger: l, Approvers: p.approvers,
		Dial: func() (campaign.Caller, error) {
			return hpp.New(hpp.Config{
				Endpoint: endpoint, Concurrency: 4, Timeout: time.Minute,
				Credentials: hpp.Credentials{Username: klarnaUser, Password: klarnaPassword},
			})
		},
		Record: func(f campaign.FileResult) json.RawMessage { return fmt.Appendf(nil, `{"rows":%d}`, f.Tally.Rows) },
		Options: campaign.Options{
			Reading: campaign.Reading{Hidden: "refuse", Method: "auto", Prefer: "email", Sessions: "auto"},
			Target:  hpp.Target{Origin: endpoint, Environment: hpp.Sandbox, Name: "sandbox"}, User: klarnaUser,
			Rate: math.Inf(1), Send: pipeline.SendConfig{Concurrency: 1, MaxAttempts: 3, RetryFor: time.Minute, Grace: time.Second, Canary: p.canary},
			Program: campaign.Program{Version: "test", Host: "here", PID: os.Getpid()},
		},
	}
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// secret names what the log must not hold. It is looked for when the house is closed.
func (h *house) secret(texts ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secrets = append(h.secrets, texts...)
}

// quiet holds the log to that.
func (h *house) quiet() {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := h.log.String()
	for _, secret := range h.secrets {
		if strings.Contains(text, secret) {
			h.t.Errorf("the log holds %q:\n%s", secret, text)
		}
	}
}

// browser is one in which nobody is signed in.
func (h *house) browser() *client {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	h.must(err)
	return newClient(h, jar)
}

// person gives the browser of somebody who has roles in the north.
func (h *house) person(name string, roles ...desk.Role) *client {
	h.t.Helper()
	return h.personIn(name, map[string][]desk.Role{north: roles})
}

// personIn gives the browser of somebody with roles by account. The same name is the same person, in another browser.
func (h *house) personIn(name string, roles map[string][]desk.Role) *client {
	h.t.Helper()
	id, err := h.desk.Known(h.t.Context(), "https://id.example.com", name, strings.ToLower(name), name, roles)
	h.must(err)
	return h.signedIn(id)
}

// signedIn gives a browser in which a person is signed in.
func (h *house) signedIn(person string) *client {
	h.t.Helper()
	c := h.browser()
	c.id = person
	token, err := h.desk.Begin(h.t.Context(), person, "a browser")
	h.must(err)
	h.secret(token)
	c.setCookie(h.server.CookieName(), token)
	return c
}

// all are the roles of who may do everything.
var all = desk.Roles()

// logbook is what the program logs.
type logbook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
