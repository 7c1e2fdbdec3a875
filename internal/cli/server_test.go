package cli_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"hppsend/internal/ledger"
	"hppsend/internal/ledger/servertest"
	"hppsend/internal/sandbox"
	"hppsend/pipeline"
)

// withServer ends the server that the tests share, after all of them.
type withServer struct{ *testing.M }

func (m withServer) Run() int {
	defer servertest.CloseShared()
	return m.M.Run()
}

// onServer has the ledger of a place on a server from now on.
func (p *place) onServer() {
	p.t.Helper()
	p.ledger = servertest.Shared(p.t).Database(p.t)
	p.must(0, p.hppsend("ledger", "create", "--environment", "sandbox"))
}

// dropLedger leaves an empty database.
func (p *place) dropLedger() {
	before, _, _ := strings.Cut(p.ledger, "?")
	servertest.Shared(p.t).Exec(p.t, before[strings.LastIndex(before, "/")+1:], "DROP SCHEMA hppsend CASCADE")
}

// host is another machine that uses the same ledger: a state folder of its own, with the secret.
func (p *place) host(name string) *place {
	p.t.Helper()
	other := *p
	other.state = p.path(name)
	secret := p.path(name + ".secret")
	for _, args := range [][]string{{"runs"}, {"pause", "--all"}, {"resume", "--all"}} { // which need no secret
		p.must(0, other.hppsend(append(args, "--environment", "sandbox")...))
	}
	text, err := p.hppsend("ledger", "secret", "export", "--environment", "sandbox", "--quiet").Output()
	if err == nil {
		err = os.WriteFile(secret, text, 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.must(0, other.hppsend("ledger", "secret", "import", "--environment", "sandbox", secret))
	return &other
}

// TestHostsShareALedger has several machines send to the same people at once, each in an order of its own.
func TestHostsShareALedger(t *testing.T) {
	t.Parallel()
	const hosts, rows, rate = 3, 90, 50
	p := newPlace(t, sandbox.Config{})
	p.onServer()
	p.contacts("all.csv", 0, rows)
	table := p.read("all.csv")
	f := &fleet{place: p}
	for i := range hosts {
		name := fmt.Sprintf("all%d.csv", i)
		rand.Shuffle(rows, func(i, j int) { table[i+1], table[j+1] = table[j+1], table[i+1] })
		p.write(name, table)
		f.place = p.host(fmt.Sprintf("host%d", i))
		f.start("--rate", fmt.Sprintf("%d/s", rate), name)
	}
	f.wait()
	if calls := p.box.Stats().Calls; calls != rows || p.once() != rows {
		t.Errorf("%d calls were made, want one for each of %d sessions", calls, rows)
	}
	p.keptTo(rate)
	p.nothingInClear("INSERT INTO hppsend.record", "all.csv")
}

// nothingInClear looks for the contacts of files in all that the database holds, as text and as bytes; has is something
// that is there for their sake.
func (p *place) nothingInClear(has string, files ...string) {
	p.t.Helper()
	dump := servertest.Shared(p.t).Dump(p.t, p.ledger)
	if !strings.Contains(dump, has) {
		p.t.Errorf("the dump has no %q", has)
	}
	for _, file := range files {
		for _, row := range p.read(file)[1:] {
			for _, contact := range row[1:] {
				plain := strings.TrimPrefix(contact, "+")
				if plain != "" && (strings.Contains(dump, plain) || strings.Contains(dump, hex.EncodeToString([]byte(plain)))) {
					p.t.Fatalf("%s is in the database in clear", contact)
				}
			}
		}
	}
}

// TestHostDies kills a machine in the midst of its work: another goes on with the same people, and what was under way
// is in doubt.
func TestHostDies(t *testing.T) {
	t.Parallel()
	const rows, concurrency = 300, 8
	p := newPlace(t, sandbox.Config{Latency: 5 * time.Millisecond})
	p.onServer()
	p.contacts("here.csv", 0, rows)
	table := p.read("here.csv")
	slices.Reverse(table[1:])
	p.write("there.csv", table)
	other := p.host("other")
	dies := p.run("--rate", "unlimited", "--concurrency", fmt.Sprint(concurrency), "here.csv")
	if err := dies.Start(); err != nil {
		t.Fatal(err)
	}
	for p.box.Stats().Calls < rows/4 {
		time.Sleep(time.Millisecond)
	}
	dies.Process.Kill()
	dies.Wait()
	out, _ := other.run("--rate", "unlimited", "--json", "--quiet", "there.csv").Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var l last
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &l); err != nil || l.Delivered+l.Uncertain != rows || l.Uncertain > concurrency+pipeline.ClaimBound(math.Inf(1), concurrency) {
		t.Errorf("the other says %+v, %v", l, err)
	}
	if accepted := p.once(); accepted < l.Delivered || accepted > l.Delivered+l.Uncertain {
		t.Errorf("%d were accepted, and it says %+v", accepted, l)
	}
}

// TestMoveKilled kills the move of a ledger at many moments: at most one of the two may be sent by, and what was sent is
// not sent again.
func TestMoveKilled(t *testing.T) {
	t.Parallel()
	const rows = 200
	p := newPlace(t, sandbox.Config{})
	p.contacts("may.csv", 0, rows)
	p.must(0, p.run("--rate", "unlimited", "--concurrency", "64", "may.csv"))
	server := *p
	server.onServer()
	server.dropLedger()
	open := func() (n int) {
		for _, at := range []*place{p, &server} {
			if c := at.hppsend("ledger", "status", "--environment", "sandbox", "--quiet"); c.Run() == nil {
				n++
			}
		}
		return n
	}
	kills, done := 0, false
	for !done {
		c := p.hppsend("ledger", "move", "--environment", "sandbox", "--to", server.ledger)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		later := time.AfterFunc(time.Duration(kills)*12*time.Millisecond+time.Duration(rand.Int64N(int64(12*time.Millisecond))), func() { c.Process.Kill() })
		err := c.Wait()
		done = err == nil
		if later.Stop(); !done && c.ProcessState.ExitCode() >= 0 {
			t.Fatalf("after %d kills: %v", kills, err)
		}
		if !done {
			kills++
		}
		if n := open(); n > 1 || done && n != 1 {
			t.Fatalf("after %d kills %d ledgers may be sent by", kills, n)
		}
	}
	if out := p.must(2, p.run("may.csv")); !strings.Contains(out, "it was moved to postgres://") {
		t.Errorf("by the old one it says\n%s", out)
	}
	p.must(0, server.run("--rate", "unlimited", "may.csv"))
	if calls := p.box.Stats().Calls; calls != rows {
		t.Errorf("%d calls were made for %d rows", calls, rows)
	}
	t.Logf("%d kills", kills)
}

// TestHelpMachines types what the help on several machines shows, on two hosts, as its users do.
func TestHelpMachines(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	for i, name := range []string{"may.csv", "june.csv", "july.csv"} {
		p.contacts(name, 5*i, 5)
	}
	text, err := os.ReadFile("help/machines.md")
	ok(t, err)
	for _, grants := range []string{ledger.Grants, ledger.PageGrants} {
		if !strings.Contains(string(text), "    "+strings.ReplaceAll(grants, "\n", "\n    ")+"\n") {
			t.Error("it has other statements than those that are tested")
		}
	}
	database := servertest.Shared(t).Database(t)
	moved := servertest.Shared(t).Database(t)
	hosts := map[string]*place{"first": p, "second": {t: t, dir: p.dir, box: p.box, url: p.url, state: p.path("second")}}
	host, typed := p, 0
	for line := range strings.SplitSeq(string(text), "\n") {
		for name, h := range hosts {
			if strings.HasPrefix(line, "On the "+name+" host") {
				host = h
			}
		}
		command, ok := strings.CutPrefix(line, "    hppsend ")
		if !ok {
			continue
		}
		typed++
		command, file, _ := strings.Cut(command, " > ")
		command, reason, _ := strings.Cut(command, " --reason ")
		to := database
		if strings.Contains(command, "ledger move") {
			host, to = p, moved
			p.must(0, p.run("may.csv", "--rate", "unlimited")) // by the file
		}
		command = strings.NewReplacer("postgres://admin@db.example.com/links", to, "postgres://sender@db.example.com/links", to, "production", "sandbox").Replace(command)
		args := strings.Fields(command)
		if reason != "" {
			args = append(args, "--reason", strings.Trim(reason, `"`))
		}
		if args[0] == "worker" {
			host.worker("--listen", "127.0.0.1:0", "--ledger", to)
			continue
		}
		if file != "" {
			out, err := host.hppsend(args...).Output()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p.path(file), out, 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		host.must(0, host.hppsend(args...))
	}
	if typed < 8 {
		t.Errorf("it shows %d commands", typed)
	}
}

// TestServerGone has the database go away for good in the midst of a run: it ends, and says what it has seen.
func TestServerGone(t *testing.T) {
	t.Parallel()
	const rows = 400
	own := servertest.Own(t)
	p := newPlace(t, sandbox.Config{})
	p.ledger = own.Database(t)
	p.must(0, p.hppsend("ledger", "create", "--environment", "sandbox"))
	p.contacts("may.csv", 0, rows)
	var said bytes.Buffer
	c := p.run("--rate", "40/s", "--grace", "2s", "--json", "--quiet", "may.csv")
	c.Stdout = &said
	ok(t, c.Start())
	for p.box.Stats().Calls < 20 {
		time.Sleep(5 * time.Millisecond)
	}
	own.Kill()
	c.Wait()
	accepted := p.once()
	l := summaryOf(t, said.String())
	if l.Exit != 1 || c.ProcessState.ExitCode() != 1 {
		t.Errorf("it says %+v", l)
	}
	if l.Rows != rows || l.Delivered+l.Rejected+l.Failed+l.Uncertain+l.Skipped+l.Pending != rows || l.Delivered > accepted || l.Delivered < 10 {
		t.Errorf("%d were accepted, and it says %+v", accepted, l)
	}
	ok(t, own.Start())
	out, _ := p.run("--rate", "unlimited", "--json", "--quiet", "may.csv").Output()
	if l := summaryOf(t, string(out)); l.Delivered+l.Uncertain != rows || p.once() > rows {
		t.Errorf("the same command again says %+v", l)
	}
}

// summaryOf finds the summary among JSON lines.
func summaryOf(t *testing.T, lines string) (l last) {
	t.Helper()
	for line := range strings.Lines(lines) {
		if strings.HasPrefix(line, `{"type":"summary"`) {
			ok(t, json.Unmarshal([]byte(line), &l))
		}
	}
	return l
}
