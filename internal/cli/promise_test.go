package cli_test

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"hppsend/internal/sandbox"
)

// runIDs are what reasons say of runs and times.
var stamp = regexp.MustCompile(`-\d{8}T\d{6}Z`)

var runIDs = regexp.MustCompile(`(run [a-z0-9]{12}|\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC)`)

// place is a folder with a state folder of its own and a sandbox beside it.
type place struct {
	t   *testing.T
	dir string
	box *sandbox.Server
	url string

	ledger string // on a server; empty: a file
	state  string // the folder of states; empty: the usual one
	clock  string // the file by which the clock of the machine is set; empty: it has the right time
}

func newPlace(t *testing.T, cfg sandbox.Config) *place {
	t.Helper()
	thePulse()
	p := &place{t: t, dir: t.TempDir(), box: sandbox.New(cfg)}
	var err error
	if p.url, err = p.box.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.box.Close() })
	return p
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

// hppsend prepares the real program, against the sandbox.
func (p *place) hppsend(args ...string) *exec.Cmd {
	p.t.Helper()
	self, err := exec.LookPath("hppsend") // the test binary, under this name
	if err != nil {
		p.t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Dir = p.dir
	state := p.state
	if state == "" {
		state = p.path("state")
	}
	c.Env = append(slices.DeleteFunc(os.Environ(), ofTheTest), "XDG_STATE_HOME="+state)
	if p.ledger != "" {
		c.Env = append(c.Env, "HPPSEND_LEDGER="+p.ledger)
	}
	if p.clock != "" {
		c.Env = append(c.Env, clockFile+"="+p.clock)
	}
	return c
}

func (p *place) run(args ...string) *exec.Cmd {
	return p.hppsend(append([]string{"run", "--endpoint", p.url}, args...)...)
}

// as lets a command be run by another program of this test binary, with arguments before its own.
func as(t *testing.T, c *exec.Cmd, program string, args ...string) {
	t.Helper()
	self, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	c.Path, c.Args = self, slices.Concat([]string{program}, args, c.Args[1:])
}

// must runs a command that has to exit with a code, and gives what it wrote.
func (p *place) must(code int, c *exec.Cmd) string {
	p.t.Helper()
	out, _ := c.CombinedOutput()
	if got := c.ProcessState.ExitCode(); got != code {
		p.t.Fatalf("%s: exit code %d, want %d\n%s", strings.Join(c.Args[1:], " "), got, code, out)
	}
	return string(out)
}

// sessionID is the n-th session of a test, a UUID.
func sessionID(n int) string { return fmt.Sprintf("a0000000-0000-4000-8000-%012d", n) }

// contacts writes a CSV file of n sessions, alternately by SMS and by e-mail, from a first one on.
func (p *place) contacts(name string, first, n int) {
	p.t.Helper()
	rows := [][]string{{"session_id", "phone", "email"}}
	for i := first; i < first+n; i++ {
		if i%2 == 0 {
			rows = append(rows, []string{sessionID(i), fmt.Sprintf("+467017406%02d", 5+i%94), ""})
		} else {
			rows = append(rows, []string{sessionID(i), "", fmt.Sprintf("person%d@example.com", i)})
		}
	}
	p.write(name, rows)
}

func (p *place) write(name string, rows [][]string) {
	p.t.Helper()
	f, err := os.Create(p.path(name))
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	if err := csv.NewWriter(f).WriteAll(rows); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) read(name string) [][]string {
	p.t.Helper()
	rows, err := table(p.path(name))
	if err != nil {
		p.t.Fatal(err)
	}
	return rows
}

// once asserts that no session was accepted twice, and gives how many were accepted.
func (p *place) once() int {
	p.t.Helper()
	stats := p.box.Stats()
	for session, times := range stats.Accepted {
		if times > 1 {
			p.t.Errorf("session %s was accepted %d times", session, times)
		}
	}
	return len(stats.Accepted)
}

func TestSecondRunsSendNothing(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	p.contacts("may.csv", 0, 40)
	p.must(0, p.run("--rate", "unlimited", "may.csv"))
	if got := p.once(); got != 40 {
		t.Fatalf("%d sessions were accepted, want 40", got)
	}
	first := p.read("may.report.csv")

	rows := p.read("may.csv")
	slices.Reverse(rows[1:])
	p.write("sorted.csv", rows)
	changed := p.read("may.csv")
	changed[1][1] = "+46701740699"
	p.write("changed.csv", changed)
	os.Mkdir(p.path("elsewhere"), 0o755)
	for i, again := range []struct {
		name string
		args []string
		want string // outcome of the first session
	}{
		{"the same file", []string{"may.csv"}, "delivered already_delivered"},
		{"the rows in another order", []string{"sorted.csv"}, "delivered already_delivered"},
		{"another phone for a delivered session", []string{"changed.csv"}, "skipped session_already_delivered"},
		{"the report", []string{"may.report.csv"}, "delivered already_delivered"},
		{"the report beside an empty ledger", []string{"--ledger", "elsewhere/other.db", "may.report.csv"}, "skipped delivered_elsewhere"},
	} {
		t.Run(again.name, func(t *testing.T) {
			out := fmt.Sprintf("again%d.csv", i)
			p.must(0, p.run(append([]string{"--rate", "unlimited", "-o", out}, again.args...)...))
			if calls := p.box.Stats().Calls; calls != 40 {
				t.Errorf("%d calls were made in all, want the first 40", calls)
			}
			report := p.read(out)
			if len(report) != len(first) {
				t.Fatalf("the report has %d rows, want %d", len(report), len(first))
			}
			for _, row := range pick(report, []string{"session_id", "hpp_status", "hpp_code", "hpp_time"})[1:] {
				if got := row[1] + " " + row[2]; row[0] == sessionID(0) && got != again.want {
					t.Errorf("the first session is %s, want %s", got, again.want)
				}
			}
		})
	}
}

func TestKilledRunGoesOn(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	const sessions = 300
	p.contacts("may.csv", 0, sessions)
	c := p.run("--rate", "200/s", "--concurrency", "8", "may.csv")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return p.box.Stats().Calls >= 50 })
	c.Process.Kill()
	c.Wait()
	if calls := p.box.Stats().Calls; calls >= sessions {
		t.Fatalf("all %d calls were made before the kill", calls)
	}
	out, _ := p.run("--rate", "unlimited", "may.csv").CombinedOutput()
	accepted := p.once()
	counts := map[string]int{}
	seen := map[string]bool{}
	for _, row := range pick(p.read("may.report.csv"), []string{"session_id", "hpp_status"})[1:] {
		counts[row[1]]++
		if seen[row[0]] {
			t.Errorf("session %s is in the report twice", row[0])
		}
		seen[row[0]] = true
	}
	if len(seen) != sessions || counts["delivered"]+counts["uncertain"] != sessions {
		t.Errorf("the report has %d sessions, with statuses %v\n%s", len(seen), counts, out)
	}
	// What was on the wire, and what held an intent without a permit, when the process died.
	if counts["uncertain"] > 16 || accepted < counts["delivered"] {
		t.Errorf("%d uncertain, %d delivered, and %d accepted at the server", counts["uncertain"], counts["delivered"], accepted)
	}
}

