package cli_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"hppsend/internal/sandbox"
)

// ruled is a kind of row, and what becomes of it under all rules at once.
type ruled struct {
	name  string
	code  string // in the report; empty for a delivery
	calls int    // at most, at the server
	row   func(n int) []string
}

// ruledRows are one row of each kind; of the last the session is refused by SMS and accepted by e-mail.
var ruledRows = []ruled{
	{"sent", "", 1, func(n int) []string { return ruledRow("a0000000", n, "", mailOf("sent", n), "no", "") }},
	{"opted out", "opted_out", 0, func(n int) []string { return ruledRow("a0000000", n, "", mailOf("out", n), "yes", "") }},
	{"suppressed", "suppressed", 0, func(n int) []string { return ruledRow("a0000000", n, "", mailOf("listed", n), "no", "") }},
	{"same contact", "same_contact", 0, func(n int) []string { return ruledRow("a0000000", n, "", mailOf("sent", n-3), "no", "") }},
	{"disabled", "session_disabled", 0, func(n int) []string { return ruledRow("00000400", n, "", mailOf("off", n), "no", "") }},
	{"unknown", "NOT_FOUND", 0, func(n int) []string { return ruledRow("00000404", n, "", mailOf("gone", n), "no", "") }},
	{"cooling down", "cooling_down", 0, func(n int) []string { return ruledRow("a0000000", n, "", mailOf("april", n), "no", "") }},
	{"too late", "too_late", 0, func(n int) []string {
		return ruledRow("a0000000", n, "", mailOf("late", n), "no", "2026-01-31T12:00:00Z")
	}},
	{"other contact", "", 2, func(n int) []string {
		return ruledRow("a0000000", n, fmt.Sprintf("+467017406%02d", 5+n/9%94), mailOf("other", n), "no", "")
	}},
}

func mailOf(who string, n int) string { return fmt.Sprintf("%s%d@example.com", who, n) }

func ruledSession(group string, n int) string {
	return fmt.Sprintf("%s-0000-4000-8000-%012d", group, n)
}

func ruledRow(group string, n int, phone, mail, out, expires string) []string {
	return []string{ruledSession(group, n), phone, mail, out, expires}
}

// ruledPlace has a campaign with rows of each kind, a list, and a campaign of April that was sent.
func ruledPlace(t *testing.T, rounds int, server bool) (*place, [][]string) {
	t.Helper()
	script := map[string][]sandbox.Step{}
	rows := [][]string{{"session_id", "phone", "email", "Unsubscribed", "expires_at"}}
	april := [][]string{{"session_id", "email"}}
	list := ""
	for n := range rounds * len(ruledRows) {
		kind := ruledRows[n%len(ruledRows)]
		row := kind.row(n)
		rows = append(rows, row)
		switch kind.name {
		case "suppressed":
			list += row[2] + "\n"
		case "cooling down":
			april = append(april, []string{ruledSession("b0000000", n), row[2]})
		case "other contact":
			script[row[0]] = []sandbox.Step{{Action: "refuse", Code: "UNSUPPORTED_COUNTRY"}, {Action: "accept"}}
		}
	}
	p := newPlace(t, sandbox.Config{Latency: 5 * time.Millisecond, Script: sandbox.Script{Sessions: script}})
	if server {
		p.onServer()
	}
	p.write("may.csv", rows)
	p.write("april.csv", april)
	ok(t, os.WriteFile(p.path("optouts.txt"), []byte(list), 0o600))
	p.must(0, p.run("--rate", "unlimited", "april.csv"))
	return p, rows[1:]
}

// underAllRules are the flags of all rules.
func underAllRules(args ...string) []string {
	return append([]string{
		"--prefer", "sms", "--suppress", "optouts.txt", "--opt-out", "Unsubscribed", "--cooldown", "7d", "--per-contact", "first", "--preflight",
		"--late", "skip", "--max-sends", "100000/day", "--fallback", "--time-zone", "UTC", "--stop-after-identical", "0", "may.csv",
	}, args...)
}

// kept asserts that each row has come to what its kind comes to, or is in doubt where it was called, and gives how many are.
func (p *place) kept(rows [][]string) (uncertain int) {
	p.t.Helper()
	stats := p.box.Stats()
	report := p.read("may.report.csv")
	status, code := slices.Index(report[0], "hpp_status"), slices.Index(report[0], "hpp_code")
	for i, row := range rows {
		kind, got := ruledRows[i%len(ruledRows)], report[1+i]
		calls := stats.Sessions[row[0]].Calls
		switch {
		case calls > kind.calls:
			p.t.Errorf("row %d, %s, was called for %d times", i, kind.name, calls)
		case got[status] == "uncertain" && kind.calls > 0:
			uncertain++
		case kind.code == "" && got[status] == "delivered": // by whichever of the runs
		case got[code] != kind.code:
			p.t.Errorf("row %d, %s, is %s, %s", i, kind.name, got[status], got[code])
		}
	}
	p.once()
	return uncertain
}

// TestCrashUnderRules kills the program again and again while all rules are on. What a rule holds back stays back, and
// the report has it by its code.
func TestCrashUnderRules(t *testing.T) {
	t.Parallel()
	const rounds, kills = 40, 6
	p, rows := ruledPlace(t, rounds, false)
	rng := rand.New(rand.NewPCG(rand.Uint64(), 1))
	killed := 0
	for range kills {
		c := p.run(underAllRules("--rate", "unlimited", "--concurrency", "4")...)
		ok(t, c.Start())
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		select {
		case <-time.After(time.Duration(rng.IntN(900)) * time.Millisecond):
			if c.Process.Kill() == nil {
				killed++
			}
			<-ended
		case <-ended:
		}
	}
	out, _ := p.run(underAllRules("--rate", "unlimited")...).CombinedOutput()
	uncertain := p.kept(rows)
	t.Logf("%d kills, %d rows uncertain", killed, uncertain)
	if t.Failed() {
		t.Logf("%s", out)
	}
}

// TestRulesOfWorkers has two workers send under all rules, of which one is killed.
func TestRulesOfWorkers(t *testing.T) {
	t.Parallel()
	const rounds = 20
	p, rows := ruledPlace(t, rounds, true)
	var workers []*exec.Cmd
	for i := range 2 {
		workers = append(workers, p.host(fmt.Sprintf("host%d", i)).worker())
	}
	before := p.box.Stats().Calls
	go func() {
		for end := time.Now().Add(time.Minute); p.box.Stats().Calls < before+rounds/2 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		}
		workers[0].Process.Kill()
	}()
	c := p.run(underAllRules("--shared", "--rate", "100/s")...)
	out, _ := c.CombinedOutput()
	if code := c.ProcessState.ExitCode(); code != 3 && code != 4 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	uncertain := p.kept(rows)
	t.Logf("%d rows uncertain", uncertain)
	if calls := slices.Collect(maps.Keys(p.box.Stats().Accepted)); len(calls) < rounds {
		t.Errorf("only %d sessions were accepted", len(calls))
	}
	for i := range rows {
		rows[i] = rows[i][:3]
	}
	p.write("contacts.csv", append([][]string{{"session_id", "phone", "email"}}, rows...))
	p.nothingInClear("INSERT INTO hppsend.record", "contacts.csv")
}
