package cli_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hppsend/internal/ledger"
	"hppsend/internal/ledger/servertest"
	"hppsend/internal/sandbox"
)

const phoned, mailed = "+46701740605", "anna@example.com" // one person's

// sameContact writes a file of n sessions, all for one phone number, and one for another.
func (p *place) sameContact(name string, first, n int) {
	rows := [][]string{{"session_id", "phone", "email"}}
	for i := range n {
		rows = append(rows, []string{sessionID(first + i), phoned, ""})
	}
	p.write(name, append(rows, []string{sessionID(first + n), "", "bo@example.com"}))
}

// forgets runs forget, and gives what it counts.
func (p *place) forgets(code int, contacts ...string) (counts map[string]any) {
	p.t.Helper()
	c := p.hppsend(append([]string{"forget", "--environment", "sandbox", "--yes", "--json", "--by", "Ann"}, contacts...)...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, _ := c.Output()
	if got := c.ProcessState.ExitCode(); got != code {
		p.t.Fatalf("exit code %d, want %d\n%s%s", got, code, out, &stderr)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, `{"type":"forget"`) {
			ok(p.t, json.Unmarshal([]byte(line), &counts))
		}
	}
	if strings.Contains(string(out)+stderr.String(), "70174") || strings.Contains(string(out)+stderr.String(), "anna@") {
		p.t.Errorf("it names whom it forgets:\n%s%s", out, &stderr)
	}
	return counts
}

// onBothLedgers runs a test by a ledger in a file and by one on a server.
func onBothLedgers(t *testing.T, test func(*testing.T, *place)) {
	t.Parallel()
	for _, where := range []string{"file", "server"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, sandbox.Config{})
			if where == "server" {
				p.onServer()
			}
			test(t, p)
		})
	}
}

// left searches whatever is kept, but the files of the person who sends: for contacts, and for their digests but on the
// list.
func (p *place) left(when string, contacts ...string) {
	p.t.Helper()
	opt := ledger.Options{Path: p.ledger, State: filepath.Join(p.path("state"), "hppsend"), Environment: "sandbox"}
	if p.ledger == "" {
		opt.Path = p.path("state/hppsend/sandbox.db")
	}
	l, err := ledger.Open(p.t.Context(), opt)
	ok(p.t, err)
	var digests [][]byte
	for _, c := range contacts {
		d := l.Digest(c)
		digests = append(digests, d[:])
	}
	ok(p.t, l.Close())
	searched := 0
	search := func(name string, text []byte, once bool) {
		searched++
		for i, c := range contacts {
			plain := strings.TrimPrefix(c, "+")
			if bytes.Contains(text, []byte(plain)) || bytes.Contains(text, []byte(hex.EncodeToString([]byte(plain)))) {
				p.t.Errorf("%s: a contact lies in %s", when, name)
			}
			n := bytes.Count(text, digests[i]) + bytes.Count(text, []byte(hex.EncodeToString(digests[i])))
			if n > 0 && !(once && n == 1) {
				p.t.Errorf("%s: a digest lies in %s %d times", when, name, n)
			}
		}
	}
	if p.ledger != "" {
		for line := range strings.Lines(servertest.Shared(p.t).Dump(p.t, p.ledger)) {
			search("the database: "+strings.Join(strings.Fields(line)[:min(3, len(strings.Fields(line)))], " "), []byte(line), strings.HasPrefix(line, "INSERT INTO hppsend.forgotten"))
		}
	}
	ok(p.t, filepath.WalkDir(p.path("state"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			search(filepath.Base(path), text, filepath.Base(path) == "sandbox.db")
		}
		return err
	}))
	if searched < 2 {
		p.t.Errorf("%s: only %d files were searched", when, searched)
	}
}

// TestForgetLeavesNothing forgets somebody who is in the ledger, in uploads of a page that goes on, and in what was typed.
func TestForgetLeavesNothing(t *testing.T) {
	onBothLedgers(t, func(t *testing.T, p *place) {
		p.write("may.csv", [][]string{
			{"session_id", "method", "phone", "email"},
			{sessionID(1), "sms", phoned, ""},
			{sessionID(2), "email", "", "Anna@Example.com"},
			{sessionID(3), "email", phoned, "bo@example.com"},
			{sessionID(4), "email", "", "carl@example.com"},
		})
		p.must(0, p.run("--rate", "unlimited", "may.csv"))
		p.contacts("other.csv", 100, 2)
		table := p.read("other.csv")
		table[1][1] = "+46701740699"
		p.write("other.csv", table)
		s := p.serve(freeAddress(t), "--rate", "unlimited")
		s.signIn()
		held, other := s.upload("may.csv"), s.upload("other.csv")
		got := p.forgets(0, phoned, mailed)
		for name, want := range map[string]float64{"contacts": 2, "listed": 2, "records": 2, "others": 1, "uploads": 1, "uploads_running": 0, "uploads_unread": 0} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		if body, _ := s.get(other + "/preview"); !strings.Contains(body, "other.csv") {
			t.Error("the other upload is gone too")
		}
		if body, _ := s.get(held + "/audit"); !strings.Contains(body, "somebody in it asked to be forgotten; done by Ann") {
			t.Errorf("the audit trail of the page says\n%s", body)
		}
		p.must(0, p.hppsend("audit", "verify", "--environment", "sandbox"))
		s.kill()
		if again := p.forgets(0, phoned, mailed); again["records"] != 0. || again["uploads"] != 0. || again["listed"] != 0. {
			t.Errorf("the second time there was %v", again)
		}
		p.left("forgotten", phoned, mailed)
		p.must(0, p.hppsend("report", "--environment", "sandbox", "--endpoint", p.url, "-o", "after.csv", "may.csv"))
		for _, row := range pick(p.read("after.csv"), []string{"hpp_status", "hpp_sent_to"})[1:3] {
			if row[0] != "delivered" || row[1] != "" {
				t.Errorf("the report says %q", row)
			}
		}
		p.once()
	})
}