func TestStoppedRunDrainsAndGoesOn(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	const sessions = 120
	p.contacts("may.csv", 0, sessions)
	var c *exec.Cmd
	started := make(chan struct{})
	p.duringCall(10, func() {
		<-started
		if out := p.must(75, p.run("may.csv")); !strings.Contains(out, fmt.Sprintf("process %d", c.Process.Pid)) {
			t.Errorf("a second run of the same content is refused with\n%s", out)
		}
		p.must(5, p.hppsend("report", "--endpoint", p.url, "may.csv")) // while the run goes on
		c.Process.Signal(os.Interrupt)
	})
	c = p.run("--rate", "40/s", "may.csv")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	c.Wait()
	if code := c.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d after an interrupt, want 130", code)
	}
	counts := map[string]int{}
	for _, row := range pick(p.read("may.report.csv"), []string{"hpp_status", "hpp_code"})[1:] {
		counts[row[0]+" "+row[1]]++
	}
	if got := p.once(); counts["delivered "] != got || counts["pending stopped"] != sessions-got || got == sessions {
		t.Errorf("%d were accepted, and the report says %v", got, counts)
	}
	p.must(0, p.run("--rate", "unlimited", "may.csv"))
	if got := p.once(); got != sessions {
		t.Errorf("%d sessions were accepted in all, want %d", got, sessions)
	}
}

