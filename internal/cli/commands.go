package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/internal/sandbox"
	"hppsend/pipeline"
	"hppsend/writer"
)

// check is the check command: what a run would do. It sends nothing, and writes nothing but a ledger
// that is there already.
func (a *app) check(ctx context.Context, s *settings, paths []string) (int, error) {
	ctx, cancel := a.untilStop(ctx)
	defer cancel()
	t, named, err := s.target()
	if err != nil {
		return exitOK, err
	}
	if paths, err = a.expand(paths); err != nil {
		return exitOK, err
	}
	opt := s.options()
	files, err := open(ctx, paths, opt)
	defer func() { closeAll(files) }()
	if err != nil {
		return exitOK, err
	}
	files = a.passOver(files)
	cfg := opt.checking(t, nil)
	cfg.Rules.RetryRejected, cfg.Rules.ResendUncertain = s.retryRejected, s.resendUncertain
	var l *ledger.Ledger // nil without a target, or when there is none yet
	if named {
		known, err := a.openLedger(ctx, s, t, false)
		switch {
		case err == nil:
			l = known
			defer l.Close()
			a.tellLedger(l)
			cfg.Records = l.View(t.Name)
		case errors.Is(err, ledger.ErrMissing):
			a.console.say("There is no ledger yet: nothing was ever sent from here, as far as this machine knows.")
		default:
			return exitOK, err
		}
	}
	plan, err := pipeline.Check(ctx, cfg, asSources(files)...)
	if err != nil {
		return exitOK, err
	}
	a.tellPlan(plan, s.perSecond(t))
	places, err := a.places(s, l, paths)
	if err != nil {
		return exitOK, err
	}
	for i, f := range plan.Files {
		line := summaryOf(f.Input.Path, f.Tally)
		if s.output != "" || s.rejects != "" {
			out, err := places.find(ctx, f, s.output != "")
			if err != nil {
				return exitOK, err
			}
			why := pipeline.Finding{Code: pipeline.CodeNotReached, Reason: "to be sent"}
			_, at, err := places.makeReport(ctx, plan, i, files[i], why, out)
			if err != nil {
				return exitBroken, err
			}
			line.Report, line.Rejects = at.report, at.rejects
			a.tellFiles("What was found", line)
		}
		line.Label, line.Reminder, line.Target, line.Exit = opt.Label, opt.Reminder, t.Name, checkCode(f.Tally)
		a.lines.write(line)
	}
	return checkCode(plan.Total), nil
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
	cfg := sandbox.Config{RateLimit: s.rateLimit, Latency: s.latency}
	if s.script != "" {
		f, err := os.Open(s.script)
		if err != nil {
			return exitOK, usage(fmt.Sprintf("script %s: %v", s.script, unwrapPath(err)), "name a readable YAML file with --script")
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

// newRunID names a run: short enough to be said over the telephone, unlike any other.
func newRunID() string { return strings.ToLower(rand.Text()[:12]) }
