package cli_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"

	"hppsend/internal/sandbox"
)

// approvers FILE NAME=OPTIONS KEY.pub … writes a list of who may approve.
func approvers(ts *testscript.TestScript, _ bool, args []string) {
	var list strings.Builder
	for i := 1; i+1 < len(args); i += 2 {
		name, options, _ := strings.Cut(args[i], "=")
		list.WriteString(strings.Join(strings.Fields(name+" "+options+" "+ts.ReadFile(args[i+1])), " ") + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(list.String()), 0o600))
}

// signs KEY FILE [NAMESPACE] signs a file anew.
func signs(ts *testscript.TestScript, _ bool, args []string) {
	os.Remove(ts.MkAbs(args[1]) + ".sig")
	namespace := append(args, "hppsend")[2]
	ts.Check(ts.Exec("ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", args[0], args[1]))
}

// summary REPORT NAME VALUE sees how a line of a workbook's summary begins.
func summaryLine(ts *testscript.TestScript, _ bool, args []string) {
	f, err := excelize.OpenFile(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	rows, err := f.GetRows("Summary")
	ts.Check(err)
	for _, row := range rows {
		if len(row) > 1 && row[0] == args[1] && strings.HasPrefix(row[1], args[2]) {
			return
		}
	}
	ts.Fatalf("the summary has no %s that begins with %s: %q", args[1], args[2], rows)
}

// approvedPlan writes a plan as Anna and has Bo sign it; runs are to have its configuration then.
func (p *place) approvedPlan(args ...string) {
	p.t.Helper()
	keygen := func(args ...string) {
		p.t.Helper()
		c := exec.Command("ssh-keygen", args...)
		c.Dir = p.dir
		if out, err := c.CombinedOutput(); err != nil {
			p.t.Fatalf("%v\n%s", err, out)
		}
	}
	keygen("-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "bo")
	key, err := os.ReadFile(p.path("bo.pub"))
	ok(p.t, err)
	ok(p.t, os.WriteFile(p.path("approvers"), append([]byte("bo@example.net "), key...), 0o600))
	ok(p.t, os.WriteFile(p.path("c.yaml"), []byte("require-approval: approvers\nplan: plan.json\n"), 0o600))
	p.must(0, p.hppsend(append([]string{"check", "--endpoint", p.url, "--plan", "plan.json", "--submitted-by", "anna"}, args...)...))
	keygen("-q", "-Y", "sign", "-n", "hppsend", "-f", "bo", "plan.json")
}

// TestPlanOfAKilledRun kills a run in the middle and goes on by the same plan, which is spent then. What the first one
// has left in doubt is no more sent than without a plan.
func TestPlanOfAKilledRun(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	const sessions = 300
	p.contacts("may.csv", 0, sessions)
	args := []string{"--rate", "200/s", "may.csv"}
	p.approvedPlan(args...)
	args = append(args, "--config", "c.yaml", "--concurrency", "8")
	c := p.run(args...)
	ok(t, c.Start())
	eventually(t, func() bool { return p.box.Stats().Calls >= 50 })
	c.Process.Kill()
	c.Wait()
	if calls := p.box.Stats().Calls; calls >= sessions {
		t.Fatalf("all %d calls were made before the kill", calls)
	}
	out, _ := p.run(args...).CombinedOutput()
	accepted := p.once()
	if accepted <= 50 || !strings.Contains(string(out), "Approved by bo@example.net") {
		t.Errorf("%d were accepted\n%s", accepted, out)
	}
	if out := p.must(2, p.run(args...)); !strings.Contains(out, "plan.json is spent") {
		t.Errorf("a third time it says\n%s", out)
	}
	if p.once() != accepted {
		t.Error("a plan that is spent has sent something")
	}
}

// TestPlanUsedTwiceAtOnce has two processes send one plan: the second is refused, and nobody is messaged twice.
func TestPlanUsedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	const sessions = 60
	p.contacts("may.csv", 0, sessions)
	p.approvedPlan("--rate", "50/s", "may.csv")
	ok(t, os.Symlink("plan.json", p.path("other.json"))) // by another name
	ok(t, os.Symlink("plan.json.sig", p.path("other.json.sig")))
	p.duringCall(10, func() {
		for _, plan := range []string{"plan.json", "other.json"} {
			if out := p.must(75, p.run("--config", "c.yaml", "--rate", "50/s", "--plan", plan, "may.csv")); !strings.Contains(out, "is being sent by run") {
				t.Errorf("a second run is refused with\n%s", out)
			}
		}
	})
	p.must(0, p.run("--config", "c.yaml", "--rate", "50/s", "may.csv"))
	if got := p.once(); got != sessions {
		t.Errorf("%d sessions were accepted, want %d", got, sessions)
	}
	if out := p.must(2, p.run("--config", "c.yaml", "--rate", "50/s", "--plan", "other.json", "may.csv")); !strings.Contains(out, "is spent") {
		t.Errorf("by another name it says\n%s", out)
	}
}

// TestPlanByWorkers writes a plan on one host, and has the workers of another send it for a third: what was approved,
// and nothing else, since all three have the ledger's secret.
func TestPlanByWorkers(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	p.onServer()
	const sessions = 40
	p.contacts("may.csv", 0, sessions)
	p.contacts("june.csv", sessions, 1)
	p.approvedPlan("--rate", "200/s", "may.csv")
	p.host("first").worker()
	from := p.host("second")
	if out := from.must(6, from.run("--config", "c.yaml", "--shared", "--rate", "200/s", "june.csv")); !strings.Contains(out, "is not what was approved") {
		t.Errorf("another file is refused with\n%s", out)
	}
	out, err := from.run("--config", "c.yaml", "--shared", "--json", "--rate", "200/s", "may.csv").Output()
	if l := lastLine(t, out); err != nil || l.Delivered != sessions || p.once() != sessions {
		t.Fatalf("%v: %s", err, out)
	}
	if out := from.must(2, from.run("--config", "c.yaml", "--shared", "--rate", "200/s", "may.csv")); !strings.Contains(out, "is spent") {
		t.Errorf("a second time it says\n%s", out)
	}
	if out := p.must(0, p.hppsend("runs", "--environment", "sandbox")); strings.Count(out, "approved by bo@example.net") != 1 {
		t.Errorf("the runs are\n%s", out)
	}
}
