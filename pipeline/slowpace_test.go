package pipeline

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const hourly = 1.0 / 3600

// A slow run and a fast one on one pace: each keeps to its rate and both together to the higher, and the fast
// one is held up by a slice for each call of the slow one, no more.
func TestSlowAndFastRunTogether(t *testing.T) {
	for _, slow := range []float64{hourly, 0.5, 2, 9} {
		synctest.Test(t, func(t *testing.T) {
			const fast, lasts = 20.0, 20 * time.Second
			pace := &commonPace{}
			ctx, cancel := context.WithTimeout(context.Background(), lasts)
			defer cancel()
			var mu sync.Mutex
			var takers sync.WaitGroup
			calls := map[float64][]time.Time{}
			var all []time.Time
			for _, rate := range []float64{slow, fast} {
				p, end := started(pace, rate)
				takers.Go(func() {
					for permit(ctx, p) == nil {
						mu.Lock()
						calls[rate] = append(calls[rate], time.Now())
						all = append(all, time.Now())
						mu.Unlock()
					}
					end()
				})
			}
			takers.Wait()
			slices.SortFunc(all, time.Time.Compare)
			apart := func(at []time.Time, rate float64) {
				for k := 1; k < len(at); k++ {
					if gap := at[k].Sub(at[k-1]); gap < time.Duration(float64(time.Second)/rate)-time.Microsecond {
						t.Fatalf("at %v and %v a second, calls are %v apart", slow, fast, gap)
					}
				}
			}
			apart(calls[slow], slow)
			apart(all, fast)
			// Each call of the slow run costs the fast one three slices: what it waits for, takes, and leaves.
			least := fast*lasts.Seconds() - float64(len(calls[slow]))*3*fast*SliceTime.Seconds() - 2
			if got := len(calls[fast]); float64(got) < max(least, fast*lasts.Seconds()/3) {
				t.Errorf("beside %d calls at %v a second, %d were made at %v a second, want %v", len(calls[slow]), slow, got, fast, least)
			}
			if got, want := len(calls[slow]), int(slow*lasts.Seconds()/3); got < max(1, want) {
				t.Errorf("at %v a second %d calls were made, want %d at least", slow, got, want)
			}
		})
	}
}

// What a slow run has taken holds nobody up once it has ended, was stopped, or died.
func TestSlowRunThatEnds(t *testing.T) {
	for name, ends := range map[string]func(p *Pacer, end func() error){
		"it has made its calls": func(p *Pacer, end func() error) { end() },
		"it is stopped in a wait": func(p *Pacer, end func() error) {
			go permit(context.Background(), p)
			time.Sleep(time.Minute)
			end()
		},
		"it is stopped just before its call": func(p *Pacer, end func() error) {
			go permit(context.Background(), p)
			time.Sleep(time.Hour - SliceTime/2)
			end()
		},
		"it died in a wait": func(p *Pacer, end func() error) {
			go permit(context.Background(), p)
			time.Sleep(time.Minute)
			p.pace.(*deadPace).dead = true
			end()
		},
		"it died just before its call": func(p *Pacer, end func() error) {
			go permit(context.Background(), p)
			time.Sleep(time.Hour - SliceTime/2)
			p.pace.(*deadPace).dead = true
			end()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pace := &commonPace{}
				p, end := started(&deadPace{commonPace: pace}, hourly)
				permits(t, p, 1)
				ends(p, end)
				fast, endFast := started(pace, 20)
				at := permits(t, fast, 21)
				if at[0] > 2*SliceTime || at[20]-at[0] > time.Second+time.Microsecond {
					t.Errorf("another run's calls are at %v … %v", at[0], at[20])
				}
				endFast()
			})
		})
	}
	// One as slow keeps to the rate, and gets the slot that was not used.
	synctest.Test(t, func(t *testing.T) {
		pace := &commonPace{}
		begin := time.Now()
		p, end := started(pace, hourly)
		permits(t, p, 1)
		go permit(context.Background(), p)
		time.Sleep(time.Hour - SliceTime/2)
		end()
		other, endOther := started(pace, hourly)
		permits(t, other, 1)
		if got := time.Since(begin); (got - time.Hour).Abs() > 2*SliceTime {
			t.Errorf("its call is %v after the first, want an hour", got)
		}
		endOther()
	})
}

