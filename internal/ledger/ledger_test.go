package ledger

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	t.Cleanup(func() { r.Die() })
	return r
}

func session(n int) string { return fmt.Sprintf("f0000000-0000-4000-8000-%012d", n) }

func claimOf(n int, contact string) pipeline.Claim {
	d := pipeline.Distribution{Session: session(n), Method: pipeline.Email, Contact: contact}
	if strings.HasPrefix(contact, "+") {
		d.Method, d.Country = pipeline.SMS, "SE"
	}
	return pipeline.Claim{Distribution: d, Place: pipeline.Place{Row: n}}
}

// mustClaim claims a session, whatever its records are.
func (r *Run) mustClaim(t *testing.T, c pipeline.Claim) pipeline.Ticket {
	t.Helper()
	for {
		got, err := r.Claim(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if got.Ticket != 0 {
			return got.Ticket
		}
		c.Seen = got.Version
	}
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

func TestSameContentTwiceAtOnce(t *testing.T) {
	l := opened(t)
	r := begun(t, l, "a")
	again := RunInfo{ID: "b", Target: target, Path: "copy.csv", SHA256: [32]byte([]byte(strings.Repeat("a", 32))), Options: []byte("{}")}
	_, err := l.Begin(t.Context(), again)
	if !errors.Is(err, pipeline.Busy) || !strings.Contains(err.Error(), fmt.Sprintf(" run a, process %d ", os.Getpid())) || pipeline.Hint(err) == "" {
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
	if _, err := os.Stat(file{l}.lockFile("a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock file of an ended run: %v", err)
	}
	next, err := l.Begin(t.Context(), again)
	if err != nil {
		t.Fatalf("after the end: %v", err)
	}
	defer next.hold.release()
	if last, ok, err := l.LastRun(t.Context(), again.SHA256, target); err != nil || !ok || last.ID != "b" || !last.Ended.IsZero() {
		t.Errorf("the last run is %+v, %v, %v", last, ok, err)
	}
}

// TestRunOfAKilledProcess leaves open intents by a process that is really gone.
func TestRunOfAKilledProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	if dir := os.Getenv("HPPSEND_LEDGER_CHILD"); dir != "" {
		r := begun(t, reopened(t, dir), "k")
		r.mustConclude(t, r.mustClaim(t, claimOf(1, "p1@example.com")), pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: time.Now()})
		r.mustClaim(t, claimOf(2, "p2@example.com"))
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
	if err := l.db.QueryRow("SELECT status FROM record WHERE session = ?", session(2)).Scan(&stored); err != nil || stored != string(pipeline.Uncertain) {
		t.Errorf("the ledger has %q, %v on disk", stored, err)
	}
	if got, err := r.Claim(t.Context(), claimOf(2, "other@example.com")); got.Ticket != 0 || err != nil || got.Records[0].Status != pipeline.Uncertain {
		t.Errorf("a session in doubt was claimed under another contact: %+v, %v", got, err)
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
		c := claimOf(n, contact)
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
