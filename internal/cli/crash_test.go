package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/sandbox"
	"hppsend/pipeline"
)

// crashing is a way of running in which the program is killed and started again.
type crashing struct {
	name        string
	concurrency int
	rate        float64
	share       int  // of the rows, for each kill that a campaign is to live through
	faults      bool // 429, 503, resets, and calls that are never answered
	sorted      bool // a re-sorted copy takes turns with the file
	halfway     bool // the file's report takes its place in the midst of it
	server      bool // the ledger is on a server
}

// TestCrash kills the program, with no warning, at moments of every pass, and goes on until it comes to
// its end. HPPSEND_CRASHES is how many kills there are, over all ways of running; HPPSEND_SEED draws the
// same moments again, as far as the machine's timing lets it.
func TestCrash(t *testing.T) {
	t.Parallel()
	kills, seed := 60, rand.Uint64()
	var err error
	if text := os.Getenv("HPPSEND_CRASHES"); text != "" {
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	if text := os.Getenv("HPPSEND_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("HPPSEND_CRASHES=%d HPPSEND_SEED=%d", kills, seed)
	unlimited := math.Inf(1)
	ways := []crashing{
		{name: "one call at a time", concurrency: 1, rate: unlimited, share: 20},
		{name: "64 calls at once", concurrency: 64, rate: unlimited, share: 80},
		{name: "50 calls a second", concurrency: 16, rate: 50, share: 8},
		{name: "faults", concurrency: 16, rate: unlimited, share: 40, faults: true},
		{name: "a sorted copy", concurrency: 64, rate: unlimited, share: 80, sorted: true},
		{name: "a report half-way", concurrency: 16, rate: unlimited, share: 40, halfway: true},
		{name: "a ledger on a server", concurrency: 64, rate: unlimited, share: 80, server: true},
		{name: "a ledger on a server, 50 calls a second", concurrency: 16, rate: 50, share: 8, server: true},
	}
	var all figures
	for i, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			var got figures
			for left := (kills + i) / len(ways); left > 0 && !t.Failed(); left = (kills+i)/len(ways) - got.killed() {
				c := newCampaign(t, w, rng, min(left, 10))
				c.crash()
				got.add(c.figures)
			}
			t.Log(got)
			all.add(got)
		})
	}
	t.Logf("in all: %s", all)
}

// figures are what crashes come to.
type figures struct{ check, send, report, runs, rows, calls, accepted, twice, uncertain int }

func (f *figures) add(g figures) {
	f.check, f.send, f.report, f.runs = f.check+g.check, f.send+g.send, f.report+g.report, f.runs+g.runs
	f.rows, f.calls, f.accepted, f.twice = f.rows+g.rows, f.calls+g.calls, f.accepted+g.accepted, f.twice+g.twice
	f.uncertain += g.uncertain
}

// killed is how many runs were killed.
func (f figures) killed() int { return f.check + f.send + f.report }

func (f figures) String() string {
	return fmt.Sprintf("%d kills of %d runs: %d in the check, %d in the send pass, %d in the report; "+
		"%d rows, %d calls, %d sessions accepted, %d of them twice, %d rows uncertain",
		f.killed(), f.runs, f.check, f.send, f.report, f.rows, f.calls, f.accepted, f.twice, f.uncertain)
}

// campaign is one file on its way through kills to an outcome for each of its rows.
type campaign struct {
	*place
	crashing
	figures
	rng    *rand.Rand
	kills  int // that are to come
	inputs []string
	script map[string][]sandbox.Step
	server *httptest.Server
	fuse   atomic.Pointer[fuse] // of the run that goes on
}

func newCampaign(t *testing.T, w crashing, rng *rand.Rand, kills int) *campaign {
	t.Helper()
	c := &campaign{crashing: w, rng: rng, kills: kills, inputs: []string{"may.csv"}, script: map[string][]sandbox.Step{}}
	c.rows = kills * w.share
	if w.faults {
		c.drawFaults()
	}
	c.place = newPlace(t, sandbox.Config{Latency: 2 * time.Millisecond, Script: sandbox.Script{Sessions: c.script}})
	c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.fuse.Load().tick(called)
		c.box.ServeHTTP(w, r)
	}))
	t.Cleanup(c.server.Close)
	c.url = c.server.URL
	if w.server {
		c.onServer()
	}
	c.contacts("may.csv", 0, c.rows)
	rows := c.read("may.csv")
	for i := 5; i+2 < len(rows); i += 20 {
		rows[i] = []string{rows[i][0], "call me", ""}
		rows[i+2] = rows[i+1] // a repeat
	}
	c.write("may.csv", rows)
	if w.sorted {
		rng.Shuffle(c.rows, func(i, j int) { rows[i+1], rows[j+1] = rows[j+1], rows[i+1] })
		c.write("sorted.csv", rows)
		c.inputs = append(c.inputs, "sorted.csv")
	}
	return c
}

