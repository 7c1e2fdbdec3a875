package pipeline

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// The pace goes down once in each window of the limit while too little is left, and no more often.
func TestHeadroom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace := &commonPace{}
		p, end := started(pace, 10)
		answers := []struct {
			quota Quota
			after time.Duration
			slows int // in all
		}{
			{Quota{}, 0, 0}, // says nothing
			{Quota{Limit: 40, Remaining: 20, Window: time.Second}, 0, 0},
			{Quota{Limit: 40, Remaining: 19, Window: time.Second}, 0, 1},
			{Quota{Limit: 40, Remaining: 0, Window: time.Second}, 900 * time.Millisecond, 1},
			{Quota{Limit: 40, Remaining: 5, Window: time.Second}, 100 * time.Millisecond, 2},
			{Quota{Limit: 40, Remaining: 5, Window: time.Minute}, 59 * time.Second, 2},
			{Quota{Limit: 40, Remaining: 5, Window: time.Minute}, time.Second, 3},
			{Quota{Limit: 40, Remaining: 5}, 999 * time.Millisecond, 3}, // a window of no length is a second
		}
		for i, a := range answers {
			time.Sleep(a.after)
			p.Answered(a.quota)
			if len(pace.slowed) != a.slows {
				t.Fatalf("after answer %d the pace was slowed %d times, want %d", i, len(pace.slowed), a.slows)
			}
		}
		permits(t, p, 3) // what was reserved before, and the first at the new pace
		if want := 10 * 0.343; math.Abs(p.Rate()-want) > 1e-9 {
			t.Errorf("the rate is %v, want %v", p.Rate(), want)
		}
		at, want := permits(t, p, 20), time.Duration(float64(time.Second)/p.Rate())
		for k := range at[1:] {
			if gap := at[k+1] - at[k]; (gap - want).Abs() > time.Microsecond {
				t.Errorf("permits %d and %d are %v apart, want %v", k, k+1, gap, want)
			}
		}
		end()
	})
}

func TestNoHeadroomWithoutALimitOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace := &commonPace{}
		p, end := started(pace, math.Inf(1))
		p.Answered(Quota{Limit: 40, Window: time.Second})
		permits(t, p, 100)
		if len(pace.slowed) > 0 || !math.IsInf(p.Rate(), 1) {
			t.Errorf("slowed %d times to %v", len(pace.slowed), p.Rate())
		}
		end()
	})
}

func TestPaceThatCannotBeSlowedEndsPermits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace := &commonPace{}
		p, end := started(pace, 10)
		permits(t, p, 1)
		pace.mu.Lock()
		pace.fail = errDisk
		pace.mu.Unlock()
		p.Answered(Quota{Limit: 40, Window: time.Second})
		if err := permit(context.Background(), p); !errors.Is(err, errDisk) {
			t.Errorf("got %v", err)
		}
		end()
	})
}
