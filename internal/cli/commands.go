package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"hppsend/internal/campaign"
	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/internal/sandbox"
	"hppsend/pipeline"
	"hppsend/writer"
)

// check is the check command: what a run would do. It sends nothing, and writes nothing but a ledger
// that is there already.
func (a *app) check(ctx context.Context, s *settings, paths []string) (code int, err error) {
	ctx, cancel := a.untilStop(ctx)
	defer cancel()
	opt := campaign.Options{Reading: s.reading(), Program: program()}
	var named bool
	if opt.Target, named, err = s.target(); err == nil && s.plan != "" {
		opt.Target, err = s.needTarget()
	}
	if err != nil {
		return exitOK, err
	}
	if err := s.planTerms(&opt); err != nil {
		return exitOK, err
	}
	if s.plan != "" {
		if err := a.beginPlan(s, &opt); err != nil {
			return exitOK, err
		}
	}
	if opt.Outputs, err = a.outputs(s); err != nil {
		return exitOK, err
	}
	if paths, err = a.expand(paths); err != nil {
		return exitOK, err
	}
	look := &inspection{teller: teller{a}, opt: opt, perSecond: s.perSecond(opt.Target)}
	if named {
		switch look.ledger, err = a.openLedger(ctx, s, opt.Target, s.plan != ""); {
		case err == nil:
			defer look.ledger.Close()
		case errors.Is(err, ledger.ErrMissing) && s.plan == "":
			look.none = true
		default:
			return exitOK, err
		}
	}
	ports := campaign.Ports{Ledger: look.ledger, Observer: look, Stdin: a.Stdin, Stop: a.stop}
	if s.looks.sample > 0 {
		if err := a.sampling(s, look, named, &opt, &ports); err != nil {
			return exitOK, err
		}
	}
	plan, err := campaign.Check(ctx, opt, ports, paths)
	switch {
	case plan == nil:
		return exitOK, err
	case err != nil:
		return exitBroken, err
	}
	if s.plan != "" {
		if err := a.writePlan(s, opt, look.ledger, plan); err != nil {
			return exitOK, err
		}
	}
	return checkCode(plan.Total), nil
}

// inspection tells what a check has found. It implements campaign.Observer.
type inspection struct {
	teller
	opt       campaign.Options
	ledger    *ledger.Ledger // nil without a target, or when there is none yet
	none      bool           // there is a target, and no ledger yet
	perSecond float64
}

// Tell implements campaign.Observer.
func (i *inspection) Tell(e campaign.Event) {
	switch e := e.(type) {
	case campaign.Checked:
		switch {
		case i.none:
			i.console.say("There is no ledger yet: nothing was ever sent from here, as far as this machine knows.")
		case i.ledger != nil:
			i.tellLedger(i.ledger)
		}
		i.tellPlan(e.Plan, i.perSecond)
		i.tellOverrides(i.opt.Overrides)
		if i.opt.Restraints.Preflight.Age > 0 {
			i.say("notice", "not_looked_at", "Sessions are looked at before their calls (--preflight), and were not looked at now: what is paid, cancelled or expired by then is not sent.")
		}
	case campaign.Sampled:
		i.tellSample(e)
	case campaign.Reported:
		line := summaryOf(e.Path, e.Tally)
		line.Report, line.Rejects = e.Report, e.Rejects
		i.tellFiles("What was found", line)
		line.Overrides = i.opt.Overrides
		line.Label, line.Reminder, line.Target, line.Exit = i.opt.Label, i.opt.Reminder, i.opt.Target.Name, checkCode(e.Tally)
		i.lines.write(line)
	}
}

// template is the template command: an empty spreadsheet with our headers.
func (a *app) template(_ context.Context, _ *settings, paths []string) (int, error) {
	format := map[string]pipeline.Format{".csv": pipeline.CSV, ".xlsx": pipeline.XLSX}[strings.ToLower(filepath.Ext(paths[0]))]
	if format == "" {
		return exitOK, usage(paths[0]+": a template ends in .xlsx or .csv", "say: hppsend template sessions.xlsx")
	}
	if _, err := os.Lstat(paths[0]); err == nil {
		return exitOK, usage(paths[0]+" is there already", "name another place, or move it away")
	}
	if err := writer.Template(paths[0], format); err != nil {
		return exitOK, err
	}
	a.console.sayf("%s is ready to be filled in. Then: hppsend check %s", paths[0], word(paths[0]))
	return exitOK, nil
}

// sandbox is the sandbox command: it serves until it is stopped.
func (a *app) sandbox(_ context.Context, s *settings, _ []string) (int, error) {
	cfg := sandbox.Config{RateLimit: s.rateLimit, Latency: s.latency, SessionLife: s.looks.expireAfter}
	if s.script != "" {
		f, err := os.Open(s.script)
		if err != nil {
			return exitOK, usage(fmt.Sprintf("script %s: %v", s.script, pipeline.WithoutPath(err)), "name a readable YAML file with --script")
		}
		defer f.Close()
		if cfg.Script, err = sandbox.LoadScript(f); err != nil {
			return exitOK, usage(fmt.Sprintf("script %s: %v", s.script, err), "the README shows what a script may say")
		}
	}
	if host, _, ok := strings.Cut(s.addr, ":"); ok {
		if _, err := hpp.ParseEndpoint("http://" + host); err != nil {
			return exitOK, usage(fmt.Sprintf("--addr %s is not of this machine alone", s.addr), "say --addr 127.0.0.1:8085")
		}
	}
	box := sandbox.New(cfg)
	url, err := box.Start(s.addr)
	if err != nil {
		return exitOK, usage(fmt.Sprintf("listen on %s: %v", s.addr, err), "name a free port with --addr, or port 0 for any")
	}
	fmt.Fprintln(a.Stdout, url)
	a.console.sayf("The sandbox serves at %s; nothing that it is sent leaves this machine.", url)
	a.console.sayf("User %s, password %s; what it has accepted: %s/_sandbox/stats", sandbox.DefaultUsername, sandbox.DefaultPassword, url)
	a.console.say("Ctrl-C ends it.")
	<-a.stop
	return exitOK, box.Close()
}

// version is the version command.
func (a *app) version(_ context.Context, s *settings, _ []string) (int, error) {
	v := struct {
		Version  string `json:"version"`
		Commit   string `json:"commit,omitempty"`
		Time     string `json:"time,omitempty"`
		Modified bool   `json:"modified,omitempty"`
		Go       string `json:"go"`
		Platform string `json:"platform"`
	}{Version: version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, kv := range info.Settings {
			switch kv.Key {
			case "vcs.revision":
				v.Commit = kv.Value
			case "vcs.time":
				v.Time = kv.Value
			case "vcs.modified":
				v.Modified = kv.Value == "true"
			}
		}
	}
	if s.json {
		return exitOK, json.NewEncoder(a.Stdout).Encode(v)
	}
	text := "hppsend " + v.Version
	if v.Commit != "" {
		text += ", commit " + v.Commit[:min(12, len(v.Commit))] + " of " + v.Time
	}
	if v.Modified {
		text += ", with changes"
	}
	_, err := fmt.Fprintf(a.Stdout, "%s, %s, %s\n", text, v.Go, v.Platform)
	return exitOK, err
}
