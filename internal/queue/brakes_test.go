package queue_test

import (
	"fmt"
	"testing"
	"time"

	"hppsend/internal/queue"
	"hppsend/pipeline"
)

func TestCanary(t *testing.T) {
	t.Parallel()
	const rows, canary = 300, 7
	for name, tt := range map[string]struct {
		bad    int // of the canary
		ask    bool
		yes    bool
		ending string
		calls  int
	}{
		"accepted":                        {calls: rows},
		"one of them is refused":          {bad: 1, ending: pipeline.StopCanary, calls: canary},
		"somebody says yes":               {ask: true, yes: true, calls: rows},
		"somebody says no":                {ask: true, ending: pipeline.StopCanary, calls: canary},
		"refused before anybody is asked": {bad: 2, ask: true, ending: pipeline.StopCanary, calls: canary},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.answer = func(session string) pipeline.Reply {
				if session < fmt.Sprintf("may-%04d", tt.bad) {
					return refused("BAD_VALUE")
				}
				return accepted
			}
			h.submit("may", rows, 2, pipeline.SendConfig{Canary: canary, StopAfterIdentical: 25}, tt.ask)
			h.worker()
			h.worker()
			if tt.ask && tt.bad == 0 {
				h.until("somebody is asked", func() bool {
					runs, err := h.ledger.SharedRuns(t.Context(), "")
					if err != nil || len(runs) != 1 {
						t.Fatal(runs, err)
					}
					_, asked, err := queue.Progress(runs[0])
					return asked && err == nil
				})
				if n := h.called(); n != canary {
					t.Errorf("%d calls before anybody has answered", n)
				}
				if err := queue.GoOn(t.Context(), h.ledger, "may", tt.yes); err != nil {
					t.Fatal(err)
				}
			}
			if info, counts := h.ended("may"); info.Ending != tt.ending || h.called() != tt.calls || counts["pending"] != float64(rows-tt.calls) {
				t.Errorf("ended with %q after %d calls: %v", info.Ending, h.called(), counts)
			}
		})
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.submit("may", 700, 2, pipeline.SendConfig{Limit: 450}, false)
	h.worker()
	h.worker()
	if info, counts := h.ended("may"); info.Ending != pipeline.StopLimit || h.called() != 450 || counts["pending"] != 250.0 {
		t.Errorf("ended with %q after %d calls: %v", info.Ending, h.called(), counts)
	}
}

// TestBrakes has the workers together do what one process does alone.
func TestBrakes(t *testing.T) {
	t.Parallel()
	const rows, late = 1000, 3 * 200 // what may be answered while the brake is heard of
	for name, tt := range map[string]struct {
		send   pipeline.SendConfig
		answer func(n int) pipeline.Reply
		ending string
		least  int
		bound  bool // the refusals stand
	}{
		"the same refusal": {pipeline.SendConfig{StopAfterIdentical: 25}, func(int) pipeline.Reply { return refused("NOT_ENABLED") }, pipeline.StopIdentical, 25, false},
		"the share of refusals": {pipeline.SendConfig{MaxRejected: pipeline.Threshold{Rows: 40}}, func(n int) pipeline.Reply {
			if n%2 == 0 {
				return refused("BAD_VALUE")
			}
			return accepted
		}, pipeline.StopRejected, 80, true},
		"wrong credentials": {pipeline.SendConfig{}, func(int) pipeline.Reply { return pipeline.Reply{Verdict: pipeline.Denied, HTTPStatus: 401} }, pipeline.StopDenied, 1, false},
		"nothing but failures": {pipeline.SendConfig{RetryFor: 2 * time.Second}, func(int) pipeline.Reply {
			return pipeline.Reply{Verdict: pipeline.Unavailable, Reason: "nobody listens"}
		}, pipeline.StopNothing, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			n := 0
			h.answer = func(string) pipeline.Reply { n++; return tt.answer(n) }
			h.takes = 5 * time.Millisecond
			h.submit("may", rows, 2, tt.send, false)
			for range 3 {
				h.worker()
			}
			info, counts := h.ended("may")
			if info.Ending != tt.ending || n < tt.least || n > tt.least+late {
				t.Errorf("ended with %q (%s) after %d calls: %v", info.Ending, info.Reason, n, counts)
			}
			if rejected := h.codes("may")[pipeline.Rejected]; tt.bound != (rejected > 0) {
				t.Errorf("%d rows are rejected", rejected)
			}
		})
	}
}

// TestHeldAndCancelled holds a run, lets it go on, and cancels it.
func TestHeldAndCancelled(t *testing.T) {
	t.Parallel()
	const rows = 2000
	h := newHouse(t)
	h.takes = 5 * time.Millisecond
	h.submit("may", rows, 2, pipeline.SendConfig{}, false)
	h.worker()
	h.worker()
	order := func(o pipeline.Order) {
		t.Helper()
		if ok, err := h.ledger.Order(t.Context(), "may", o, "Ann"); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	still := func() {
		t.Helper()
		before := 0
		h.until("nobody works on it", func() bool {
			runs, err := h.ledger.SharedRuns(t.Context(), "")
			if before = h.called(); err != nil {
				t.Fatal(err)
			}
			return len(runs) == 0 || runs[0].Taken == 0
		})
		time.Sleep(700 * time.Millisecond)
		if now := h.called(); now != before {
			t.Errorf("%d calls more in a pause", now-before)
		}
	}
	h.until("it goes on", func() bool { return h.called() > 100 })
	order(pipeline.Pause)
	still()
	order(pipeline.GoOn)
	before := h.called()
	h.until("it goes on again", func() bool { return h.called() > before+100 })
	order(pipeline.Cancel)
	info, counts := h.ended("may")
	if info.Ending != pipeline.StopCancelled || h.called() == rows || counts["pending"] != float64(rows-h.called()) {
		t.Errorf("ended with %q after %d calls: %v", info.Ending, h.called(), counts)
	}
	still()
}
