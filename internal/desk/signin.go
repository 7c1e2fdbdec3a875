package desk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
)

// passwords are hashed by what OWASP advises: 19 MiB, two passes, one lane.
var passwords = &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// nobody is the hash that the password of an unknown login is compared with, so that it takes as long.
var nobody = sync.OnceValue(func() string {
	hash, err := argon2id.CreateHash(newID(), passwords)
	if err != nil {
		panic(err)
	}
	return hash
})

// hashing bounds the memory of passwords that are hashed at once.
var hashing = make(chan struct{}, 2)

func inTurn(ctx context.Context, do func() error) error {
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
		return do()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// minPassword is how many characters a password has at least.
const minPassword = 12

func (d *Desk) hashPassword(ctx context.Context, p Person, password string) (hash string, err error) {
	switch lower := strings.ToLower(password); {
	case utf8.RuneCountInString(password) < minPassword:
		return "", &Refusal{Code: Invalid, Field: "password", Problem: "the password is too short", Todo: fmt.Sprintf("it has %d characters at least: a few words will do", minPassword)}
	case len(password) > 1000:
		return "", &Refusal{Code: Invalid, Field: "password", Problem: "the password is too long", Todo: "it has 1000 characters at most"}
	case strings.Contains(lower, strings.ToLower(p.Login)) && len(p.Login) > 3, strings.Trim(lower, lower[:1]) == "":
		return "", &Refusal{Code: Invalid, Field: "password", Problem: "the password can be guessed", Todo: "take a few words that have nothing to do with you"}
	}
	err = inTurn(ctx, func() error { hash, err = argon2id.CreateHash(password, passwords); return err })
	return hash, err
}

// SignIn gives the person of a login with its password. Whether the login is known is not told, also not by the
// time it takes. After some wrong ones the next try has to wait, by login and by address.
func (d *Desk) SignIn(ctx context.Context, login, password, address string) (person string, err error) {
	login = strings.TrimSpace(login)
	if len(login) > maxLogin { // nobody has one, and it is not to be remembered
		login = ""
	}
	counted := strings.ToLower(login)
	var hash sql.NullString
	err = d.db.QueryRowContext(ctx, "SELECT id, password FROM person WHERE login = ? AND NOT disabled", login).Scan(&person, &hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	if !hash.Valid {
		hash.String = nobody()
	}
	right := false
	if wait := d.guesses.wait(counted, address); wait > 0 {
		return "", tooMany(wait)
	}
	if err := inTurn(ctx, func() error {
		if wait := d.guesses.wait(counted, address); wait > 0 { // since others were tried before this one
			return tooMany(wait)
		}
		right, err = argon2id.ComparePasswordAndHash(password, hash.String)
		if right = right && hash.Valid; !right {
			d.guesses.wrong(counted, address)
		}
		return err
	}); err != nil {
		return "", err
	}
	if !right {
		if err := d.tx(ctx, func(t *txn) error { return t.audit(Event{Person: person, Action: "sign_in_refused"}) }); err != nil {
			return "", err
		}
		return "", &Refusal{Code: Invalid, Problem: "the login or the password is wrong", Todo: "try again, or ask your administrator for a new invitation"}
	}
	d.guesses.right(counted, address)
	return person, nil
}

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
		one := g.all[key]
		if now.Sub(one.until) > time.Hour {
			one.wrong = 0
		}
		one.wrong++
		one.until = now
		if over := one.wrong - free; over >= 0 {
			one.until = now.Add(min(time.Second<<min(over, 20), maxWait))
		}
		g.all[key] = one
	}
}

// right forgets the wrong tries of who has shown to be the right one.
func (g *guesses) right(login, address string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.all, "both "+login+" "+address)
	delete(g.all, "login "+login)
}

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
	now := time.Now()
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
	now := time.Now()
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