// TestForgetKilled kills forget again and again. From its first moment on the person is sent nothing, and in the end nothing
// is left; no session is ever sent twice.
func TestForgetKilled(t *testing.T) {
	onBothLedgers(t, func(t *testing.T, p *place) {
		const sessions, most = 2600, 12
		p.sameContact("may.csv", 0, sessions)
		p.must(0, p.run("--rate", "unlimited", "--concurrency", "64", "may.csv"))
		seed := rand.Uint64()
		rng := rand.New(rand.NewPCG(seed, seed))
		kills, listed := 0, false
		for range most {
			c := p.hppsend("forget", "--environment", "sandbox", "--yes", phoned)
			ok(t, c.Start())
			timer := time.AfterFunc(time.Duration(30+rng.IntN(500))*time.Millisecond, func() { c.Process.Kill() })
			err := c.Wait()
			timer.Stop()
			if err == nil {
				break
			}
			kills++
			if out := p.must(0, p.hppsend("find", "--environment", "sandbox", phoned)); strings.Contains(out, "never messaged again") && !listed {
				listed = true
				p.sameContact("june.csv", 5000, 2)
				p.must(0, p.run("--rate", "unlimited", "june.csv"))
				if p.box.Stats().Accepted[sessionID(5000)] != 0 || p.box.Stats().Accepted[sessionID(5002)] != 1 {
					t.Errorf("seed %d: sent to somebody on the list, or to nobody", seed)
				}
			}
		}
		p.forgets(0, phoned)
		t.Logf("seed %d: killed %d times", seed, kills)
		if kills == 0 {
			t.Error("it was never killed")
		}
		p.left("after the kills", phoned)
		p.must(0, p.run("--rate", "unlimited", "--retry-rejected", "-o", "again.csv", "may.csv"))
		delivered := 0
		for _, row := range pick(p.read("again.csv"), []string{"hpp_status"})[1:] {
			if row[0] == "delivered" {
				delivered++
			}
		}
		if delivered != sessions+1 {
			t.Errorf("seed %d: %d of %d are delivered", seed, delivered, sessions+1)
		}
		p.once()
	})
}

// TestForgetWhatWaits forgets somebody whose rows wait for the workers: they hold the contact no more, are sent to nobody,
// and have their outcome all the same.
func TestForgetWhatWaits(t *testing.T) {
	t.Parallel()
	const rows = 30
	p := newPlace(t, sandbox.Config{})
	p.onServer()
	p.contacts("may.csv", 0, rows)
	table := p.read("may.csv")
	for i := 3; i < 7; i++ { // beside the first row, which is to it too
		table[i][1], table[i][2] = phoned, ""
	}
	p.write("may.csv", table)
	p.must(0, p.run("--shared", "--detach", "--rate", "unlimited", "may.csv"))
	waiting := func() (held int) {
		_, err := p.openLedger().RewriteChunks(t.Context(), func(text []byte) ([]byte, error) {
			held += bytes.Count(text, []byte(phoned))
			return nil, nil
		})
		ok(t, err)
		return held
	}
	if n := waiting(); n == 0 {
		t.Fatal("no row waits")
	}
	if got := p.forgets(0, phoned); got["waiting_rows"] != 5. {
		t.Errorf("%v", got)
	}
	if n := waiting(); n != 0 {
		t.Errorf("%d rows that wait hold it still", n)
	}
	p.left("while rows wait", phoned)
	p.worker()
	out, err := p.run("--shared", "--json", "--quiet", "--rate", "unlimited", "may.csv").Output()
	if l := lastLine(t, out); err != nil || l.Delivered != rows-5 {
		t.Fatalf("%v: %s", err, out)
	}
	suppressed := 0
	for _, row := range pick(p.read("may.report.csv"), []string{"hpp_status", "hpp_code"})[1:] {
		if row[0]+row[1] == "skippedsuppressed" {
			suppressed++
		}
	}
	if suppressed != 5 || p.once() != rows-5 {
		t.Errorf("%d rows are suppressed, and %d were sent", suppressed, p.once())
	}
}

// TestForgetWhileItIsSent is refused while a call to the person is under way, and the next one is not made.
func TestForgetWhileItIsSent(t *testing.T) {
	onBothLedgers(t, func(t *testing.T, p *place) {
		p.sameContact("may.csv", 0, 3)
		p.duringCall(2, func() {
			if got := p.forgets(75, phoned); got != nil {
				t.Errorf("it was done: %v", got)
			}
			if out := p.must(0, p.hppsend("find", "--environment", "sandbox", phoned)); !strings.Contains(out, "pending, in_flight") || !strings.Contains(out, "not forgotten to the end") {
				t.Errorf("meanwhile find says\n%s", out)
			}
		})
		p.must(0, p.run("--rate", "unlimited", "--concurrency", "1", "may.csv"))
		if got := p.forgets(0, phoned); got["records"] != 2. || got["listed"] != 0. {
			t.Errorf("afterwards: %v", got)
		}
		if n := p.once(); n != 3 {
			t.Errorf("%d were sent, want two to the person and one to another", n)
		}
		p.left("afterwards", phoned)
	})
}
