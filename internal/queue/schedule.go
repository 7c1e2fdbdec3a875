package queue

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// Schedule says when something is to be started.
type Schedule struct {
	Name   string
	line   cron.Schedule
	zone   *time.Location
	within time.Duration
}

// NewSchedule reads a cron line of five fields, by the clock of a time zone. A time that was missed, since no worker
// was there, is made up within a while.
func NewSchedule(name, line string, zone *time.Location, within time.Duration) (Schedule, error) {
	if strings.Contains(line, "=") { // a zone, which is said apart
		return Schedule{}, fmt.Errorf("the cron line %q is not understood", line)
	}
	parsed, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(line)
	if err != nil {
		return Schedule{}, fmt.Errorf("the cron line %q is not understood", line)
	}
	if parsed.Next(time.Now()).IsZero() {
		return Schedule{}, fmt.Errorf("the cron line %q has no day on which it comes", line)
	}
	return Schedule{name, parsed, zone, within}, nil
}

// mostTimes is how many times are looked at, the last ones: of one that comes each minute a night is enough.
const mostTimes = 1000

// Times gives what was due after one time and until another, in order. It goes by what a clock on the wall shows: a time
// that the clock leaves out in spring comes as much later as it leaves out, one that it shows twice in autumn once.
func (s Schedule) Times(after, until time.Time) (all []time.Time) {
	// The library leaves out what the clock leaves out, so it is asked about a clock that never changes.
	for wall := s.line.Next(onWall(after.Add(-2*time.Hour), s.zone)); !wall.IsZero() && !wall.After(onWall(until.Add(2*time.Hour), s.zone)); wall = s.line.Next(wall) {
		y, m, d := wall.Date()
		at := time.Date(y, m, d, wall.Hour(), wall.Minute(), 0, 0, s.zone)
		if shown := onWall(at, s.zone); shown.Before(wall) { // it is left out, and this one before may be of another day
			at = at.Add(wall.Sub(shown))
		}
		if at.After(after) && !at.After(until) && (len(all) == 0 || at.After(all[len(all)-1])) {
			all = append(all[max(0, len(all)-mostTimes):], at)
		}
	}
	return all
}

// onWall is what the clock of a zone shows at a moment, as if it were UTC.
func onWall(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// Clock starts what is due, once whoever else has such a clock.
type Clock struct {
	Ledger    *ledger.Ledger
	Schedules []Schedule
	Host      string
	Log       *slog.Logger
	// Start starts what is due, and gives what became of it, TimeEnded, TimeFailed or TimeEmpty, and the exit code.
	Start func(ctx context.Context, name string) (state string, exit int)

	mu    sync.Mutex
	tried map[string]time.Time // schedules that could not be begun here, and when
}

// againEvery is how long a host leaves to others what it could not begin.
const againEvery = time.Minute

// clockEvery is how often it is looked whether something is due.
const clockEvery = time.Second

// Run looks what is due until the context ends, and waits for what it has started.
func (c *Clock) Run(ctx context.Context) {
	var started sync.WaitGroup
	defer started.Wait()
	every := time.NewTicker(clockEvery)
	defer every.Stop()
	for ctx.Err() == nil {
		for _, s := range c.Schedules {
			if err := pipeline.Guarded(func() error { return c.look(ctx, s, &started) }); err != nil && ctx.Err() == nil {
				c.Log.Warn("look at a schedule", "schedule", s.Name, "error", err)
			}
		}
		select {
		case <-every.C:
		case <-ctx.Done():
		}
	}
}

// look starts what is due by a schedule, or what a process that died had started.
func (c *Clock) look(ctx context.Context, s Schedule, started *sync.WaitGroup) error {
	now, err := c.Ledger.Now(ctx)
	if err != nil {
		return err
	}
	last, err := c.Ledger.LastScheduled(ctx, s.Name, now)
	if err != nil {
		return err
	}
	times := s.Times(last.Due, now)
	late := now.Sub(last.Due) > s.within
	if !last.Lives && (last.State == ledger.TimeBegun || !late && (last.State == ledger.TimeFailed || last.State == ledger.TimeEmpty)) {
		times = append([]time.Time{last.Due}, times...)
	}
	var due time.Time // the last that can be made up, which stands for those before it
	for _, at := range times {
		if now.Sub(at) <= s.within {
			due = at
			continue
		}
		first, err := c.Ledger.Missed(ctx, s.Name, at)
		if err != nil {
			return err
		}
		if first {
			c.Log.Warn("a time was missed, and it is too late to make it up", "schedule", s.Name, "due", at)
		}
	}
	c.mu.Lock()
	tried := c.tried[s.Name]
	c.mu.Unlock()
	if due.IsZero() || time.Since(tried) < againEvery {
		return nil
	}
	done, ok, err := c.Ledger.ClaimTime(ctx, s.Name, due, c.Host)
	if err != nil || !ok {
		return err
	}
	c.Log.Info("started", "schedule", s.Name, "due", due)
	started.Go(func() {
		state, exit := ledger.TimeFailed, 1
		if err := pipeline.Guarded(func() error { state, exit = c.Start(ctx, s.Name); return nil }); err != nil {
			c.Log.Error("start what is due", "schedule", s.Name, "error", err)
		}
		if ctx.Err() != nil { // another goes on with it
			state = ledger.TimeBegun
		}
		if state != ledger.TimeEnded {
			c.mu.Lock()
			if c.tried == nil {
				c.tried = map[string]time.Time{}
			}
			c.tried[s.Name] = time.Now()
			c.mu.Unlock()
		}
		if err := done(state, exit); err != nil {
			c.Log.Warn("record how it ended", "schedule", s.Name, "error", err)
		}
		c.Log.Info("ended", "schedule", s.Name, "due", due, "state", state, "exit", exit)
	})
	return nil
}
