package queue_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hppsend/internal/ledger"
	"hppsend/internal/ledger/servertest"
	"hppsend/internal/queue"
	"hppsend/pipeline"
)

const (
	target = "https://example.com"
	user   = "shop"
)

type withServer struct{ *testing.M }

func (m withServer) Run() int {
	defer servertest.CloseShared()
	return m.M.Run()
}

func TestMain(m *testing.M) { withServer{m}.Run() }

// house is a ledger that several processes share, and a server that they call.
type house struct {
	t       *testing.T
	options ledger.Options
	ledger  *ledger.Ledger // of who looks on

	mu     sync.Mutex
	calls  map[string]int // by the session
	order  []string
	answer func(session string) pipeline.Reply
	takes  time.Duration // each call
	slow   float64       // calls a second of what is handed over; 0 for no limit
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, calls: map[string]int{}, answer: func(string) pipeline.Reply { return accepted }}
	h.options = ledger.Options{Path: servertest.Shared(t).Database(t), State: t.TempDir(), Environment: "sandbox", Create: true}
	h.ledger = h.open()
	h.options.Create = false
	return h
}

var accepted = pipeline.Reply{Verdict: pipeline.Accepted, HTTPStatus: 200}

func refused(code string) pipeline.Reply {
	return pipeline.Reply{Verdict: pipeline.Refused, HTTPStatus: 400, Code: code, Reason: "HPP refused it"}
}

// open opens the ledger as another process.
func (h *house) open() *ledger.Ledger {
	h.t.Helper()
	l, err := ledger.Open(h.t.Context(), h.options)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { l.Close() })
	return l
}

// Send implements pipeline.Sender.
func (h *house) Send(_ context.Context, d pipeline.Distribution) pipeline.Reply {
	time.Sleep(h.takes)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls[d.Session]++
	h.order = append(h.order, d.Session)
	return h.answer(d.Session)
}

// called gives how many calls were made, each session once at most.
func (h *house) called() int {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for session, calls := range h.calls {
		if n += calls; calls > 1 {
			h.t.Errorf("%s was called %d times", session, calls)
		}
	}
	return n
}

// worker is one more process that takes work. The function ends it.
func (h *house) worker() (end func()) {
	h.t.Helper()
	l := h.open()
	w := &queue.Worker{
		Ledger: queue.BookOf(l), Caller: h, Target: target, User: user, Concurrency: 4, Version: "test", Host: "here",
		Log: slog.New(slog.DiscardHandler), Record: record,
		Jobs: func(ctx context.Context, work func(context.Context, string, int)) (queue.Source, error) {
			return queue.TakeJobs(ctx, l, queue.Name(target, user), work)
		},
	}
	stop := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		if err := w.Run(context.Background(), stop); err != nil {
			h.t.Errorf("the worker ended with %v", err)
		}
	})
	end = sync.OnceFunc(func() { close(stop); done.Wait() })
	h.t.Cleanup(end)
	return end
}

func record(_ ledger.RunInfo, t pipeline.Tally, e pipeline.Ending) json.RawMessage {
	text, _ := json.Marshal(map[string]any{"delivered": t.Status[pipeline.Delivered], "pending": t.Status[pipeline.Pending], "ending": e.Code})
	return text
}

// list gives rows to be sent, with names of their own.
func list(name string, n int) iter.Seq2[pipeline.Due, error] {
	return func(yield func(pipeline.Due, error) bool) {
		for i := range n {
			d := pipeline.Distribution{Session: fmt.Sprintf("%s-%04d", name, i), Method: pipeline.Email, Contact: fmt.Sprintf("%s%d@example.com", name, i)}
			if !yield(pipeline.Due{Distribution: d, Place: pipeline.Place{File: name, Row: i + 2}}, nil) {
				return
			}
		}
	}
}

// submit hands a run over.
func (h *house) submit(name string, n, priority int, send pipeline.SendConfig, ask bool) {
	h.t.Helper()
	info := ledger.RunInfo{ID: name, Target: target, UserName: user, Path: name, Options: []byte("{}"), Started: time.Now(), SHA256: [32]byte{byte(len(name)), name[0], name[len(name)-1]}}
	run, err := h.ledger.Begin(h.t.Context(), info)
	if err != nil {
		h.t.Fatal(err)
	}
	send.MaxAttempts, send.Grace, send.RetryFor = 3, 10*time.Second, max(send.RetryFor, 2*time.Second)
	spec := queue.Spec{
		Target: target, User: user, Rules: pipeline.Rules{Target: target, Run: name}, Rate: h.slow, Send: send, Ask: ask,
		File: pipeline.FilePlan{Due: n, Run: name, Tally: pipeline.Tally{Rows: n, Status: map[pipeline.Status]int{pipeline.Pending: n}}},
	}
	if err := queue.Submit(h.t.Context(), run, spec, priority, list(name, n)); err != nil {
		h.t.Fatal(err)
	}
}

// until waits until something is so, which it has to be soon.
func (h *house) until(what string, is func() bool) {
	h.t.Helper()
	for end := time.Now().Add(3 * time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("it does not come to this: %s", what)
		}
	}
}

// ended waits for the end of a run, and gives how the ledger has it.
func (h *house) ended(run string) (info ledger.RunInfo, counts map[string]any) {
	h.t.Helper()
	h.until(run+" has ended", func() bool {
		var ok bool
		var err error
		if info, ok, err = h.ledger.FindRun(h.t.Context(), run); err != nil || !ok {
			h.t.Fatal(ok, err)
		}
		return !info.Ended.IsZero()
	})
	if err := json.Unmarshal(info.Counts, &counts); err != nil {
		h.t.Fatal(err)
	}
	if left, err := h.ledger.SharedRuns(h.t.Context(), ""); err != nil || slices.ContainsFunc(left, func(r ledger.SharedRun) bool { return r.ID == run }) {
		h.t.Errorf("%s has ended and is with the workers: %v", run, err)
	}
	return info, counts
}

// codes gives how the records of a run stand.
func (h *house) codes(run string) map[pipeline.Status]int {
	h.t.Helper()
	all, err := h.ledger.Codes(h.t.Context(), run)
	if err != nil {
		h.t.Fatal(err)
	}
	n := map[pipeline.Status]int{}
	for _, c := range all {
		n[c.Status] += c.Count
	}
	return n
}

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
