package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"hppsend/internal/campaign"
	"hppsend/internal/desk"
	"hppsend/internal/hpp"
	"hppsend/internal/web"
	"hppsend/pipeline"
)

// pageSettings are those of the upload page.
type pageSettings struct {
	state, publicURL, tlsCert, tlsKey string
	accounts, proxies                 []string
	people, noBrowser                 bool
	keep                              age
	approvers                         approversFlag
	maxUpload, maxPerson              sizeFlag
	notify                            []string

	issuer, client, secretFile, provider, groups string
	groupRoles, scopes                           []string

	name   string
	roles  []string
	enable bool
}

func (s *settings) serveFlags(f *flagSet) {
	p := &s.page
	f.StringVar(&s.addr, "addr", "127.0.0.1:8086", "listen on this `ADDRESS`")
	f.Var(list{&p.accounts}, "account", "serve the `PROFILE` of the configuration file as an account; may be given several times (default: one account, by the flags)")
	f.BoolVar(&p.people, "people", false, "people sign in, each with roles; always so in production, or off this machine")
	f.Var(&p.approvers, "approvers", "how many others have to approve: 1, or 1,5000:2 for two from 5000 messages on (default 1 in production, else who asks may send)")
	f.StringVar(&p.publicURL, "public-url", "", "the `URL` by which people reach the page; no other is answered")
	f.path(&p.tlsCert, "tls-cert", "", "the certificate, a PEM `FILE`")
	f.path(&p.tlsKey, "tls-key", "", "its key, a PEM `FILE`")
	f.Var(list{&p.proxies}, "behind-proxy", "a proxy that does TLS asks from this `NETWORK`, such as 10.0.0.0/8; may be given several times")
	f.path(&p.state, "state", "", "the `FOLDER` for uploads, people and the audit trail (default beside the ledger)")
	p.keep = age(30 * 24 * time.Hour)
	f.Var(&p.keep, "keep", "delete uploads so long after the last that was done to them")
	p.maxUpload, p.maxPerson = 300<<20, 2<<30
	f.Var(&p.maxUpload, "max-upload", "the largest file")
	f.Var(&p.maxPerson, "max-per-person", "all files together that a person may have here")
	f.Var(commandFlag{&p.notify}, "notify-command", "run this `COMMAND` when an upload waits for approval, with the link and the approvers as JSON on its standard input")
	f.BoolVar(&p.noBrowser, "no-browser", false, "do not open the page in a browser")
	f.StringVar(&p.issuer, "oidc-issuer", "", "people sign in by this OpenID Connect `URL`")
	f.StringVar(&p.client, "oidc-client", "", "the client `ID` there")
	f.path(&p.secretFile, "oidc-secret-file", "", "the `FILE` with the client's secret")
	f.StringVar(&p.provider, "oidc-name", "", "what the button calls it (default: its host)")
	f.StringVar(&p.groups, "oidc-groups", "", "the `CLAIM` with a person's groups; then roles are by --oidc-role alone")
	f.Var(list{&p.groupRoles}, "oidc-role", "who is in a group has a role: `GROUP=ACCOUNT:ROLE`; may be given several times")
	f.Var(list{&p.scopes}, "oidc-scope", "a further `SCOPE` to ask for; may be given several times")
	s.targetFlags(f)
	f.path(&s.credentials, "credentials", "", "`FILE` with lines KLARNA_USERNAME=… and KLARNA_PASSWORD=…; else those environment variables")
	f.path(&s.caFile, "ca-file", "", "trust the certificate authorities in this `FILE`, PEM or DER, too")
	s.inputFlags(f)
	s.judgeFlags(f)
	s.paceFlags(f)
	f.BoolVar(&s.createLedger, "create-ledger", false, "make the production ledger if there is none, and any ledger where one was lost")
	f.BoolVar(&s.quiet, "quiet", false, "write nothing to standard error but errors")
	f.choice(&s.logFormat, "log-format", "text", "how standard error is written", "text", "json")
	s.commonFlags(f)
}

//go:embed help/page.md
var helpPage string

