package pipeline

import (
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// claimers are workers that claim in the turns of a pacer.
type claimers struct {
	pacer *Pacer
	claim time.Duration // how long one takes

	mu     sync.Mutex
	held   int // claims without a permit, and those that are being made
	most   int
	idle   time.Duration // the longest that a claim waited for its permit
	called int
}

func (c *claimers) hold(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held += n
	c.most = max(c.most, c.held)
}

// one claims and calls once.
func (c *claimers) one(ctx context.Context) error {
	turn, err := c.pacer.Turn(ctx)
	if err != nil {
		return err
	}
	defer turn.End()
	c.hold(1)
	defer c.hold(-1)
	time.Sleep(c.claim)
	claimed := time.Now()
	if err := turn.Permit(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = max(c.idle, time.Since(claimed))
	c.called++
	return nil
}

// run makes n calls by 32 workers.
func (c *claimers) run(t *testing.T, n int) {
	t.Helper()
	rows := make(chan struct{})
	var workers sync.WaitGroup
	for range 32 {
		workers.Go(func() {
			for range rows {
				if err := c.one(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range n {
		rows <- struct{}{}
	}
	close(rows)
	workers.Wait()
}

func TestClaimsAreMadeLate(t *testing.T) {
	tests := []struct {
		name  string
		rate  float64
		claim time.Duration
		most  int // claims held, of the 32 that there could be
	}{
		{"a fast disk", 700, time.Millisecond, 3},
		{"a disk for many writers", 700, 10 * time.Millisecond, 15},
		{"production", 20, time.Millisecond, 1},
		{"a slow disk", 20, 200 * time.Millisecond, 3}, // as ClaimBound says
		{"the playground", 4, 10 * time.Millisecond, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, end := started(&commonPace{}, test.rate)
				c := &claimers{pacer: p, claim: test.claim}
				c.run(t, 50) // until it is known how long a claim takes
				c.most = 0
				begin := time.Now()
				c.run(t, 500)
				if c.most > test.most {
					t.Errorf("%d claims were held at once, want %d at most", c.most, test.most)
				}
				took, can := time.Since(begin), float64(c.most)/test.claim.Seconds()
				want := time.Duration(500 / min(test.rate, can) * float64(time.Second))
				if took > want+SliceTime+test.claim {
					t.Errorf("500 calls took %v, want %v", took, want)
				}
				end()
			})
		})
	}
}

func TestClaimJustBeforeItsSlot(t *testing.T) {
	for name, rate := range map[string]float64{"one an hour": 1. / 3600, "one in ten seconds": 0.1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, end := started(&commonPace{}, rate)
				c := &claimers{pacer: p, claim: 5 * time.Millisecond}
				begin := time.Now()
				c.run(t, 4)
				if c.idle > SliceTime || c.most != 1 {
					t.Errorf("%d claims were held at once, for %v", c.most, c.idle)
				}
				took, want := time.Since(begin), time.Duration(3/rate*float64(time.Second))
				if (took - want).Abs() > SliceTime {
					t.Errorf("4 calls took %v, want %v", took, want)
				}
				end()
			})
		})
	}
}

func TestClaimSlowerThanASlotOfASlowRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, end := started(&commonPace{}, 0.1)
		c := &claimers{pacer: p, claim: 3 * time.Second}
		begin := time.Now()
		c.run(t, 10)
		if took := time.Since(begin); took > 10*13*time.Second {
			t.Errorf("10 calls took %v: slots were lost", took)
		}
		end()
	})
}

func TestNoTurnInAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, rate := range []float64{4, 700, math.Inf(1)} {
			p, end := started(&commonPace{}, rate)
			if err := permit(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			p.Throttled(time.Minute)
			begin := time.Now()
			turn, err := p.Turn(t.Context())
			if took := time.Since(begin); err != nil || took < time.Minute-SliceTime || took > time.Minute+SliceTime {
				t.Errorf("at %v/s a turn came %v into a pause of a minute: %v", rate, took, err)
			}
			turn.End()
			end()
		}
	})
}

func TestTurnsThatEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, end := started(&commonPace{}, 4)
		turn, err := p.Turn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Turn(ctx); !errors.Is(err, ErrStopped) {
			t.Errorf("a second turn beside the one at 4/s: %v", err)
		}
		turn.End()
		turn.End() // which is no second turn for others
		if turn, err = p.Turn(t.Context()); err != nil {
			t.Error(err)
		}
		time.AfterFunc(time.Second, p.Stop)
		if _, err := p.Turn(t.Context()); !errors.Is(err, ErrStopped) {
			t.Errorf("a turn in a run that is being stopped: %v", err)
		}
		if err := turn.Permit(t.Context()); !errors.Is(err, ErrStopped) {
			t.Errorf("a permit in a run that is being stopped: %v", err)
		}
		end()
	})
}
