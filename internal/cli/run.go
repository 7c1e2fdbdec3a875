package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/internal/sandbox"
	"hppsend/pipeline"
	"hppsend/reader"
)

// campaign is one invocation of the run command, from the check to the reports.
type campaign struct {
	*app
	s       *settings
	opt     options
	target  hpp.Target
	creds   hpp.Credentials
	ledger  *ledger.Ledger
	files   []*reader.File
	places  *places
	outputs []outputs
	plan    *pipeline.Plan
	runs    []*ledger.Run
	started time.Time
	until   time.Time // zero for no end
	total   pipeline.Tally
	ending  pipeline.Ending
	one     *summary // of the only file, once it has its report
	ended   bool     // every run has its end in the ledger
	skipped []error  // files that were refused, while the others are sent
	faults  []error  // of the reports and of the book-keeping, once something may have been sent
}

// run is the run command: check everything, send what is due, report every row.
func (a *app) run(ctx context.Context, s *settings, paths []string) (code int, err error) {
	c := &campaign{app: a, s: s, opt: s.options(), started: time.Now()}
	defer c.close()
	defer func() { c.finish(ctx, code, err) }()
	if err := c.prepare(ctx, paths); err != nil {
		return exitOK, err
	}
	if err := c.begin(ctx); err != nil {
		return exitOK, err
	}
	err = pipeline.Guarded(func() error { return c.send(ctx) })
	if bug := (*pipeline.Bug)(nil); errors.As(err, &bug) { // something may have been sent
		c.ending = pipeline.Broken("", err)
	} else if err != nil {
		return exitOK, err
	}
	c.report(context.WithoutCancel(ctx))
	if c.ending.Err != nil {
		c.faults = append([]error{c.ending.Err}, c.faults...)
	}
	code, err = c.result()
	all := c.overall(code)
	c.tellOverall(all)
	if len(c.runs) > 1 || len(c.skipped) > 0 {
		c.lines.write(all)
	}
	return code, err
}

// result is the exit code of a run that came to its reports, and what went wrong with it.
func (c *campaign) result() (int, error) {
	code, err := c.exitCode(c.total, c.ending), errors.Join(c.faults...)
	if err != nil {
		code = exitBroken
	}
	for _, skipped := range c.skipped {
		if worse := c.codeOf(skipped); worse == exitBusy || code != exitBusy {
			code = worse
		}
	}
	return code, err
}

// prepare does all that can be done before anything is sent, and refuses what has to be refused.
func (c *campaign) prepare(ctx context.Context, paths []string) (err error) {
	ctx, cancel := c.untilStop(ctx)
	defer cancel()
	if err := c.s.validate(); err != nil {
		return err
	}
	if c.until, err = c.s.ends(c.started); err != nil {
		return err
	}
	if c.target, err = c.s.needTarget(); err != nil {
		return err
	}
	if c.creds, err = c.credentialsFor(c.s, c.target); err != nil {
		return err
	}
	if c.target.Origin != "" { // refuses a wrong key, or a broken certificate file, before any row is read
		client, err := c.client()
		if err != nil {
			return err
		}
		client.Close()
	}
	if c.ledger, err = c.openLedger(ctx, c.s, c.target, true); err != nil {
		return err
	}
	if paths, err = c.expand(paths); err != nil {
		return err
	}
	if err := c.open(ctx, paths); err != nil {
		return err
	}
	if err := c.check(ctx, paths); err != nil {
		return err
	}
	c.tellLedger(c.ledger)
	c.tellPlan(c.plan, c.s.perSecond(c.target))
	if !c.until.IsZero() {
		c.say("notice", "until", "It stops at "+moment(c.until)+".")
	}
	if bad := c.plan.Total.Status[pipeline.Rejected]; pipeline.Most(c.s.maxRejected).Exceeded(bad, c.plan.Total.Rows) {
		return &pipeline.Error{
			Kind: pipeline.Braked,
			Problem: fmt.Sprintf("%d of %s are rejected, and --max-rejected is %s; nothing was sent",
				bad, rows(c.plan.Total.Rows), c.s.maxRejected.String()),
			Todo: "hppsend check -o writes the rows with what is wrong beside them; mend them, or raise --max-rejected",
		}
	}
	return c.confirm(ctx)
}

