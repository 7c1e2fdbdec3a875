package queue

import (
	"encoding/json"
	"testing"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// TestCanaryIsAll has a canary of all rows that there are, one of them refused: the run went through, as in one process.
func TestCanaryIsAll(t *testing.T) {
	spec := Spec{Send: pipeline.SendConfig{Canary: 10}}
	for left, ending := range map[int]string{0: "", 1: pipeline.StopCanary} {
		word := json.RawMessage(`{"Rows": {"delivered": 9, "rejected": 1}}`)
		st, _, err := spec.decide(ledger.Moment{Now: time.Now(), State: json.RawMessage("{}"), Said: []json.RawMessage{word}, Left: left}, 4)
		if err != nil || st.Brakes.Ended().Code != ending || !st.Over {
			t.Errorf("with %d chunks left it ends with %q, over %v, %v", left, st.Brakes.Ended().Code, st.Over, err)
		}
	}
}

// TestNobodyTries has a run wait for a worker for longer than --retry-for after a failure: that ends it only while
// somebody tries.
func TestNobodyTries(t *testing.T) {
	spec := Spec{Send: pipeline.SendConfig{RetryFor: time.Minute}}
	word, err := json.Marshal(said{Answers: []pipeline.Answer{{Method: pipeline.Email, Ticket: 1, Reply: pipeline.Reply{Verdict: pipeline.Unavailable}}}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 5, 1, 2, 0, 0, 0, time.UTC)
	state := json.RawMessage(`{"Passed": true}`)
	for _, step := range []struct {
		after time.Duration
		taken int
		ended bool
	}{{0, 1, false}, {time.Hour, 0, false}, {time.Hour, 0, false}, {30 * time.Second, 1, false}, {2 * time.Minute, 1, true}} {
		now = now.Add(step.after)
		m := ledger.Moment{Now: now, State: state, Left: 3, Out: 3, Taken: step.taken}
		if step.after == 0 {
			m.Said = []json.RawMessage{word}
		}
		st, d, err := spec.decide(m, 4)
		if err != nil {
			t.Fatal(err)
		}
		if ended := st.Brakes.Ended().Code != ""; ended != step.ended {
			t.Errorf("%s later, with %d at work: ended %v, %v", step.after, step.taken, ended, st.Brakes.Ended())
		}
		state = d.State
	}
}
