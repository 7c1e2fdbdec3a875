package desk

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"sync"
	"time"
)

// How many sign-ins at an identity provider may be under way where the books are not shared, and how long one may take.
const (
	maxSignins = 10_000
	SigninTime = 10 * time.Minute
)

// signins are those that are under way, by their state.
type signins struct {
	mu  sync.Mutex
	all map[string]signin
}

type signin struct {
	text  string
	begun time.Time
}

// BeginSignin keeps what belongs to a sign-in at an identity provider until the browser comes back with its state, to
// whichever of the desks that share their books.
func (d *Desk) BeginSignin(ctx context.Context, state, text string) error {
	if d.db.shared {
		hash := hashToken(state)
		_, err := d.db.ExecContext(ctx, "INSERT INTO signin (hash, sealed, begun) VALUES (?, ?, ?)", hash, d.Accounts[0].key.seal(signinPlace(hash), text), stamp(d.db.now()))
		return broken("begin a sign-in", err)
	}
	s := &d.signins
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]signin{}
	}
	for key, other := range s.all {
		if time.Since(other.begun) > SigninTime || len(s.all) >= maxSignins {
			delete(s.all, key)
		}
	}
	s.all[state] = signin{text, time.Now()}
	return nil
}

// EndSignin gives what was kept of a sign-in, once; ok is false where there is none, or it took too long.
func (d *Desk) EndSignin(ctx context.Context, state string) (text string, ok bool, err error) {
	if d.db.shared {
		hash := hashToken(state)
		var sealed []byte
		var begun int64
		err := d.db.QueryRowContext(ctx, "DELETE FROM signin WHERE hash = ? RETURNING sealed, begun", hash).Scan(&sealed, &begun)
		if errors.Is(err, sql.ErrNoRows) {
			return "", false, nil
		}
		if err != nil {
			return "", false, broken("end a sign-in", err)
		}
		text, err = d.Accounts[0].key.open(signinPlace(hash), sealed)
		return text, err == nil && d.db.now().Sub(moment(begun)) <= SigninTime, err
	}
	s := &d.signins
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.all[state]
	delete(s.all, state)
	return one.text, ok && time.Since(one.begun) <= SigninTime, nil
}

func signinPlace(hash []byte) string { return "signin " + hex.EncodeToString(hash) }
