//go:build unix

package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hppsend/internal/ledger/servertest"
	"hppsend/internal/sandbox"
)

// machine is one of several that send to the same people by one ledger on a server, by a way of its own there.
type machine struct {
	*place
	file  string
	wire  *servertest.Wire
	ahead time.Duration // how far its clock is
	runs  *exec.Cmd     // the process that is under way; nil for none
	out   *bytes.Buffer
	err   *bytes.Buffer
}

func (m *machine) start() {
	m.t.Helper()
	m.runs = m.run("--json", "--quiet", "--rate", "100/s", "--concurrency", "8", "--grace", "20s", m.file)
	m.out, m.err = new(bytes.Buffer), new(bytes.Buffer)
	m.runs.Stdout, m.runs.Stderr = m.out, m.err
	if err := m.runs.Start(); err != nil {
		m.t.Fatal(err)
	}
}

// end waits for the process, and gives its last line; nothing of one that was killed.
func (m *machine) end() (l last) {
	m.t.Helper()
	err := m.runs.Wait()
	code := m.runs.ProcessState.ExitCode()
	m.runs = nil
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		m.t.Fatal(err)
	}
	if code < 0 {
		return l
	}
	lines := strings.Split(strings.TrimSpace(m.out.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &l); err != nil && code != 75 && code != 1 {
		m.t.Errorf("exit code %d, %v: %s%s", code, err, m.out, m.err)
	}
	if l.Exit = code; !slices.Contains([]int{0, 1, 4, 5, 75}, code) {
		m.t.Errorf("exit code %d: %s", code, m.err)
	}
	return l
}

// chaos is what may happen to machines and their database.
type chaos struct {
	faults int
	seed   uint64
	rng    *rand.Rand
	own    *servertest.Postgres
	kinds  map[string]func(*machine, time.Duration)
	count  map[string]int
}

// newChaos reads from the environment how many faults there are to be (HPPSEND_FAULTS), and which (HPPSEND_SEED).
func newChaos(t *testing.T, faults int) *chaos {
	t.Helper()
	c := &chaos{faults: faults, seed: rand.Uint64(), own: servertest.Own(t), count: map[string]int{}}
	for name, set := range map[string]func(uint64){"HPPSEND_FAULTS": func(n uint64) { c.faults = int(n) }, "HPPSEND_SEED": func(n uint64) { c.seed = n }} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.ParseUint(text, 10, 64)
			ok(t, err)
			set(n)
		}
	}
	t.Logf("HPPSEND_FAULTS=%d HPPSEND_SEED=%d", c.faults, c.seed)
	c.rng = rand.New(rand.NewPCG(c.seed, 1))
	c.kinds = map[string]func(*machine, time.Duration){
		"killed": func(m *machine, _ time.Duration) { m.runs.Process.Kill(); m.end() },
		"frozen": func(m *machine, d time.Duration) {
			m.runs.Process.Signal(syscall.SIGSTOP)
			time.Sleep(d)
			m.runs.Process.Signal(syscall.SIGCONT)
		},
		"way cut": func(m *machine, _ time.Duration) { m.wire.Cut() },
		"way cut in a message": func(m *machine, d time.Duration) {
			m.wire.CutAt(1+c.rng.IntN(50), c.rng.IntN(2) == 0)
			time.Sleep(d / 4)
			m.wire.CutAt(0, false)
		},
		"way frozen": func(m *machine, d time.Duration) {
			m.wire.Freeze()
			time.Sleep(d)
			m.wire.Thaw()
		},
		"database killed": func(_ *machine, d time.Duration) {
			c.own.Kill()
			time.Sleep(d / 2)
			ok(t, c.own.Start())
		},
		"clock set back":    func(m *machine, _ time.Duration) { m.shift(-time.Hour) },
		"clock set forward": func(m *machine, _ time.Duration) { m.shift(time.Hour) },
	}
	return c
}

// shift sets the clock of a machine, where that can be done.
func (m *machine) shift(by time.Duration) {
	m.ahead += by
	m.setClock(m.ahead)
}