// serve is the serve command: the upload page, until it is stopped.
func (a *app) serve(ctx context.Context, s *settings, _ []string) (code int, err error) {
	accounts, production, done, err := a.pageAccounts(ctx, s)
	defer done()
	if err != nil {
		return exitOK, err
	}
	address, err := s.pageAddress(production)
	if err != nil {
		return exitOK, err
	}
	state, err := a.pageState(s)
	if err != nil {
		return exitOK, err
	}
	log := slog.New(slog.NewTextHandler(a.Stderr, nil))
	if s.logFormat == "json" {
		log = slog.New(slog.NewJSONHandler(a.Stderr, nil))
	}
	var server *web.Server
	d, err := desk.Open(ctx, desk.Config{
		Folder: state, Accounts: accounts, Keep: time.Duration(s.page.keep), Log: log,
		Limits: desk.Limits{Upload: int64(s.page.maxUpload), Person: int64(s.page.maxPerson)},
		Notify: a.notifier(s, func(path string) string { return address.public.String() + path }, log),
	})
	if err != nil {
		return exitOK, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		cause := err
		if op := (*net.OpError)(nil); errors.As(err, &op) {
			cause = op.Err
		}
		return exitOK, usage(fmt.Sprintf("it cannot listen on %s: %v", s.addr, cause), "name a free port with --addr, or port 0 for any")
	}
	defer l.Close()
	address.listensOn(l.Addr())
	ctx, end := a.untilStop(ctx)
	defer end()
	cfg := web.Config{
		Desk: d, PublicURL: address.public, Hosts: address.hosts, Proxies: address.proxies, Local: !address.people,
		Help: helpPage, Version: version(), Log: log, Notice: noticeFor(accounts),
	}
	if cfg.Provider, err = a.provider(ctx, s, address.public); err != nil {
		return exitOK, err
	}
	if server, err = web.New(ctx, cfg); err != nil {
		return exitOK, err
	}
	if err := a.tellPage(ctx, s, d, accounts, address); err != nil {
		return exitOK, err
	}
	running := make(chan error, 1)
	go func() { running <- d.Run(ctx) }()
	err = server.Serve(l, address.tls)
	end()
	return exitOK, errors.Join(err, <-running)
}

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
			one, err := a.profileSettings(s, name)
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
		real := r.opt.Target.Environment == hpp.Production
		production = production || real
		approvers := one.page.approvers.tiers
		if !one.page.approvers.set && real {
			approvers = desk.Approvers{{People: 1}}
		}
		all = append(all, desk.Account{
			Name: cmp.Or(one.profile, string(r.opt.Target.Environment)), Options: r.opt, Ledger: r.ledger, Dial: r.dial, Approvers: approvers,
			Record: func(f campaign.FileResult) json.RawMessage {
				of := *r
				of.started = f.Started
				return of.record(f)
			},
		})
	}
	return all, production, done, nil
}

