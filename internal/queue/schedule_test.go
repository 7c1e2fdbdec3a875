package queue_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"hppsend/internal/ledger"
	"hppsend/internal/queue"
)

// TestEveryDayOnce goes over each day of some years, in zones that change their clocks at odd hours or not at all: a
// nightly time comes once each day, and every minute of a look finds the same.
func TestEveryDayOnce(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Stockholm", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", "UTC", "Africa/Cairo", "Pacific/Auckland"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"10 2 * * *", "30 0 * * *", "0 3 * * *", "59 23 * * *", "30 1 * * *"} {
			s, err := queue.NewSchedule("night", line, zone, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			from := time.Date(2026, 1, 1, 12, 0, 0, 0, zone)
			last, days := from, 0
			for at := from; at.Year() < 2028; at = at.Add(5*time.Hour + 13*time.Minute) {
				due := s.Last(last, at)
				if due.IsZero() {
					continue
				}
				if gap := due.Sub(last); days > 0 && (gap < 22*time.Hour || gap > 26*time.Hour) {
					t.Errorf("%s, %s: %s comes %s after %s", name, line, due, gap, last)
				}
				last, days = due, days+1
			}
			if want := int(time.Date(2027, 12, 31, 12, 0, 0, 0, time.UTC).Sub(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)).Hours()/24) + 1; days < want-1 || days > want+1 {
				t.Errorf("%s, %s: %d times in %d days", name, line, days, want)
			}
		}
	}
}

// TestClocks has several clocks look at the same schedule: each time is started once, by one of them; what a clock has
// begun that goes away, another goes on with; and what was missed is made up, or told of, once.
func TestClocks(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	now := time.Now()
	daily, err := queue.NewSchedule("daily", now.UTC().Add(-3*time.Minute).Format("4 15 * * *"), time.UTC, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	longAgo, err := queue.NewSchedule("long", "0 0 1 1 *", time.UTC, time.Minute) // each new year
	if err != nil {
		t.Fatal(err)
	}
	for name, since := range map[string]time.Time{"daily": now.Add(-10 * time.Minute), "long": now.AddDate(-2, 0, 0)} {
		if _, err := h.ledger.LastScheduled(t.Context(), name, since); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var starts []int
	block := make(chan struct{})
	var clocks sync.WaitGroup
	ends := make([]context.CancelFunc, 3)
	for i := range ends {
		ctx, end := context.WithCancel(t.Context())
		ends[i] = end
		c := &queue.Clock{
			Ledger: h.open(), Schedules: []queue.Schedule{daily, longAgo}, Host: "here", Log: slog.New(slog.DiscardHandler),
			Start: func(ctx context.Context, name string) (string, int) {
				if name != "daily" {
					t.Errorf("%s was started", name)
				}
				mu.Lock()
				starts = append(starts, i)
				mu.Unlock()
				select {
				case <-block:
				case <-ctx.Done():
				}
				return ledger.TimeEnded, 3
			},
		}
		clocks.Go(func() { c.Run(ctx) })
	}
	defer clocks.Wait()
	defer func() {
		for _, end := range ends {
			end()
		}
	}()
	begun := func() []int {
		mu.Lock()
		defer mu.Unlock()
		return append([]int{}, starts...)
	}
	h.until("one has begun", func() bool { return len(begun()) > 0 })
	first := begun()[0]
	ends[first]()
	h.until("another goes on", func() bool { return len(begun()) > 1 })
	if got := begun(); got[1] == first {
		t.Errorf("%v have begun", got)
	}
	close(block)
	missed, ended := 0, 0
	h.until("it is told how it ended", func() bool {
		all, err := h.ledger.ScheduledSince(t.Context(), now.AddDate(-3, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		missed, ended = 0, 0
		for _, s := range all {
			switch {
			case s.State == "missed" && s.Name == "long":
				missed++
			case s.State == "ended" && s.Exit == 3:
				ended++
			}
		}
		return missed == 1 && ended > 0
	})
}
