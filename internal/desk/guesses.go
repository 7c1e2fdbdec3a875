package desk

import (
	"fmt"
	"sync"
	"time"
)

func tooMany(wait time.Duration) error {
	return &Refusal{
		Code: TooSoon, Problem: "there were too many wrong tries",
		Todo: fmt.Sprintf("try again in %d s", int(wait.Seconds())+1),
	}
}

// guesses counts wrong passwords by what they were tried for and where they came from.
type guesses struct {
	mu  sync.Mutex
	all map[string]guess
}

type guess struct {
	wrong int
	until time.Time
}

// How many wrong passwords are free: of one login from one address, of a login from anywhere, so that a stranger does
// not keep its owner out, and from an address, which many may share. And how long the longest wait is.
const (
	freeGuesses   = 5
	freeElsewhere = 50
	maxWait       = 5 * time.Minute
	guessTime     = time.Hour // after which they are forgotten
)

// tried gives what a try counts for, and how many of it are free.
func tried(login, address string) map[string]int {
	return map[string]int{"both " + login + " " + address: freeGuesses, "login " + login: freeElsewhere, "address " + address: freeElsewhere}
}

func (g *guesses) wait(login, address string) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for key := range tried(login, address) {
		wait = max(wait, time.Until(g.all[key].until))
	}
	return wait
}

func (g *guesses) wrong(login, address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.all == nil {
		g.all = map[string]guess{}
	}
	if len(g.all) > 100_000 {
		for key, one := range g.all {
			if now.After(one.until) {
				delete(g.all, key)
			}
		}
	}
	for key, free := range tried(login, address) {
		g.all[key] = g.all[key].again(now, free)
	}
}

// again counts one more.
func (one guess) again(now time.Time, free int) guess {
	if now.Sub(one.until) > guessTime {
		one.wrong = 0
	}
	one.wrong++
	one.until = now
	if over := one.wrong - free; over >= 0 {
		one.until = now.Add(min(time.Second<<min(over, 20), maxWait))
	}
	return one
}

// right forgets the wrong tries of who has shown to be the right one.
func (g *guesses) right(login, address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.all, "both "+login+" "+address)
	delete(g.all, "login "+login)
}
