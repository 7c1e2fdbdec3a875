package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hppsend/internal/ledger"
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
	status := func() string { return p.must(0, p.hppsend("ledger", "status", "--environment", "sandbox")) }
	if said := status(); strings.Count(said, "Worker on ") != 2 || !strings.Contains(said, "The books of the page take ") {
		t.Errorf("of two workers it says\n%s", said)
	}
	for _, w := range workers {
		w.Process.Signal(syscall.SIGTERM)
		if err := w.Wait(); err != nil {
			t.Errorf("a worker ended with %v", err)
		}
	}
	if said := status(); !strings.Contains(said, "\nNo worker.\n") {
		t.Errorf("after their end it says\n%s", said)
	}
	p.nothingInClear("INSERT INTO hppsend.record", "may.csv")
}

// TestScheduled has the workers of two hosts start by themselves what their configuration names: once, late since
// nobody was there, by the workers of both, with the report where the files are.
func TestScheduled(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	p.onServer()
	ok(t, os.Mkdir(p.path("outbox"), 0o700))
	p.contacts("outbox/may.csv", 0, 30)
	p.contacts("outbox/june.csv", 30, 30)
	ok(t, os.WriteFile(p.path("night.yaml"), []byte(`
environment: sandbox
endpoint: `+p.url+`
profiles:
  night: {label: the night, rate: unlimited, archive: done}
schedule:
  night: {files: "outbox/*.csv", at: "`+minutesAgo("Europe/Stockholm")+`", time-zone: Europe/Stockholm, profile: night}
  weekly: {files: "weekly.csv", at: "10 2 * * 1", time-zone: UTC, within: 1m}
`), 0o600))
	l := p.openLedger()
	for name, ago := range map[string]time.Duration{"night": 10 * time.Minute, "weekly": 20 * 24 * time.Hour} {
		_, err := l.LastScheduled(t.Context(), name, time.Now().Add(-ago))
		ok(t, err)
	}
	for i := range 2 {
		p.host(fmt.Sprintf("host%d", i)).worker("--config", p.path("night.yaml"))
	}
	for end := time.Now().Add(3 * time.Minute); len(p.files("done")) < 4; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it was not started: %v", p.files("done"))
		}
	}
	if n := p.once(); n != 60 || p.box.Stats().Calls != 60 {
		t.Errorf("%d of 60 were accepted by %d calls", n, p.box.Stats().Calls)
	}
	out := p.must(0, p.hppsend("runs", "--environment", "sandbox"))
	if n := strings.Count(out, "(the night)"); n != 2 || !strings.Contains(out, "Nothing was started at these times") || !strings.Contains(out, "weekly at ") {
		t.Errorf("%d runs of the night:\n%s", n, out)
	}
}

// minutesAgo is a cron line that was due some minutes ago, and will be tomorrow.
func minutesAgo(zone string) string {
	at, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	return time.Now().In(at).Add(-3 * time.Minute).Format("4 15 * * *")
}

// openLedger opens the ledger beside the program.
func (p *place) openLedger() *ledger.Ledger {
	p.t.Helper()
	l, err := ledger.Open(p.t.Context(), ledger.Options{Path: p.ledger, State: filepath.Join(p.path("state"), "hppsend"), Environment: "sandbox"})
	ok(p.t, err)
	p.t.Cleanup(func() { l.Close() })
	return l
}