// profileSettings are the settings with another profile of the configuration file.
func (a *app) profileSettings(s *settings, profile string) (*settings, error) {
	one := &settings{}
	f := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	one.serveFlags(&flagSet{f})
	if err := f.Parse(a.Args[min(1, len(a.Args)):]); err != nil {
		return nil, err
	}
	one.profile = profile
	if one.config == "" && s.config == "" {
		return nil, usage(fmt.Sprintf("--account %s: there is no configuration file that could have it", profile), "name one with --config; each account is one of its profiles")
	}
	return one, one.load(f, a.Env)
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

// pageAddress is where the page is, and who may ask for it.
type pageAddress struct {
	public  *url.URL
	hosts   []string
	proxies []netip.Prefix
	tls     *tls.Config // nil: plain
	people  bool        // who sign in
	own     bool        // public is where it listens
}

// pageAddress refuses what would put the page, or a password, before strangers.
func (s *settings) pageAddress(production bool) (at pageAddress, err error) {
	p := s.page
	host, _, err := net.SplitHostPort(s.addr)
	if err != nil {
		return at, usage("--addr "+s.addr+" is no address", "say --addr 127.0.0.1:8086")
	}
	_, loopback := hpp.ParseEndpoint("http://" + net.JoinHostPort(host, "1"))
	at.people = p.people || production || loopback != nil || p.issuer != "" || p.publicURL != ""
	for _, text := range p.proxies {
		prefix, err := netip.ParsePrefix(text)
		if addr, one := netip.ParseAddr(text); one == nil {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return at, usage("--behind-proxy "+text+" is no network", "say --behind-proxy 10.0.0.0/8, or one address")
		}
		at.proxies = append(at.proxies, prefix)
	}
	if (p.tlsCert == "") != (p.tlsKey == "") {
		return at, usage("a certificate and its key go together", "name both, with --tls-cert and --tls-key")
	}
	if p.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(p.tlsCert, p.tlsKey)
		if err != nil {
			return at, usage(fmt.Sprintf("--tls-cert %s, --tls-key %s: %v", p.tlsCert, p.tlsKey, pipeline.WithoutPath(err)), "name two PEM files that belong together")
		}
		at.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if loopback != nil && at.tls == nil && len(at.proxies) == 0 {
		return at, usage(
			"--addr "+s.addr+" can be reached from other machines, and contacts and passwords would go there in clear",
			"name --tls-cert and --tls-key, or say --behind-proxy NETWORK if a proxy does that; or listen on 127.0.0.1",
		)
	}
	if p.publicURL == "" {
		if loopback != nil || len(at.proxies) > 0 {
			return at, usage("it is not said by which address people reach the page", "say --public-url https://…")
		}
		at.own = true
		return at, nil
	}
	if at.public, err = url.Parse(strings.TrimSuffix(p.publicURL, "/")); err != nil || at.public.Host == "" || at.public.Path != "" || at.public.User != nil ||
		at.public.Scheme != "https" && at.public.Scheme != "http" {
		return at, usage("--public-url is no address of a page", "say --public-url https://links.example.com, without a path")
	}
	if at.public.Scheme == "http" && (loopback != nil || len(at.proxies) > 0 || at.tls != nil) {
		return at, usage("--public-url begins with http:, and passwords would go in clear", "say https://")
	}
	return at, nil
}

// listensOn fills in what is known once the port is.
func (p *pageAddress) listensOn(addr net.Addr) {
	port := fmt.Sprint(addr.(*net.TCPAddr).Port)
	if p.own {
		scheme := "http"
		if p.tls != nil {
			scheme = "https"
		}
		p.public = &url.URL{Scheme: scheme, Host: "127.0.0.1:" + port}
		p.hosts = []string{"localhost:" + port, "[::1]:" + port, "127.0.0.1:" + port}
	}
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

// notifier tells people that an upload waits, by the user's command; nil when there is none. It gets a link, and
// nothing of the upload.
func (a *app) notifier(s *settings, link func(string) string, log *slog.Logger) func(context.Context, desk.Waits) {
	if len(s.page.notify) == 0 {
		return nil
	}
	return func(ctx context.Context, w desk.Waits) {
		type person struct {
			Login string `json:"login"`
			Name  string `json:"name"`
		}
		about := struct {
			Type    string   `json:"type"`
			Account string   `json:"account"`
			Link    string   `json:"link"`
			People  []person `json:"people"`
		}{"approval", w.Account, link("/uploads/" + w.Upload + "/approval"), []person{}}
		for _, p := range w.People {
			about.People = append(about.People, person{p.Login, p.Name})
		}
		if err := a.call(ctx, s.page.notify, about); err != nil {
			log.Error("--notify-command failed", "upload", w.Upload, "error", err)
		}
	}
}

// tellPage says where the page is, and how to get in.
func (a *app) tellPage(ctx context.Context, s *settings, d *desk.Desk, accounts []desk.Account, at pageAddress) error {
	path := "/"
	switch {
	case !at.people:
		person, err := d.Local(ctx)
		if err != nil {
			return err
		}
		token, err := d.Link(ctx, person)
		if err != nil {
			return err
		}
		path = "/invitation/" + token
	default:
		if err := d.NoLocal(ctx); err != nil {
			return err
		}
		token, err := d.FirstAdministrator(ctx)
		if err != nil {
			return err
		}
		if token != "" && s.page.groups == "" {
			path = "/invitation/" + token
		}
	}
	link := at.public.String() + path
	fmt.Fprintln(a.Stdout, link)
	for _, account := range accounts {
		a.console.sayf("Account %s sends to %s, as %s.", account.Name, account.Options.Target.Name, account.Options.User)
	}
	switch {
	case !at.people:
		a.console.sayf("The page is at %s. The link opens it once; whoever has it may do everything.", link)
	case path != "/":
		a.console.sayf("The page is at %s. Nobody administers it yet: this link is for who will, once, within a week: %s", at.public, link)
	default:
		a.console.sayf("The page is at %s.", at.public)
	}
	a.console.say("Ctrl-C ends it: calls under way end, and what is left goes on at the next start.")
	if at.own && !s.page.noBrowser && a.interactive() && desktop(a.Env) {
		a.browse(link)
	}
	return nil
}

// desktop reports whether there is a screen for a browser.
func desktop(environ []string) bool {
	return runtime.GOOS == "darwin" || runtime.GOOS == "windows" || slices.ContainsFunc(environ, func(kv string) bool {
		name, value, _ := strings.Cut(kv, "=")
		return (name == "DISPLAY" || name == "WAYLAND_DISPLAY") && value != ""
	})
}

// browse opens a link in the user's browser, if that can be done; the link was printed.
func (a *app) browse(link string) {
	command := map[string][]string{
		"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"},
	}[runtime.GOOS]
	if command == nil {
		command = []string{"xdg-open"}
	}
	open := exec.Command(command[0], append(command[1:], link)...)
	if open.Start() == nil {
		go open.Wait()
	}
}
