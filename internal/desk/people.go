package desk

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Role is what a person may do with the uploads of an account.
type Role string

// The roles. Each may see the account's uploads; contacts are masked for those who may only do that.
const (
	Viewer        Role = "viewer"
	Uploader      Role = "uploader" // uploads, mends, asks for approval, stops and goes on
	Approver      Role = "approver"
	Settler       Role = "settler"       // says what became of uncertain rows
	Administrator Role = "administrator" // of the account's people, and its audit trail
)

// Roles lists all of them.
func Roles() []Role { return []Role{Viewer, Uploader, Approver, Settler, Administrator} }

// Person is somebody who signs in.
type Person struct {
	ID, Login, Name string
	Disabled        bool
	Password        bool              // one was set; else the person is invited, or signs in elsewhere
	Elsewhere       string            // the issuer by whom the person signs in; empty for the desk itself
	Roles           map[string][]Role // by account
}

// local is the one person of a desk that needs no accounts.
const local = "local"

// Local gives the one person of a desk on a machine of one's own, who may do everything.
func (d *Desk) Local(ctx context.Context) (id string, err error) {
	return local, d.tx(ctx, func(t *txn) error {
		if err := t.exec("INSERT INTO person (id, login, name, made) VALUES (?, ?, 'You', ?) ON CONFLICT DO NOTHING", local, local, stamp(t.now)); err != nil {
			return err
		}
		if err := t.exec("UPDATE person SET disabled = FALSE WHERE id = ?", local); err != nil {
			return err
		}
		for _, account := range d.AccountNames() {
			for _, role := range Roles() {
				if err := t.exec("INSERT INTO role (person, account, role) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", local, account, role); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// NoLocal ends what Local has begun: people sign in now.
func (d *Desk) NoLocal(ctx context.Context) error {
	return d.tx(ctx, func(t *txn) error {
		return errors.Join(
			t.exec("UPDATE person SET disabled = TRUE WHERE id = ?", local),
			t.exec("DELETE FROM session WHERE person = ?", local),
		)
	})
}

// Known gives the person whom an identity provider knows by issuer and subject, with the roles that the
// provider says; nil leaves the roles as they are.
func (d *Desk) Known(ctx context.Context, issuer, subject, login, name string, roles map[string][]Role) (id string, err error) {
	login = strings.Map(printable, login)
	name = cmp.Or(strings.Map(printable, name), login, subject)
	err = d.tx(ctx, func(t *txn) error {
		err := t.QueryRowContext(ctx, "SELECT id FROM person WHERE issuer = ? AND subject = ?", issuer, subject).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			id = newID()
			taken := 0
			if err := t.QueryRowContext(ctx, "SELECT count(*) FROM person WHERE {login} = {asked login}", login).Scan(&taken); err != nil {
				return err
			}
			if login == "" || taken > 0 { // a login is for people; the identity is issuer and subject
				login = strings.TrimSpace(login + " " + id[:6])
			}
			err = t.exec("INSERT INTO person (id, login, name, issuer, subject, made) VALUES (?, ?, ?, ?, ?, ?)", id, login, name, issuer, subject, stamp(t.now))
		}
		if err != nil {
			return err
		}
		if err := t.exec("UPDATE person SET name = ? WHERE id = ?", name, id); err != nil || roles == nil {
			return err
		}
		return t.setRoles("", id, d.AccountNames(), roles)
	})
	return id, err
}

// setRoles makes a person's roles on some accounts what they are to be, as by somebody.
func (t *txn) setRoles(by, person string, accounts []string, roles map[string][]Role) error {
	for _, account := range accounts {
		before, err := column[Role](t.ctx, t, "SELECT role FROM role WHERE person = ? AND account = ?", person, account)
		if err != nil {
			return err
		}
		after := slices.Clone(roles[account])
		slices.Sort(before)
		slices.Sort(after)
		after = slices.Compact(after)
		if slices.Equal(before, after) {
			continue
		}
		if err := t.exec("DELETE FROM role WHERE person = ? AND account = ?", person, account); err != nil {
			return err
		}
		for _, role := range after {
			if !slices.Contains(Roles(), role) {
				return &Refusal{Code: Invalid, Field: "role", Problem: fmt.Sprintf("%q is no role", role), Todo: fmt.Sprintf("the roles are %q", Roles())}
			}
			if err := t.exec("INSERT INTO role (person, account, role) VALUES (?, ?, ?)", person, account, role); err != nil {
				return err
			}
		}
		if err := t.exec("DELETE FROM session WHERE person = ?", person); err != nil {
			return err
		}
		if err := t.audit(Event{Person: by, Account: account, Action: "roles", Place: fmt.Sprintf("person %s: %q", person, after)}); err != nil {
			return err
		}
	}
	return nil
}

// SetRoles makes the roles of a person on an account what they are to be.
func (d *Desk) SetRoles(ctx context.Context, login, account string, roles []Role) error {
	if d.accounts[account] == nil {
		return &Refusal{Code: Invalid, Field: "account", Problem: fmt.Sprintf("there is no account %q", account), Todo: fmt.Sprintf("the accounts are %q", d.AccountNames())}
	}
	return d.change(ctx, login, func(t *txn, id string) error {
		return t.setRoles("", id, []string{account}, map[string][]Role{account: roles})
	})
}

// Disable keeps a person out from now on, or lets that person in again.
func (d *Desk) Disable(ctx context.Context, login string, disabled bool) error {
	return d.disable(ctx, "", login, disabled)
}

func (d *Desk) disable(ctx context.Context, by, login string, disabled bool) error {
	return d.change(ctx, login, func(t *txn, id string) error {
		if err := errors.Join(
			t.exec("UPDATE person SET disabled = ?, password = NULL WHERE id = ?", disabled, id), // the old one may be why
			t.exec("DELETE FROM session WHERE person = ?", id),
			t.exec("DELETE FROM invitation WHERE person = ?", id),
		); err != nil {
			return err
		}
		return t.audit(Event{Person: by, Action: map[bool]string{true: "disable", false: "enable"}[disabled], Place: "person " + id})
	})
}

func (d *Desk) change(ctx context.Context, login string, do func(*txn, string) error) error {
	return d.tx(ctx, func(t *txn) error {
		var id string
		err := t.QueryRowContext(ctx, "SELECT id FROM person WHERE {login} = {asked login} OR id = ?", login, login).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return &Refusal{Code: NotFound, Field: "login", Problem: fmt.Sprintf("there is no person %q", login), Todo: "list them all, and see how the login is written"}
		}
		if err != nil {
			return err
		}
		return do(t, id)
	})
}

// People lists everybody, by login.
func (d *Desk) People(ctx context.Context) ([]Person, error) {
	ids, err := column[string](ctx, d.db, "SELECT id FROM person WHERE id <> ? ORDER BY {login}", local)
	if err != nil {
		return nil, err
	}
	var all []Person
	for _, id := range ids {
		p, err := d.person(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func (d *Desk) person(ctx context.Context, id string) (p Person, err error) {
	p.Roles = map[string][]Role{}
	err = d.db.QueryRowContext(ctx, "SELECT id, login, name, disabled, password IS NOT NULL, coalesce(issuer, '') FROM person WHERE id = ?", id).
		Scan(&p.ID, &p.Login, &p.Name, &p.Disabled, &p.Password, &p.Elsewhere)
	if err != nil {
		return p, err
	}
	rows, err := d.db.QueryContext(ctx, "SELECT account, role FROM role WHERE person = ? ORDER BY account, role", id)
	if err != nil {
		return p, err
	}
	defer rows.Close()
	for rows.Next() {
		var account string
		var role Role
		if err := rows.Scan(&account, &role); err != nil {
			return p, err
		}
		if d.accounts[account] != nil { // one that is gone from the configuration gives nobody a right
			p.Roles[account] = append(p.Roles[account], role)
		}
	}
	return p, rows.Err()
}

// cleanName refuses what is no name of a person or a login.
func cleanName(field, text string, most int) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > most || strings.Map(printable, text) != text {
		return "", &Refusal{Code: Invalid, Field: field, Problem: fmt.Sprintf("this is no %s", field), Todo: fmt.Sprintf("it has 1 to %d printable characters", most)}
	}
	return text, nil
}

// cleanNames refuses what is no login or no name; without a name the login is one.
func cleanNames(login, name string) (string, string, error) {
	login, err := cleanName("login", login, maxLogin)
	if err != nil {
		return "", "", err
	}
	name, err = cleanName("name", cmp.Or(name, login), 100)
	return login, name, err
}

// maxLogin is how long a login may be.
const maxLogin = 64

func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return -1
	}
	return r
}
