package desk_test

import (
	"testing"
	"testing/synctest"
	"time"

	"hppsend/internal/desk"
)

// passes lets time pass while nothing is started, as when the server is down, and goes on then.
func (h *house) passes(d time.Duration) {
	h.rest()
	time.Sleep(d)
	h.run()
}

// bubble is a test in which time passes.
func bubble(t *testing.T, do func(*testing.T, *house), set ...func(*house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { do(t, newBubble(t, set...)) })
}

// oneARun lets each run of the north send one row, and stop.
func oneARun(h *house) { h.cfg.Accounts[0].Options.Send.Limit = 1 }

// TestLapse lets somebody's word grow old in every state in which it may still be used.
func TestLapse(t *testing.T) {
	approve := func(h *house, _ *desk.Seat, u *desk.Upload) {
		if h.load(h.seat("anna", desk.Uploader), u.ID).State == desk.Waiting {
			h.approve(h.seat("bo", desk.Approver), u)
		}
	}
	goOn := func(h *house, anna *desk.Seat, u *desk.Upload) {
		if err := anna.GoOn(h.t.Context(), u.ID); err != nil {
			h.t.Error(err)
		}
	}
	nothing := func(*house, *desk.Seat, *desk.Upload) {}
	for _, tt := range []struct {
		name  string
		until desk.State                             // what is done to the upload first
		then  func(*house, *desk.Seat, *desk.Upload) // after the time
		after time.Duration
		want  desk.State
		sent  int // in all; each run sends one
	}{
		{"waiting, in time", desk.Waiting, approve, 71 * time.Hour, desk.Stopped, 1},
		{"waiting, too late", desk.Waiting, approve, 73 * time.Hour, desk.Draft, 0},
		{"approved, in time", desk.Approved, nothing, 71 * time.Hour, desk.Stopped, 1},
		{"approved, too late", desk.Approved, nothing, 73 * time.Hour, desk.Draft, 0},
		{"stopped, in time", desk.Stopped, goOn, 71 * time.Hour, desk.Stopped, 2},
		{"stopped, too late", desk.Stopped, goOn, 73 * time.Hour, desk.Draft, 1},
		{"running, in time", desk.Running, nothing, 71 * time.Hour, desk.Stopped, 2},
		{"running, too late", desk.Running, nothing, 73 * time.Hour, desk.Draft, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *house) {
				anna := h.seat("anna", desk.Uploader)
				h.rest()
				u, _ := h.bring(anna, "may.csv", three)
				u = h.ask(anna, u)
				if tt.until != desk.Waiting {
					h.approve(h.seat("bo", desk.Approver), u)
				}
				if tt.until == desk.Stopped || tt.until == desk.Running {
					h.run()
					h.until(anna, u.ID, desk.Stopped)
					h.rest()
				}
				if tt.until == desk.Running { // as after a kill
					h.exec("UPDATE upload SET state = 'running' WHERE id = ?", u.ID)
				}
				h.run()
				h.passes(tt.after)
				time.Sleep(2 * time.Second)
				tt.then(h, anna, u)
				time.Sleep(2 * time.Second)
				if u = h.load(anna, u.ID); u.State != tt.want || len(h.contacts()) != tt.sent {
					t.Errorf("it is %s after %d calls", u.State, len(h.contacts()))
				}
				if u.State == desk.Draft && (u.Reason == "" || u.Digest != "") {
					t.Errorf("it says %q, and has the digest %q", u.Reason, u.Digest)
				}
			}, oneARun)
		})
	}
}

// Approval that comes too late is refused also before anybody has looked what has lapsed.
func TestApprovedTooLate(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.rest()
		anna, bo := h.seat("anna", desk.Uploader), h.seat("bo", desk.Approver)
		u, _ := h.bring(anna, "may.csv", three)
		u = h.ask(anna, u)
		time.Sleep(72*time.Hour + time.Second)
		_, err := bo.Approve(t.Context(), u.ID, u.Digest)
		refused(t, err, desk.Conflict)
		if _, err := anna.Withdraw(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		u = h.ask(anna, u)
		time.Sleep(72*time.Hour - time.Second)
		h.approve(bo, u)
	})
}

