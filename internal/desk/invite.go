package desk

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
)

// FirstAdministrator gives an invitation for who is to administer all accounts, as long as nobody can sign in who
// does; else an empty token.
func (d *Desk) FirstAdministrator(ctx context.Context) (token string, err error) {
	var there int
	err = d.db.QueryRowContext(ctx, `SELECT count(*) FROM person p JOIN role r ON r.person = p.id
		WHERE r.role = ? AND NOT p.disabled AND p.id <> ? AND (p.password IS NOT NULL OR p.issuer IS NOT NULL)`, Administrator, local).Scan(&there)
	if err != nil || there > 0 {
		return "", err
	}
	id, token, err := d.Invite(ctx, "admin", "Administrator")
	if err != nil {
		return "", err
	}
	return token, d.tx(ctx, func(t *txn) error {
		roles := map[string][]Role{}
		for _, account := range d.AccountNames() {
			roles[account] = []Role{Administrator}
		}
		return errors.Join(t.exec("UPDATE person SET disabled = FALSE WHERE id = ?", id), t.setRoles("", id, d.AccountNames(), roles))
	})
}

// Invite makes a person known who is not yet, and gives the token by which that person sets a password: within
// a week, once. The person's earlier invitations are void.
func (d *Desk) Invite(ctx context.Context, login, name string) (id, token string, err error) {
	if login, name, err = cleanNames(login, name); err != nil {
		return "", "", err
	}
	err = d.tx(ctx, func(t *txn) (err error) {
		err = t.QueryRowContext(ctx, "SELECT id FROM person WHERE {login} = {asked login}", login).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			id, err = t.person(login, name)
		}
		if err != nil {
			return err
		}
		token, err = t.invitation("", id)
		return err
	})
	return id, token, err
}

// person makes somebody known.
func (t *txn) person(login, name string) (id string, err error) {
	id = newID()
	return id, t.exec("INSERT INTO person (id, login, name, made) VALUES (?, ?, ?, ?)", id, login, name, stamp(t.now))
}

// invitation is one by somebody, whom the audit trail names.
func (t *txn) invitation(by, person string) (token string, err error) {
	if token, err = t.invite(person); err != nil {
		return "", err
	}
	return token, t.audit(Event{Person: by, Action: "invite", Place: "person " + person})
}

func (t *txn) invite(person string) (token string, err error) {
	token = newID() + newID()
	if err := t.exec("DELETE FROM invitation WHERE person = ?", person); err != nil {
		return "", err
	}
	return token, t.exec("INSERT INTO invitation (hash, person, expires) VALUES (?, ?, ?)", hashToken(token), person, stamp(t.now.Add(invitationLife)))
}

// Link gives a token by which a person signs in once, without a password.
func (d *Desk) Link(ctx context.Context, person string) (token string, err error) {
	err = d.tx(ctx, func(t *txn) error { token, err = t.invite(person); return err })
	return token, err
}

// Invited tells whose invitation a token is; it is not used up by that.
func (d *Desk) Invited(ctx context.Context, token string) (Person, error) {
	var id string
	err := d.db.QueryRowContext(ctx, "SELECT person FROM invitation WHERE hash = ? AND expires > ?", hashToken(token), d.db.now().UnixMilli()).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, &Refusal{Code: Gone, Problem: "this link was used before, or is too old", Todo: "ask for a new one"}
	}
	if err != nil {
		return Person{}, err
	}
	return d.person(ctx, id)
}

// Accept uses up an invitation: the person gets the password, and what was signed in before is not any more.
// The local person has none.
func (d *Desk) Accept(ctx context.Context, token, name, password string) (id string, err error) {
	p, err := d.Invited(ctx, token)
	if err != nil {
		return "", err
	}
	var hash sql.NullString
	if p.ID != local {
		if name, err = cleanName("name", cmp.Or(name, p.Name), 100); err != nil {
			return "", err
		}
		if hash.String, err = d.hashPassword(ctx, p, password); err != nil {
			return "", err
		}
		hash.Valid, p.Name = true, name
	}
	return p.ID, d.tx(ctx, func(t *txn) error {
		res, err := t.ExecContext(ctx, "DELETE FROM invitation WHERE hash = ?", hashToken(token))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return cmp.Or(err, error(&Refusal{Code: Gone, Problem: "this link was used before", Todo: "ask for a new one"}))
		}
		if err := t.exec("UPDATE person SET password = ?, name = ? WHERE id = ?", hash, p.Name, p.ID); err != nil {
			return err
		}
		if hash.Valid {
			if err := t.exec("DELETE FROM session WHERE person = ?", p.ID); err != nil {
				return err
			}
		}
		return t.audit(Event{Person: p.ID, Action: "accept_invitation"})
	})
}
