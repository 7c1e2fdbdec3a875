package desk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/desk"
	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/internal/sandbox"
	"hppsend/pipeline"
)

const north, south = "north", "south"

// house is a desk with its two departments, each with its ledger, and all else that it works with.
type house struct {
	t      *testing.T
	dir    string
	box    *sandbox.Server // nil where calls go nowhere, and are accepted
	cfg    desk.Config
	desk   *desk.Desk
	ended  chan error // of Run
	end    func()     // ends Run
	place  string     // of the ledger of both, where it is on a server, and the books beside it; empty: all is in files
	before func(context.Context, pipeline.Distribution)
	reply  func(pipeline.Distribution) *pipeline.Reply // instead of the server's; nil: it answers

	mu   sync.Mutex
	sent []pipeline.Distribution // all that went out, in order
}

// newHouse opens a desk that sends to a sandbox of the test's own.
func newHouse(t *testing.T, set ...func(*house)) *house {
	t.Helper()
	box := sandbox.New(sandbox.Config{Script: sandbox.Script{Sessions: map[string][]sandbox.Step{}}})
	url, err := box.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	return open(t, box, url, "", set)
}

// newBubble opens a desk whose calls are accepted without a network, for tests in which time passes.
func newBubble(t *testing.T, set ...func(*house)) *house {
	t.Helper()
	return open(t, nil, "http://127.0.0.1:1", "", set)
}

func open(t *testing.T, box *sandbox.Server, url, place string, set []func(*house)) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), box: box, place: place, before: func(context.Context, pipeline.Distribution) {}}
	h.reply = func(pipeline.Distribution) *pipeline.Reply { return nil }
	h.cfg = desk.Config{Folder: h.path("page"), Keep: 30 * 24 * time.Hour, Limits: desk.Limits{Upload: 8 << 20, Person: 32 << 20}}
	if place != "" {
		h.bringSecret()
	}
	for _, name := range []string{north, south} {
		l, err := ledger.Open(t.Context(), h.ledger(name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		h.cfg.Accounts = append(h.cfg.Accounts, desk.Account{
			Name: name, Ledger: l, Dial: func() (campaign.Caller, error) { return h.dial(url) }, Approvers: desk.Approvers{{Messages: 0, People: 1}},
			Record: func(f campaign.FileResult) json.RawMessage { return fmt.Appendf(nil, `{"rows":%d}`, f.Tally.Rows) },
			Options: campaign.Options{
				Reading: campaign.Reading{Hidden: "refuse", Method: "auto", Prefer: "email", Sessions: "auto"},
				Target:  hpp.Target{Origin: url, Environment: hpp.Sandbox, Name: "sandbox"},
				Rate:    math.Inf(1), Send: pipeline.SendConfig{Concurrency: 4, MaxAttempts: 3, RetryFor: time.Minute, Grace: time.Second},
				Program: campaign.Program{Version: "test", Host: "here", PID: os.Getpid()},
			},
		})
	}
	for _, do := range set {
		do(h)
	}
	h.open()
	t.Cleanup(func() { h.close() })
	return h
}

// ledger is that of an account.
func (h *house) ledger(account string) ledger.Options {
	if h.place != "" {
		return ledger.Options{Path: h.place, State: h.path("state"), Environment: "sandbox"}
	}
	return ledger.Options{Path: h.path(account + ".db"), Environment: "sandbox", Create: true}
}

func (h *house) path(parts ...string) string {
	return filepath.Join(append([]string{h.dir}, parts...)...)
}

// open opens the desk and lets it work.
func (h *house) open() {
	h.t.Helper()
	d, err := desk.Open(h.t.Context(), h.cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	h.desk = d
	h.run()
}

// run lets the desk start what is due.
func (h *house) run() {
	ctx, cancel := context.WithCancel(h.t.Context())
	h.ended, h.end = make(chan error, 1), cancel
	go func() { h.ended <- h.desk.Run(ctx) }()
}

// rest ends Run, where it has not ended.
func (h *house) rest() {
	if h.end == nil {
		return
	}
	h.end()
	if err := <-h.ended; err != nil {
		h.t.Error(err)
	}
	h.end = nil
}

// close ends all; a second time it does nothing.
func (h *house) close() {
	if h.desk == nil {
		return
	}
	h.rest()
	if err := h.desk.Close(); err != nil {
		h.t.Error(err)
	}
	h.desk = nil
}

// reopen ends all and begins again, as after a restart.
func (h *house) reopen(set ...func(*house)) {
	h.t.Helper()
	h.close()
	for _, do := range set {
		do(h)
	}
	h.open()
}

// caller notes every call, and lets the test have its say before.
type caller struct {
	h *house
	campaign.Caller
}

func (h *house) dial(url string) (campaign.Caller, error) {
	if h.box == nil {
		return &caller{h, accepting{}}, nil
	}
	c, err := hpp.New(hpp.Config{
		Endpoint: url, Concurrency: 4, Timeout: time.Minute,
		Credentials: hpp.Credentials{Username: sandbox.DefaultUsername, Password: sandbox.DefaultPassword},
	})
	return &caller{h, c}, err
}

func (c *caller) Send(ctx context.Context, d pipeline.Distribution) pipeline.Reply {
	c.h.before(ctx, d)
	if ctx.Err() == nil {
		c.h.mu.Lock()
		c.h.sent = append(c.h.sent, d)
		c.h.mu.Unlock()
	}
	if r := c.h.reply(d); r != nil {
		return *r
	}
	return c.Caller.Send(ctx, d)
}

// accepting is a server that takes all.
type accepting struct{}

func (accepting) Close() {}
func (accepting) Look(_ context.Context, session string) pipeline.Look {
	return pipeline.Look{Sight: pipeline.Found, Session: pipeline.Session{ID: session, Status: pipeline.SessionWaiting}, Now: time.Now()}
}

func (accepting) Send(context.Context, pipeline.Distribution) pipeline.Reply {
	return pipeline.Reply{Verdict: pipeline.Accepted, HTTPStatus: 204}
}
