package desk

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
)

// People lists those with a role on an account that the person administers, and those who have none anywhere.
func (s *Seat) People(ctx context.Context) ([]Person, error) {
	all, err := s.d.People(ctx)
	if err != nil {
		return nil, err
	}
	accounts := s.AccountsAs(Administrator)
	if len(accounts) == 0 {
		return nil, notForYou()
	}
	return slices.DeleteFunc(all, func(p Person) bool {
		return len(p.Roles) > 0 && !slices.ContainsFunc(accounts, func(a string) bool { return len(p.Roles[a]) > 0 })
	}), nil
}

func notForYou() error {
	return &Refusal{Code: Forbidden, Problem: "this is for administrators", Todo: "ask the administrator of the account"}
}

// Invite makes a person known who is not yet, with roles on an account that this person administers, and gives the
// token of the invitation.
func (s *Seat) Invite(ctx context.Context, login, name, account string, roles []Role) (token string, err error) {
	if !s.May(account, Administrator) {
		return "", notForYou()
	}
	if login, name, err = cleanNames(login, name); err != nil {
		return "", err
	}
	err = s.d.tx(ctx, func(t *txn) error {
		var known int
		if err := t.QueryRowContext(ctx, "SELECT count(*) FROM person WHERE {login} = {asked login}", login).Scan(&known); err != nil {
			return err
		}
		if known > 0 { // whose link or password may be somebody else's
			return &Refusal{Code: Conflict, Field: "login", Problem: "somebody with this login is here already", Todo: "take another login, or ask whoever runs this server to give that person roles"}
		}
		id, err := t.person(login, name)
		if err != nil {
			return err
		}
		if token, err = t.invitation(s.ID, id); err != nil {
			return err
		}
		return t.setRoles(s.ID, id, []string{account}, map[string][]Role{account: roles})
	})
	return token, err
}

// GiveRoles makes somebody's roles what they are to be, on an account that this person administers.
func (s *Seat) GiveRoles(ctx context.Context, person, account string, roles []Role) error {
	if !s.May(account, Administrator) {
		return notForYou()
	}
	if person == s.ID && !slices.Contains(roles, Administrator) {
		return &Refusal{Code: Invalid, Field: "role", Problem: "you would not be an administrator any more", Todo: "let another administrator do that"}
	}
	p, err := s.d.person(ctx, person)
	if errors.Is(err, sql.ErrNoRows) || person == local {
		return notFound()
	}
	if err != nil {
		return err
	}
	return s.d.tx(ctx, func(t *txn) error {
		// An invitation that another department's administrator has made, and may still have, gives nobody these roles.
		for account := range p.Roles {
			if s.May(account, Administrator) {
				continue
			}
			if err := t.exec("DELETE FROM invitation WHERE person = ?", p.ID); err != nil {
				return err
			}
		}
		if len(p.Roles) == 0 {
			if err := t.exec("DELETE FROM invitation WHERE person = ?", p.ID); err != nil {
				return err
			}
		}
		return t.setRoles(s.ID, p.ID, []string{account}, map[string][]Role{account: roles})
	})
}

// Reinvite gives a new invitation to somebody who has forgotten the password.
func (s *Seat) Reinvite(ctx context.Context, person string) (token string, err error) {
	p, err := s.overAll(ctx, person)
	if err != nil {
		return "", err
	}
	if p.Elsewhere != "" {
		return "", &Refusal{Code: Invalid, Problem: "this person signs in by " + p.Elsewhere, Todo: "a password is not needed"}
	}
	err = s.d.tx(ctx, func(t *txn) error { token, err = t.invitation(s.ID, p.ID); return err })
	return token, err
}

// Disable keeps somebody out from now on, or lets in again.
func (s *Seat) Disable(ctx context.Context, person string, disabled bool) error {
	p, err := s.overAll(ctx, person)
	if err != nil {
		return err
	}
	if p.ID == s.ID {
		return &Refusal{Code: Invalid, Problem: "you cannot keep yourself out", Todo: "let another administrator do that"}
	}
	return s.d.disable(ctx, s.ID, p.ID, disabled)
}

// overAll gives a person all of whose accounts this person administers.
func (s *Seat) overAll(ctx context.Context, person string) (Person, error) {
	p, err := s.d.person(ctx, person)
	if errors.Is(err, sql.ErrNoRows) || person == local {
		return p, notFound()
	}
	if err != nil {
		return p, err
	}
	for account := range p.Roles {
		if !s.May(account, Administrator) {
			return p, notForYou()
		}
	}
	if !s.MayAnywhere(Administrator) {
		return p, notForYou()
	}
	return p, nil
}

// TrailPage is how many entries Trail gives at most.
const TrailPage = 500

// Trail gives the newest entries of the audit trail of an upload, or, for administrators, of all accounts that they
// administer, and of their people.
func (s *Seat) Trail(ctx context.Context, upload string) (all []Event, err error) {
	accounts := s.AccountsAs(Administrator)
	if upload != "" {
		u, err := s.load(ctx, s.d.db, upload)
		if err != nil {
			return nil, err
		}
		accounts = []string{u.Account}
	} else if len(accounts) == 0 {
		return nil, notForYou()
	}
	ours := map[string]bool{"": true, s.ID: true}
	if upload == "" {
		people, err := s.People(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range people {
			ours[p.ID] = true
		}
	}
	err = s.d.events(ctx, upload, newestFirst, func(e Event, _ []byte) error {
		if !slices.Contains(accounts, e.Account) && (upload != "" || e.Account != "") {
			return nil
		}
		if e.Account == "" && !(ours[e.Person] && ours[strings.TrimPrefix(e.Place, "person ")]) {
			return nil
		}
		if all = append(all, e); len(all) == TrailPage {
			return errEnough
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for i, e := range all {
		if _, known := names[e.Person]; !known && e.Person != "" {
			p, err := s.d.person(ctx, e.Person)
			if err != nil {
				return nil, err
			}
			names[e.Person] = p.Name
		}
		all[i].By = names[e.Person]
	}
	return all, nil
}
