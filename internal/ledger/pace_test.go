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
		row.follow(now.UnixNano())
		if got := row.take(moment(now), step.slots, step.rate, time.Time{}).Start.Sub(start); got.Round(time.Microsecond) != step.want {
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
		s, err := p.Reserve(t.Context(), 1, 1000, time.Time{})
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
		if s := row.take(moment(at), 0, 20, time.Time{}); math.Abs(s.Factor-want) > 1e-9 {
			t.Errorf("after %s it is %v, want %v", after, s.Factor, want)
		}
	}
	row = pace{headroom: 0.5, slowed: now.UnixNano()}
	if row.take(moment(now), 2, 20, time.Time{}); row.next != now.Add(200*time.Millisecond).UnixNano() {
		t.Errorf("two slots at half of 20 a second end after %s", time.Duration(row.next-now.UnixNano()))
	}
}

func TestClockThatGoesBack(t *testing.T) {
	now := time.Now()
	row := pace{}
	row.take(moment(now), 20, 20, time.Time{})
	row.pause = now.Add(30 * time.Second).UnixNano()
	back := now.Add(-time.Hour) // half of the second's slots are ahead, and so is the pause
	row.follow(back.UnixNano())
	s := row.take(moment(back), 1, 20, time.Time{})
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
		s, err := p.Reserve(t.Context(), 10, 1000, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && s.Start.Sub(last) < 10*time.Millisecond-time.Microsecond {
			t.Errorf("slice %d begins %s after the one before", i, s.Start.Sub(last))
		}
		last = s.Start
	}
	until := time.Now().Add(time.Minute)
	if err := other.Pace(target).Pause(t.Context(), until); err != nil {
		t.Fatal(err)
	}
	for name, slots := range map[string]int{"a run with a rate": 1, "an unlimited run": 0} {
		s, err := l.Pace(target).Reserve(t.Context(), slots, 100, time.Time{})
		if err != nil || s.Pause.Sub(until).Abs() > time.Millisecond {
			t.Errorf("%s is told to wait until %s, want %s (%v)", name, s.Pause, until, err)
		}
	}
	if s, err := l.Pace("https://other.example.com").Reserve(t.Context(), 1, 100, time.Time{}); err != nil || !s.Pause.IsZero() {
		t.Errorf("another target is paused too: %v, %v", s, err)
	}
}

var _ pipeline.Pace = (*Pace)(nil)

// A slow run holds a fast one up by a slice and no more, whether it goes on, has ended, or has died, and
// none holds slots that lie far ahead; runs of one rate keep to it together.
func TestSlowRunHoldsUpNobody(t *testing.T) {
	const hourly = 1.0 / 3600
	start := time.Now()
	for _, tt := range []struct {
		name   string
		took   float64 // at what rate a slot was taken at the start
		after  time.Duration
		rate   float64
		want   time.Duration // when the next is, since the start
		wanted int           // slots, of one
	}{
		{"a fast run behind a slow one", hourly, 0, 20, pipeline.SliceTime, 1},
		{"a little later", hourly, 70 * time.Millisecond, 20, pipeline.SliceTime, 1},
		{"later than a slice", hourly, time.Second, 20, time.Second, 1},
		{"not so fast a run", hourly, 0, 1, time.Second, 0},
		{"that run when it can have it", hourly, 800 * time.Millisecond, 1, time.Second, 1},
		{"another as slow", hourly, time.Minute, hourly, time.Hour, 0},
		{"a slower one", 1, 0, hourly, time.Second, 0},
		{"a slow one behind a fast one", 20, 0, hourly, 50 * time.Millisecond, 1},
		{"a fast one behind a fast one", 20, 0, 1000, 50 * time.Millisecond, 1},
	} {
		row := pace{}
		if s := row.take(moment(start), 1, tt.took, time.Time{}); s.Slots != 1 || s.Start.Sub(start) != 0 {
			t.Errorf("%s: the first is %+v", tt.name, s)
		}
		now := start.Add(tt.after)
		before := row
		s := row.take(moment(now), 1, tt.rate, time.Time{})
		if got := s.Start.Sub(start); (got-tt.want).Abs() > time.Microsecond || s.Slots != tt.wanted {
			t.Errorf("%s: %d slots at %s, want %d at %s", tt.name, s.Slots, got, tt.wanted, tt.want)
		}
		if s.Slots == 0 && row != before {
			t.Errorf("%s: what could not be had moved the row on", tt.name)
		}
	}
	row := pace{}
	for k := range time.Duration(50) { // fast runs take turns, however many they are
		if s := row.take(moment(start), 2, 20, time.Time{}); s.Slots != 2 || s.Start.Sub(start) != k*100*time.Millisecond {
			t.Errorf("turn %d: %+v", k, s)
		}
	}
	row = pace{}
	if s := row.take(moment(start), 1, 20, start.Add(150*time.Millisecond)); s.Slots != 1 || s.Start.Sub(start) != 150*time.Millisecond {
		t.Errorf("not before a time: %+v", s)
	}
}

// What was taken and not used can be had again, if nobody has taken any behind it.
func TestSlotsGivenBack(t *testing.T) {
	l := opened(t)
	p := l.Pace(target)
	take := func(slots int, rate float64) pipeline.Slice {
		t.Helper()
		s, err := p.Reserve(t.Context(), slots, rate, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	back := func(s pipeline.Slice, unused int) {
		t.Helper()
		s.Slots = unused
		if err := p.GiveBack(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	back(take(1, 1.0/3600), 1)
	again := take(1, 1.0/3600)
	if again.Slots != 1 {
		t.Fatalf("the slot that was given back is %s ahead", time.Until(again.Start))
	}
	other := take(1, 1000)
	if back(again, 1); take(0, 1000).Start.Before(other.Start) {
		t.Error("a slot was given back though another was taken behind it")
	}
	ten := take(10, 100)
	back(ten, 4)
	if got := take(0, 100).Start.Sub(ten.Start); got.Round(time.Millisecond) != 60*time.Millisecond {
		t.Errorf("behind ten slots of which four were given back the next is after %s, want 60ms", got)
	}
}

// moment is a moment by one clock that all share.
func moment(t time.Time) clock { return clock{t.UnixNano(), t, t} }
