package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

const target = "https://api.example.com"

// opened is a new ledger in a folder of its own.
func opened(t *testing.T) *Ledger {
	t.Helper()
	return reopened(t, filepath.Join(t.TempDir(), "ledger.db"))
}

func reopened(t *testing.T, path string) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), Options{Path: path, Environment: "sandbox", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func begun(t *testing.T, l *Ledger, id string) *Run {
	t.Helper()
	r, err := l.Begin(t.Context(), RunInfo{
		ID: id, Target: target, Path: id + ".csv", SHA256: [32]byte([]byte(strings.Repeat(id, 32))), Host: "here",
		PID: os.Getpid(), Started: time.Now(), Options: []byte("{}"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.lock.Unlock() })
	return r
}

func session(n int) string { return fmt.Sprintf("f0000000-0000-4000-8000-%012d", n) }

func claim(n int, contact string) pipeline.Claim {
	d := pipeline.Distribution{Session: session(n), Method: pipeline.Email, Contact: contact}
	if strings.HasPrefix(contact, "+") {
		d.Method, d.Country = pipeline.SMS, "SE"
	}
	return pipeline.Claim{Distribution: d, Place: pipeline.Place{Row: n}, Due: func([]pipeline.Record) bool { return true }}
}

// open claims a session that has to be free.
func (r *Run) mustClaim(t *testing.T, c pipeline.Claim) pipeline.Ticket {
	t.Helper()
	ticket, err := r.Claim(t.Context(), c)
	if err != nil || ticket == 0 {
		t.Fatalf("claim: %d, %v", ticket, err)
	}
	return ticket
}

func (r *Run) mustConclude(t *testing.T, ticket pipeline.Ticket, c pipeline.Conclusion) {
	t.Helper()
	if err := r.Conclude(t.Context(), ticket, c); err != nil {
		t.Fatal(err)
	}
}

// record is the one record of a session.
func record(t *testing.T, v *View, n int) pipeline.Record {
	t.Helper()
	all, err := v.Lookup(t.Context(), []string{session(n)})
	if err != nil || len(all[0]) != 1 {
		t.Fatalf("session %d has records %v, %v; want one", n, all, err)
	}
	return all[0][0]
}

func TestRecordKeepsWhatAnAttemptCameTo(t *testing.T) {
	l := opened(t)
	r := begun(t, l, "a")
	c := claim(1, "+46701740605")
	c.Distribution.Other = "anna@example.com"
	ticket := r.mustClaim(t, c)
	if rec := record(t, r.View, 1); rec.Intent != pipeline.OwnIntent || rec.Status != pipeline.Pending {
		t.Errorf("a claimed session is %s with intent %d", rec.Status, rec.Intent)
	}
	at := time.UnixMilli(1_700_000_000_123)
	r.mustConclude(t, ticket, pipeline.Conclusion{
		Status: pipeline.Rejected, Called: true, Binding: true, HTTPStatus: 400, Code: "BAD_VALUE", Reason: "no", CorrelationID: "c1", Time: at,
	})
	want := pipeline.Record{
		ID: int64(ticket), Method: pipeline.SMS, Contact: l.Digest("+46701740605"), Other: l.Digest("ANNA@example.com"), Country: "SE",
		Status: pipeline.Rejected, Binding: true, HTTPStatus: 400, Code: "BAD_VALUE", Reason: "no", CorrelationID: "c1",
		Attempts: 1, Time: at, Run: "a",
	}
	if diff := cmp.Diff(want, record(t, l.View(target), 1)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if all, err := l.View("https://other.example.com").Lookup(t.Context(), []string{session(1)}); err != nil || len(all[0]) != 0 {
		t.Errorf("another target knows the session: %v, %v", all, err)
	}
}

// TestConcluded holds the rules in the comment of state.concluded, one a row.
func TestConcluded(t *testing.T) {
	const own, other = 7, 8
	done := func(s pipeline.Status) pipeline.Conclusion { return pipeline.Conclusion{Status: s, Called: true} }
	record := func(s pipeline.Status, intent, run int64, code string) state {
		return state{intent: intent, run: run, attempts: 1, Conclusion: pipeline.Conclusion{Status: s, Code: code}}
	}
	interrupted := pipeline.CodeInterrupted
	for _, tc := range []struct {
		name string
		old  state
		c    pipeline.Conclusion
		want pipeline.Status // "" for none
		open bool            // an intent is left
		goes bool            // the record goes
		runs int64
	}{
		{"a first attempt", record("", own, 0, ""), done(pipeline.Delivered), pipeline.Delivered, false, false, own},
		{"a delivery is never overwritten", record(pipeline.Delivered, own, other, ""), done(pipeline.Rejected), pipeline.Delivered, false, false, other},
		{"a doubt ends by a delivery", record(pipeline.Uncertain, own, other, "x"), done(pipeline.Delivered), pipeline.Delivered, false, false, own},
		{"a doubt ends by nothing else", record(pipeline.Uncertain, own, other, "x"), done(pipeline.Rejected), pipeline.Uncertain, false, false, own},
		{"nor by a failure", record(pipeline.Uncertain, own, other, "x"), done(pipeline.Failed), pipeline.Uncertain, false, false, own},
		{"taken for dead, and alive", record(pipeline.Uncertain, 0, own, interrupted), done(pipeline.Rejected), pipeline.Rejected, false, false, own},
		{"taken for dead, and throttled", record(pipeline.Uncertain, 0, own, interrupted), done(pipeline.Pending), "", false, false, own},
		{"another run's doubt is not ours to end", record(pipeline.Uncertain, 0, other, interrupted), done(pipeline.Failed), pipeline.Uncertain, false, false, other},
		{"a delivery is true whoever says it", record(pipeline.Uncertain, other, other, interrupted), done(pipeline.Delivered), pipeline.Delivered, true, false, own},
		{"an attempt that came to nothing", record(pipeline.Rejected, own, other, "BAD_VALUE"), done(pipeline.Pending), pipeline.Rejected, false, false, other},
		{"a claim given back", record(pipeline.Failed, own, other, "x"), pipeline.Conclusion{Status: pipeline.Pending}, pipeline.Failed, false, false, other},
		{"a first claim given back", state{intent: own}, pipeline.Conclusion{Status: pipeline.Pending}, "", false, true, 0},
		{"a refusal made to bind", record(pipeline.Rejected, 0, own, "x"), pipeline.Conclusion{Status: pipeline.Rejected, Binding: true}, pipeline.Rejected, false, false, own},
		{"a refusal taken back", record(pipeline.Rejected, 0, own, "x"), pipeline.Conclusion{Status: pipeline.Pending}, "", false, false, own},
		{"another run's refusal stays", record(pipeline.Rejected, 0, other, "x"), pipeline.Conclusion{Status: pipeline.Pending}, pipeline.Rejected, false, false, other},
		{"a delivery is not revised", record(pipeline.Delivered, 0, own, ""), pipeline.Conclusion{Status: pipeline.Pending}, pipeline.Delivered, false, false, own},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now, keep := tc.old.concluded(own, tc.c)
			if keep == tc.goes {
				t.Fatalf("kept: %v", keep)
			}
			if !keep {
				return
			}
			if now.Status != tc.want || (now.intent != 0) != tc.open || now.run != tc.runs {
				t.Errorf("becomes %q, intent %d, run %d; want %q, open %v, run %d", now.Status, now.intent, now.run, tc.want, tc.open, tc.runs)
			}
		})
	}
}

// The short way of a first attempt comes to what the rules say.
func TestFirstAttemptIsConcludedByTheRules(t *testing.T) {
	l := opened(t)
	r := begun(t, l, "a")
	for n, s := range []pipeline.Status{pipeline.Delivered, pipeline.Rejected, pipeline.Failed, pipeline.Uncertain, pipeline.Pending} {
		c := pipeline.Conclusion{Status: s, Called: true, Binding: n%2 == 1, HTTPStatus: 200 + n, Code: "x", Reason: "y", CorrelationID: "z", Time: time.UnixMilli(1_700_000_000_123)}
		ticket := r.mustClaim(t, claim(n, "anna@example.com"))
		r.mustConclude(t, ticket, c)
		var got state
		if err := l.update(t.Context(), func(t *txn) (err error) {
			got, err = t.state(ticket)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		want, _ := state{intent: r.number}.concluded(r.number, c)
		want.Called = false // which is not kept
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(state{})); diff != "" {
			t.Errorf("concluded as %s (-rules +ledger):\n%s", s, diff)
		}
	}
}

func TestOneOfManyClaimsIsGranted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	var granted, refused sync.Map
	var all sync.WaitGroup
	for i, id := range []string{"a", "b"} { // two openings of one file, as two processes have it
		r := begun(t, reopened(t, path), id)
		for worker := range 8 {
			all.Go(func() {
				for n := range 20 {
					c := claim(n, fmt.Sprintf("p%d-%d@example.com", i, worker))
					c.Due = func(records []pipeline.Record) bool { return len(records) == 0 }
					switch ticket, err := r.Claim(t.Context(), c); {
					case err != nil:
						t.Error(err)
					case ticket == 0:
						refused.Store([3]int{i, worker, n}, true)
					default:
						if _, twice := granted.LoadOrStore(n, true); twice {
							t.Errorf("session %d was granted twice", n)
						}
					}
				}
			})
		}
	}
	all.Wait()
	count := func(m *sync.Map) (n int) {
		m.Range(func(any, any) bool { n++; return true })
		return n
	}
	if g, r := count(&granted), count(&refused); g != 20 || r != 2*8*20-20 {
		t.Errorf("%d claims were granted and %d refused", g, r)
	}
}

func TestSameContentTwiceAtOnce(t *testing.T) {
	l := opened(t)
	r := begun(t, l, "a")
	again := RunInfo{ID: "b", Target: target, Path: "copy.csv", SHA256: [32]byte([]byte(strings.Repeat("a", 32))), Options: []byte("{}")}
	_, err := l.Begin(t.Context(), again)
	var busy *BusyError
	if !errors.As(err, &busy) || busy.Run.ID != "a" || busy.Run.PID != os.Getpid() || busy.Hint() == "" {
		t.Fatalf("a second run on the same content gives %v", err)
	}
	if elsewhere, err := l.Begin(t.Context(), RunInfo{ID: "c", Target: "https://other.example.com", SHA256: again.SHA256, Options: []byte("{}")}); err != nil {
		t.Errorf("another target is refused: %v", err)
	} else if err := elsewhere.End(t.Context(), pipeline.Finding{}, []byte("{}")); err != nil {
		t.Error(err)
	}
	if err := r.End(t.Context(), pipeline.Finding{Code: "stopped", Reason: "by hand"}, []byte(`{"rows":1}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(l.lockFile("a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock file of an ended run: %v", err)
	}
	next, err := l.Begin(t.Context(), again)
	if err != nil {
		t.Fatalf("after the end: %v", err)
	}
	defer next.unlock()
	if last, ok, err := l.LastRun(t.Context(), again.SHA256, target); err != nil || !ok || last.ID != "b" || !last.Ended.IsZero() {
		t.Errorf("the last run is %+v, %v, %v", last, ok, err)
	}
}

// TestRunOfAKilledProcess leaves open intents by a process that is really gone.
func TestRunOfAKilledProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	if dir := os.Getenv("HPPSEND_LEDGER_CHILD"); dir != "" {
		r := begun(t, reopened(t, dir), "k")
		r.mustConclude(t, r.mustClaim(t, claim(1, "p1@example.com")), pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: time.Now()})
		r.mustClaim(t, claim(2, "p2@example.com"))
		fmt.Println("claimed")
		select {}
	}
	l := reopened(t, path)
	child := exec.Command(os.Args[0], "-test.run=^TestRunOfAKilledProcess$")
	child.Env = append(os.Environ(), "HPPSEND_LEDGER_CHILD="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "claimed" {
	}
	v := l.View(target)
	if rec := record(t, v, 2); rec.Intent != pipeline.ForeignIntent || rec.Run != "k" {
		t.Errorf("beside the living run the session has intent %d of run %q", rec.Intent, rec.Run)
	}
	child.Process.Kill()
	child.Wait()

	check := func(when string) {
		t.Helper()
		if rec := record(t, v, 1); rec.Status != pipeline.Delivered || rec.Attempts != 1 {
			t.Errorf("%s what was delivered is %s after %d attempts", when, rec.Status, rec.Attempts)
		}
		rec := record(t, v, 2)
		if rec.Status != pipeline.Uncertain || rec.Code != pipeline.CodeInterrupted || rec.Intent != pipeline.NoIntent || rec.Attempts != 1 || rec.Run != "k" {
			t.Errorf("%s what was open is %+v", when, rec)
		}
	}
	check("after the kill")
	r := begun(t, l, "n")
	check("after the next run has begun")
	var stored string
	if err := l.db.QueryRow("SELECT status FROM distribution WHERE session = ?", session(2)).Scan(&stored); err != nil || stored != string(pipeline.Uncertain) {
		t.Errorf("the ledger has %q, %v on disk", stored, err)
	}
	if ticket, err := r.Claim(t.Context(), pipeline.Claim{
		Distribution: claim(2, "other@example.com").Distribution,
		Due:          func(records []pipeline.Record) bool { return records[0].Status != pipeline.Uncertain },
	}); ticket != 0 || err != nil {
		t.Errorf("a session in doubt was claimed under another contact: %d, %v", ticket, err)
	}
}

func TestLedgersThatAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name string
		harm func(t *testing.T, path string)
		opt  Options
		want string
	}{
		{"missing", func(t *testing.T, path string) { removeAll(t, path, path+".secret") }, Options{Environment: "sandbox"}, "there is none"},
		{"lost, but for its secret", func(t *testing.T, path string) { removeAll(t, path) }, Options{Environment: "sandbox", Create: true}, "it was lost"},
		{"emptied", func(t *testing.T, path string) { write(t, path, "") }, Options{Environment: "sandbox", Create: true}, "it was lost"},
		{"of another environment", nil, Options{Environment: "production"}, "of the environment sandbox"},
		{"without its secret", func(t *testing.T, path string) { removeAll(t, path+".secret") }, Options{Environment: "sandbox", Create: true}, "its secret"},
		{"with another's secret", func(t *testing.T, path string) {
			write(t, path+".secret", strings.Repeat("ab", 32))
		}, Options{Environment: "sandbox", Create: true}, "of another ledger"},
		{"with a damaged secret", func(t *testing.T, path string) { write(t, path+".secret", "ab") }, Options{Environment: "sandbox"}, "secret"},
		{"no database", func(t *testing.T, path string) { write(t, path, strings.Repeat("order,amount\n", 100)) }, Options{Environment: "sandbox", Create: true}, "damaged"},
		{"a folder", func(t *testing.T, path string) {
			removeAll(t, path)
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, Options{Environment: "sandbox", Create: true}, "a folder"},
		{"of a later version", func(t *testing.T, path string) {
			l, err := Open(t.Context(), Options{Path: path, Environment: "sandbox"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.conn.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
				t.Fatal(err)
			}
			l.Close()
		}, Options{Environment: "sandbox"}, "version 99"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.opt.Path = filepath.Join(t.TempDir(), "ledger.db")
			l, err := Open(t.Context(), Options{Path: tc.opt.Path, Environment: "sandbox", Create: true})
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
			if tc.harm != nil {
				tc.harm(t, tc.opt.Path)
			}
			_, err = Open(t.Context(), tc.opt)
			var known *Error
			if !errors.As(err, &known) || !strings.Contains(err.Error(), tc.want) || known.Hint() == "" {
				t.Errorf("got %v; want an *Error with %q and a hint", err, tc.want)
			}
		})
	}
}

func removeAll(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNoContactInAnyByte(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a name with spaces, 100 % and ?#ü", "ledger.db")
	l := reopened(t, path)
	r := begun(t, l, "a")
	for n := range 50 {
		contact := fmt.Sprintf("+467017406%02d", n)
		if n%2 == 1 {
			contact = fmt.Sprintf("Person%d@example.com", n)
		}
		c := claim(n, contact)
		c.Distribution.Other = "other@example.org"
		r.mustConclude(t, r.mustClaim(t, c), pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: time.Now()})
	}
	files := 0
	err := filepath.WalkDir(filepath.Dir(path), func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 && p != filepath.Dir(path) {
			t.Errorf("%s has mode %s", filepath.Base(p), info.Mode())
		}
		if d.IsDir() {
			return nil
		}
		files++
		b, err := os.ReadFile(p)
		for _, clear := range []string{"701740", "person", "example.com", "example.org"} {
			if strings.Contains(strings.ReplaceAll(strings.ToLower(string(b)), target, ""), clear) {
				t.Errorf("%s holds %q", filepath.Base(p), clear)
			}
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files were searched: %v", files, err)
	}
}

func TestAFullDisk(t *testing.T) {
	l := opened(t)
	r := begun(t, l, "a")
	ticket := r.mustClaim(t, claim(1, "p1@example.com"))
	var pages int
	if err := l.conn.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		t.Helper()
		if _, err := l.conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages)
	var full error
	for n := 2; n < 2000 && full == nil; n++ {
		_, full = r.Claim(t.Context(), claim(n, "p@example.com"))
	}
	if full == nil || !strings.Contains(full.Error(), "full") {
		t.Fatalf("a full database gives %v", full)
	}
	long := pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Reason: strings.Repeat("x", 10_000), Time: time.Now()}
	if err := r.Conclude(t.Context(), ticket, long); err == nil {
		t.Fatal("an outcome was written into a full database")
	}
	if rec := record(t, r.View, 1); rec.Intent != pipeline.OwnIntent {
		t.Errorf("after a failed write the intent is %d", rec.Intent)
	}
	limit(1 << 20)
	r.mustConclude(t, ticket, long)
	if rec := record(t, r.View, 1); rec.Status != pipeline.Delivered {
		t.Errorf("once there is room the session is %s", rec.Status)
	}
}

func TestManyShareOneCommit(t *testing.T) {
	l := opened(t)
	fewest := 64
	for try := 0; try < 50 && fewest > 32; try++ { // that they all wait by then cannot be seen
		fewest = min(fewest, commitsOfWaiting(t, l, 64))
	}
	if fewest > 32 {
		t.Errorf("64 changes that waited took %d commits", fewest)
	}
}

// commitsOfWaiting makes changes that gather while another is being made, and counts their commits.
func commitsOfWaiting(t *testing.T, l *Ledger, changes int) int {
	var all sync.WaitGroup
	block := make(chan struct{})
	all.Go(func() { l.update(t.Context(), func(*txn) error { <-block; return nil }) })
	commits := map[*txn]int{}
	waiting := make(chan struct{}, changes)
	for range changes {
		all.Go(func() {
			waiting <- struct{}{}
			if err := l.update(t.Context(), func(tx *txn) error { commits[tx]++; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	for range changes {
		<-waiting
	}
	close(block)
	all.Wait()
	return len(commits)
}

func TestAfterClose(t *testing.T) {
	l, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "ledger.db"), Environment: "sandbox", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.update(context.Background(), func(*txn) error { return nil }); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}

func TestReportsAreKnownByTheirBytes(t *testing.T) {
	l := opened(t)
	if err := l.ReportWritten(t.Context(), [32]byte{1}, [32]byte{2}, "may.report.csv", "a"); err != nil {
		t.Fatal(err)
	}
	if input, ok, err := l.ReportKnown(t.Context(), [32]byte{1}); err != nil || !ok || input != [32]byte{2} {
		t.Errorf("got %v, %v, %v", input, ok, err)
	}
	if _, ok, err := l.ReportKnown(t.Context(), [32]byte{3}); err != nil || ok {
		t.Errorf("bytes that were never written are known: %v, %v", ok, err)
	}
}

func BenchmarkClaimAndConclude(b *testing.B) {
	l, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "ledger.db"), Environment: "sandbox", Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	r, err := l.Begin(b.Context(), RunInfo{ID: "a", Target: target, Options: []byte("{}")})
	if err != nil {
		b.Fatal(err)
	}
	defer r.unlock()
	next := make(chan int)
	go func() {
		for n := range b.N {
			next <- n
		}
		close(next)
	}()
	var senders sync.WaitGroup
	for range 32 {
		senders.Go(func() {
			for n := range next {
				ticket, err := r.Claim(b.Context(), claim(n, "p@example.com"))
				if err == nil {
					err = r.Conclude(b.Context(), ticket, pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: time.Now()})
				}
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	senders.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
