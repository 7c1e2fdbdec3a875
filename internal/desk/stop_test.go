package desk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// gate lets calls pass one by one, as tokens are put in, and all once it is closed.
func (h *house) gate() chan struct{} {
	tokens := make(chan struct{})
	h.before = func(ctx context.Context, _ pipeline.Distribution) {
		select {
		case <-tokens:
		case <-ctx.Done():
		}
	}
	return tokens
}

// twenty are people of a list.
func twenty() (all []string) {
	for i := range 20 {
		all = append(all, fmt.Sprintf("p%02d@example.com", i))
	}
	return all
}

// sending gives an upload of which the first five rows are out.
func (h *house) sending(gate chan struct{}) (anna *desk.Seat, u *desk.Upload) {
	h.t.Helper()
	anna = h.seat("anna", desk.Uploader)
	u, _ = h.bring(anna, "may.csv", list(twenty()...))
	u = h.approve(h.seat("bo", desk.Approver), h.ask(anna, u))
	for range 5 {
		gate <- struct{}{}
	}
	return anna, u
}

// once holds the calls to one for each of the twenty.
func (h *house) once() {
	h.t.Helper()
	if got := h.contacts(); !slices.Equal(got, twenty()) {
		h.t.Errorf("sent was %q", got)
	}
	for session, n := range h.box.Stats().Accepted {
		if n != 1 {
			h.t.Errorf("session %s was accepted %d times", session, n)
		}
	}
}