func TestMendedReportSendsOnlyWhatWasMended(t *testing.T) {
	t.Parallel()
	for _, ext := range []string{"csv", "xlsx"} {
		t.Run(ext, func(t *testing.T) {
			p := newPlace(t, sandbox.Config{})
			p.write("may.csv", [][]string{
				{"session_id", "phone", "email", "note"},
				{sessionID(1), "+46701740605", "", "first"},
				{sessionID(2), "call me", "", "+second"},
				{sessionID(3), "", "anna@example.com", "'third"},
			})
			report := "may.report." + ext
			p.must(3, p.run("-o", report, "may.csv"))
			rows := p.read(report)
			if ext == "csv" {
				rows[2][1] = "+46 70 174 06 07"
				p.write(report, rows)
			} else {
				book, err := excelize.OpenFile(p.path(report))
				if err != nil {
					t.Fatal(err)
				}
				book.SetCellStr(book.GetSheetName(1), "B3", "+46 70 174 06 07")
				if err := book.Save(); err != nil {
					t.Fatal(err)
				}
				book.Close()
			}
			p.must(0, p.run(report))
			if calls := p.box.Stats().Calls; calls != 3 || p.once() != 3 {
				t.Errorf("%d calls were made, want one for each session", calls)
			}
			again := p.read("may.report-2." + ext)
			want := [][]string{
				{"session_id", "note", "hpp_status", "hpp_code", "hpp_sent_to"},
				{sessionID(1), "first", "delivered", "already_delivered", "+46701740605"},
				{sessionID(2), "+second", "delivered", "", "+46701740607"},
				{sessionID(3), "'third", "delivered", "already_delivered", "anna@example.com"},
			}
			if ext == "csv" {
				want[2][1], want[3][1] = "'+second", "''third" // guarded from running as formulas
			}
			if diff := cmp.Diff(want, pick(again, want[0])); diff != "" {
				t.Errorf("the report of the mended report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReaderThatGoesAwayDoesNotEndTheRun(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	p.contacts("may.csv", 0, 200)
	c := p.run("--rate", "unlimited", "--json", "may.csv")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if err := c.Wait(); err != nil || p.once() != 200 {
		t.Errorf("%v, with %d sessions sent; want all 200", err, p.once())
	}
}

func TestRepeatsCountAcrossFiles(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	p.contacts("one.csv", 0, 10)
	p.contacts("two.csv", 5, 10)
	os.Mkdir(p.path("reports"), 0o755)
	p.must(0, p.run("--rate", "unlimited", "-o", "reports", "one.csv", "two.csv"))
	if calls := p.box.Stats().Calls; calls != 15 || p.once() != 15 {
		t.Errorf("%d calls were made for 15 sessions", calls)
	}
	counts := map[string]int{}
	for _, row := range pick(p.read("reports/two.report.csv"), []string{"hpp_code"})[1:] {
		counts[row[0]]++
	}
	if diff := cmp.Diff(map[string]int{"": 5, "duplicate_session": 5}, counts); diff != "" {
		t.Errorf("codes of the second file (-want +got):\n%s", diff)
	}
}

func TestPaceAtTheServer(t *testing.T) {
	t.Parallel()
	const rate = 20
	for _, tc := range []struct {
		name string
		runs int
	}{{"one run", 1}, {"two runs share one rate", 2}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, sandbox.Config{})
			const rows = 60
			var runs sync.WaitGroup
			for i := range tc.runs {
				name := fmt.Sprintf("part%d.csv", i)
				p.contacts(name, i*rows, rows)
				runs.Go(func() { p.must(0, p.run("--rate", fmt.Sprintf("%d/s", rate), name)) })
			}
			runs.Wait()
			if calls := p.box.Stats().Calls; calls != tc.runs*rows {
				t.Fatalf("%d calls arrived, want %d", calls, tc.runs*rows)
			}
			p.keptTo(rate)
		})
	}
}

func TestLedgerHoldsNoContact(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	p.contacts("may.csv", 0, 60)
	out := p.must(0, p.run("--rate", "unlimited", "--label", "May", "may.csv"))
	contacts := [][]byte{}
	for _, row := range p.read("may.csv")[1:] {
		contacts = append(contacts, []byte(strings.ToLower(strings.TrimPrefix(row[1]+row[2], "+46"))))
	}
	searched := 0
	err := filepath.WalkDir(p.path("state"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		searched += len(b)
		for _, c := range contacts {
			if strings.Contains(strings.ToLower(string(b)), string(c)) {
				t.Errorf("%s holds a contact in clear", filepath.Base(path))
			}
		}
		return err
	})
	if err != nil || searched == 0 {
		t.Fatalf("%d bytes were searched: %v", searched, err)
	}
	for _, c := range contacts {
		if strings.Contains(strings.ToLower(out), string(c)) {
			t.Errorf("the output holds a contact in clear")
		}
	}
}

// eventually waits until something is true of another process.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not come true within 30 s")
		}
	}
}
