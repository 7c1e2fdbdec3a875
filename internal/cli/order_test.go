package cli_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"hppsend/internal/sandbox"
)

// TestOrders holds runs from elsewhere, lets them go on and ends one, on a ledger in a file and on a server.
func TestOrders(t *testing.T) {
	t.Parallel()
	for name, on := range map[string]func(*place){"a file": func(*place) {}, "a server": (*place).onServer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, sandbox.Config{})
			on(p)
			p.orders()
		})
	}
}

func (p *place) orders() {
	t := p.t
	t.Helper()
	says := func(out, want string) {
		t.Helper()
		if !strings.Contains(out, want) {
			t.Errorf("it says\n%s\nand not %q", out, want)
		}
	}
	order := func(args ...string) string {
		t.Helper()
		return p.must(0, p.hppsend(append(args, "--environment", "sandbox", "--by", "Ann")...))
	}
	calls := func(n int) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); p.box.Stats().Calls < n && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
	}
	p.contacts("may.csv", 0, 60)
	p.must(0, p.run("--limit", "0", "--rate", "unlimited", "may.csv")) // so that there is a ledger
	p.contacts("june.csv", 100, 1200)
	says(order("pause", "--all"), "No run on the ledger")
	says(order("pause", "--all"), "paused already")
	says(p.must(0, p.hppsend("runs", "--environment", "sandbox")), "All runs are paused by Ann since")
	var said bytes.Buffer
	c := p.run("--rate", "20/s", "june.csv")
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // in which nothing is to happen
	if n := p.box.Stats().Calls; n != 60 {
		t.Errorf("%d calls were made in the pause", n-60)
	}
	says(order("resume", "--all"), "All runs go on")
	calls(65)
	runs := p.must(0, p.hppsend("runs", "--environment", "sandbox"))
	id := ""
	for line := range strings.SplitSeq(runs, "\n") {
		if strings.Contains(line, "june.csv") {
			id = strings.Fields(line)[2]
		}
	}
	says(order("pause", id), "makes no call from now on")
	time.Sleep(time.Second)
	held := p.box.Stats().Calls
	says(p.must(0, p.hppsend("runs", "--environment", "sandbox")), "paused by Ann since")
	time.Sleep(time.Second)
	if n := p.box.Stats().Calls; n != held {
		t.Errorf("%d calls were made in the pause", n-held)
	}
	says(order("cancel", id), "makes no call any more")
	c.Wait()
	if code := c.ProcessState.ExitCode(); code != 5 {
		t.Errorf("exit code %d", code)
	}
	says(said.String(), "The run is paused by Ann since")
	says(said.String(), "cancelled by Ann")
	says(p.must(2, p.hppsend("resume", id, "--environment", "sandbox")), "does not go on any more")
	says(p.must(2, p.hppsend("cancel", "nothing", "--environment", "sandbox")), "knows no run")
	says(p.must(2, p.hppsend("pause", id, "--all", "--environment", "sandbox")), "beside --all")
	says(p.must(2, p.hppsend("pause", "--environment", "sandbox")), "no run is named")
	p.must(0, p.run("--rate", "unlimited", "june.csv"))
	if p.once() != 1260 {
		t.Errorf("%d were accepted", p.once())
	}
}
