package cli_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"hppsend/internal/sandbox"
)

// clockFile is the variable with the file by which the clock of a machine is set.
const clockFile = "TEST_CLOCK"

var noClocks = sync.OnceFunc(func() {
	fmt.Println("Clocks that are set back and forward are left out: that is done on Linux with amd64 only.")
})

// setClock sets how far the clock of a machine is ahead from now on, for the processes that go on there too. It reports
// false where that cannot be done.
func (p *place) setClock(ahead time.Duration) bool {
	p.t.Helper()
	if !settable {
		noClocks()
		return false
	}
	if p.clock == "" {
		p.clock = p.path(fmt.Sprintf("clock%p", p))
	}
	f, err := os.OpenFile(p.clock, os.O_WRONLY|os.O_CREATE, 0o600) // and never cut short: it is mapped
	ok(p.t, err)
	defer f.Close()
	_, err = f.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(int64(ahead/time.Second))), 0)
	ok(p.t, err)
	return true
}

// TestOtherClocks has hosts whose clocks are wrong, and are set in the midst of it, send what a third hands over. The
// first answers all ask for patience, which a clock that is ahead would take for an hour without a success, and the time
// that the run is to end by has come on it.
func TestOtherClocks(t *testing.T) {
	t.Parallel()
	const rows, rate = 400, 200
	script := map[string][]sandbox.Step{}
	for i := range 3 {
		script[sessionID(i)] = []sandbox.Step{{Action: "throttled", RetryAfter: "1"}, {Action: "accept"}}
	}
	p := newPlace(t, sandbox.Config{Script: sandbox.Script{Sessions: script}})
	p.onServer()
	p.contacts("may.csv", 0, rows)
	ahead, behind := p.host("ahead"), p.host("behind")
	if !ahead.setClock(time.Hour) || !behind.setClock(-time.Hour) {
		t.Skip("no clock can be set here")
	}
	var workers []*exec.Cmd
	for _, h := range []*place{ahead, behind} {
		workers = append(workers, h.worker())
	}
	l := p.openLedger()
	for started := map[time.Duration]bool{}; !started[time.Hour] || !started[-time.Hour]; time.Sleep(10 * time.Millisecond) {
		all, err := l.Workers(t.Context()) // with the time at which each began, by its own clock
		ok(t, err)
		for _, w := range all {
			started[time.Until(w.Started).Round(time.Hour)] = true
		}
	}
	until := time.Now().Add(30 * time.Minute).Format("15:04")
	c := p.run("--shared", "--json", "--quiet", "--rate", fmt.Sprintf("%d/s", rate), "--until", until, "may.csv")
	steps := time.AfterFunc(2500*time.Millisecond, func() {
		ahead.setClock(-time.Hour)
		behind.setClock(time.Hour)
	})
	defer steps.Stop()
	out, err := c.Output()
	if l := lastLine(t, out); err != nil || l.Delivered != rows {
		t.Errorf("%v: %+v", err, l)
	}
	if accepted := p.once(); accepted != rows {
		t.Errorf("%d of %d sessions were accepted", accepted, rows)
	}
	p.keptTo(rate)
	for _, w := range workers {
		w.Process.Signal(syscall.SIGTERM)
		if err := w.Wait(); err != nil {
			t.Errorf("a worker ended with %v", err)
		}
	}
}
