package ledger

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"hppsend/internal/ledger/servertest"
	"hppsend/pipeline"
)

// TestTakenFrom takes a chunk from a process that was not heard of: that process claims nothing more, what it had open is
// in doubt, and what it says later does not make a row nobody's.
func TestTakenFrom(t *testing.T) {
	t.Parallel()
	place, state := servertest.Shared(t).Database(t), t.TempDir()
	l, first, second := onServer(t, place, state), onServer(t, place, state), onServer(t, place, state)
	run := begun(t, l, "may")
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(run.AddChunk(t.Context(), 0, []byte("[]")))
	ok(run.HandOver(t.Context(), Share{Queue: "q", Spec: json.RawMessage("{}"), State: json.RawMessage("{}")}))
	release := func(Moment) (Decision, error) { return Decision{State: json.RawMessage("{}"), Release: 1}, nil }
	conduct := func(on *Ledger) {
		t.Helper()
		if done, err := on.Conduct(t.Context(), "may", release); !done || err != nil {
			t.Fatal(done, err)
		}
	}
	conduct(l)
	p1, err := first.Join(t.Context(), "may", "test")
	ok(err)
	p2, err := second.Join(t.Context(), "may", "test")
	ok(err)
	if _, took, err := p1.Take(t.Context(), 0); !took || err != nil {
		t.Fatal(took, err)
	}
	if _, took, err := p2.Take(t.Context(), 0); took || err != nil {
		t.Fatal(took, err)
	}
	ticket := p1.mustClaim(t, claimOf(1, "anna@example.com"))
	for end := time.Now().Add(2 * time.Minute); ; { // nobody is taken for dead just after the server has started
		_, err := l.db.Exec("UPDATE beat SET heard = heard - interval '1 min' WHERE process = $1", p1.process)
		ok(err)
		conduct(l)
		_, took, err := p2.Take(t.Context(), 0)
		if ok(err); took {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the chunk stays with who was not heard of")
		}
	}
	if got, err := p1.Claim(t.Context(), claimOf(2, "anna@example.com")); err == nil || got.Ticket != 0 {
		t.Errorf("who was taken from claims %+v, %v", got, err)
	}
	status := func() pipeline.Status {
		t.Helper()
		all, err := l.View(target).Lookup(t.Context(), []string{session(1)})
		ok(err)
		return all[0][0].Status
	}
	if s := status(); s != pipeline.Uncertain {
		t.Errorf("what it had open is %q", s)
	}
	ok(p1.Conclude(t.Context(), ticket, pipeline.Conclusion{Status: pipeline.Pending, Called: true, Code: "throttled", Time: time.Now()}))
	if s := status(); s != pipeline.Failed {
		t.Errorf("what it says was not sent is %q", s)
	}
	ok(l.EndShared(t.Context(), "may", pipeline.Finding{}, nil))
	if got, err := p2.Claim(t.Context(), claimOf(3, "anna@example.com")); err == nil || got.Ticket != 0 {
		t.Errorf("after the end it claims %+v, %v", got, err)
	}
	ok(p2.Tell(t.Context(), json.RawMessage("{}")))
	ok(p2.Leave(t.Context()))
	var left int
	ok(l.db.QueryRow("SELECT (SELECT count(*) FROM answer) + (SELECT count(*) FROM chunk) + (SELECT count(*) FROM share) + (SELECT count(*) FROM run WHERE part_of IS NOT NULL)").Scan(&left))
	if left != 0 {
		t.Errorf("%d rows are left of it", left)
	}
	if _, err := l.Join(t.Context(), "may", "test"); !errors.Is(err, ErrOver) {
		t.Errorf("after the end somebody joins: %v", err)
	}
}

// TestJobOfAnotherTime has a job that the queue keeps for later, since the clock of a host that saw to it is ahead: it
// does not stand for its chunk, which nobody would work on until then.
func TestJobOfAnotherTime(t *testing.T) {
	t.Parallel()
	l := onServer(t, database(t), t.TempDir())
	run := begun(t, l, "may")
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(run.AddChunk(t.Context(), 0, []byte("[]")))
	ok(run.HandOver(t.Context(), Share{Queue: "q", Spec: json.RawMessage("{}"), State: json.RawMessage("{}")}))
	_, err := l.Conduct(t.Context(), "may", func(Moment) (Decision, error) { return Decision{State: json.RawMessage("{}"), Release: 1}, nil })
	ok(err)
	first, err := l.Wanted(t.Context(), "may")
	ok(err)
	var job int64
	ok(l.db.QueryRow("INSERT INTO river_job (args, kind, max_attempts, queue, state) VALUES ('{}', 'chunk', 25, 'q', 'retryable') RETURNING id").Scan(&job))
	ok(l.Queued(t.Context(), first, []int64{job}))
	for due, want := range map[string]int{"1 s": 0, "2 h": 1} {
		_, err := l.db.Exec("UPDATE chunk SET asked = clock_timestamp() - interval '6 s', job = $1", job)
		ok(err)
		_, err = l.db.Exec("UPDATE river_job SET scheduled_at = clock_timestamp() + $1::interval", due)
		ok(err)
		wanted, err := l.Wanted(t.Context(), "may")
		if ok(err); len(first) != 1 || len(wanted) != want {
			t.Errorf("with a job that is due in %s %d chunks are asked for, want %d", due, len(wanted), want)
		}
	}
}

// TestOverIsGone has a worker that was killed, and times of schedules that are long over, go; the last of each stays,
// since the schedule goes on from it.
func TestOverIsGone(t *testing.T) {
	t.Parallel()
	l := onServer(t, database(t), t.TempDir())
	if _, err := l.db.Exec("INSERT INTO worker VALUES (77, 'q', '', '', '', '', 1, 1)"); err != nil {
		t.Fatal(err)
	}
	_, leave, err := l.Enlist(t.Context(), Worker{Queue: "q", Started: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	now := time.Now()
	for _, name := range []string{"night", "weekly"} {
		for n := range 3 {
			if first, err := l.Missed(t.Context(), name, now.AddDate(-1, 0, n)); !first || err != nil {
				t.Fatal(first, err)
			}
		}
	}
	if _, err := l.Purge(t.Context(), now.AddDate(0, -1, 0), false); err != nil {
		t.Fatal(err)
	}
	all, err := l.ScheduledSince(t.Context(), time.UnixMilli(0))
	if err != nil || len(all) != 2 || !all[0].Due.Equal(all[1].Due) || all[0].Due.UnixMilli() != now.AddDate(-1, 0, 2).UnixMilli() {
		t.Errorf("of the times there are left %+v, %v", all, err)
	}
	var workers int
	if err := l.db.QueryRow("SELECT count(*) FROM worker").Scan(&workers); err != nil || workers != 1 {
		t.Errorf("%d workers are kept, %v", workers, err)
	}
}
