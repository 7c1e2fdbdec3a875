package pipeline

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// started runs a pacer and gives it back with the function that ends it and returns Run's error.
func started(pace Pace, perSecond float64) (*Pacer, func() error) {
	p := NewPacer(pace, perSecond, 0.5)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- p.Run(ctx) }()
	return p, func() error {
		cancel()
		return <-ended
	}
}

// permit takes one permit.
func permit(ctx context.Context, p *Pacer) error {
	turn, err := p.Turn(ctx)
	if err != nil {
		return err
	}
	defer turn.End()
	return turn.Permit(ctx)
}

// permits takes n permits and gives the time of each since the first call.
func permits(t *testing.T, p *Pacer, n int) (at []time.Duration) {
	t.Helper()
	begin := time.Now()
	for range n {
		if err := permit(context.Background(), p); err != nil {
			t.Fatal(err)
		}
		at = append(at, time.Since(begin))
	}
	return at
}

func TestPacerIsExact(t *testing.T) {
	tests := []struct {
		name   string
		rate   float64
		calls  int
		within time.Duration // rounding of nanoseconds, or the burst that the rate allows
	}{
		{"the playground", 4, 40, time.Microsecond},
		{"production", 20, 400, time.Microsecond},
		{"the sandbox", 50, 1000, time.Microsecond},
		{"a slice is not a tenth of a second", 25, 500, time.Microsecond},
		{"not a whole number of nanoseconds", 7, 140, time.Microsecond},
		{"one a minute", 1.0 / 60, 10, time.Microsecond},
		{"a hundredth of a second's worth at once", 1000, 20_000, 10 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, end := started(&commonPace{}, test.rate)
				for k, at := range permits(t, p, test.calls) {
					want := time.Duration(float64(k) / test.rate * float64(time.Second))
					if (at - want).Abs() > test.within {
						t.Fatalf("call %d at %v, want %v", k, at, want)
					}
				}
				if err := end(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestPacersShareOneRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace := &commonPace{}
		var mu sync.Mutex
		var all []time.Duration
		var takers sync.WaitGroup
		for range 2 {
			p, end := started(pace, 20)
			takers.Go(func() {
				at := permits(t, p, 100)
				mu.Lock()
				all = append(all, at...)
				mu.Unlock()
				end()
			})
		}
		takers.Wait()
		slices.Sort(all)
		for k, at := range all {
			if want := time.Duration(k) * 50 * time.Millisecond; (at-want).Abs() > 150*time.Millisecond || at < want-time.Microsecond {
				t.Fatalf("call %d of both at %v, want %v at the soonest and no slice later", k, at, want)
			}
		}
	})
}

func TestUnlimitedPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace := &commonPace{next: time.Now().Add(time.Hour)} // others have the next hour
		p, end := started(pace, math.Inf(1))
		if at := permits(t, p, 1000); at[999] != 0 {
			t.Errorf("the last of 1000 permits came after %v", at[999])
		}
		p.Throttled(3 * time.Second)
		if at := permits(t, p, 1); at[0] != 3*time.Second {
			t.Errorf("a permit came %v into a pause of 3s", at[0])
		}
		end()
	})
}

func TestThrottled(t *testing.T) {
	tests := []struct {
		name        string
		after       time.Duration
		least, most time.Duration
	}{
		{"as long as it says", 7 * time.Second, 7 * time.Second, 7 * time.Second},
		{"five minutes at most", time.Hour, maxPause, maxPause},
		{"a second when it does not say", 0, time.Second, time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pace := &commonPace{}
				p, end := started(pace, 20)
				other, endOther := started(pace, 20)
				permits(t, p, 3)
				permits(t, other, 3)
				p.Throttled(test.after)
				begin := time.Now()
				if held := p.PausedUntil().Sub(begin); held < test.least || held > test.most {
					t.Errorf("held for %v", held)
				}
				if at := permits(t, p, 1); at[0] < test.least || at[0] > test.most+200*time.Millisecond {
					t.Errorf("the next permit after %v, want %v", at[0], test.least)
				}
				end()
				endOther()
			})
		})
	}
}

