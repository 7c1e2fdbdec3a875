package desk

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
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
	err = d.db.QueryRowContext(ctx, "SELECT id, password FROM person WHERE {login} = {asked login} AND NOT disabled", login).Scan(&person, &hash)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	if !hash.Valid {
		hash.String = nobody()
	}
	right := false
	if wait, err := d.guessWait(ctx, counted, address); err != nil || wait > 0 {
		return "", cmp.Or(err, tooMany(wait))
	}
	if err := inTurn(ctx, func() error {
		if wait, err := d.guessWait(ctx, counted, address); err != nil || wait > 0 { // since others were tried before this one
			return cmp.Or(err, tooMany(wait))
		}
		right, err = argon2id.ComparePasswordAndHash(password, hash.String)
		if right = right && hash.Valid; !right {
			err = errors.Join(err, d.guessedWrong(ctx, counted, address))
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
	return person, d.guessedRight(ctx, counted, address)
}
