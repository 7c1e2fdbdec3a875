package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"hppsend/internal/ledger/servertest"
	"hppsend/internal/sandbox"
)

// worker starts a worker on a host, which the test ends.
func (p *place) worker(args ...string) *exec.Cmd {
	p.t.Helper()
	c := p.hppsend(append([]string{"worker", "--environment", "sandbox", "--endpoint", p.url}, args...)...)
	log := new(bytes.Buffer)
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
		if p.t.Failed() {
			p.t.Logf("worker %d:\n%s", c.Process.Pid, log)
		}
	})
	return c
}

// lastLine reads the summary that a command has written last.
func lastLine(t *testing.T, out []byte) (l last) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &l); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return l
}

// TestWorkers has the workers of two hosts send what a third hands over.
func TestWorkers(t *testing.T) {
	t.Parallel()
	const rows, rate = 900, 300
	p := newPlace(t, sandbox.Config{Latency: 5 * time.Millisecond})
	p.onServer()
	p.contacts("may.csv", 0, rows)
	var workers []*exec.Cmd
	for i := range 2 {
		workers = append(workers, p.host(fmt.Sprintf("host%d", i)).worker())
	}
	out, err := p.run("--shared", "--json", "--rate", fmt.Sprintf("%d/s", rate), "may.csv").Output()
	if l := lastLine(t, out); err != nil || l.Delivered != rows {
		t.Fatalf("%v: %s", err, out)
	}
	if calls := p.box.Stats().Calls; calls != rows || p.once() != rows {
		t.Errorf("%d calls were made, want one for each of %d sessions", calls, rows)
	}
	p.keptTo(rate)
	for _, w := range workers {
		w.Process.Signal(syscall.SIGTERM)
		if err := w.Wait(); err != nil {
			t.Errorf("a worker ended with %v", err)
		}
	}
	dump := servertest.Shared(t).Dump(t, p.ledger)
	for _, row := range p.read("may.csv")[1:] {
		for _, contact := range row[1:] {
			if contact != "" && strings.Contains(dump, strings.TrimPrefix(contact, "+")) {
				t.Fatalf("%s is in the database in clear", contact)
			}
		}
	}
}
