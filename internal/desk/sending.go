package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"hppsend/internal/campaign"
	"hppsend/pipeline"
)

// sending is an upload that is being sent. It implements campaign.Observer.
type sending struct {
	token string // names it among all desks
	stop  chan struct{}
	end   sync.Once
	plan  *pipeline.Plan
	note  func(run string) // takes down the run of the ledger, once it has begun

	mu      sync.Mutex
	live    Live
	changed chan struct{} // closed when something has
	answer  chan bool
}

// Live is how the sending of an upload stands.
type Live struct {
	Version  int // counts the changes
	Checking bool
	Progress pipeline.Progress
	Notices  []pipeline.Notice // the last few
	Canary   int               // the first so many were accepted, and somebody has to say whether the rest may follow
	Stopping bool
}

func (s *sending) halt() {
	s.end.Do(func() { close(s.stop) })
	s.update(func(l *Live) { l.Stopping = true })
}

func (s *sending) update(do func(*Live)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(&s.live)
	s.live.Version++
	close(s.changed)
	s.changed = make(chan struct{})
}

// Progress implements campaign.Observer.
func (s *sending) Progress(p pipeline.Progress) { s.update(func(l *Live) { l.Progress = p }) }

// Notice implements campaign.Observer.
func (s *sending) Notice(n pipeline.Notice) {
	s.update(func(l *Live) {
		l.Notices = append(l.Notices[max(0, len(l.Notices)-9):len(l.Notices):len(l.Notices)], n)
	})
}

// Tell implements campaign.Observer.
func (s *sending) Tell(e campaign.Event) {
	switch e := e.(type) {
	case campaign.Checked:
		s.plan = e.Plan
	case campaign.Sending:
		s.note(s.plan.Files[0].Run)
		s.update(func(l *Live) { l.Checking, l.Progress.Due = false, e.Due })
	case campaign.Reported: // also of a run that had nothing to send any more
		s.note(e.Run)
	}
}

// goOn asks whether the rest may follow the canary, until somebody answers or the run is stopped.
func (s *sending) goOn(ctx context.Context, n int) bool {
	s.update(func(l *Live) { l.Canary = n })
	defer s.update(func(l *Live) { l.Canary = 0 })
	select {
	case yes := <-s.answer:
		return yes
	case <-s.stop:
	case <-ctx.Done():
	}
	return false
}

// Live tells how the sending of an upload stands; ok is false when it is not being sent. The channel is closed
// when that has changed; it is nil where that is told by another host, which may take a second.
func (s *Seat) Live(u *Upload) (live Live, changed <-chan struct{}, ok bool) {
	s.d.mu.Lock()
	run := s.d.runs[u.ID]
	s.d.mu.Unlock()
	if run == nil {
		live, ok = s.d.liveElsewhere(u)
		return live, nil, ok
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	live = run.live
	live.Notices = slices.Clone(live.Notices)
	return live, run.changed, true
}

// Stop lets the calls under way end, and makes no more; also not after a restart, until somebody goes on.
func (s *Seat) Stop(ctx context.Context, upload string) (*Upload, error) {
	u, err := s.change(ctx, upload, func(t *txn, u *Upload) error {
		if u.State != Running {
			return &Refusal{Code: Conflict, Problem: "it is not being sent", Todo: "look at how it stands now"}
		}
		return errors.Join(t.exec("UPDATE upload SET stopping = TRUE WHERE id = ?", u.ID), s.did(t, u, "stop", "", ""))
	}, Uploader, Approver)
	if err != nil {
		return nil, err
	}
	s.d.mu.Lock()
	run := s.d.runs[upload]
	s.d.mu.Unlock()
	if run != nil {
		run.halt()
	}
	return u, nil
}

// GoOn sends what a stopped upload has left, under the approval that it has.
func (s *Seat) GoOn(ctx context.Context, upload string) error {
	u, err := s.load(ctx, s.d.db, upload, Uploader, Approver)
	if err != nil {
		return err
	}
	if u.State != Stopped && u.State != Done {
		return &Refusal{Code: Conflict, Problem: "it does not wait for that", Todo: "look at how it stands now"}
	}
	return s.d.start(ctx, upload, s)
}

// Answer says whether the rest may follow the first rows.
func (s *Seat) Answer(ctx context.Context, upload string, yes bool) error {
	u, err := s.load(ctx, s.d.db, upload, Uploader, Approver)
	if err != nil {
		return err
	}
	nothing := &Refusal{Code: Conflict, Problem: "nothing is asked any more", Todo: "look at how it stands now"}
	if !s.d.db.shared {
		s.d.mu.Lock()
		run := s.d.runs[u.ID]
		s.d.mu.Unlock()
		if run == nil || !run.told(ctx, yes) {
			return nothing
		}
	}
	return s.d.tx(ctx, func(t *txn) error {
		if s.d.db.shared { // whoever sends it reads that there
			answer := map[bool]string{true: canaryYes, false: canaryNo}[yes]
			res, err := t.ExecContext(ctx, "UPDATE upload SET canary = ? WHERE id = ? AND canary = ? AND state = ?", answer, u.ID, canaryAsked, Running)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil || n == 0 {
				return cmp.Or(err, error(nothing))
			}
		}
		return s.did(t, u, "answer", fmt.Sprintf("go on: %t", yes), "")
	})
}

// told gives the answer to who waits for it, and reports whether anybody does.
func (s *sending) told(ctx context.Context, yes bool) bool {
	select {
	case s.answer <- yes:
		return true
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	return false
}