// drawFaults says what the server does about some of the sessions.
func (c *campaign) drawFaults() {
	faults := [][]sandbox.Step{
		{{Action: "unavailable"}},
		{{Action: "unavailable"}, {Action: "unavailable"}},
		{{Action: "unavailable"}, {Action: "reset_before"}},
		{{Action: "reset_after"}},
		{{Action: "reset_after", Accepted: true}},
		{{Action: "hang"}},
		{{Action: "hang", Accepted: true}},
		{{Action: "gateway", Accepted: true}},
	}
	for n := range c.rows {
		if i := c.rng.IntN(6 * len(faults)); i < len(faults) {
			c.script[sessionID(n)] = faults[i]
		}
		if n%100 == 50 { // few, as everybody waits a second for each
			c.script[sessionID(n)] = []sandbox.Step{{Action: "throttled"}}
		}
		c.script[sessionID(n)] = append(slices.Clip(c.script[sessionID(n)]), sandbox.Step{Action: "accept"})
	}
}

// harmless is how many calls for a session are answered so that nothing can have been sent.
func (c *campaign) harmless(session string) int {
	return max(0, slices.IndexFunc(c.script[session], func(s sandbox.Step) bool {
		return s.Action != "throttled" && s.Action != "unavailable"
	}))
}

// crash runs the program until a run finishes, killing it on the way.
func (c *campaign) crash() {
	c.t.Helper()
	for pending := true; pending && c.killed() < c.kills; {
		if c.halfway && len(c.inputs) == 1 && c.killed() >= c.kills/2 {
			last := c.finish("may.csv", "--limit", "1")
			if err := os.Rename(c.path(last.Report), c.path("halfway.csv")); err != nil {
				c.t.Fatal(err)
			}
			c.inputs = []string{"halfway.csv", "may.csv"}
		}
		input := c.inputs[0]
		if c.sorted {
			input = c.inputs[c.runs%2]
		}
		f, flags := c.moment()
		if last, ended := c.start(f, input, flags...); ended {
			pending = last.Pending > 0
		}
	}
	for _, input := range c.inputs {
		for c.finish(input).Pending > 0 {
			if c.t.Failed() || c.runs > 100 {
				c.t.Fatalf("%s does not come to an end", input)
			}
		}
	}
	c.server.Close() // calls that were under way when their process died have ended after this
	c.accepted = c.once()
	stats := c.box.Stats()
	c.calls, c.twice = stats.Calls, stats.Sent-c.accepted
	for session, seen := range stats.Sessions {
		if after := seen.Calls - c.harmless(session) - 1; after > 0 {
			c.t.Errorf("session %s was called %d times after it may have been sent", session, after)
		}
	}
}

// last is the last JSON line of a run, by which it says how it came out.
type last struct {
	Type, Report                                                         string
	Rows, Delivered, Rejected, Failed, Uncertain, Skipped, Pending, Exit int
}

// finish runs the program to its end.
func (c *campaign) finish(input string, flags ...string) last {
	c.t.Helper()
	l, ended := c.start(&fuse{}, input, flags...)
	if !ended {
		c.t.Fatal("the run was killed by somebody else")
	}
	return l
}

// start runs the program until it is killed, or to its end, and then looks at what came of it.
func (c *campaign) start(f *fuse, input string, flags ...string) (l last, ended bool) {
	c.t.Helper()
	flags = append(flags, "--json", "--quiet", "--yes", "--concurrency", fmt.Sprint(c.concurrency), "--rate", "unlimited")
	if !math.IsInf(c.rate, 1) {
		flags = append(flags, "--rate", fmt.Sprintf("%g/s", c.rate))
	}
	if c.faults {
		flags = append(flags, "--timeout", "600ms")
	}
	cmd := c.run(append(flags, input)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	l = c.follow(cmd, f)
	c.runs++
	switch code := cmd.ProcessState.ExitCode(); {
	case code >= 0 && l.Type == "summary" && l.Exit == code:
		c.checkReport(input, l)
		return l, true
	case code >= 0:
		c.t.Fatalf("exit code %d, and the last line is %+v\n%s", code, l, &complaint)
	case f.seen[reported].Load() > 0:
		c.report++
	case f.seen[called].Load() > 0:
		c.send++
	default:
		c.check++
	}
	return l, false
}

// ofTheTest reports whether a variable is a setting of these tests, and none of the program.
func ofTheTest(v string) bool {
	return slices.ContainsFunc([]string{"HPPSEND_CRASHES=", "HPPSEND_FAULTS=", "HPPSEND_SEED=", "HPPSEND_ROWS="}, func(name string) bool { return strings.HasPrefix(v, name) })
}

// follow lets a command run under a fuse and reads its JSON lines.
func (c *campaign) follow(cmd *exec.Cmd, f *fuse) (l last) {
	c.t.Helper()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	f.process = cmd.Process
	c.fuse.Store(f)
	f.tick(started)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		f.tick(spoke)
		switch line := lines.Bytes(); {
		case bytes.HasPrefix(line, []byte(`{"type":"row"`)):
			f.tick(reported)
		case bytes.HasPrefix(line, []byte(`{"type":"summary"`)):
			if err := json.Unmarshal(line, &l); err != nil {
				c.t.Errorf("%s: %v", line, err)
			}
		}
	}
	cmd.Wait() // ProcessState has what it says
	return l
}

