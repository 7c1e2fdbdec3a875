package campaign

import (
	"context"
	"crypto/rand"
	"encoding/json"
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
