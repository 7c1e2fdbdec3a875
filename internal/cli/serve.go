package cli

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"hppsend/internal/desk"
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
	f.path(&p.state, "state", "", "the `FOLDER` for uploads, people and the audit trail; where the ledger is on a server they are there, and this has what is at hand (default beside the ledger)")
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
	s.ruleFlags(f)
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
	spare.Store(gcSpareServe)
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
	server, err := web.New(ctx, cfg)
	if err != nil {
		return exitOK, err
	}
	if err := a.tellPage(ctx, s, d, accounts, address); err != nil {
		return exitOK, err
	}
	running := make(chan error, 1)
	go func() { running <- pipeline.Guarded(func() error { return d.Run(ctx) }) }()
	err = server.Serve(l, address.tls)
	end()
	return exitOK, errors.Join(err, <-running)
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
		if s.page.groups != "" { // roles are the provider's alone
			break
		}
		token, err := d.FirstAdministrator(ctx)
		if err != nil {
			return err
		}
		if token != "" {
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
