package pipeline

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestCanary(t *testing.T) {
	for _, tt := range []struct {
		name   string
		moods  map[string][]Reply
		canary int
		ending string
		calls  int
		asked  int
		answer bool
	}{
		{"all accepted", nil, 3, "", 9, 1, true},
		{"and somebody says no", nil, 3, StopCanary, 3, 1, false},
		{"one is refused", map[string][]Reply{id(2): {badValue}}, 3, StopCanary, 3, 0, true},
		{"one has no clear answer", map[string][]Reply{id(3): {noAnswer}}, 3, StopCanary, 3, 0, true},
		{"one is sent at the second try", map[string][]Reply{id(3): {down, ok200}}, 3, "", 10, 1, true},
		{"one after it is refused", map[string][]Reply{id(4): {badValue}}, 3, "", 9, 1, true},
		{"it goes over both files", nil, 7, "", 9, 1, true},
		{"it is all there is", map[string][]Reply{id(2): {badValue}}, 9, "", 9, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCampaign(t, bySession(tt.moods))
				asked := 0
				c.cfg.Canary, c.cfg.GoOn = tt.canary, func(_ context.Context, n int) bool {
					asked++
					time.Sleep(time.Hour) // a person thinks; nothing may go on, and nothing times out
					if n != tt.canary || c.server.total() != tt.canary && tt.moods == nil {
						t.Errorf("asked about %d rows after %d calls", n, c.server.total())
					}
					return tt.answer
				}
				second := &table{name: "second.csv", rows: many(6, 4)}
				res := c.runAndReport(t, sheet(many(1, 5)...), second)
				if res.ending.Code != tt.ending || c.server.total() != tt.calls || asked != tt.asked {
					t.Errorf("ended with %v after %d calls, asked %d times", res.ending, c.server.total(), asked)
				}
			})
		})
	}
}

// What HPP refused of a canary binds nobody: the cause may be mended, and the same command goes on.
func TestCanaryIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(badValue))
		c.cfg.Canary = 2
		c.runAndReport(t, sheet(many(1, 6)...))
		c.server.answer = always(ok200)
		if res := c.again("run-2").runAndReport(t, sheet(many(1, 6)...)); res.tallies[0].SentNow != 6 {
			t.Errorf("the next run came to %v", res.statuses())
		}
	})
}

func TestCanaryIsStoppedWhileItAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(ok200))
		stop := make(chan struct{})
		c.stop = stop
		c.cfg.Canary, c.cfg.GoOn = 1, func(ctx context.Context, _ int) bool {
			close(stop)
			<-ctx.Done()
			return true
		}
		res := c.runAndReport(t, sheet(many(1, 4)...))
		if res.ending.Code != StopSignal || c.server.total() != 1 {
			t.Errorf("ended with %v after %d calls", res.ending, c.server.total())
		}
	})
}