// Faults last so long at most, and where there are many some freezes longer: nobody is to count on their being short.
const (
	longest    = 7 * time.Second
	longFreeze = 20 * time.Second
)

// length draws how long a fault lasts.
func (c *chaos) length(what string) time.Duration {
	if strings.HasSuffix(what, "frozen") && c.faults > 2*len(c.kinds) && c.rng.IntN(3) == 0 {
		c.count["of these frozen for "+longFreeze.String()]++
		return longFreeze
	}
	return time.Duration(c.rng.Int64N(int64(longest)))
}

// strike has the n-th fault happen to one of the machines.
func (c *chaos) strike(n int, machines []*machine) {
	time.Sleep(time.Duration(c.rng.Int64N(int64(1500 * time.Millisecond))))
	names := slices.Sorted(maps.Keys(c.kinds))
	what := names[(n+int(c.seed%uint64(len(names))))%len(names)]
	c.kinds[what](machines[c.rng.IntN(len(machines))], c.length(what))
	c.count[what]++
}

// judge holds what is promised against what the server has seen.
func (c *chaos) judge(p *place, rows, uncertain int) {
	p.t.Helper()
	stats := p.box.Stats()
	for session, seen := range stats.Sessions {
		if seen.Calls > 1 {
			p.t.Errorf("session %s was called %d times", session, seen.Calls)
		}
	}
	if accepted := p.once(); accepted > rows || accepted < rows-uncertain {
		p.t.Errorf("%d of %d rows were accepted, and %d are uncertain", accepted, rows, uncertain)
	}
	p.t.Logf("%v: %d rows, %d calls, %d uncertain", c.count, rows, stats.Calls, uncertain)
}

// complete holds a report against its input and against what the server has seen: each row is there, in its place, and
// what is called delivered was accepted.
func (p *place) complete(report, input string) {
	p.t.Helper()
	accepted := p.box.Stats().Accepted
	in, out := p.read(input), p.read(report)
	if len(in) != len(out) {
		p.t.Fatalf("%s has %d rows, and %s %d", report, len(out), input, len(in))
	}
	for i, cells := range pick(out, []string{"session_id", "hpp_status"}) {
		if cells[0] != in[i][0] {
			p.t.Fatalf("%s has session %s in row %d, and %s has %s", report, cells[0], i+1, input, in[i][0])
		}
		switch known := cells[1] == "delivered" && accepted[cells[0]] == 1 || cells[1] == "uncertain" || cells[1] == "skipped"; {
		case i > 0 && !known:
			p.t.Errorf("%s, row %d: %s is %s, and was accepted %d times", report, i+1, cells[0], cells[1], accepted[cells[0]])
		}
	}
}

// TestFaultsOnServer has three machines send to the same people, in orders of their own, while processes are killed and
// frozen, their clocks are set back and forward, their ways to the database are cut and frozen, and the database itself
// is killed and comes back.
func TestFaultsOnServer(t *testing.T) {
	t.Parallel()
	c := newChaos(t, 9)
	p := newPlace(t, sandbox.Config{Latency: 3 * time.Millisecond})
	p.ledger = c.own.Database(t)
	p.must(0, p.hppsend("ledger", "create", "--environment", "sandbox"))
	rows := 150 * c.faults
	p.contacts("all.csv", 0, rows)
	table := p.read("all.csv")
	var machines []*machine
	for i := range 3 {
		m := &machine{place: p.host(fmt.Sprintf("host%d", i)), file: fmt.Sprintf("all%d.csv", i)}
		m.wire, m.ledger = servertest.NewWire(t, p.ledger)
		m.shift(0)
		c.rng.Shuffle(rows, func(i, j int) { table[i+1], table[j+1] = table[j+1], table[i+1] })
		m.write(m.file, append(slices.Clip(table), table[1:20]...)) // and some of them twice
		machines = append(machines, m)
	}
	c.kinds["started twice"] = func(m *machine, _ time.Duration) {
		again := *m
		again.start()
		again.end()
	}
	for n := range c.faults {
		for _, m := range machines {
			if m.runs == nil {
				m.start()
			}
		}
		c.strike(n, machines)
	}
	for _, m := range machines {
		if m.runs != nil {
			m.end()
		}
	}
	uncertain := 0
	for _, m := range machines {
		for tries := 0; ; tries++ {
			m.start()
			l := m.end()
			if l.Exit == 0 || l.Exit == 4 {
				if l.Rows != rows+19 || l.Delivered+l.Uncertain != rows || l.Skipped != 19 {
					t.Errorf("%s: it says %+v of %d rows", m.file, l, rows+19)
				}
				uncertain = l.Uncertain
				m.complete(l.Report, m.file)
				break
			}
			if tries == 20 {
				t.Fatalf("%s does not come to an end: %+v\n%s", m.file, l, m.err)
			}
		}
	}
	c.judge(p, rows, uncertain)
}