// The first of two approvals does not make the second one older.
func TestSecondApproval(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		h.rest()
		anna := h.seat("anna", desk.Uploader)
		u, _ := h.bring(anna, "may.csv", three)
		u = h.ask(anna, u)
		h.approve(h.seat("bo", desk.Approver), u)
		time.Sleep(71 * time.Hour)
		if u = h.approve(h.seat("dora", desk.Approver), u); u.State != desk.Approved {
			t.Fatalf("it is %s", u.State)
		}
		time.Sleep(71 * time.Hour)
		h.run()
		h.until(anna, u.ID, desk.Done)
	}, func(h *house) { h.cfg.Accounts[0].Approvers = desk.Approvers{{People: 2}} })
}

// TestStart starts at its time, and not before.
func TestStart(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		anna, bo := h.seat("anna", desk.Uploader), h.seat("bo", desk.Approver)
		u, sheet := h.bring(anna, "may.csv", three)
		for name, start := range map[string]time.Time{
			"long ago":    time.Now().Add(-time.Hour),
			"far too far": time.Now().Add(72*time.Hour + time.Minute),
		} {
			_, err := anna.Ask(t.Context(), u.ID, desk.Wish{Digest: sheet.Digest, Start: start})
			if !refused(t, err, desk.Invalid) {
				t.Error(name)
			}
		}
		start := time.Now().Add(10 * time.Minute)
		u = must(anna.Ask(t.Context(), u.ID, desk.Wish{Digest: sheet.Digest, Start: start}))(t)
		h.approve(bo, u)
		time.Sleep(10*time.Minute - time.Second)
		if u = h.load(anna, u.ID); u.State != desk.Approved || !u.Start.Equal(start) || len(h.contacts()) > 0 {
			t.Errorf("a second before it is %s, to start at %s", u.State, u.Start)
		}
		time.Sleep(3 * time.Second)
		if u = h.load(anna, u.ID); u.State != desk.Done || len(h.contacts()) != 3 {
			t.Errorf("two seconds after it is %s", u.State)
		}
	})
}

// What is to start later does not start before, and whoever has thought better of it takes it back.
func TestBeforeItsTime(t *testing.T) {
	bubble(t, func(t *testing.T, h *house) {
		anna, bo := h.seat("anna", desk.Uploader), h.seat("bo", desk.Approver)
		later := func(text string) *desk.Upload {
			u, sheet := h.bring(anna, "may.csv", text)
			return h.approve(bo, must(anna.Ask(t.Context(), u.ID, desk.Wish{Digest: sheet.Digest, Start: time.Now().Add(time.Minute)}))(t))
		}
		kept, back, sentBack := later(list("a@example.com")), later("session_id,email\n"+session(7)+",b@example.com\n"), later("session_id,email\n"+session(8)+",c@example.com\n")
		refused(t, anna.GoOn(t.Context(), kept.ID), desk.Conflict)  // before its time it is not what was approved
		h.exec("UPDATE upload SET start = 1 WHERE id = ?", back.ID) // the time is of what was approved
		time.Sleep(2 * time.Second)
		if u := h.load(anna, back.ID); u.State != desk.Draft || len(h.contacts()) > 0 {
			t.Errorf("with another time it is %s", u.State)
		}
		back = later("session_id,email\n" + session(9) + ",d@example.com\n")
		_, err := bo.SendBack(t.Context(), sentBack.ID, " ")
		refused(t, err, desk.Invalid)
		if u, err := bo.SendBack(t.Context(), sentBack.ID, "wrong month"); err != nil || u.State != desk.Draft {
			t.Errorf("%+v, %v", u, err)
		}
		if u, err := anna.Withdraw(t.Context(), back.ID); err != nil || u.State != desk.Draft {
			t.Errorf("%+v, %v", u, err)
		}
		time.Sleep(2 * time.Minute)
		if got := h.contacts(); len(got) != 1 || got[0] != "a@example.com" {
			t.Errorf("sent was %q", got)
		}
		u := h.load(anna, sentBack.ID)
		if u.State != desk.Draft || u.Reason != "wrong month" || u.Digest != "" {
			t.Errorf("%+v", u)
		}
		_, err = bo.Approve(t.Context(), sentBack.ID, sentBack.Digest) // what was sent back has to be asked for again
		refused(t, err, desk.Conflict)
	})
}