// TestWrongSchedules refuses what cannot be meant, whatever the command.
func TestWrongSchedules(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	for wrong, says := range map[string]string{
		`{files: a.csv, time-zone: UTC, at: "10 2 * *"}`:                 "cron line",
		`{files: a.csv, time-zone: UTC, at: "70 2 * * *"}`:               "cron line",
		`{files: a.csv, time-zone: UTC, at: "0 2 30 2 *"}`:               "no day",
		`{files: a.csv, time-zone: UTC, at: "CRON_TZ=UTC 0 2 * * *"}`:    "cron line",
		`{time-zone: UTC, at: "10 2 * * *"}`:                             "no files",
		`{files: a.csv, at: "10 2 * * *", time-zone: Mars/Olympus}`:      "time-zone",
		`{files: a.csv, at: "10 2 * * *"}`:                               "time-zone",
		`{files: a.csv, at: "10 2 * * *", time-zone: UTC, profile: day}`: "profile",
		`{files: a.csv, at: "10 2 * * *", time-zone: UTC, within: soon}`: "within",
		`{files: a.csv, at: "10 2 * * *", zone: Europe/Stockholm}`:       `"zone"`,
	} {
		ok(t, os.WriteFile(p.path("night.yaml"), []byte("schedule:\n  night: "+wrong+"\n"), 0o600))
		if out := p.must(2, p.hppsend("runs", "--environment", "sandbox", "--config", "night.yaml")); !strings.Contains(out, says) || !strings.Contains(out, "schedule night") {
			t.Errorf("%s: %s", wrong, out)
		}
	}
}

// TestFollowed leaves a run that was handed over in each way there is, and comes back to it.
func TestFollowed(t *testing.T) {
	t.Parallel()
	const rows = 400
	for name, leave := range map[string]func(*exec.Cmd) int{
		"killed":  func(c *exec.Cmd) int { c.Process.Kill(); c.Wait(); return -1 },
		"stopped": func(c *exec.Cmd) int { c.Process.Signal(os.Interrupt); c.Wait(); return 130 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, sandbox.Config{})
			p.onServer()
			p.contacts("may.csv", 0, rows)
			first := p.run("--shared", "--rate", "200/s", "may.csv")
			var said bytes.Buffer
			first.Stderr = &said
			ok(t, first.Start())
			l := p.openLedger()
			for runs := []ledger.SharedRun(nil); len(runs) == 0; time.Sleep(5 * time.Millisecond) {
				var err error
				runs, err = l.SharedRuns(t.Context(), "")
				ok(t, err)
			}
			if want := leave(first); first.ProcessState.ExitCode() != want {
				t.Errorf("exit code %d, want %d", first.ProcessState.ExitCode(), want)
			}
			if out := p.must(0, p.hppsend("runs", "--environment", "sandbox")); !strings.Contains(out, "0 of 400 rows; nobody can send it: there is no worker for sandbox at sandbox") {
				t.Errorf("it does not say that nobody can send it:\n%s", out)
			}
			if out := p.must(75, p.run("may.csv")); !strings.Contains(out, "is being sent by the workers, as run") {
				t.Errorf("without workers it says: %s", out)
			}
			p.worker()
			out := p.must(0, p.run("--shared", "may.csv"))
			if !strings.Contains(out, "is with the workers already") || !strings.Contains(out, "400 sent by this run") {
				t.Errorf("it says: %s", out)
			}
			if n := p.once(); n != rows {
				t.Errorf("%d of %d were accepted", n, rows)
			}
			if name == "stopped" && !strings.Contains(said.String(), "The workers go on without this process") {
				t.Errorf("when stopped it says: %s", said.String())
			}
		})
	}
}

