package cli_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hppsend/internal/ledger/servertest"
	"hppsend/internal/sandbox"
)

var noNetworks = sync.OnceFunc(func() {
	fmt.Println("The test of packets that are swallowed is left out: it needs ip, of Debian's package iproute2, and the right to make networks.")
})

// TestSwallowed has a router between two workers and their database swallow what they say, what they are told, or both,
// for some seconds: nothing is refused and no connection ends, as where a cable is pulled or a firewall has forgotten
// them. The other worker takes over meanwhile. All of it is on a network of its own.
func TestSwallowed(t *testing.T) {
	t.Parallel()
	const inside = "TEST_NETWORK"
	if os.Getenv(inside) == "" {
		out, err := []byte("there is no ip"), exec.ErrNotFound
		if _, missing := exec.LookPath("ip"); missing == nil {
			for _, cmd := range servertest.Networked(os.Args[0], "-test.run=^TestSwallowed$", "-test.v", "-test.timeout=3m") {
				cmd.Env = append(os.Environ(), inside+"=1")
				if out, err = cmd.CombinedOutput(); cmd.Process != nil { // it could be started
					t.Logf("%s", out)
					break
				}
			}
		}
		switch exit := (*exec.ExitError)(nil); {
		case err == nil && !strings.Contains(string(out), "--- SKIP: TestSwallowed"), os.Getenv("CI") != "" && errors.Is(err, exec.ErrNotFound), errors.As(err, &exit):
			ok(t, err)
		default:
			noNetworks()
			t.Skipf("%v: %s", err, out)
		}
		return
	}
	const rows, rate = 1900, 150
	r := servertest.NewRouter(t)
	p := newPlace(t, sandbox.Config{Latency: 5 * time.Millisecond})
	p.ledger = r.Database(t)
	p.must(0, p.hppsend("ledger", "create", "--environment", "sandbox"))
	p.contacts("all.csv", 0, rows)
	var workers []*exec.Cmd
	for way := range 2 {
		h := p.host(fmt.Sprintf("host%d", way))
		h.ledger = r.By(way, p.ledger)
		workers = append(workers, h.worker())
	}
	m := &machine{place: p}
	m.wait(rate)
	called := func(n int) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); p.box.Stats().Calls < n; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d calls were made, want %d", p.box.Stats().Calls, n)
			}
		}
	}
	called(100)
	for i, fault := range []struct {
		to, from bool
		lasts    time.Duration
	}{{true, true, 5500 * time.Millisecond}, {false, true, 2 * time.Second}, {true, false, 3 * time.Second}} {
		before := p.box.Stats().Calls
		r.Swallow(t, i%2, fault.to, fault.from)
		time.Sleep(fault.lasts)
		r.Swallow(t, i%2, false, false)
		called(before + rate/2) // by the other, or after it
	}
	l := m.end()
	if l.Exit != 0 && l.Exit != 4 || l.Delivered+l.Uncertain != rows {
		t.Errorf("it says %+v of %d rows\n%s", l, rows, m.err)
	}
	p.complete(l.Report, "all.csv")
	(&chaos{}).judge(p, rows, l.Uncertain)
	if l.Uncertain > 3*16 {
		t.Errorf("%d rows are uncertain, which is more than were under way", l.Uncertain)
	}
	for _, w := range workers {
		w.Process.Signal(syscall.SIGTERM)
		ok(t, w.Wait())
	}
	if said := fmt.Sprint(workers[0].Stdout); !strings.Contains(said, "was taken for dead") {
		t.Errorf("the worker that was cut off for longest does not know of it: %s", said)
	}
}
