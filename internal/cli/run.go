package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/internal/sandbox"
	"hppsend/pipeline"
)

// invocation is one call of the run command: a campaign, and what people and machines are told of it. It
// implements campaign.Observer.
type invocation struct {
	*app
	s       *settings
	opt     campaign.Options
	creds   hpp.Credentials
	ledger  *ledger.Ledger
	plan    *campaign.PlanFile // that is sent, and nothing else; nil for all that is due
	started time.Time
	view    *progress // while the sending goes on
	result  campaign.Result
	one     *summary // of the only file, once it has its report
}

// run is the run command: check everything, send what is due, report every row.
func (a *app) run(ctx context.Context, s *settings, paths []string) (code int, err error) {
	_, code, err = a.runOf(ctx, s, paths)
	return code, err
}

// runOf is run, with what it came to.
func (a *app) runOf(ctx context.Context, s *settings, paths []string) (r *invocation, code int, err error) {
	r = &invocation{app: a, s: s, started: time.Now()}
	r.opt.Reading = s.reading()
	defer func() { r.finish(ctx, code, err) }()
	if err := r.prepare(ctx); err != nil {
		return r, exitOK, err
	}
	defer r.ledger.Close()
	defer r.showNoMore()
	if paths, err = a.expand(paths); err != nil {
		return r, exitOK, err
	}
	r.result, err = campaign.Run(ctx, r.opt, campaign.Ports{
		Ledger: r.ledger, Dial: func() (campaign.Caller, error) { return s.dial(r.opt.Target, r.creds, r.ledger) }, Stdin: a.Stdin, Confirm: r.confirm, Record: r.record, Observer: r, Stop: r.stop,
	}, paths)
	if err != nil {
		return r, exitOK, err
	}
	if code = r.exit(); r.result.Away && len(r.result.Files) == 0 {
		return r, code, r.result.Err
	}
	all := r.overall(code)
	a.tellOverall(all)
	if len(r.result.Files) > 1 || len(r.result.Refused) > 0 {
		a.lines.write(all)
	}
	return r, code, r.result.Err
}

// prepare makes of the settings what a campaign needs, and refuses what cannot be meant.
func (r *invocation) prepare(ctx context.Context) (err error) {
	ctx, cancel := r.untilStop(ctx)
	defer cancel()
	s := r.s
	if err := s.validate(); err != nil {
		return err
	}
	until, err := s.ends(r.started)
	if err != nil {
		return err
	}
	if r.opt.Target, err = s.needTarget(); err != nil {
		return err
	}
	if err := s.needPlan(r.opt.Target); err != nil {
		return err
	}
	if r.creds, err = r.credentialsFor(s, r.opt.Target); err != nil {
		return err
	}
	if r.opt.Target.Origin != "" { // refuses a wrong key, or a broken certificate file, before any row is read
		client, err := s.client(r.opt.Target.Origin, r.creds)
		if err != nil {
			return err
		}
		client.Close()
	}
	if r.opt.Outputs, err = r.outputs(s); err != nil {
		return err
	}
	r.opt.User, r.opt.Program, r.opt.Archive = r.creds.Username, program(), s.archive
	r.opt.SkipRefused = s.skipBadFiles
	r.opt.Send = pipeline.SendConfig{
		Concurrency: s.concurrency, MaxAttempts: s.maxAttempts, RetryFor: s.retryFor, Grace: s.grace,
		StopAfterIdentical: s.stopAfterIdentical, Until: until, GoOn: r.goOn(),
		Wait: s.rules.wait,
	}
	if err := s.planTerms(&r.opt); err != nil {
		return err
	}
	r.opt.Workers = campaign.Workers{Shared: s.shared, Priority: s.priority, Detach: s.detach}
	if r.ledger, err = r.openLedger(ctx, s, r.opt.Target, true); err == nil && s.shared {
		err = r.ledger.Shareable()
	}
	if err == nil {
		err = r.takePlan(ctx)
	}
	if err != nil && r.ledger != nil {
		r.ledger.Close()
	}
	return err
}

// confirm asks before anything is sent in production.
func (r *invocation) confirm(ctx context.Context, plan *pipeline.Plan) error {
	if err := r.holdsPlan(ctx, plan); err != nil {
		return err
	}
	production := r.opt.Target.Environment == hpp.Production
	if !production && !r.s.ask || r.s.yes || plan.Due == 0 {
		return nil
	}
	if !r.interactive() {
		return usage("nothing is sent in production without a terminal to ask on", "say --yes")
	}
	people := " to real people"
	if r.opt.Target.Environment == hpp.Sandbox {
		people = ""
	}
	r.console.warn("")
	r.console.warn(fmt.Sprintf("Send %d messages%s, as %s at %s? Type %[1]d to go on: ",
		plan.Due, people, r.opt.User, r.opt.Target.Name))
	word, err := r.answer(ctx)
	if err == nil && word != fmt.Sprint(plan.Due) {
		err = usage("the answer was not the number; nothing was sent", "start again when you are sure")
	}
	return err
}

// goOn asks, on a terminal, whether the rest may follow the canary.
func (r *invocation) goOn() func(context.Context, int) bool {
	if r.s.yes || !r.interactive() {
		return nil
	}
	return func(ctx context.Context, n int) bool {
		r.console.warn(fmt.Sprintf("The first %d rows were all accepted by HPP. "+
			"See that they arrived as they should. Send the rest? Type yes to go on: ", n))
		word, err := r.answer(ctx)
		return err == nil && strings.EqualFold(word, "yes")
	}
}