// TestStop lets what is under way end, and goes on where it was when it is told to.
func TestStop(t *testing.T) {
	h := newHouse(t)
	gate := h.gate()
	anna, u := h.sending(gate)
	if _, err := anna.Stop(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	if live, _, ok := anna.Live(u); !ok || !live.Stopping {
		t.Errorf("%t, %+v", ok, live)
	}
	close(gate)
	u = h.until(anna, u.ID, desk.Stopped, desk.Done)
	if n := len(h.contacts()); u.State != desk.Stopped || n < 5 || n > 5+2*4 || u.Reason == "" {
		t.Errorf("it is %s (%s) after %d calls", u.State, u.Reason, n)
	}
	_, err := anna.Stop(t.Context(), u.ID)
	refused(t, err, desk.Conflict)
	if _, _, ok := anna.Live(u); ok {
		t.Error("it is alive")
	}
	if err := anna.GoOn(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	h.until(anna, u.ID, desk.Done)
	h.once()
	if runs := must(anna.Runs(t.Context(), u))(t); len(runs) != 2 {
		t.Errorf("the runs are %q", runs)
	}
	o := must(anna.Outcomes(t.Context(), h.load(anna, u.ID), "", 0))(t)
	if o.Tally.Status[pipeline.Delivered] != 20 {
		t.Errorf("%+v", o.Tally)
	}
}

// Whoever stops it before anything was sent is told that, and not what the program calls it.
func TestStopWhileChecking(t *testing.T) {
	h := newHouse(t)
	gate := h.gate()
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "long.csv", long(20_000))
	h.approve(h.seat("bo", desk.Approver), h.ask(anna, u))
	h.until(anna, u.ID, desk.Running)
	if _, err := anna.Stop(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	close(gate)
	if u = h.until(anna, u.ID, desk.Stopped, desk.Done); u.State != desk.Stopped || u.Reason == "" || strings.Contains(u.Reason, "context") {
		t.Errorf("it is %s (%s)", u.State, u.Reason)
	}
}

// What was being sent when the desk was closed goes on when it is open again, without anybody's word.
func TestCloseWhileSending(t *testing.T) {
	h := newHouse(t)
	gate := h.gate()
	anna, u := h.sending(gate)
	halted := make(chan struct{})
	go func() { // the calls under way end only when no new ones are made any more
		defer close(gate)
		defer close(halted)
		for {
			live, changed, ok := anna.Live(u)
			if !ok || live.Stopping {
				return
			}
			<-changed
		}
	}()
	h.close()
	<-halted
	n := len(h.contacts())
	if n < 5 || n > 5+2*4 {
		t.Errorf("%d calls before it was closed", n)
	}
	h.open()
	anna = h.seat("anna", desk.Uploader)
	if state := h.load(anna, u.ID).State; state != desk.Running && state != desk.Done {
		t.Errorf("it is %s", state)
	}
	h.until(anna, u.ID, desk.Done)
	h.once()
}

// What somebody has stopped does not go on because the server was started again.
func TestCloseAfterStop(t *testing.T) {
	h := newHouse(t)
	gate := h.gate()
	anna, u := h.sending(gate)
	if _, err := anna.Stop(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	closing := make(chan struct{})
	go func() {
		<-closing
		close(gate)
	}()
	h.rest()
	close(closing)
	if err := h.desk.Close(); err != nil {
		t.Fatal(err)
	}
	h.exec("UPDATE upload SET state = 'running' WHERE id = ?", u.ID) // as where the program did not come to write it down
	n := len(h.contacts())
	h.open()
	anna = h.seat("anna", desk.Uploader)
	if u = h.until(anna, u.ID, desk.Stopped, desk.Done); u.State != desk.Stopped || u.Reason == "" || len(h.contacts()) != n {
		t.Errorf("it is %s (%s), and %d rows were sent", u.State, u.Reason, len(h.contacts())-n)
	}
	if err := anna.GoOn(t.Context(), u.ID); err != nil {
		t.Error(err)
	}
	h.until(anna, u.ID, desk.Done)
	h.once()
}

// Two uploads with the same people, one of them even with the same bytes, message nobody twice when both are approved.
func TestTwoUploads(t *testing.T) {
	h := newHouse(t)
	h.rest()
	anna, bo := h.seat("anna", desk.Uploader), h.seat("bo", desk.Approver)
	var all []*desk.Upload
	for i, text := range []string{list(twenty()...), list(twenty()...), list(twenty()...) + ",\n"} {
		u, _ := h.bring(anna, fmt.Sprintf("may%d.csv", i), text)
		all = append(all, h.approve(bo, h.ask(anna, u)))
	}
	h.run()
	for _, u := range all {
		for h.until(anna, u.ID, desk.Done, desk.Stopped).State == desk.Stopped { // another was sending the same
			anna.GoOn(t.Context(), u.ID)
		}
	}
	h.once()
}

// TestTwoDesks lets one desk at a time work in a folder.
func TestTwoDesks(t *testing.T) {
	h := newHouse(t)
	if _, err := desk.Open(t.Context(), h.cfg); !errors.Is(err, pipeline.Busy) {
		t.Errorf("the second desk: %v", err)
	}
	h.reopen()
}

// What is started while the desk is being closed is waited for.
func TestStartWhileClosing(t *testing.T) {
	said := &errorLog{}
	h := newHouse(t, func(h *house) {
		h.cfg.Log = slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelError}))
	})
	anna := h.seat("anna", desk.Uploader)
	h.rest()
	u, _ := h.bring(anna, "may.csv", list(twenty()...))
	h.approve(h.seat("bo", desk.Approver), h.ask(anna, u))
	busy := must(h.books().BeginTx(t.Context(), nil))(t) // so that the start has to wait
	if _, err := busy.Exec("UPDATE upload SET note = note"); err != nil {
		t.Fatal(err)
	}
	started, closed := make(chan error), make(chan error)
	go func() { started <- h.desk.StartDue(t.Context()) }()
	h.await("it is to be started", func() bool { _, _, ok := anna.Live(u); return ok })
	go func() { closed <- h.desk.Close() }()
	h.await("it is to be stopped", func() bool { live, _, _ := anna.Live(u); return live.Stopping })
	if err := busy.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-started, <-closed); err != nil || said.String() != "" || len(h.contacts()) > 0 {
		t.Errorf("%v; %s", err, said)
	}
	h.open()
	h.until(h.seat("anna", desk.Uploader), u.ID, desk.Done)
	h.once()
}

// errorLog keeps what is logged.
type errorLog struct {
	mu sync.Mutex
	strings.Builder
}

func (e *errorLog) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.Builder.Write(p)
}
