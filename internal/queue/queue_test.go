package queue_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"hppsend/internal/ledger"
	"hppsend/internal/ledger/servertest"
	"hppsend/internal/queue"
	"hppsend/pipeline"
)

// TestFair has two runs share the workers, and one that is urgent go first.
func TestFair(t *testing.T) {
	t.Parallel()
	const rows = 4000
	h := newHouse(t)
	h.takes = time.Millisecond
	h.submit("april", rows, 3, pipeline.SendConfig{}, false)
	h.submit("may", rows, 3, pipeline.SendConfig{}, false)
	h.worker()
	h.worker()
	h.until("both are under way", func() bool { return h.called() > rows/4 })
	h.submit("urgent", 400, 1, pipeline.SendConfig{}, false)
	for _, run := range []string{"urgent", "april", "may"} {
		h.ended(run)
	}
	if h.called() != 2*rows+400 {
		t.Errorf("%d calls", h.called())
	}
	last := map[byte]int{}
	begun := map[byte]int{}
	for i, session := range h.order {
		if last[session[0]] = i; begun[session[0]] == 0 {
			begun[session[0]] = i
		}
	}
	if last['u'] > min(last['a'], last['m']) {
		t.Errorf("the urgent run has ended as the %d-th of %d calls", last['u'], len(h.order))
	}
	if begun['m'] > last['a']/2 {
		t.Errorf("the second run begins with the %d-th call, and the first ends with the %d-th", begun['m'], last['a'])
	}
}

// TestSlow has an urgent run overtake one that is so slow that its chunks would take minutes.
func TestSlow(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.slow = 2
	h.submit("may", 400, 2, pipeline.SendConfig{}, false)
	h.worker()
	h.until("it is under way", func() bool { return h.called() > 0 })
	h.slow = 0
	h.submit("urgent", 5, 1, pipeline.SendConfig{}, false)
	h.ended("urgent")
	if n := h.called(); n > 100 {
		t.Errorf("it has ended after %d calls", n)
	}
	if ok, err := h.ledger.Order(t.Context(), "may", pipeline.Cancel, "Ann"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	h.ended("may")
}

// TestNoWorker hands a run over that nobody takes until somebody comes who can.
func TestNoWorker(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.submit("may", 300, 2, pipeline.SendConfig{}, false)
	end := h.worker()
	h.until("the worker is known", func() bool {
		all, err := h.ledger.Workers(t.Context())
		return err == nil && len(all) == 1 && all[0].UserName == user
	})
	h.ended("may")
	end()
	if all, err := h.ledger.Workers(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("after its end: %v, %v", all, err)
	}
	h.submit("june", 300, 2, pipeline.SendConfig{}, false)
	if _, err := h.ledger.Order(t.Context(), "june", pipeline.Cancel, "Ann"); err != nil {
		t.Fatal(err)
	}
	runs, err := h.ledger.SharedRuns(t.Context(), "")
	if err != nil || len(runs) != 1 {
		t.Fatal(runs, err)
	}
	if err := (&queue.Conductor{Ledger: queue.BookOf(h.ledger), Record: record}).Step(t.Context(), runs[0]); err != nil {
		t.Fatal(err)
	}
	if info, _ := h.ended("june"); info.Ending != pipeline.StopCancelled || h.called() != 300 {
		t.Errorf("ended with %q after %d calls", info.Ending, h.called())
	}
}

// TestHandsOver ends one worker after another in the midst of a run.
func TestHandsOver(t *testing.T) {
	t.Parallel()
	const rows = 3000
	h := newHouse(t)
	h.takes = time.Millisecond
	h.submit("may", rows, 2, pipeline.SendConfig{}, false)
	for i := range 5 {
		end := h.worker()
		h.until("it goes on", func() bool { return h.called() > (i+1)*rows/10 })
		end()
	}
	h.worker()
	h.ended("may")
	if got := h.codes("may"); got[pipeline.Delivered] != rows || h.called() != rows {
		t.Errorf("%v after %d calls", got, h.called())
	}
}

// TestRights has the workers use no more of the database than who sends is granted.
func TestRights(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	address, err := url.Parse(h.options.Path)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(address.Path, "/")
	for _, statement := range []string{"CREATE ROLE sender_" + name + " LOGIN", strings.ReplaceAll(ledger.Grants, "sender", "sender_"+name)} {
		servertest.Shared(t).Exec(t, name, statement)
	}
	address.User = url.User("sender_" + name)
	h.options.Path = address.String()
	h.ledger = h.open()
	h.submit("may", 500, 2, pipeline.SendConfig{Canary: 3}, false)
	h.worker()
	h.worker()
	if info, _ := h.ended("may"); info.Ending != "" || h.called() != 500 {
		t.Errorf("ended with %q after %d calls", info.Ending, h.called())
	}
}