// confirm asks before anything is sent in production.
func (c *campaign) confirm(ctx context.Context) error {
	production := c.target.Environment == hpp.Production
	if !production && !c.s.ask || c.s.yes || c.plan.Due == 0 {
		return nil
	}
	if !c.interactive() {
		return usage("nothing is sent in production without a terminal to ask on", "say --yes")
	}
	people := " to real people"
	if c.target.Environment == hpp.Sandbox {
		people = ""
	}
	c.console.warn("")
	c.console.warn(fmt.Sprintf("Send %d messages%s, as %s at %s? Type %[1]d to go on: ",
		c.plan.Due, people, c.creds.Username, c.target.Name))
	word, err := c.answer(ctx)
	if err == nil && word != fmt.Sprint(c.plan.Due) {
		err = usage("the answer was not the number; nothing was sent", "start again when you are sure")
	}
	return err
}

// goOn asks, on a terminal, whether the rest may follow the canary.
func (c *campaign) goOn() func(context.Context, int) bool {
	if c.s.yes || !c.interactive() {
		return nil
	}
	return func(ctx context.Context, n int) bool {
		c.console.warn(fmt.Sprintf("The first %d rows were all accepted by HPP. "+
			"See that they arrived as they should. Send the rest? Type yes to go on: ", n))
		word, err := c.answer(ctx)
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

// begin enters a run for each file. A file that another run is sending now refuses all.
func (c *campaign) begin(ctx context.Context) error {
	for i := range c.files {
		in := c.plan.Files[i].Input
		info := ledger.RunInfo{
			ID: newRunID(), Target: c.target.Name, UserName: c.creds.Username, Label: c.opt.Label, Reminder: c.opt.Reminder,
			Path: in.Path, SHA256: in.SHA256, Sheet: in.Sheet, Options: encoded(c.opt), Version: version(),
			Host: hostname(), PID: os.Getpid(), Started: time.Now(),
		}
		run, err := c.ledger.Begin(ctx, info)
		if err != nil {
			return err
		}
		c.runs = append(c.runs, run)
		c.plan.Files[i].Run = info.ID
	}
	return nil
}

// send brings what is due to its outcome, one file after another, at one pace.
func (c *campaign) send(ctx context.Context) error {
	if c.plan.Due == 0 {
		return nil
	}
	if c.target.Origin == "" {
		box := sandbox.New(sandbox.Config{})
		origin, err := box.Start("127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("start the sandbox: %w", err)
		}
		defer box.Close()
		c.target.Origin = origin
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()

	rate := c.s.perSecond(c.target)
	pacer := pipeline.NewPacer(c.ledger.Pace(c.target.Name), rate, float64(c.s.headroom))
	pacerCtx, stopPacer := context.WithCancel(ctx)
	var pacing sync.WaitGroup
	pacing.Go(func() { pacer.Run(pacerCtx) }) // its error comes back from every permit
	defer pacing.Wait()
	defer stopPacer()

	view := newProgress(c.console, c.lines)
	defer view.close()
	sending := pipeline.NewSending(pipeline.SendConfig{
		Concurrency: c.s.concurrency, MaxAttempts: c.s.maxAttempts, RetryFor: c.s.retryFor, Grace: c.s.grace,
		Limit: c.s.limit, StopAfterIdentical: c.s.stopAfterIdentical, Until: c.until,
		MaxRejected: pipeline.Most(c.s.maxRejected), Canary: c.s.canary, GoOn: c.goOn(),
	}, pacer, view, c.stop)
	claims := make(chan struct{}, pipeline.ClaimBound(rate, c.s.concurrency)) // a place for each claim without a permit
	for i, f := range c.files {
		view.file(f.Input().Path, c.plan.Files[i].Due)
		rules := c.opt.checking(c.target, nil).Rules
		rules.Run = c.plan.Files[i].Run
		rules.RetryRejected, rules.ResendUncertain = c.s.retryRejected, c.s.resendUncertain
		c.ending = sending.Send(ctx, c.plan, i, f, &pipeline.Courier{
			Rules: rules, Records: c.runs[i], Ledger: c.runs[i], Permits: pacer, Sender: client,
			Grace: c.s.grace, Binding: c.s.stopAfterIdentical == 0, Claims: claims,
		})
		if c.ending.Code != "" {
			break
		}
	}
	return nil
}

func (c *campaign) client() (*hpp.Client, error) {
	return hpp.New(hpp.Config{
		Endpoint: c.target.Origin, Credentials: c.creds, Timeout: c.s.timeout, Concurrency: c.s.concurrency,
		CAFile: c.s.caFile, UserAgent: "hppsend/" + version(),
	})
}

// report writes the report of every file, ends its run, and tells people and machines how it went.
func (c *campaign) report(ctx context.Context) {
	for _, run := range c.runs {
		run.Over()
	}
	for i, f := range c.files {
		in := c.plan.Files[i].Input
		var t pipeline.Tally
		var at made
		err := pipeline.Guarded(func() (err error) {
			t, at, err = c.places.makeReport(ctx, c.plan, i, f, c.ending.Finding, c.outputs[i])
			return err
		})
		if err != nil {
			c.faults = append(c.faults, err)
			if t.Rows < c.plan.Files[i].Tally.Rows { // the rows could not be read to their end
				t = c.reached(ctx, i, t)
			}
		}
		s := summaryOf(in.Path, t)
		ended := time.Now().UTC()
		started := c.started.UTC()
		s.Run, s.Label, s.Reminder, s.Target, s.Report = c.plan.Files[i].Run, c.opt.Label, c.opt.Reminder, c.target.Name, at.report
		s.Rejects = at.rejects
		s.Started, s.Ended = &started, &ended
		if s.Exit = c.exitCode(t, c.ending); err != nil {
			s.Exit = exitBroken
		}
		if s.Report, err = c.putAway(i, s, t.Left); err != nil {
			c.faults = append(c.faults, err)
			s.Exit = exitBroken
		}
		if err := c.runs[i].End(ctx, c.ending.Finding, encoded(s)); err != nil {
			c.faults = append(c.faults, fmt.Errorf("record the end of the run: %w", err))
		}
		c.tellSummary(s, t, c.ending)
		c.lines.write(s)
		c.total.Add(t)
		if c.one = nil; len(c.files) == 1 {
			c.one = &s
		}
	}
	c.ended = true
}

// reached counts a file that was changed under the run by what the ledger has of it; where that cannot be
// read either, by the rows that were seen.
func (c *campaign) reached(ctx context.Context, file int, seen pipeline.Tally) pipeline.Tally {
	f := c.plan.Files[file]
	codes, err := c.ledger.Codes(ctx, f.Run)
	if err != nil {
		c.faults = append(c.faults, err)
		return seen
	}
	var done []pipeline.Group
	for _, code := range codes {
		done = append(done, pipeline.Group{Status: code.Status, Code: code.Code, Rows: code.Count})
	}
	return f.Reached(done)
}

func (c *campaign) close() {
	for i := 0; i < len(c.runs) && !c.ended; i++ {
		c.runs[i].End(context.Background(), pipeline.Finding{Code: pipeline.StopBroken, Reason: "the run broke before its report"}, encoded(summary{}))
	}
	closeAll(c.files)
	if c.ledger != nil {
		c.ledger.Close()
	}
}
