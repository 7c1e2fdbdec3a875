package campaign

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
	"hppsend/reader"
)

// campaign is one invocation, from the check to the reports.
type campaign struct {
	Options
	Ports
	started    time.Time
	files      []*reader.File
	places     *places
	outputs    []outputs
	plan       *pipeline.Plan
	suppressed *pipeline.Suppression // who is on the lists; nil without one
	runs       []*ledger.Run
	seen       *seen
	ended      bool                    // every run has its end in the ledger
	handed     map[int]bool            // files that the workers send
	unfollowed error                   // why the workers could not be waited for
	endings    map[int]pipeline.Ending // of files that came to one of their own
	followed   map[string]bool         // files that the workers have already, by their paths
	away       bool                    // what the workers have goes on without this process
	result     Result
}

// Run checks all files, sends what is due, and reports every row. Its error tells that nothing was sent;
// what goes wrong afterwards is in the result.
func Run(ctx context.Context, opt Options, ports Ports, paths []string) (Result, error) {
	c := &campaign{Options: opt, Ports: ports, started: time.Now(), handed: map[int]bool{}, followed: map[string]bool{}, endings: map[int]pipeline.Ending{}}
	defer c.close()
	if err := c.prepare(ctx, paths); err != nil {
		return c.result, err
	}
	if err := c.begin(ctx); err != nil {
		return c.result, err
	}
	err := pipeline.Guarded(func() error { return c.send(ctx) })
	if pipeline.Stack(err) != nil { // something may have been sent
		c.result.Ending = pipeline.Broken("", err)
	} else if err != nil {
		return c.result, err
	}
	c.Observer.Tell(Sent{})
	c.report(context.WithoutCancel(ctx))
	return c.result, nil
}

// prepare does all that can be done before anything is sent, and refuses what has to be refused.
func (c *campaign) prepare(ctx context.Context, paths []string) error {
	ctx, cancel := UntilStop(ctx, c.Stop)
	defer cancel()
	if err := c.suppress(ctx); err != nil {
		return err
	}
	if err := c.open(ctx, paths); err != nil {
		return err
	}
	if err := c.check(ctx, paths); err != nil {
		return err
	}
	c.Observer.Tell(Checked{c.plan})
	if err := c.plan.RefuseLate(); err != nil {
		return err
	}
	if bad, most := c.plan.Total.Status[pipeline.Rejected]-c.LeftOut, c.Send.MaxRejected; most.Exceeded(bad, c.plan.Total.Rows) {
		return &pipeline.Error{
			Kind: pipeline.Braked, Problem: fmt.Sprintf("%d of %s are rejected, and --max-rejected is %s; nothing was sent", bad, counted(c.plan.Total.Rows), most),
			Todo: "hppsend check -o writes the rows with what is wrong beside them; mend them, or raise --max-rejected",
		}
	}
	if c.Confirm == nil || len(c.files) > 0 && !slices.ContainsFunc(c.files, func(f *reader.File) bool { return !c.followed[f.Input().Path] }) {
		return nil
	}
	return c.Confirm(ctx, c.plan)
}