func TestPauseReachesOtherPacerWithinASlice(t *testing.T) {
	for _, rate := range []float64{4, 20, 50, 1000} {
		synctest.Test(t, func(t *testing.T) {
			pace := &commonPace{}
			p, end := started(pace, rate)
			other, endOther := started(pace, rate)
			slice := max(SliceTime, time.Duration(float64(time.Second)/rate))
			ctx, cancel := context.WithCancel(context.Background())
			var last time.Time
			var taker sync.WaitGroup
			taker.Go(func() {
				for permit(ctx, other) == nil {
					last = time.Now()
				}
			})
			time.Sleep(777 * time.Millisecond)
			p.Throttled(time.Minute)
			begin := time.Now()
			time.Sleep(59 * time.Second)
			cancel()
			taker.Wait()
			if late := last.Sub(begin); late > slice {
				t.Errorf("at %v/s the other run called %v after the pause began, a slice is %v", rate, late, slice)
			}
			if last.Before(begin.Add(-2 * slice)) {
				t.Errorf("at %v/s the other run had stopped before: %v", rate, last.Sub(begin))
			}
			end()
			endOther()
		})
	}
}

func TestPauseHoldsAWaiterAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, end := started(&commonPace{}, 4)
		permits(t, p, 1)
		time.AfterFunc(200*time.Millisecond, func() { p.Throttled(10 * time.Second) })
		if at := permits(t, p, 2); at[0] != 10200*time.Millisecond || at[1] != at[0]+250*time.Millisecond {
			t.Errorf("permits at %v, want the end of the pause and a slot later", at)
		}
		end()
	})
}

func TestShortPauseCostsNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, end := started(&commonPace{}, 20)
		permits(t, p, 1)
		time.AfterFunc(10*time.Millisecond, func() { p.Throttled(20 * time.Millisecond) })
		if at := permits(t, p, 1); (at[0] - 50*time.Millisecond).Abs() > time.Microsecond {
			t.Errorf("the next permit after %v", at[0])
		}
		end()
	})
}

func TestBurst(t *testing.T) {
	for rate, want := range map[float64]int{4: 1, 999: 1, 1000: 10, 5000: 50} {
		if got := NewPacer(&commonPace{}, rate, 0.5).limiter.Burst(); got != want {
			t.Errorf("at %v/s a burst of %d, want %d", rate, got, want)
		}
	}
}

func TestPausesGrowUntilAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, end := started(&commonPace{}, 4)
		var longest time.Duration
		for range 40 {
			p.Throttled(0)
			held := time.Until(p.PausedUntil())
			if held < time.Second || held > maxPause {
				t.Fatalf("a pause of %v", held)
			}
			longest = max(longest, held)
			before := p.PausedUntil()
			if p.Throttled(0); p.PausedUntil() != before {
				t.Fatal("an answer to a call that was under way made the pause longer")
			}
			time.Sleep(held)
		}
		if longest < 10*time.Second {
			t.Errorf("40 pauses without an answer, the longest %v", longest)
		}
		p.Answered(Quota{})
		if p.Throttled(0); time.Until(p.PausedUntil()) != time.Second {
			t.Errorf("after an answer a pause of %v", time.Until(p.PausedUntil()))
		}
		end()
	})
}

func TestStallIsNoBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace := &commonPace{}
		p, end := started(pace, 20)
		permits(t, p, 10)
		pace.mu.Lock()
		pace.stall = 2 * time.Second
		pace.mu.Unlock()
		at := permits(t, p, 40)
		for k := range at[1:] {
			if gap := at[k+1] - at[k]; gap < 50*time.Millisecond-time.Microsecond {
				t.Errorf("permits %d and %d are %v apart", k, k+1, gap)
			}
		}
		if at[39] < 3*time.Second {
			t.Errorf("the time that was lost was made up for: 40 permits in %v", at[39])
		}
		end()
	})
}