// answer reads a line that somebody types, until the context ends.
func (a *app) answer(ctx context.Context) (string, error) {
	typed := make(chan string, 1) // a read from a terminal cannot be broken off
	go func() {
		text, _ := bufio.NewReader(a.Stdin).ReadString('\n')
		typed <- strings.TrimSpace(text)
	}()
	select {
	case word := <-typed:
		return word, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// dial gives the client that makes the calls to a target. The sandbox inside the program lives as long as it, and
// knows from the ledger what was sent to others before it.
func (s *settings) dial(t hpp.Target, creds hpp.Credentials, l *ledger.Ledger) (campaign.Caller, error) {
	if t.Origin != "" {
		return s.client(t.Origin, creds)
	}
	box := sandbox.New(sandbox.Config{Sent: sentBefore(l, t)})
	origin, err := box.Start("127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the sandbox: %w", err)
	}
	client, err := s.client(origin, creds)
	if err != nil {
		box.Close()
		return nil, err
	}
	return inside{client, box}, nil
}

// inside is a client of the sandbox inside the program.
type inside struct {
	*hpp.Client
	box *sandbox.Server
}

func (i inside) Close() {
	i.Client.Close()
	i.box.Close()
}

func (s *settings) client(origin string, creds hpp.Credentials) (*hpp.Client, error) {
	return hpp.New(hpp.Config{
		Endpoint: origin, Credentials: creds, Timeout: s.timeout, Concurrency: s.concurrency,
		CAFile: s.caFile, UserAgent: "hppsend/" + version(),
	})
}

// Progress implements campaign.Observer.
func (r *invocation) Progress(p pipeline.Progress) { r.view.Progress(p) }

// Notice implements campaign.Observer.
func (r *invocation) Notice(n pipeline.Notice) {
	if r.view != nil {
		r.view.Notice(n)
		return
	}
	r.say("notice", n.Code, n.Text)
}

// Tell implements campaign.Observer.
func (r *invocation) Tell(e campaign.Event) {
	switch e := e.(type) {
	case campaign.Checked:
		r.tellLedger(r.ledger)
		r.tellPlan(e.Plan, r.opt.Rate)
		r.tellOverrides(r.opt.Overrides)
		if until := r.opt.Send.Until; !until.IsZero() {
			r.say("notice", "until", "It stops at "+moment(until)+".")
		}
	case campaign.Refused:
		r.console.fail(e.Err)
		if r.lines != nil {
			r.lines.fail(e.Err)
		}
	case campaign.Handed:
		r.console.sayf("%s is with the workers: run %s, %s to be sent.", e.File, e.Run, rows(e.Due))
		r.lines.write(r.handed(e))
		if s := r.s; s.detach {
			r.console.sayf("  How far it is: hppsend runs %s --watch %s; the report, then: hppsend report %[1]s %[3]s", r.targetFlag(r.opt.Target.Name), e.Run, word(e.File))
		}
	case campaign.Sending:
		if r.view == nil {
			r.view = newProgress(r.console, r.lines)
		}
		r.view.file(e.File, e.Due)
	case campaign.Sent:
		r.showNoMore()
	case campaign.Reported:
		s := r.summary(e.FileResult)
		r.tellSummary(s, e.Tally, e.Ending)
		r.lines.write(s)
		r.one = &s
	}
}

// handed is a run as machines are told of it that the workers have from now on.
func (r *invocation) handed(e campaign.Handed) runLine {
	by := r.opt.Program
	return runLine{RunState: ledger.RunState{Lives: true, RunInfo: ledger.RunInfo{
		ID: e.Run, Target: r.opt.Target.Name, UserName: r.opt.User, Label: r.opt.Label, Reminder: r.opt.Reminder, Path: e.File,
		Version: by.Version, Host: by.Host, PID: by.PID, Started: r.started,
	}}}
}

// showNoMore takes the progress away.
func (r *invocation) showNoMore() {
	if r.view != nil {
		r.view.close()
		r.view = nil
	}
}

// summary is what people and machines are told of a file.
func (r *invocation) summary(f campaign.FileResult) summary {
	s := summaryOf(f.Path, f.Tally)
	started, ended := r.started.UTC(), f.Ended.UTC()
	s.Run, s.Label, s.Reminder, s.Target = f.Run, r.opt.Label, r.opt.Reminder, r.opt.Target.Name
	s.Overrides = r.opt.Overrides
	s.Approval = r.opt.Approval
	s.Report, s.Rejects, s.Started, s.Ended = f.Report, f.Rejects, &started, &ended
	if s.Exit = r.exitCode(f.Tally, f.Ending); f.Err != nil {
		s.Exit = exitBroken
	}
	return s
}

// record is what the ledger keeps of how a file came out; of one that came to no report, nothing.
func (r *invocation) record(f campaign.FileResult) json.RawMessage {
	if f.Run == "" {
		return encoded(summary{})
	}
	return encoded(r.summary(f))
}

// exit is the exit code of a run that came to its reports.
func (r *invocation) exit() int {
	code := r.exitCode(r.result.Total, r.result.Ending)
	if r.result.Away && !r.s.detach {
		r.console.say("The workers go on without this process: hppsend cancel ends a run, hppsend report writes its report.")
	}
	if r.result.Err != nil {
		code = exitBroken
	}
	for _, refused := range r.result.Refused {
		if worse := r.codeOf(refused); worse == exitBusy || code != exitBusy {
			code = worse
		}
	}
	return code
}
