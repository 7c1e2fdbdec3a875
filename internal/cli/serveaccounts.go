package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"hppsend/internal/campaign"
	"hppsend/internal/desk"
	"hppsend/internal/hpp"
	"hppsend/internal/web"
	"hppsend/pipeline"
)

// noticeFor is what every page says of where nothing reaches real people.
func noticeFor(accounts []desk.Account) string {
	all := func(e hpp.Environment) bool {
		return !slices.ContainsFunc(accounts, func(a desk.Account) bool { return a.Options.Target.Environment != e })
	}
	switch {
	case all(hpp.Sandbox):
		return "This is a sandbox: nothing leaves this machine."
	case all(hpp.Playground):
		return "This is Klarna's playground: no real person gets a message."
	}
	return ""
}

// pageAccounts makes the accounts that are served: one of the settings, or one of each profile that is named. The
// function closes what they have open.
func (a *app) pageAccounts(ctx context.Context, s *settings) (all []desk.Account, production bool, done func(), err error) {
	var opened []*invocation
	done = func() {
		for _, r := range opened {
			r.ledger.Close()
		}
	}
	each := []*settings{s}
	if len(s.page.accounts) > 0 {
		each = nil
		for _, name := range s.page.accounts {
			one, err := a.profileSettings(s, name, (*settings).serveFlags)
			if err != nil {
				return nil, false, done, err
			}
			each = append(each, one)
		}
	}
	for _, one := range each {
		r := &invocation{app: a, s: one}
		r.opt.Reading = one.reading()
		if err := r.prepare(ctx); err != nil {
			return nil, false, done, err
		}
		opened = append(opened, r)
		r.opt.Send.Wait = true
		real := r.opt.Target.Environment == hpp.Production
		production = production || real
		approvers := one.page.approvers.tiers
		switch {
		case real && !one.page.approvers.set:
			approvers = desk.Approvers{{People: 1}}
		case real && approvers.For(0) == 0:
			return nil, false, done, usage("--approvers 0 would let one person send to real people alone", "say --approvers 1, or more")
		}
		all = append(all, desk.Account{
			Name: cmp.Or(one.profile, string(r.opt.Target.Environment)), Options: r.opt, Ledger: r.ledger, Approvers: approvers,
			Dial: func() (campaign.Caller, error) { return one.dial(r.opt.Target, r.creds, r.ledger) },
			Record: func(f campaign.FileResult) json.RawMessage {
				of := *r
				of.started = f.Started
				return of.record(f)
			},
		})
	}
	return all, production, done, nil
}

// profileSettings are the settings with another profile of the configuration file, for a command with some flags.
func (a *app) profileSettings(s *settings, profile string, flags func(*settings, *flagSet)) (*settings, error) {
	one := &settings{}
	f := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	flags(one, &flagSet{f})
	if err := f.Parse(a.Args[min(1, len(a.Args)):]); err != nil {
		return nil, err
	}
	one.profile = profile
	if one.config == "" && s.config == "" {
		return nil, usage(fmt.Sprintf("--account %s: there is no configuration file that could have it", profile), "name one with --config; each account is one of its profiles")
	}
	return one, a.load(one, f)
}

// pageState is the folder of the page.
func (a *app) pageState(s *settings) (string, error) {
	if s.page.state != "" {
		return s.page.state, nil
	}
	dir, err := a.stateFolder()
	name := "page"
	if len(s.page.accounts) == 0 {
		if t, ok, _ := s.target(); ok {
			name += "-" + string(t.Environment)
		}
	}
	return filepath.Join(dir, name), err
}

// provider is the identity provider that is named; nil for none.
func (a *app) provider(ctx context.Context, s *settings, public *url.URL) (*web.Provider, error) {
	p := s.page
	if p.issuer == "" {
		if p.client+p.secretFile+p.groups != "" || len(p.groupRoles) > 0 {
			return nil, usage("an identity provider is described, and not named", "say --oidc-issuer https://…")
		}
		return nil, nil
	}
	issuer, err := url.Parse(p.issuer)
	if err != nil || issuer.Host == "" || p.client == "" || p.secretFile == "" {
		return nil, usage("--oidc-issuer needs a URL, --oidc-client and --oidc-secret-file", "take them from the identity provider, where the page is registered with "+public.String()+"/sign-in/return")
	}
	secret, err := os.ReadFile(p.secretFile)
	if err != nil {
		return nil, usage(fmt.Sprintf("--oidc-secret-file %s: %v", p.secretFile, pipeline.WithoutPath(err)), "name a file that holds the secret alone")
	}
	roles, err := s.groupRolesOf()
	if err != nil {
		return nil, err
	}
	provider, err := web.NewProvider(ctx, p.issuer, p.client, strings.TrimSpace(string(secret)), public.String()+"/sign-in/return", p.scopes)
	if err != nil {
		return nil, usage(fmt.Sprintf("--oidc-issuer %s: %v", p.issuer, err), "see that the address is that of the issuer, and can be reached from here")
	}
	provider.Name, provider.Groups, provider.Roles = cmp.Or(p.provider, issuer.Host), p.groups, roles
	return provider, nil
}

// groupRolesOf gives the roles by account of groups.
func (s *settings) groupRolesOf() (func([]string) map[string][]desk.Role, error) {
	type grant struct {
		account string
		role    desk.Role
	}
	grants := map[string][]grant{}
	for _, text := range s.page.groupRoles {
		i := strings.LastIndex(text, "=")
		account, role, ok := strings.Cut(text[i+1:], ":")
		if i <= 0 || !ok || !slices.Contains(desk.Roles(), desk.Role(role)) {
			return nil, usage(fmt.Sprintf("--oidc-role %s is not GROUP=ACCOUNT:ROLE", text), fmt.Sprintf("the roles are %q", desk.Roles()))
		}
		grants[text[:i]] = append(grants[text[:i]], grant{account, desk.Role(role)})
	}
	return func(groups []string) map[string][]desk.Role {
		roles := map[string][]desk.Role{}
		for _, group := range groups {
			for _, g := range grants[group] {
				roles[g.account] = append(roles[g.account], g.role)
			}
		}
		return roles
	}, nil
}
