package desk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"strings"
	"time"
)

// How long somebody stays signed in.
const (
	sessionIdle = 30 * time.Minute
	sessionLife = 12 * time.Hour
)

// Session is a browser in which a person is signed in.
type Session struct {
	ID         string
	Made, Seen time.Time
	Agent      string // what the browser calls itself
	This       bool   // it is the one that asks
}

// Begin signs a person in, and gives the token that the browser keeps. The desk keeps its hash.
func (d *Desk) Begin(ctx context.Context, person, agent string) (token string, err error) {
	token = newID() + newID()
	return token, d.tx(ctx, func(t *txn) error {
		res, err := t.ExecContext(ctx, "INSERT INTO session (hash, id, person, made, seen, agent) SELECT ?, ?, id, ?, ?, ? FROM person WHERE id = ? AND NOT disabled",
			hashToken(token), newID(), stamp(t.now), stamp(t.now), strings.ToValidUTF8(agent[:min(len(agent), 200)], ""), person)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return cmp.Or(err, error(&Refusal{Code: Forbidden, Problem: "you are kept out", Todo: "ask the administrator of your account"}))
		}
		return t.audit(Event{Person: person, Action: "sign_in"})
	})
}

// Seat gives the desk as the person sees it whose browser has a token; ok is false when nobody is signed in by it.
func (d *Desk) Seat(ctx context.Context, token string) (s *Seat, ok bool, err error) {
	return d.seat(ctx, token, true)
}

// Peek is Seat for what a browser asks by itself, which does not keep the person signed in.
func (d *Desk) Peek(ctx context.Context, token string) (s *Seat, ok bool, err error) {
	return d.seat(ctx, token, false)
}

func (d *Desk) seat(ctx context.Context, token string, touch bool) (s *Seat, ok bool, err error) {
	var id, person string
	var made, seen int64
	now := d.db.now()
	err = d.db.QueryRowContext(ctx, `SELECT s.id, s.person, s.made, s.seen FROM session s JOIN person p ON p.id = s.person
		WHERE s.hash = ? AND NOT p.disabled AND s.seen > ? AND s.made > ?`,
		hashToken(token), stamp(now.Add(-sessionIdle)), stamp(now.Add(-sessionLife))).Scan(&id, &person, &made, &seen)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if touch && now.Sub(moment(seen)) > time.Minute {
		if _, err := d.db.ExecContext(ctx, "UPDATE session SET seen = ? WHERE id = ?", stamp(now), id); err != nil {
			return nil, false, err
		}
	}
	p, err := d.person(ctx, person)
	if err != nil {
		return nil, false, err
	}
	return &Seat{d: d, Person: p, session: id, Until: moment(made).Add(sessionLife)}, true, nil
}

// Sessions lists where the person is signed in.
func (s *Seat) Sessions(ctx context.Context) (all []Session, err error) {
	now := s.d.db.now()
	rows, err := s.d.db.QueryContext(ctx, "SELECT id, made, seen, agent FROM session WHERE person = ? AND seen > ? AND made > ? ORDER BY seen DESC",
		s.ID, stamp(now.Add(-sessionIdle)), stamp(now.Add(-sessionLife)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one Session
		var made, seen int64
		if err := rows.Scan(&one.ID, &made, &seen, &one.Agent); err != nil {
			return nil, err
		}
		one.Made, one.Seen, one.This = moment(made), moment(seen), one.ID == s.session
		all = append(all, one)
	}
	return all, rows.Err()
}

// EndSession signs a browser of the person out; the one that asks with "".
func (s *Seat) EndSession(ctx context.Context, id string) error {
	if id == "" {
		id = s.session
	}
	return s.d.tx(ctx, func(t *txn) error {
		res, err := t.ExecContext(ctx, "DELETE FROM session WHERE id = ? AND person = ?", id, s.ID)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return notFound()
		}
		return t.audit(Event{Person: s.ID, Action: "sign_out"})
	})
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