// UntilStop is a context that ends when no new call is to be made, for what can be broken off without loss.
// The caller ends it with the function.
func UntilStop(ctx context.Context, stop <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// begin enters a run for each file. A file that another run is sending now refuses all.
func (c *campaign) begin(ctx context.Context) error {
	reading, err := json.Marshal(c.Reading)
	if err != nil {
		return err
	}
	approval, err := c.Approval.record()
	if err != nil {
		return err
	}
	for i := range c.files {
		in := c.plan.Files[i].Input
		info := ledger.RunInfo{
			ID: newRunID(), Target: c.Target.Name, UserName: c.User, Label: c.Label, Reminder: c.Reminder,
			Path: in.Path, SHA256: in.SHA256, Sheet: in.Sheet, Options: reading, Version: c.Program.Version,
			Host: c.Program.Host, PID: c.Program.PID, Started: time.Now(), Lists: c.suppressed.Lists(), Approval: approval,
		}
		run, err := c.beginOrFollow(ctx, i, info)
		if err != nil {
			return err
		}
		c.runs = append(c.runs, run)
		c.plan.Files[i].Run = run.ID()
		if !c.handed[i] {
			err = keepHolds(ctx, run, c.plan, i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// beginOrFollow enters a run, or finds the one that the workers have on the same content, if they are to send it.
func (c *campaign) beginOrFollow(ctx context.Context, file int, info ledger.RunInfo) (*ledger.Run, error) {
	if !c.followed[info.Path] {
		return c.Ledger.Begin(ctx, info)
	}
	with, err := c.Ledger.Follow(ctx, info)
	if err != nil {
		return nil, err
	}
	if with == nil { // nobody was asked whether it is to be sent anew
		return nil, &pipeline.Error{
			Kind: pipeline.Busy, Problem: info.Path + " was with the workers when it was looked at, and is not any more", Todo: "start again",
		}
	}
	c.handed[file] = true
	say(c.Observer, "followed", fmt.Sprintf("%s is with the workers already, as run %s; this waits for it.", info.Path, with.ID()))
	return with, nil
}

// newRunID names a run: short enough to be said over the telephone, unlike any other.
func newRunID() string { return strings.ToLower(rand.Text()[:12]) }

// send brings what is due to its outcome, one file after another, at one pace.
func (c *campaign) send(ctx context.Context) error {
	if c.plan.Due == 0 && len(c.handed) == 0 {
		return nil
	}
	if c.Workers.Shared {
		return c.hand(ctx)
	}
	caller, err := c.Dial()
	if err != nil {
		return err
	}
	defer caller.Close()

	pacer := pipeline.NewPacer(c.Ledger.Pace(c.Target.Name), c.Rate, c.Headroom)
	pacerCtx, stopPacer := context.WithCancel(ctx)
	var pacing sync.WaitGroup
	pacing.Go(func() { pacer.Run(pacerCtx) }) // its error comes back from every permit
	defer pacing.Wait()
	defer stopPacer()

	c.seen = &seen{Observer: c.Observer, progress: make([]pipeline.Progress, len(c.files))}
	sending := pipeline.NewSending(c.Send, pacer, c.seen, c.Stop)
	if err := c.obey(ctx, sending); err != nil {
		return err
	}
	pacing.Go(func() { c.listen(pacerCtx, sending) })
	for i, f := range c.files {
		c.seen.file = i
		c.Observer.Tell(Sending{f.Input().Path, c.plan.Files[i].Due})
		rules := c.rules(nil).Rules
		rules.Run = c.plan.Files[i].Run
		ending := sending.Send(ctx, c.plan, i, f, &pipeline.Distributor{
			Rules: rules, Records: c.runs[i], Ledger: c.runs[i], Holds: c.runs[i], Permits: pacer, Sender: caller, Looker: caller, Looks: c.runs[i],
			Grace: c.Send.Grace, Binding: c.Send.StopAfterIdentical == 0,
		})
		if ending.Code != "" && !ending.OfFile() {
			c.result.Ending = ending
			break
		}
		c.endings[i] = ending
	}
	return nil
}

// seen remembers how far each file came, and hands it on.
type seen struct {
	Observer
	file     int
	progress []pipeline.Progress
}

func (s *seen) Progress(p pipeline.Progress) {
	s.progress[s.file] = p
	s.Observer.Progress(p)
}

// groups are the outcomes of a file that were seen; none before anything was sent.
func (s *seen) groups(file int) (all []pipeline.Group) {
	if s == nil {
		return nil
	}
	p := s.progress[file]
	for _, g := range []pipeline.Group{
		{Status: pipeline.Delivered, Rows: p.Delivered},
		{Status: pipeline.Rejected, Rows: p.Rejected},
		{Status: pipeline.Failed, Rows: p.Failed},
		{Status: pipeline.Uncertain, Rows: p.Uncertain},
		{Status: pipeline.Skipped, Rows: p.Skipped},
	} {
		if g.Rows > 0 {
			all = append(all, g)
		}
	}
	return all
}

// orderEvery is how often it is looked whether a person has ordered something.
const orderEvery = 200 * time.Millisecond

// listen has the sending do what people order, until the context ends. Where the ledger cannot be read nothing can be
// claimed either.
func (c *campaign) listen(ctx context.Context, sending *pipeline.Sending) {
	every := time.NewTicker(orderEvery)
	defer every.Stop()
	for ctx.Err() == nil {
		select {
		case <-every.C:
			pipeline.Guarded(func() error { return c.obey(ctx, sending) })
		case <-ctx.Done():
		}
	}
}

// obey looks for orders to any run of this invocation, and hands on what is to be done.
func (c *campaign) obey(ctx context.Context, sending *pipeline.Sending) error {
	var ids []string
	for _, f := range c.plan.Files {
		ids = append(ids, f.Run)
	}
	o, err := c.Ledger.Ordered(ctx, ids...)
	if err == nil {
		sending.Order(o)
	}
	return err
}

// rules are those by which rows are checked and sent.
func (c *campaign) rules(records pipeline.Records) pipeline.CheckConfig {
	cfg := c.Reading.Rules(c.Target, records)
	cfg.Rules.RetryRejected, cfg.Rules.ResendUncertain = c.RetryRejected, c.ResendUncertain
	c.Restraints.apply(&cfg)
	c.suppression(&cfg)
	cfg.Going = pipeline.Going{Start: time.Now(), Rate: c.Rate, BySoonest: c.Restraints.BySoonest, SkipLate: c.Restraints.SkipLate}
	if c.Ledger != nil {
		view := c.Ledger.View(c.Target.Name)
		cfg.Contacts, cfg.Going.Sends = view, view
	}
	return cfg
}

// ending is why the sending of a file has ended.
func (c *campaign) ending(file int) pipeline.Ending {
	if e, ok := c.endings[file]; ok {
		return e
	}
	return c.result.Ending
}

// report writes the report of every file, puts the file away and ends its run.
func (c *campaign) report(ctx context.Context) {
	for _, run := range c.runs {
		run.Over()
	}
	faults := []error{c.unfollowed}
	if err := c.result.Ending.Err; err != nil {
		faults = append(faults, err)
	}
	for i := range c.files {
		if _, over := c.endings[i]; c.handed[i] && !over {
			c.result.Away = true
			continue
		}
		res := c.reported(ctx, i)
		faults = append(faults, res.Err)
		if c.result.Ending.Code == "" {
			c.result.Ending = res.Ending
		}
		if err := c.recorded(ctx, i, res); err != nil {
			faults = append(faults, fmt.Errorf("record the end of the run: %w", err))
		}
		c.Observer.Tell(Reported{res})
		c.result.Files = append(c.result.Files, res)
		c.result.Total.Add(res.Tally)
	}
	c.ended = true
	c.result.Err = errors.Join(faults...)
}

// recorded has the ledger keep how a file came out.
func (c *campaign) recorded(ctx context.Context, file int, res FileResult) error {
	if c.handed[file] {
		return c.runs[file].Counted(ctx, c.Record(res))
	}
	return c.runs[file].End(ctx, res.Ending.Finding, c.Record(res))
}

// reported writes the report of a file and puts the file away.
func (c *campaign) reported(ctx context.Context, file int) FileResult {
	f := c.plan.Files[file]
	res := FileResult{Path: f.Input.Path, Run: f.Run, Ending: c.ending(file), Started: c.started}
	var at made
	err := pipeline.Guarded(func() (err error) {
		late, err := c.Ledger.Held(ctx, f.Run, !c.handed[file])
		if err != nil {
			return err
		}
		c.plan.Hold(file, late)
		res.Tally, at, err = c.places.makeReport(ctx, c.plan, file, c.files[file], res.Ending.Finding, c.outputs[file])
		return err
	})
	res.Report, res.Rejects, res.Ended = at.report, at.rejects, time.Now()
	faults := []error{err}
	if err != nil && res.Tally.Rows < f.Tally.Rows { // the rows could not be read to their end
		tally, err := c.reached(ctx, f)
		if err != nil { // nor can the ledger: what this run has seen is known all the same
			faults = append(faults, err)
			tally = f.Reached(c.seen.groups(file))
		}
		res.Tally = tally
	}
	if res.Ending.Err == nil && err == nil { // what broke the run has been said
		res.Report, err = c.putAway(file, res)
		faults = append(faults, err)
	}
	res.Err = errors.Join(faults...)
	return res
}

// reached counts a file that was changed under the run by what the ledger has of it.
func (c *campaign) reached(ctx context.Context, f pipeline.FilePlan) (pipeline.Tally, error) {
	codes, err := c.Ledger.Codes(ctx, f.Run)
	if err != nil {
		return pipeline.Tally{}, err
	}
	var done []pipeline.Group
	for _, code := range codes {
		done = append(done, pipeline.Group{Status: code.Status, Code: code.Code, Rows: code.Count})
	}
	return f.Reached(done), nil
}

// done reports whether nothing of a file is left for a later run or a person, and nobody stopped it.
func (c *campaign) done(t pipeline.Tally) bool {
	select {
	case <-c.Stop:
		return false
	default:
		return t.Status[pipeline.Pending]+t.Status[pipeline.Failed]+t.Status[pipeline.Uncertain] == 0
	}
}

func (c *campaign) close() {
	for i := 0; i < len(c.runs) && !c.ended; i++ {
		if c.handed[i] {
			continue
		}
		broken := pipeline.Finding{Code: pipeline.StopBroken, Reason: "the run broke before its report"}
		c.runs[i].End(context.Background(), broken, c.Record(FileResult{}))
	}
	for _, f := range c.files {
		f.Close()
	}
}

// say tells a person something, and a machine by a code.
func say(obs pipeline.Observer, code, text string) {
	obs.Notice(pipeline.Notice{Code: code, Text: text, Time: time.Now()})
}

// counted is a number of rows, in words.
func counted(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}
