package cli_test

import (
	"slices"
	"sync"
	"time"
)

// pulse tells how long a busy machine held this process back: what happens to it happens to the programs that it
// has started. It takes note of every beat that came late.
type pulse struct {
	mu   sync.Mutex
	late []beat
}

type beat struct{ due, came time.Time }

const beatEvery = 5 * time.Millisecond

// thePulse begins to beat when it is first asked for, and beats to the end of the tests.
var thePulse = sync.OnceValue(func() *pulse {
	p := &pulse{}
	go func() {
		for last := time.Now(); ; {
			time.Sleep(beatEvery)
			now, due := time.Now(), last.Add(beatEvery)
			if now.Sub(due) > beatEvery {
				p.mu.Lock()
				p.late = append(p.late, beat{due, now})
				p.mu.Unlock()
			}
			last = now
		}
	}()
	return p
})

// heldBack gives the longest time that a beat was late between two times.
func (p *pulse) heldBack(from, to time.Time) (longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range slices.Backward(p.late) {
		if b.came.Before(from) {
			break
		}
		if b.due.Before(to) {
			longest = max(longest, b.came.Sub(b.due))
		}
	}
	return longest
}