// TestFaultsOnWorkers has three workers send what was handed over, while they are killed, frozen and cut off, and their
// clocks are set back and forward, the host that waits for them is killed, the database is and comes back, and the jobs
// of the queue are deleted and doubled.
func TestFaultsOnWorkers(t *testing.T) {
	t.Parallel()
	c := newChaos(t, 11)
	p := newPlace(t, sandbox.Config{Latency: 3 * time.Millisecond})
	p.ledger = c.own.Database(t)
	p.must(0, p.hppsend("ledger", "create", "--environment", "sandbox"))
	rows := 500 * c.faults
	p.contacts("all.csv", 0, rows)
	var machines []*machine
	for i := range 3 {
		m := &machine{place: p.host(fmt.Sprintf("host%d", i))}
		m.wire, m.ledger = servertest.NewWire(t, p.ledger)
		m.shift(0)
		machines = append(machines, m)
	}
	before, _, _ := strings.Cut(p.ledger, "?")
	database := before[strings.LastIndex(before, "/")+1:]
	c.kinds["jobs deleted"] = func(*machine, time.Duration) {
		c.own.Exec(t, database, "DELETE FROM hppsend.river_job WHERE state <> 'running'")
	}
	c.kinds["jobs doubled"] = func(*machine, time.Duration) {
		c.own.Exec(t, database, `INSERT INTO hppsend.river_job (args, kind, max_attempts, queue, priority)
			SELECT args, kind, max_attempts, queue, priority FROM hppsend.river_job WHERE state IN ('running', 'available')`)
	}
	waits := &machine{place: p}
	c.kinds["waiting host killed"] = func(*machine, time.Duration) { waits.runs.Process.Kill(); waits.end() }
	all := func() {
		for _, m := range machines {
			if m.runs == nil {
				m.work()
			}
		}
		if waits.runs == nil {
			waits.wait(400)
		}
	}
	for n := range c.faults {
		all()
		c.strike(n, machines)
	}
	all()
	l := waits.end()
	for tries := 0; l.Exit != 0 && l.Exit != 4 && tries < 20; tries++ { // it was struck in the midst of its report, or of handing over
		waits.wait(400)
		l = waits.end()
	}
	if l.Rows != rows || l.Delivered+l.Uncertain != rows {
		t.Errorf("it says %+v of %d rows", l, rows)
	}
	p.complete(l.Report, "all.csv")
	c.judge(p, rows, l.Uncertain)
}

// wait hands the file over, or waits for the run that the workers have of it.
func (m *machine) wait(rate int) {
	m.t.Helper()
	m.runs = m.run("--shared", "--json", "--quiet", "--rate", fmt.Sprintf("%d/s", rate), "--grace", "20s", "all.csv")
	m.out, m.err = new(bytes.Buffer), new(bytes.Buffer)
	m.runs.Stdout, m.runs.Stderr = m.out, m.err
	ok(m.t, m.runs.Start())
}

// work starts a worker on the machine.
func (m *machine) work() {
	m.out = new(bytes.Buffer)
	m.err = m.out
	m.runs = m.worker()
}
