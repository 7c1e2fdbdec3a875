package ledgertest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// seenAt is what a look at a time has told, as the ledger keeps it: to the millisecond.
func seenAt(n int, status pipeline.SessionStatus, before pipeline.Seen, at time.Time) pipeline.Seen {
	return before.After(pipeline.Session{ID: session(n), Status: status, Updated: at}, at)
}

// What is known of a session is what the last look has told, when it was last waiting, and when it was first opened.
func looks(t *testing.T, b *bench) {
	now := time.Now().Truncate(time.Millisecond)
	view, elsewhere := b.l.View(target), b.Open(t).View("https://other.example.com")
	known := func(want ...pipeline.Seen) {
		t.Helper()
		got, err := b.Open(t).View(target).Seen(t.Context(), []string{session(1), "", session(2), session(1)})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("known (-want +got):\n%s", diff)
		}
	}
	save := func(s ...pipeline.Seen) {
		t.Helper()
		if err := view.Saw(t.Context(), s...); err != nil {
			t.Fatal(err)
		}
	}
	none := pipeline.Seen{}
	known(none, none, none, none)
	if err := elsewhere.Saw(t.Context(), seenAt(1, "COMPLETED", none, now)); err != nil {
		t.Fatal(err)
	}
	known(none, none, none, none)
	waiting := seenAt(1, pipeline.SessionWaiting, none, now)
	waiting.Expires = now.Add(47 * time.Hour)
	save(waiting, seenAt(2, "ON_THE_MOON", none, now))
	moon := seenAt(2, "ON_THE_MOON", none, now)
	known(waiting, none, moon, waiting)
	opened := seenAt(1, pipeline.SessionInProgress, waiting, now.Add(time.Minute))
	save(seenAt(1, pipeline.SessionInProgress, none, now.Add(time.Minute))) // of somebody who knew nothing
	known(opened, none, moon, opened)
	save(waiting) // of somebody who was slow
	known(opened, none, moon, opened)
	paid := seenAt(1, pipeline.SessionCompleted, opened, now.Add(time.Hour))
	save(paid)
	if known(paid, none, moon, paid); !paid.Opened.Equal(now.Add(time.Minute)) || !paid.Waiting.Equal(now) || paid.Expires.IsZero() {
		t.Errorf("what was known before is lost: %+v", paid)
	}

	var all sync.WaitGroup // many at once, from two hosts
	other := b.Open(t).View(target)
	for n := range 40 {
		all.Go(func() {
			at := now.Add(time.Duration(n) * time.Second)
			if err := []View{view, other}[n%2].Saw(t.Context(), seenAt(9, "BACK", none, at), seenAt(10+n, "WAITING", none, at)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := view.Seen(t.Context(), []string{session(9), session(49)})
	if err != nil || !got[0].Looked.Equal(now.Add(39*time.Second)) || got[1].Status != "WAITING" {
		t.Errorf("after many at once: %+v, %v", got, err)
	}
	if _, err := b.l.Purge(t.Context(), now.Add(30*time.Minute), false); err != nil {
		t.Fatal(err)
	}
	known(paid, none, none, paid)
}

// What runs have sent is told once each, with what is known of the sessions.
func sentByRuns(t *testing.T, b *bench) {
	const many = 2100 // more than are read at once
	first, second := b.begin("a", ""), b.begin("b", "spring")
	for n := range 30 {
		first.send(n, fmt.Sprintf("p%d@example.com", n), []pipeline.Status{pipeline.Delivered, pipeline.Uncertain, pipeline.Rejected}[n%3])
	}
	same := time.Now() // many in one millisecond
	var all sync.WaitGroup
	for k := range 30 {
		all.Go(func() {
			for n := 1000 + k; n < 1000+many; n += 30 {
				c := called(pipeline.Delivered)
				c.Time = same
				second.conclude(second.claim(n, fmt.Sprintf("p%d@example.com", n)), c)
			}
		})
	}
	all.Wait()
	second.claim(5000, anna)
	b.Kill(t, second.Campaign)
	if err := b.l.View(target).Saw(t.Context(), seenAt(3, "COMPLETED", pipeline.Seen{}, time.Now())); err != nil {
		t.Fatal(err)
	}
	gather := func(wanted func(ledger.RunInfo) bool) map[string]ledger.Sent {
		t.Helper()
		got := map[string]ledger.Sent{}
		if err := b.l.EachSent(t.Context(), target, wanted, func(s ledger.Sent) error {
			if _, twice := got[s.Session]; twice {
				t.Errorf("session %s comes twice", s.Session)
			}
			got[s.Session] = s
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := gather(func(r ledger.RunInfo) bool { return r.ID == "a" })
	if len(got) != 20 {
		t.Errorf("of 10 that were delivered and 10 that are uncertain %d were sent", len(got))
	}
	if s := got[session(3)]; s.Run != "a" || s.Method != pipeline.Email || s.Status != pipeline.Delivered || s.Seen.Status != "COMPLETED" || s.Seen.Opened.IsZero() || s.Ticket == 0 {
		t.Errorf("got %+v", s)
	}
	if s := got[session(4)]; s.Status != pipeline.Uncertain || s.Seen != (pipeline.Seen{}) {
		t.Errorf("got %+v", s)
	}
	got = gather(func(r ledger.RunInfo) bool { return r.Reminder == "spring" })
	if len(got) != many+1 || got[session(5000)].Status != pipeline.Uncertain || got[session(1000)].Reminder != "spring" {
		t.Errorf("%d were sent, want %d and one that was interrupted: %+v", len(got), many, got[session(5000)])
	}
	if got := gather(func(ledger.RunInfo) bool { return false }); len(got) != 0 {
		t.Errorf("no run has sent %d", len(got))
	}
	broken := errors.New("enough")
	if err := b.l.EachSent(t.Context(), target, func(ledger.RunInfo) bool { return true }, func(ledger.Sent) error { return broken }); err != broken {
		t.Errorf("got %v", err)
	}
}

// A doubt ends when its session was waiting before, and opened after; nothing less will do.
func openedSince(t *testing.T, b *bench) {
	r := b.begin("a", "")
	before := time.Now().Truncate(time.Millisecond).Add(-time.Minute)
	later := before.Add(10 * time.Minute)
	waiting := func(n int) pipeline.Seen { return seenAt(n, pipeline.SessionWaiting, pipeline.Seen{}, before) }
	cases := []struct {
		why     string
		seen    func(n int) pipeline.Seen
		settled bool
	}{
		{"waiting before, opened since", func(n int) pipeline.Seen { return seenAt(n, "IN_PROGRESS", waiting(n), later) }, true},
		{"waiting before, paid since", func(n int) pipeline.Seen { return seenAt(n, "COMPLETED", waiting(n), later) }, true},
		{"still waiting", func(n int) pipeline.Seen { return seenAt(n, "WAITING", waiting(n), later) }, false},
		{"never looked at before", func(n int) pipeline.Seen { return seenAt(n, "IN_PROGRESS", pipeline.Seen{}, later) }, false},
		{"opened before the call", func(n int) pipeline.Seen {
			return seenAt(n, "COMPLETED", seenAt(n, "IN_PROGRESS", waiting(n), before.Add(time.Second)), later)
		}, false},
		{"changed last before the call", func(n int) pipeline.Seen {
			s := seenAt(n, "IN_PROGRESS", waiting(n), later)
			s.Updated = before.Add(time.Second)
			return s
		}, false},
		{"cancelled", func(n int) pipeline.Seen { return seenAt(n, "CANCELLED", waiting(n), later) }, false},
		{"gone", func(n int) pipeline.Seen { return seenAt(n, pipeline.SessionGone, waiting(n), later) }, false},
		{"nothing is known", func(int) pipeline.Seen { return pipeline.Seen{} }, false},
		{"opened since, and sent to somebody else too", func(n int) pipeline.Seen { return seenAt(n, "COMPLETED", waiting(n), later) }, false},
	}
	for n, c := range cases {
		r.send(n, anna, pipeline.Uncertain)
		if s := c.seen(n); s != (pipeline.Seen{}) {
			if err := b.l.View(target).Saw(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.send(len(cases)-1, bo, pipeline.Delivered)
	var doubts []ledger.Sent
	if err := b.l.EachSent(t.Context(), target, func(ledger.RunInfo) bool { return true }, func(s ledger.Sent) error {
		doubts = append(doubts, s)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	stale := doubts[0]
	stale.Time = stale.Time.Add(-time.Second) // as it was before it was sent again
	for round, want := range []int{0, 2, 0} {
		which := doubts
		if round == 0 {
			which = []ledger.Sent{stale}
		}
		if got, err := b.l.SettleOpened(t.Context(), which); err != nil || len(got) != want {
			t.Errorf("round %d: %d were settled, %v; want %d", round, len(got), err, want)
		}
	}
	for n, c := range cases[:len(cases)-1] {
		rec := b.record(n)
		if got := rec.Status == pipeline.Delivered; got != c.settled || got != (rec.Code == pipeline.CodeSettledDelivered) {
			t.Errorf("%s: it is %s, %s", c.why, rec.Status, rec.Code)
		}
	}
	at := before.UTC().Format("2006-01-02 15:04:05")
	if rec := b.record(0); !contains(rec.Reason, "by rule", at, later.UTC().Format("2006-01-02 15:04:05")) {
		t.Errorf("it does not say why, with both times: %s", rec.Reason)
	}
}

func contains(s string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}