func TestIdleTimeIsForfeit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, end := started(&commonPace{}, 20)
		permits(t, p, 1)
		time.Sleep(time.Hour)
		if at := permits(t, p, 3); at[0] != 0 || at[1] < 50*time.Millisecond-time.Microsecond || at[2] < 100*time.Millisecond-time.Microsecond {
			t.Errorf("permits after an idle hour at %v", at)
		}
		end()
	})
}

func TestStopReleasesWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, end := started(&commonPace{pause: time.Now().Add(time.Hour)}, 4)
		var waiters sync.WaitGroup
		for range 5 {
			waiters.Go(func() {
				if err := permit(context.Background(), p); !errors.Is(err, ErrStopped) {
					t.Errorf("a waiter got %v", err)
				}
			})
		}
		synctest.Wait()
		p.Stop()
		waiters.Wait()
		if err := permit(context.Background(), p); !errors.Is(err, ErrStopped) {
			t.Errorf("after the stop: %v", err)
		}
		if err := end(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestEndOfRunReleasesWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace := &commonPace{stall: time.Hour}
		p, end := started(pace, 4)
		got := make(chan error)
		go func() { got <- permit(context.Background(), p) }()
		synctest.Wait()
		if err := end(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := <-got; !errors.Is(err, ErrStopped) {
			t.Errorf("the waiter got %v", err)
		}
	})
}

func TestPermitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, end := started(&commonPace{pause: time.Now().Add(time.Hour)}, 4)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := permit(ctx, p); !errors.Is(err, ErrStopped) {
			t.Errorf("got %v", err)
		}
		end()
	})
}

func TestFailingPaceEndsPermits(t *testing.T) {
	broken := errors.New("disk full")
	synctest.Test(t, func(t *testing.T) {
		pace := &commonPace{}
		p, end := started(pace, 4)
		permits(t, p, 1)
		pace.mu.Lock()
		pace.fail = broken
		pace.mu.Unlock()
		var err error
		for range 3 { // slices that were had before are good
			if err = permit(context.Background(), p); err != nil {
				break
			}
		}
		if !errors.Is(err, broken) || errors.Is(err, ErrStopped) {
			t.Errorf("Permit: %v", err)
		}
		if err := permit(context.Background(), p); !errors.Is(err, broken) {
			t.Errorf("Permit after it: %v", err)
		}
		if err := end(); !errors.Is(err, broken) {
			t.Errorf("Run: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		pace := &commonPace{fail: broken}
		p, end := started(pace, 4)
		p.Throttled(time.Second) // cannot be told to others, who would go on
		if err := permit(context.Background(), p); !errors.Is(err, broken) {
			t.Errorf("Permit: %v", err)
		}
		if err := end(); !errors.Is(err, broken) {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestClaimBound(t *testing.T) {
	tests := []struct {
		rate              float64
		concurrency, want int
	}{
		{4, 16, 1},
		{20, 16, 3},
		{20, 2, 2},
		{1000, 16, 16},
		{math.Inf(1), 16, 16},
	}
	for _, test := range tests {
		if got := ClaimBound(test.rate, test.concurrency); got != test.want {
			t.Errorf("ClaimBound(%v, %d) = %d, want %d", test.rate, test.concurrency, got, test.want)
		}
	}
}

func TestFullJitter(t *testing.T) {
	for try, most := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		most *= time.Second
		var longest time.Duration
		for range 2000 {
			d := fullJitter(backOffBase, maxBackOff, try)
			if d < 0 || d > most {
				t.Fatalf("try %d waits %v, at most %v", try, d, most)
			}
			longest = max(longest, d)
		}
		if longest < most*9/10 {
			t.Errorf("try %d waits %v at most, its span is %v", try, longest, most)
		}
	}
}
