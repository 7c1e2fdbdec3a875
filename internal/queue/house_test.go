package queue_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"slices"
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
func (h *house) Look(_ context.Context, session string) pipeline.Look {
	return pipeline.Look{Sight: pipeline.Found, Session: pipeline.Session{ID: session, Status: pipeline.SessionWaiting}, Now: time.Now()}
}

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
