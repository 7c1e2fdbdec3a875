package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"hppsend/internal/desk"
	"hppsend/internal/ledger"
)

// stateFlags say which page is meant.
func (s *settings) stateFlags(f *flagSet) {
	f.path(&s.page.state, "state", "", "the `FOLDER` of the page (default beside the ledger)")
	f.Var(list{&s.page.accounts}, "account", "an account that the page serves, as for serve; may be given several times")
	s.targetFlags(f)
	f.BoolVar(&s.json, "json", false, "as JSON")
	f.BoolVar(&s.quiet, "quiet", false, "write nothing to standard error but errors")
	f.choice(&s.logFormat, "log-format", "text", "how standard error is written", "text", "json")
	s.commonFlags(f)
}

func (s *settings) peopleFlags(f *flagSet) {
	s.stateFlags(f)
	f.StringVar(&s.page.name, "name", "", "the person's `NAME`, as others see it")
	f.Var(list{&s.page.roles}, "role", "a `ROLE` on the accounts: viewer, uploader, approver, settler or administrator; may be given several times")
	f.BoolVar(&s.page.enable, "enable", false, "let the person in again")
	f.StringVar(&s.page.publicURL, "public-url", "", "the `URL` of the page, for the link of the invitation")
}

func (s *settings) auditFlags(f *flagSet) { s.stateFlags(f) }

// pageBooks opens the books of a page beside the server that may be working with them.
func (a *app) pageBooks(ctx context.Context, s *settings) (*desk.Desk, []string, error) {
	state, err := a.pageState(s)
	if err != nil {
		return nil, nil, err
	}
	names := s.page.accounts
	t, ok, err := s.target()
	if err != nil {
		return nil, nil, err
	}
	server, err := a.pageServer(s)
	if err != nil {
		return nil, nil, err
	}
	if _, err := os.Stat(state); err != nil && server.Path == "" {
		return nil, nil, usage("there is no page in "+state, "name its --state, or the --environment of hppsend serve; it is made by the first start")
	}
	if ok && len(names) == 0 {
		names = []string{string(t.Environment)}
	}
	var accounts []desk.Account
	for _, name := range names {
		accounts = append(accounts, desk.Account{Name: name})
	}
	d, err := desk.Beside(ctx, desk.Config{Folder: state, Accounts: accounts, Server: server})
	return d, names, err
}

// pageServer is the ledger of the first account of a page, if it is on a server.
func (a *app) pageServer(s *settings) (opt ledger.Options, err error) {
	if len(s.page.accounts) > 0 && s.config != "" {
		first, err := a.profileSettings(s, s.page.accounts[0], (*settings).peopleFlags)
		if err != nil {
			return opt, err
		}
		s = first
	}
	if !ledger.OnServer(s.ledger) {
		return opt, nil
	}
	return a.ledgerAt(s, "")
}

// addPerson is serve user add.
func (a *app) addPerson(ctx context.Context, s *settings, args []string) (int, error) {
	d, accounts, err := a.pageBooks(ctx, s)
	if err != nil {
		return exitOK, err
	}
	defer d.Close()
	_, token, err := d.Invite(ctx, args[0], s.page.name)
	if err != nil {
		return exitOK, asUsage(err)
	}
	if len(s.page.roles) > 0 {
		if err := a.giveRoles(ctx, s, d, accounts, args[0]); err != nil {
			return exitOK, err
		}
	}
	where := strings.TrimSuffix(s.page.publicURL, "/")
	if where == "" {
		where = "http://127.0.0.1:8086"
	}
	fmt.Fprintln(a.Stdout, where+"/invitation/"+token)
	a.console.sayf("The link is for %s only: it works once, within a week, and sets the password.", args[0])
	return exitOK, nil
}

func (a *app) giveRoles(ctx context.Context, s *settings, d *desk.Desk, accounts []string, login string) error {
	if len(accounts) == 0 {
		return usage("it is not said on which account", "say --account NAME, or --environment where there is only that")
	}
	var roles []desk.Role
	for _, role := range s.page.roles {
		for one := range strings.SplitSeq(role, ",") {
			roles = append(roles, desk.Role(strings.TrimSpace(one)))
		}
	}
	for _, account := range accounts {
		if err := d.SetRoles(ctx, login, account, roles); err != nil {
			return asUsage(err)
		}
	}
	return nil
}

// personRoles is serve user role.
func (a *app) personRoles(ctx context.Context, s *settings, args []string) (int, error) {
	d, accounts, err := a.pageBooks(ctx, s)
	if err != nil {
		return exitOK, err
	}
	defer d.Close()
	if err := a.giveRoles(ctx, s, d, accounts, args[0]); err != nil {
		return exitOK, err
	}
	a.console.sayf("%s has the roles %q on %s now, and has to sign in again.", args[0], s.page.roles, strings.Join(accounts, ", "))
	return exitOK, nil
}

// disablePerson is serve user disable.
func (a *app) disablePerson(ctx context.Context, s *settings, args []string) (int, error) {
	d, _, err := a.pageBooks(ctx, s)
	if err != nil {
		return exitOK, err
	}
	defer d.Close()
	if err := d.Disable(ctx, args[0], !s.page.enable); err != nil {
		return exitOK, asUsage(err)
	}
	if s.page.enable {
		a.console.sayf("%s may sign in again.", args[0])
	} else {
		a.console.sayf("%s is kept out from now on.", args[0])
	}
	return exitOK, nil
}

// listPeople is serve user list.
func (a *app) listPeople(ctx context.Context, s *settings, _ []string) (int, error) {
	d, _, err := a.pageBooks(ctx, s)
	if err != nil {
		return exitOK, err
	}
	defer d.Close()
	people, err := d.People(ctx)
	if err != nil {
		return exitOK, err
	}
	for _, p := range people {
		state := ""
		switch {
		case p.Disabled:
			state = "kept out"
		case p.Elsewhere != "":
			state = "by " + p.Elsewhere
		case !p.Password:
			state = "invited"
		}
		if s.json {
			line := struct {
				Type     string                 `json:"type"`
				Login    string                 `json:"login"`
				Name     string                 `json:"name"`
				Disabled bool                   `json:"disabled"`
				Issuer   string                 `json:"issuer"`
				Roles    map[string][]desk.Role `json:"roles"`
			}{"person", p.Login, p.Name, p.Disabled, p.Elsewhere, p.Roles}
			if err := json.NewEncoder(a.Stdout).Encode(line); err != nil {
				return exitOK, err
			}
			continue
		}
		a.console.sayf("%-30s %-24s %s", p.Login, p.Name, state)
		for account, roles := range p.Roles {
			slices.Sort(roles)
			a.console.sayf("    %s: %q", account, roles)
		}
	}
	if len(people) == 0 {
		a.console.say("Nobody yet.")
	}
	return exitOK, nil
}

// asUsage is a refusal of the desk as the command line tells it.
func asUsage(err error) error {
	if r := (*desk.Refusal)(nil); errors.As(err, &r) {
		return usage(r.Problem, r.Todo)
	}
	return err
}
