package queue_test

import (
	"archive/zip"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hppsend/internal/ledger"
	"hppsend/internal/queue"
)

// zones are those of the Go that runs the test: all of them, of which SWEEP=thin takes a tenth.
func zones(t *testing.T) (all []*time.Location) {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	for n, f := range archive.File {
		if strings.HasSuffix(f.Name, "/") || os.Getenv("SWEEP") == "thin" && n%10 > 0 {
			continue
		}
		zone, err := time.LoadLocation(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, zone)
	}
	return all
}

// change is a day on which the clocks of a zone change, at noon, and by how much.
type change struct {
	day time.Time
	by  time.Duration
}

// changes are those of two years; and one day on which the clocks do not change.
func changes(zone *time.Location) []change {
	all := []change{{day: time.Date(2026, 1, 15, 12, 0, 0, 0, zone)}}
	for day := all[0].day; day.Year() < 2028; day = day.AddDate(0, 0, 1) {
		_, before := day.AddDate(0, 0, -1).Zone()
		if _, after := day.Zone(); after != before {
			all = append(all, change{day, time.Duration(after-before) * time.Second})
		}
	}
	return all
}

// TestEveryDayOnce goes over every zone that there is and every day on which its clocks change: a time of the day comes
// once on each day, whenever it is looked, though the clocks leave it out or show it twice.
func TestEveryDayOnce(t *testing.T) {
	t.Parallel()
	changed := 0
	for _, zone := range zones(t) {
		days := changes(zone)
		changed += len(days) - 1
		for _, change := range days {
			from, to := change.day.AddDate(0, 0, -2), change.day.AddDate(0, 0, 2)
			for half := range 48 {
				s, err := queue.NewSchedule("night", fmt.Sprintf("%d %d * * *", half%2*30, half/2), zone, time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				all := s.Times(from, to)
				for i, at := range all {
					if i > 0 && (at.Sub(all[i-1])-24*time.Hour).Abs() > change.by.Abs() {
						t.Errorf("%s: %s comes after %s", zone, at, all[i-1])
					}
					shown := time.Duration(at.Hour()*60+at.Minute()-half*30) * time.Minute
					if shown != 0 && (change.by < 0 || shown != change.by && shown != change.by-24*time.Hour) { // later by what is left out
						t.Errorf("%s: %d:%02d comes at %s", zone, half/2, half%2*30, at)
					}
				}
				if len(all) != 4 {
					t.Errorf("%s: %d:%02d comes %d times in four days: %v", zone, half/2, half%2*30, len(all), all)
				}
				if half >= 8 {
					continue
				}
				var looked []time.Time
				for last, at := from, from; at.Before(to); {
					if at = at.Add(5*time.Hour + 13*time.Minute); at.After(to) {
						at = to
					}
					if now := s.Times(last, at); len(now) > 0 {
						looked = append(looked, now...)
						last = now[len(now)-1]
					}
				}
				if !slices.EqualFunc(all, looked, time.Time.Equal) {
					t.Errorf("%s: looked at now and then it finds %v, and at once %v", zone, looked, all)
				}
			}
		}
	}
	if changed < 60 {
		t.Errorf("only %d changes of clocks were tried", changed)
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
		return missed == 2 && ended > 0 // the new years of two years
	})
}
