package desk_test

import (
	"flag"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"hppsend/internal/ledger"
	"hppsend/internal/ledger/servertest"
	"hppsend/internal/sandbox"
)

// TestMain ends the server that the tests share.
func TestMain(m *testing.M) {
	flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0))) // most of those that are parallel wait; -parallel says otherwise
	defer servertest.CloseShared()
	m.Run()
}

// made is a ledger on the shared server that every test has a copy of, since to make one takes long.
var made struct {
	sync.Once
	place, secret string
}

// newPlace gives a database with a ledger of the test's own, and the books of a page beside it, for a user that may only do
// what the manual grants.
func newPlace(t *testing.T) string {
	t.Helper()
	server := servertest.Shared(t)
	made.Do(func() {
		opt := ledger.Options{Path: server.Database(t), State: t.TempDir(), Environment: "sandbox", Create: true}
		l, err := ledger.Open(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		made.place, made.secret = opt.Path, must(ledger.ExportSecret(t.Context(), opt))(t)
		before, _, _ := strings.Cut(opt.Path, "?")
		server.Exec(t, before[strings.LastIndex(before, "/")+1:], "CREATE ROLE sender LOGIN; "+ledger.Grants+ledger.PageGrants)
	})
	return strings.Replace(server.Copy(t, made.place), "hppsend@", "sender@", 1)
}

// bringSecret has the secret of the ledger on this host.
func (h *house) bringSecret() {
	h.t.Helper()
	if err := ledger.ImportSecret(h.t.Context(), h.ledger(north), made.secret); err != nil {
		h.t.Fatal(err)
	}
}

type newHouseFunc = func(*testing.T, ...func(*house)) *house

// onBoth runs a test with a desk that has its books in a file, and with one whose books may be shared.
func onBoth(t *testing.T, test func(*testing.T, newHouseFunc)) {
	t.Run("a file", func(t *testing.T) { test(t, newHouse) })
	t.Run("a server", func(t *testing.T) {
		test(t, func(t *testing.T, set ...func(*house)) *house { return newHosts(t, 1, set...)[0] })
	})
}

// newHosts opens desks on several hosts, which share their books and send to one sandbox.
func newHosts(t *testing.T, n int, set ...func(*house)) (all []*house) {
	t.Helper()
	place := newPlace(t)
	box := sandbox.New(sandbox.Config{Script: sandbox.Script{Sessions: map[string][]sandbox.Step{}}})
	url, err := box.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	for i := range n {
		all = append(all, open(t, box, url, place, append([]func(*house){func(h *house) {
			for j := range h.cfg.Accounts {
				p := &h.cfg.Accounts[j].Options.Program
				p.Host, p.PID = "host"+string(rune('a'+i)), p.PID+i
			}
		}}, set...)))
	}
	return all
}

// sentBy gives whom messages went to from any of some hosts, sorted.
func sentBy(hosts ...*house) (all []string) {
	for _, h := range hosts {
		all = append(all, h.contacts()...)
	}
	slices.Sort(all)
	return all
}

// eachOnce holds what was accepted to one call for each session, and to a number of these, unless that is 0.
func (h *house) eachOnce(want int) {
	h.t.Helper()
	all := h.box.Stats().Accepted
	for session, n := range all {
		if n != 1 {
			h.t.Errorf("session %s was accepted %d times", session, n)
		}
	}
	if want > 0 && len(all) != want {
		h.t.Errorf("%d were accepted, not %d", len(all), want)
	}
}

// whole holds the audit trail to be whole.
func (h *house) whole() {
	h.t.Helper()
	if entries, _, err := h.desk.VerifyAudit(h.t.Context()); err != nil || entries == 0 {
		h.t.Errorf("%d entries, %v", entries, err)
	}
}

// dump is all that the database holds.
func (h *house) dump() string {
	return servertest.Shared(h.t).Dump(h.t, strings.Replace(h.place, "sender@", "hppsend@", 1))
}