// deadPace is a pace that nothing reaches any more once its run is dead.
type deadPace struct {
	*commonPace
	dead bool
}

func (d *deadPace) GiveBack(ctx context.Context, s Slice) error {
	if d.dead {
		return errKilled
	}
	return d.commonPace.GiveBack(ctx, s)
}

// A slot that a pause took is had again after the pause, not after another turn.
func TestPauseCostsASlowRunNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, end := started(&commonPace{}, hourly)
		permits(t, p, 1)
		time.AfterFunc(time.Hour-SliceTime/2, func() { p.Throttled(time.Minute) })
		if at := permits(t, p, 1); at[0] > time.Hour+time.Minute+2*SliceTime || at[0] < time.Hour+time.Minute-SliceTime {
			t.Errorf("the next call after %v", at[0])
		}
		end()
	})
}

// A wait of more than a few seconds says what it waits for, and until when.
func TestLongWaitsAreTold(t *testing.T) {
	for _, tt := range []struct {
		name   string
		rate   float64
		before float64 // the rate of an earlier run that made a call; 0 for none
		told   int
		own    bool
	}{
		{"one an hour", hourly, 0, 1, true},
		{"one in ten seconds", 0.1, 0, 1, true},
		{"a second apart", 1, 0, 0, false},
		{"behind a run as slow", hourly, hourly, 2, false}, // then for its own
		{"behind a run that is none in the way", 20, hourly, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(t, always(ok200))
				c.rate = tt.rate
				if tt.before > 0 {
					p, end := started(c.pace, tt.before)
					permits(t, p, 1)
					end()
				}
				if res := c.runAndReport(t, sheet(many(1, 3)...)); res.tallies[0].SentNow != 3 {
					t.Errorf("%v", res.statuses())
				}
				told := 0
				for _, n := range c.watch.notices {
					if n == "waiting" {
						told++
					}
				}
				if told != tt.told {
					t.Errorf("told %d times, want %d: %v", told, tt.told, c.watch.notices)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		pace := &commonPace{}
		for _, own := range []bool{false, true} {
			p, end := started(pace, hourly)
			if own {
				permits(t, p, 1)
			} else {
				first, endFirst := started(pace, hourly)
				permits(t, first, 1)
				endFirst()
			}
			go permit(context.Background(), p)
			time.Sleep(time.Second)
			if w := p.Waiting(); w.Own != own || (time.Until(w.Until)-time.Hour).Abs() > 2*time.Second {
				t.Errorf("it waits for %+v", w)
			}
			time.Sleep(time.Hour)
			if w := p.Waiting(); w != (Wait{}) {
				t.Errorf("after it, it waits for %+v", w)
			}
			end()
			time.Sleep(time.Hour)
		}
	})
}

// Runs of one slow rate get about as much each.
func TestSlowRunsTakeTurns(t *testing.T) {
	for _, rate := range []float64{4, 0.5} {
		synctest.Test(t, func(t *testing.T) {
			const runs, calls = 4, 400
			pace := &commonPace{}
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(calls/rate*float64(time.Second)))
			defer cancel()
			var got [runs]int
			var takers sync.WaitGroup
			for i := range runs {
				p, end := started(pace, rate)
				takers.Go(func() {
					for permit(ctx, p) == nil {
						got[i]++
					}
					end()
				})
			}
			takers.Wait()
			if least, sum := slices.Min(got[:]), got[0]+got[1]+got[2]+got[3]; least < calls/runs/2 || sum < calls*9/10 || sum > calls+1 {
				t.Errorf("at %v a second, of %d calls the runs made %v", rate, calls, got)
			}
		})
	}
}
