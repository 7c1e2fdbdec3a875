package ledger

import (
	"math"
	"testing"
	"time"

	"hppsend/pipeline"
)

func TestPaceOfOneRow(t *testing.T) {
	start := time.Now()
	var row pace
	for _, step := range []struct {
		name  string
		after time.Duration // since start
		slots int
		rate  float64
		want  time.Duration // the slice's start, since start
	}{
		{"the first is at once", 0, 2, 20, 0},
		{"the next stands behind it", 0, 2, 20, 100 * time.Millisecond},
		{"another run at another rate stands behind both", 50 * time.Millisecond, 5, 50, 200 * time.Millisecond},
		{"its own rate moves the row on", 50 * time.Millisecond, 1, 4, 300 * time.Millisecond},
		{"no slot is given again after a rest", time.Second, 2, 20, time.Second},
		{"reading takes nothing", time.Second, 0, 0, 1100 * time.Millisecond},
		{"so the next is where it was", time.Second, 2, 20, 1100 * time.Millisecond},
	} {
		now := start.Add(step.after)
		row.follow(now)
		if got := row.take(now, step.slots, step.rate).Start.Sub(start); got.Round(time.Microsecond) != step.want {
			t.Errorf("%s: it begins at %s, want %s", step.name, got, step.want)
		}
	}
}

// The pace goes down by steps to a twentieth, and grows back by a twentieth a second.
func TestHeadroomOfOneRow(t *testing.T) {
	l := opened(t)
	p := l.Pace(target)
	factor := func() float64 {
		t.Helper()
		s, err := p.Reserve(t.Context(), 1, 1000)
		if err != nil {
			t.Fatal(err)
		}
		return s.Factor
	}
	if got := factor(); got != 1 {
		t.Errorf("at first %v", got)
	}
	for range 2 { // the second is within the time of the first
		if err := p.Slow(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if got := factor(); got < 0.7 || got > 0.75 {
		t.Errorf("slowed once, %v", got)
	}
	for range 20 {
		if err := p.Slow(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	if got := factor(); got < slowLeast || got > 0.1 {
		t.Errorf("slowed again and again, %v", got)
	}

	now := time.Now()
	row := pace{headroom: 0.05, slowed: now.UnixNano()}
	for after, want := range map[time.Duration]float64{0: 0.05, time.Second: 0.1, 10 * time.Second: 0.55, 19 * time.Second: 1, time.Hour: 1} {
		at := now.Add(after)
		if s := row.take(at, 0, 20); math.Abs(s.Factor-want) > 1e-9 {
			t.Errorf("after %s it is %v, want %v", after, s.Factor, want)
		}
	}
	row = pace{headroom: 0.5, slowed: now.UnixNano()}
	if row.take(now, 2, 20); row.next != now.Add(200*time.Millisecond).UnixNano() {
		t.Errorf("two slots at half of 20 a second end after %s", time.Duration(row.next-now.UnixNano()))
	}
}

func TestClockThatGoesBack(t *testing.T) {
	now := time.Now()
	row := pace{}
	row.take(now, 20, 20)
	row.pause = now.Add(30 * time.Second).UnixNano()
	back := now.Add(-time.Hour) // half of the second's slots are ahead, and so is the pause
	row.follow(back)
	s := row.take(back, 1, 20)
	if ahead := s.Start.Sub(back); ahead != time.Second {
		t.Errorf("after the clock went back the next slot is %s ahead, want 1s", ahead)
	}
	if pause := s.Pause.Sub(back); pause != 30*time.Second {
		t.Errorf("the pause is %s ahead, want 30s", pause)
	}
}

func TestPaceIsSharedByAllWhoHaveTheLedgerOpen(t *testing.T) {
	l := opened(t)
	other := reopened(t, l.path)
	var last time.Time
	for i := range 10 {
		p := l.Pace(target)
		if i%2 == 1 {
			p = other.Pace(target)
		}
		s, err := p.Reserve(t.Context(), 10, 100)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && s.Start.Sub(last) < 100*time.Millisecond-time.Microsecond {
			t.Errorf("slice %d begins %s after the one before", i, s.Start.Sub(last))
		}
		last = s.Start
	}
	until := time.Now().Add(time.Minute)
	if err := other.Pace(target).Pause(t.Context(), until); err != nil {
		t.Fatal(err)
	}
	for name, slots := range map[string]int{"a run with a rate": 1, "an unlimited run": 0} {
		s, err := l.Pace(target).Reserve(t.Context(), slots, 100)
		if err != nil || s.Pause.Sub(until).Abs() > time.Millisecond {
			t.Errorf("%s is told to wait until %s, want %s (%v)", name, s.Pause, until, err)
		}
	}
	if s, err := l.Pace("https://other.example.com").Reserve(t.Context(), 1, 100); err != nil || !s.Pause.IsZero() {
		t.Errorf("another target is paused too: %v, %v", s, err)
	}
}

var _ pipeline.Pace = (*Pace)(nil)
