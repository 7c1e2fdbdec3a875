package desk

import (
	"context"
	"database/sql"
	"errors"
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

// Shared books count for all desks, and know what was tried by a digest alone.

func (d *Desk) guessKey(key string) []byte { return d.Accounts[0].key.derive("guess\n" + key) }

// guessWait is how long the next try of a login from an address has to wait.
func (d *Desk) guessWait(ctx context.Context, login, address string) (wait time.Duration, err error) {
	if !d.db.shared {
		return d.guesses.wait(login, address), nil
	}
	for key := range tried(login, address) {
		var until int64
		err := d.db.QueryRowContext(ctx, "SELECT until FROM guess WHERE hash = ?", d.guessKey(key)).Scan(&until)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, err
		}
		wait = max(wait, moment(until).Sub(d.db.now()))
	}
	return wait, nil
}

func (d *Desk) guessedWrong(ctx context.Context, login, address string) error {
	if !d.db.shared {
		d.guesses.wrong(login, address)
		return nil
	}
	return d.tx(ctx, func(t *txn) error {
		for key, free := range tried(login, address) {
			var one guess
			var until int64
			err := t.QueryRowContext(ctx, "SELECT wrong, until FROM guess WHERE hash = ?", d.guessKey(key)).Scan(&one.wrong, &until)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			one.until = moment(until)
			one = one.again(t.now, free)
			if err := t.exec("INSERT INTO guess (hash, wrong, until) VALUES (?, ?, ?) ON CONFLICT (hash) DO UPDATE SET wrong = excluded.wrong, until = excluded.until",
				d.guessKey(key), one.wrong, stamp(one.until)); err != nil {
				return err
			}
		}
		return nil
	})
}

// guessedRight forgets the wrong tries of who has shown to be the right one.
func (d *Desk) guessedRight(ctx context.Context, login, address string) error {
	if !d.db.shared {
		d.guesses.right(login, address)
		return nil
	}
	_, err := d.db.ExecContext(ctx, "DELETE FROM guess WHERE hash IN (?, ?)", d.guessKey("both "+login+" "+address), d.guessKey("login "+login))
	return err
}
