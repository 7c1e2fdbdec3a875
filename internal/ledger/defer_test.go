package ledger

import (
	"encoding/json"
	"testing"
	"time"

	"hppsend/internal/ledger/servertest"
)

// Rows that a rule keeps for later are put back: nobody takes the chunk before, somebody does then, and what follows a
// canary does not go first.
func TestDeferred(t *testing.T) {
	t.Parallel()
	place, state := servertest.Shared(t).Database(t), t.TempDir()
	l := onServer(t, place, state)
	run := begun(t, l, "may")
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range 2 {
		ok(run.AddChunk(t.Context(), n, []byte("[1, 2]")))
	}
	ok(run.HandOver(t.Context(), Share{Queue: "q", Spec: json.RawMessage("{}"), State: json.RawMessage("{}")}))
	conduct := func(first bool) (m Moment) {
		t.Helper()
		done, err := l.Conduct(t.Context(), "may", func(now Moment) (Decision, error) {
			m = now
			return Decision{State: json.RawMessage("{}"), Release: 1, First: first}, nil
		})
		if err != nil || !done {
			t.Fatal(done, err)
		}
		return m
	}
	part, err := l.Join(t.Context(), "may", "test")
	ok(err)
	other, err := onServer(t, place, state).Join(t.Context(), "may", "test")
	ok(err)
	takes := func(r *Run, n int) (text string) {
		t.Helper()
		got, took, err := r.Take(t.Context(), n)
		if ok(err); took != (got != nil) {
			t.Error(took, got)
		}
		return string(got)
	}
	conduct(true)
	if takes(part, 0) == "" {
		t.Fatal("the canary is not taken")
	}
	ok(other.Defer(t.Context(), 0, []byte("[9]"), time.Hour)) // by who has not taken it
	ok(part.Defer(t.Context(), 0, []byte("[2]"), 3*time.Second))
	for range 2 {
		conduct(true)
		if m := conduct(true); m.Left != 2 || m.Out != 0 || m.Taken != 0 || !m.First {
			t.Errorf("%+v", m)
		}
		if takes(part, 0) != "" || takes(other, 0) != "" || takes(other, 1) != "" {
			t.Error("what is put back is taken, or what follows the canary")
		}
		if wanted, err := l.Wanted(t.Context(), "may"); err != nil || len(wanted) != 0 {
			t.Errorf("wanted are %+v, %v", wanted, err)
		}
	}
	time.Sleep(3100 * time.Millisecond)
	conduct(true)
	if wanted, err := l.Wanted(t.Context(), "may"); err != nil || len(wanted) != 1 || wanted[0].N != 0 {
		t.Errorf("wanted are %+v, %v", wanted, err)
	}
	if got := takes(other, 0); got != "[2]" {
		t.Errorf("taken is %q", got)
	}
	ok(other.Finish(t.Context(), 0))
	conduct(false)
	if takes(part, 1) != "[1, 2]" {
		t.Error("what follows the canary is not taken")
	}
	for _, r := range []*Run{part, other} {
		ok(r.Leave(t.Context()))
	}
}
