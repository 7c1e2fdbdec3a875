package desk_test

import (
	"testing"
	"time"

	"hppsend/internal/desk"
)

// TestCanary asks after the first rows whether the others may follow.
func TestCanary(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(*testing.T, *house, *desk.Seat, *desk.Upload)
		want   desk.State
		sent   int
	}{
		"yes": {func(t *testing.T, _ *house, s *desk.Seat, u *desk.Upload) {
			if err := s.Answer(t.Context(), u.ID, true); err != nil {
				t.Error(err)
			}
		}, desk.Done, 20},
		"no": {func(t *testing.T, _ *house, s *desk.Seat, u *desk.Upload) {
			if err := s.Answer(t.Context(), u.ID, false); err != nil {
				t.Error(err)
			}
		}, desk.Stopped, 2},
		"stop": {func(t *testing.T, _ *house, s *desk.Seat, u *desk.Upload) {
			if _, err := s.Stop(t.Context(), u.ID); err != nil {
				t.Error(err)
			}
		}, desk.Stopped, 2},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, func(h *house) { h.cfg.Accounts[0].Options.Send.Canary = 2 })
			anna, u := h.asked()
			if n := len(h.contacts()); n != 2 {
				t.Errorf("asked after %d calls", n)
			}
			tt.answer(t, h, anna, u)
			u = h.until(anna, u.ID, desk.Done, desk.Stopped)
			if n := len(h.contacts()); u.State != tt.want || n != tt.sent {
				t.Errorf("it is %s after %d calls", u.State, n)
			}
			refused(t, anna.Answer(t.Context(), u.ID, true), desk.Conflict) // nothing is asked any more
			if u.State == desk.Stopped {                                    // who goes on has said yes
				if err := anna.GoOn(t.Context(), u.ID); err != nil {
					t.Error(err)
				}
				h.until(anna, u.ID, desk.Done)
			}
			h.once()
		})
	}
}

// asked gives an upload whose first two rows are out, and that asks.
func (h *house) asked() (anna *desk.Seat, u *desk.Upload) {
	h.t.Helper()
	anna = h.seat("anna", desk.Uploader)
	u, _ = h.bring(anna, "may.csv", list(twenty()...))
	h.approve(h.seat("bo", desk.Approver), h.ask(anna, u))
	h.until(anna, u.ID, desk.Running)
	h.question(anna, u)
	return anna, u
}

// question waits for the question of an upload that is being sent.
func (h *house) question(s *desk.Seat, u *desk.Upload) {
	h.t.Helper()
	for {
		live, changed, ok := s.Live(u)
		if live.Canary == 2 {
			return
		}
		if !ok && h.load(s, u.ID).State != desk.Running {
			h.t.Fatal("nobody was asked")
		}
		select {
		case <-changed:
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Who stops it before it was asked, and goes on, has seen nothing: the first rows are those that come then.
func TestGoOnBeforeTheQuestion(t *testing.T) {
	h := newHouse(t, func(h *house) { h.cfg.Accounts[0].Options.Send.Canary = 8 })
	gate := h.gate()
	anna := h.seat("anna", desk.Uploader)
	u, _ := h.bring(anna, "may.csv", list(twenty()...))
	h.approve(h.seat("bo", desk.Approver), h.ask(anna, u))
	h.until(anna, u.ID, desk.Running)
	if _, err := anna.Stop(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	close(gate)
	h.until(anna, u.ID, desk.Stopped)
	before := len(h.contacts())
	if err := anna.GoOn(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	h.await("it is asked", func() bool { live, _, _ := anna.Live(u); return live.Canary == 8 })
	if n := len(h.contacts()); n != before+8 || before >= 8 {
		t.Errorf("it is asked after %d calls, and %d before it was stopped", n, before)
	}
	if err := anna.Answer(t.Context(), u.ID, true); err != nil {
		t.Error(err)
	}
	h.until(anna, u.ID, desk.Done)
	h.once()
}

// A question that nobody has answered is asked again after a restart.
func TestCloseWhileAsked(t *testing.T) {
	h := newHouse(t, func(h *house) { h.cfg.Accounts[0].Options.Send.Canary = 2 })
	_, u := h.asked()
	h.reopen()
	anna := h.seat("anna", desk.Uploader)
	h.question(anna, u)
	if n := len(h.contacts()); n != 2 {
		t.Errorf("asked again after %d calls", n)
	}
	if err := anna.Answer(t.Context(), u.ID, true); err != nil {
		t.Error(err)
	}
	h.until(anna, u.ID, desk.Done)
	h.once()
}
