package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"hppsend/internal/sandbox"
)

// override is a rule that was loosened, as machines are told of it.
type override struct{ Rule, Value, Instead, Source, Reason string }

// overridesOf reads what the last line says of rules that were loosened.
func overridesOf(t *testing.T, out []byte) []override {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var l struct{ Overrides []override }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &l); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return l.Overrides
}

// TestOverrideIsKept loosens two rules for a run, here and by workers: each says so wherever it is looked at, later
// and from elsewhere too; a contact in the reason is masked where it stays. The next run has nothing of it.
func TestOverrideIsKept(t *testing.T) {
	t.Parallel()
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprintf("by workers %t", shared), func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, sandbox.Config{})
			var by []string
			if shared {
				p.onServer()
				for i := range 2 {
					p.host(fmt.Sprintf("host%d", i)).worker()
				}
				by = []string{"--shared"}
			}
			p.contacts("may.csv", 0, 6)
			ok(t, os.WriteFile(p.path("team.yaml"), []byte("limit: 1\nrate: 1/s\n"), 0o600))
			args := append([]string{"--config", "team.yaml", "--json", "--limit", "5", "--rate", "900/s", "--override", "rate"}, by...)
			p.must(2, p.run(append(args, "--reason", "the fair", "may.csv")...))
			if n := p.box.Stats().Calls; n != 0 {
				t.Fatalf("%d calls were made by a run that was refused", n)
			}
			args = append(args, "--override", "limit", "--reason", "anna@example.com says so")
			c := p.run(append(args, "may.csv")...)
			out, _ := c.Output()
			source := "configuration file " + p.path("team.yaml")
			want := []override{{"rate", "900/s", "1/s", source, "anna@example.com says so"}, {"limit", "5", "1", source, "anna@example.com says so"}}
			if diff := cmp.Diff(want, overridesOf(t, out)); diff != "" || c.ProcessState.ExitCode() != 5 || p.once() != 5 {
				t.Fatalf("exit code %d, %d sent; overridden (-want +got):\n%s", c.ProcessState.ExitCode(), p.once(), diff)
			}
			for _, again := range []*exec.Cmd{
				p.hppsend("runs", "--endpoint", p.url, "--json"),
				p.hppsend("report", "--endpoint", p.url, "--json", "-o", "again.xlsx", "may.csv"),
			} {
				out, _ := again.Output()
				got := overridesOf(t, out)
				for i := range got {
					if strings.Contains(got[i].Reason, "anna") || !strings.HasSuffix(got[i].Reason, " says so") {
						t.Errorf("%s keeps the reason %q", again.Args[1], got[i].Reason)
					}
					if !strings.HasPrefix(got[i].Source, "configuration file ") || !strings.HasSuffix(got[i].Source, "team.yaml") {
						t.Errorf("%s keeps the source %q", again.Args[1], got[i].Source)
					}
					got[i].Source, got[i].Reason = source, want[min(i, 1)].Reason
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", again.Args[1], diff)
				}
			}
			f, err := excelize.OpenFile(p.path("again.xlsx"))
			ok(t, err)
			defer f.Close()
			rows, err := f.GetRows("Summary")
			ok(t, err)
			kept := 0
			for _, row := range rows {
				if len(row) > 1 && row[0] == "Rule overridden" && strings.Contains(row[1], " instead of 1") && strings.HasSuffix(row[1], " says so") {
					kept++
				}
			}
			if kept != 2 {
				t.Errorf("the summary sheet names %d rules that were overridden, want 2: %q", kept, rows[:min(20, len(rows))])
			}
			out, _ = p.run(append([]string{"--config", "team.yaml", "--json", "may.csv"}, by...)...).Output()
			if got := overridesOf(t, out); got != nil || p.once() != 6 {
				t.Errorf("the next run: %d sent, overridden %+v", p.once(), got)
			}
		})
	}
}

// TestPolicyOfTheWorker has a run go no faster than the machine may that sends it, whatever it was handed over with.
func TestPolicyOfTheWorker(t *testing.T) {
	t.Parallel()
	const rows, rate = 60, 20
	p := newPlace(t, sandbox.Config{})
	p.onServer()
	p.contacts("may.csv", 0, rows)
	host := p.host("host")
	ok(t, os.Mkdir(p.path("etc"), 0o755))
	ok(t, os.WriteFile(p.path("etc/policy.yaml"), []byte(fmt.Sprintf("rate: %d/s\n", rate)), 0o644))
	c := host.hppsend("worker", "--environment", "sandbox", "--endpoint", p.url)
	c.Env = append(c.Env, "POLICY_OF_TEST="+p.path("etc/policy.yaml"))
	ok(t, c.Start())
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	begun := time.Now()
	out, err := p.run("--shared", "--json", "--rate", "unlimited", "may.csv").Output()
	if l := lastLine(t, out); err != nil || l.Delivered != rows {
		t.Fatalf("%v: %s", err, out)
	}
	if took, least := time.Since(begun), (rows/rate-1)*time.Second; took < least {
		t.Errorf("%d rows went within %s, at %d a second", rows, took, rate)
	}
	p.keptTo(rate)
}
