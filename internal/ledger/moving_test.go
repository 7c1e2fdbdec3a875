package ledger

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/ledger/servertest"
	"hppsend/pipeline"
)

func TestMove(t *testing.T) {
	t.Parallel()
	place, state, dir := database(t), t.TempDir(), t.TempDir()
	l := reopened(t, filepath.Join(dir, "l.db"))
	r := begun(t, l, "a")
	for n, s := range []pipeline.Status{pipeline.Delivered, pipeline.Failed, pipeline.Uncertain, pipeline.Rejected} {
		r.mustConclude(t, r.mustClaim(t, claimOf(n, "anna@example.com")), pipeline.Conclusion{Status: s, Called: true, Binding: s == pipeline.Rejected, Reason: "é 'x'\t", Time: time.Now()})
	}
	r.mustConclude(t, r.mustClaim(t, claimOf(1, "bo@example.com")), pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: time.Now()})
	if _, err := l.Settle(t.Context(), []pipeline.Ticket{3}, false, "Ann"); err != nil {
		t.Fatal(err)
	}
	if err := l.ReportWritten(t.Context(), [32]byte{1}, [32]byte{2}, "r.csv", "a"); err != nil {
		t.Fatal(err)
	}
	file := Options{Path: l.path, State: state, Environment: "sandbox"}
	server, back := file, file
	server.Path, back.Path = place, filepath.Join(dir, "back.db")
	if _, err := Move(t.Context(), file, server); err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("with a run under way: %v", err)
	}
	if err := r.End(t.Context(), pipeline.Finding{}, []byte(`{"rows":5}`)); err != nil {
		t.Fatal(err)
	}
	want := knows(t, l)
	l.Close()
	copied, err := os.ReadFile(l.path)
	if err != nil {
		t.Fatal(err)
	}
	moved, err := Move(t.Context(), file, server)
	if err != nil || moved.Records != 5 || moved.Runs != 1 {
		t.Fatalf("%+v, %v", moved, err)
	}
	if _, err := Open(t.Context(), file); err == nil || !strings.Contains(err.Error(), place) {
		t.Errorf("the old one opens: %v", err)
	}
	if again, err := Move(t.Context(), file, server); err != nil || !again.Before {
		t.Errorf("moved twice: %+v, %v", again, err)
	}
	there := onServer(t, place, state)
	if diff := cmp.Diff(want, knows(t, there)); diff != "" {
		t.Errorf("what is known (-before +after):\n%s", diff)
	}
	s := begun(t, there, "b")
	s.mustConclude(t, s.mustClaim(t, claimOf(9, "new@example.com")), pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: time.Now()})
	if err := s.End(t.Context(), pipeline.Finding{}, nil); err != nil {
		t.Fatal(err)
	}
	want = knows(t, there)
	there.Close()
	for _, before := range []bool{false, true} {
		if moved, err := Move(t.Context(), server, back); err != nil || moved.Before != before {
			t.Fatalf("%+v, %v", moved, err)
		}
	}
	if _, err := Open(t.Context(), server); err == nil || !strings.Contains(err.Error(), back.Path) {
		t.Errorf("the server's opens: %v", err)
	}
	again := reopened(t, back.Path)
	if diff := cmp.Diff(want, knows(t, again)); diff != "" {
		t.Errorf("what is known (-before +after):\n%s", diff)
	}
	begun(t, again, "c")
	again.Close()

	// What was moved once is never copied again: what is here is old.
	for _, name := range []string{back.Path, secretPath(back.Path)} {
		if err := os.Rename(name, name+".away"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Move(t.Context(), server, back); err == nil || !strings.Contains(err.Error(), "not there any more") {
		t.Errorf("to a file that was lost: %v", err)
	}
	if _, err := exec.Command("cp", secretPath(l.path), secretPath(l.path+".copy")).Output(); err != nil {
		t.Fatal(err)
	}
	other := file
	other.Path = l.path + ".copy"
	if err := os.WriteFile(other.Path, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Move(t.Context(), other, server); err == nil {
		t.Error("a copy of what was moved is moved to where that was")
	}
	db := there.path[strings.LastIndex(there.path[:strings.Index(there.path, "?")], "/")+1 : strings.Index(there.path, "?")]
	servertest.Shared(t).Exec(t, db, "DROP SCHEMA hppsend CASCADE")
	if _, err := Move(t.Context(), file, server); err == nil || !strings.Contains(err.Error(), "not there any more") {
		t.Errorf("to a database that was lost: %v", err)
	}
}

func knows(t *testing.T, l *Ledger) (all []any) {
	t.Helper()
	for n := range 12 {
		records, err := l.View(target).Lookup(t.Context(), []string{session(n)})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, records)
	}
	runs, err := l.Runs(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	_, known, err := l.ReportKnown(t.Context(), [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	return append(all, runs, known, l.Info().Made)
}

func TestOddTexts(t *testing.T) {
	t.Parallel()
	place, state := database(t), t.TempDir()
	const odd, kept = "a\x00b\xffc", "a\uFFFDb\uFFFDc"
	file := reopened(t, filepath.Join(t.TempDir(), "l.db"))
	for _, l := range []*Ledger{onServer(t, place, state), file} {
		r, err := l.Begin(t.Context(), RunInfo{ID: "odd", Target: target, Path: odd, Label: odd, Sheet: odd, Host: odd, Options: []byte("{}"), Started: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		for n := range 8 { // some of them together
			both.Go(func() {
				c := claimOf(n, "anna@example.com")
				c.Place.Sheet = odd
				r.mustConclude(t, r.mustClaim(t, c), pipeline.Conclusion{Status: pipeline.Failed, Called: true, Code: odd, Reason: odd, CorrelationID: odd, Time: time.Now()})
			})
		}
		both.Wait()
		if err := r.End(t.Context(), pipeline.Finding{Code: odd, Reason: odd}, nil); err != nil {
			t.Fatal(err)
		}
		if l != file {
			if rec := record(t, l.View(target), 1); rec.Reason != kept || rec.CorrelationID != kept {
				t.Errorf("it is kept as %+v", rec)
			}
		}
	}
	file.Close()
	if _, err := Move(t.Context(), Options{Path: file.path, Environment: "sandbox"}, Options{Path: database(t), State: state, Environment: "sandbox"}); err != nil {
		t.Error(err)
	}
}