// TestFollowedByTwo has two wait for a run, and both are to put its file into the archive.
func TestFollowedByTwo(t *testing.T) {
	t.Parallel()
	const rows = 150
	p := newPlace(t, sandbox.Config{})
	p.onServer()
	ok(t, os.Mkdir(p.path("in"), 0o700))
	for tries := range 2 { // it depends on the moment what is gone already
		p.contacts("in/may.csv", tries*rows, rows)
		var all []*exec.Cmd
		for i := range 2 {
			c := p.run("--shared", "--archive", "done", "--rate", "unlimited", "in/may.csv")
			c.Stderr = new(bytes.Buffer)
			ok(t, c.Start())
			all = append(all, c)
			for said := ""; i == 0 && !strings.Contains(said, "0 of"); time.Sleep(5 * time.Millisecond) {
				out, err := p.hppsend("runs", "--environment", "sandbox").CombinedOutput()
				ok(t, err)
				said = string(out)
			}
		}
		time.Sleep(time.Second) // both wait
		end := p.worker()
		for _, c := range all {
			if err := c.Wait(); err != nil {
				t.Errorf("%v: %s", err, c.Stderr)
			}
		}
		ok(t, end.Process.Signal(os.Interrupt))
		if left, kept := p.files("in"), p.files("done"); left != nil || len(kept) < 2*(tries+1) {
			t.Fatalf("the inbox has %q, the archive %q", left, kept)
		}
	}
	if n := p.once(); n != 2*rows {
		t.Errorf("%d of %d were accepted", n, 2*rows)
	}
}

// TestDetached hands a run over that nobody waits for, and writes its report after it.
func TestDetached(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	p.onServer()
	p.contacts("may.csv", 0, 50)
	p.contacts("june.csv", 50, 50)
	p.must(2, p.run("--detach", "may.csv"))
	p.must(2, p.run("--shared", "--detach", "--on-finish", "true", "may.csv"))
	other := *p
	other.ledger = ""
	if out := other.must(2, other.run("--shared", "may.csv")); !strings.Contains(out, "postgres://") {
		t.Errorf("on a file it says: %s", out)
	}
	out := p.must(0, p.run("--shared", "--detach", "--rate", "unlimited", "may.csv", "june.csv"))
	for _, want := range []string{"may.csv is with the workers: run ", "50 rows to be sent", "hppsend report --environment sandbox"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	p.must(5, p.hppsend("report", "--endpoint", p.url, "may.csv"))
	p.nothingInClear("INSERT INTO hppsend.chunk", "may.csv", "june.csv") // while their rows wait
	end := p.worker()
	p.must(0, p.hppsend("runs", "--environment", "sandbox", "--watch"))
	ok(t, end.Process.Signal(os.Interrupt))
	for _, file := range []string{"may.csv", "june.csv"} {
		if l := lastLine(t, []byte(p.must(0, p.hppsend("report", "--endpoint", p.url, "--json", "--quiet", file)))); l.Delivered != 50 {
			t.Errorf("%s: %+v", file, l)
		}
	}
	if out := p.must(0, p.hppsend("runs", "--environment", "sandbox")); strings.Count(out, "50 rows: 50 delivered, 50 sent by this run") != 2 {
		t.Errorf("the ledger has:\n%s", out)
	}
}

// TestScheduledElsewhere has a schedule on two hosts, of which one sees no file, and is told by flags what the
// configuration does not say.
func TestScheduledElsewhere(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	p.onServer()
	l := p.openLedger()
	_, err := l.LastScheduled(t.Context(), "night", time.Now().Add(-5*time.Minute))
	ok(t, err)
	for _, folder := range []string{"empty", "full"} {
		ok(t, os.Mkdir(p.path(folder), 0o700))
		ok(t, os.WriteFile(p.path(folder+"/night.yaml"), []byte(`schedule: {night: {files: "*.csv", at: "`+minutesAgo("UTC")+`", time-zone: UTC}}`), 0o600))
	}
	p.contacts("full/may.csv", 0, 10)
	for _, folder := range []string{"empty", "full"} {
		p.host(folder+"-host").worker("--config", p.path(folder+"/night.yaml"))
		for end := time.Now().Add(3 * time.Minute); folder == "empty"; time.Sleep(20 * time.Millisecond) {
			all, err := l.ScheduledSince(t.Context(), time.Now().Add(-time.Hour))
			ok(t, err)
			if len(all) > 0 && all[0].State == ledger.TimeEmpty {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%+v", all)
			}
		}
	}
	for end := time.Now().Add(3 * time.Minute); p.once() < 10; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of 10 were accepted", p.once())
		}
	}
}