// event is what can be seen of a process from outside.
type event uint8

const (
	never event = iota
	started
	spoke // a JSON line, the first ones in the check
	called
	reported // a JSON line of a row
	events
)

// fuse kills a process a moment after something has happened often enough.
type fuse struct {
	on      event
	after   int64 // how often
	later   time.Duration
	process *os.Process
	seen    [events]atomic.Int64
}

func (f *fuse) tick(e event) {
	if f != nil && f.seen[e].Add(1) == f.after && f.on == e {
		time.AfterFunc(f.later, func() { f.process.Kill() })
	}
}

// moment draws when a run is killed, mostly while it sends.
func (c *campaign) moment() (f *fuse, flags []string) {
	some := func(most int) int64 { return 1 + c.rng.Int64N(int64(most)) }
	upTo := func(most time.Duration) time.Duration { return time.Duration(c.rng.Int64N(int64(most))) }
	switch n := c.rng.IntN(12); {
	case n == 0:
		return &fuse{on: started, after: 1, later: upTo(100 * time.Millisecond)}, nil
	case n == 1:
		return &fuse{on: spoke, after: some(6), later: upTo(5 * time.Millisecond)}, nil
	case n <= 3: // before all is sent, so that the report is about rows of every kind
		return &fuse{on: reported, after: some(c.rows), later: upTo(5 * time.Millisecond)}, []string{"--limit", fmt.Sprint(some(c.share))}
	}
	return &fuse{on: called, after: some(2 * c.share), later: upTo(10 * time.Millisecond)}, nil
}

// checkReport holds a report beside its input, what the run says of it, and what the server has seen.
func (c *campaign) checkReport(input string, l last) {
	c.t.Helper()
	own := []string{"session_id", "phone", "email"}
	report := c.read(l.Report)
	if diff := cmp.Diff(pick(c.read(input), own), pick(report, own)); diff != "" {
		c.t.Errorf("rows of %s and of its report (-want +got):\n%s", input, diff)
	}
	stats := c.box.Stats()
	n := map[string]int{}
	interrupted, carried := map[string]int{}, map[string]bool{}
	for _, row := range pick(report, []string{"session_id", "hpp_status", "hpp_code", "hpp_run"})[1:] {
		session, status, code, run := row[0], row[1], row[2], row[3]
		n[status]++
		if status == "skipped" {
			continue
		}
		if carried[session] {
			c.t.Errorf("session %s has its outcome in two rows", session)
		}
		carried[session] = true
		if code == pipeline.CodeInterrupted {
			interrupted[run]++
		}
		c.checkOutcome(session, status, code, stats.Sessions[session])
	}
	for session := range stats.Accepted {
		if !carried[session] {
			c.t.Errorf("session %s was accepted, and the report has no outcome of it", session)
		}
	}
	for run, rows := range interrupted {
		if most := c.concurrency + pipeline.ClaimBound(c.rate, c.concurrency); rows > most {
			c.t.Errorf("%d rows are uncertain since run %s was killed, want %d at most", rows, run, most)
		}
	}
	if len(interrupted) > c.killed() {
		c.t.Errorf("%d runs left rows in doubt, and %d were killed", len(interrupted), c.killed())
	}
	got := last{
		Type: l.Type, Report: l.Report, Delivered: n["delivered"], Rejected: n["rejected"], Failed: n["failed"],
		Uncertain: n["uncertain"], Skipped: n["skipped"], Pending: n["pending"],
	}
	got.Rows = got.Delivered + got.Rejected + got.Failed + got.Uncertain + got.Skipped + got.Pending
	got.Exit = exitOf(got)
	if diff := cmp.Diff(got, l); diff != "" {
		c.t.Errorf("the report of %s and what the run says of it (-report +run):\n%s", input, diff)
	}
	c.uncertain = got.Uncertain
}

// exitOf is the exit code of a run that went through.
func exitOf(l last) int {
	switch {
	case l.Pending > 0:
		return 5
	case l.Uncertain > 0:
		return 4
	case l.Rejected+l.Failed > 0:
		return 3
	}
	return 0
}

// checkOutcome holds the outcome of a session beside what the server has seen of it.
func (c *campaign) checkOutcome(session, status, code string, seen sandbox.Session) {
	c.t.Helper()
	steps := c.script[session]
	sound := len(steps) == 0 || steps[c.harmless(session)].Action == "accept"
	switch {
	case status == "delivered" && seen.Accepted == 1 && sound:
	case status == "uncertain" && code == pipeline.CodeInterrupted:
	case status == "uncertain" && seen.Calls > 0 && c.faults: // where calls are given up soon, one may just be slow
	case (status == "pending" || status == "rejected") && seen.Accepted == 0:
	default:
		c.t.Errorf("session %s is %s %s, and the server has had %d calls for it and accepted %d",
			session, status, code, seen.Calls, seen.Accepted)
	}
}
