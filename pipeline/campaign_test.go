package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// id gives the session id of a row.
func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func mail(n int) string { return fmt.Sprintf("person%d@example.com", n) }

// many gives rows with ids from first on, by e-mail.
func many(first, n int) (rows []Row) {
	for i := first; i < first+n; i++ {
		rows = append(rows, byMail(i))
	}
	return rows
}

func byMail(n int) Row { return Row{Fields: Fields{Session: id(n), Email: mail(n)}} }

func byPhone(n int) Row {
	return Row{Fields: Fields{Session: id(n), Phone: fmt.Sprintf("+46701740%03d", 605+n%95), PhoneCountry: "SE"}}
}

// campaign is a run with everything about it that a test may set.
type campaign struct {
	book     *book
	pace     *commonPace
	server   *server
	cfg      SendConfig
	rules    Rules
	rate     float64
	ctx      context.Context
	stop     chan struct{}
	watch    watcher
	checked  func() // between check and send
	sending  func(*Sending)
	mostIdle int // claims that waited for a permit, at most
	looker   Looker
	looks    Looks
	kept     kept // what was held back
}

func newCampaign(t testing.TB, answer func(context.Context, Distribution, int) Reply) *campaign {
	t.Helper()
	c := &campaign{
		book: newBook(t), pace: &commonPace{}, server: &server{answer: answer}, rate: 100, ctx: context.Background(),
		cfg: SendConfig{
			Concurrency: 4, MaxAttempts: 5, RetryFor: 10 * time.Minute, Grace: 30 * time.Second, StopAfterIdentical: 25,
		},
		rules: Rules{Target: "sandbox", Run: "run-1", Hidden: RefuseHidden}, stop: make(chan struct{}),
	}
	return c
}

// again is the next run on the same ledger and server.
func (c *campaign) again(run string) *campaign {
	next := &campaign{ctx: context.Background(), stop: make(chan struct{})}
	next.book, next.pace, next.server, next.cfg, next.rules, next.rate = c.book, c.pace, c.server, c.cfg, c.rules, c.rate
	next.rules.Run = run
	return next
}

type result struct {
	ending  Ending
	plan    *Plan
	reports [][]Outcome // of each file
	tallies []Tally
}

// statuses gives the status and code of every row of the first file, as "status/code".
func (r result) statuses() (out []string) {
	for _, o := range r.reports[0] {
		out = append(out, short(o))
	}
	return out
}

func short(o Outcome) string {
	if o.Code == "" {
		return string(o.Status)
	}
	return string(o.Status) + "/" + o.Code
}

var testDefaults = Defaults{SessionFromURL: func(url string) (string, error) {
	const base = "https://api.example.com/hpp/v1/sessions/"
	if len(url) <= len(base) || url[:len(base)] != base {
		return "", errors.New("it is not at the endpoint")
	}
	return url[len(base):], nil
}}

// run checks the files, sends them, and reports on them.
func (c *campaign) run(t *testing.T, files ...*table) result {
	t.Helper()
	var sources []Source
	for _, f := range files {
		sources = append(sources, f)
	}
	plan, err := Check(context.Background(), CheckConfig{
		Rules: withoutRun(c.rules), Defaults: testDefaults, Records: c.book.run(""), Contacts: c.book.ledger.View().(Contacts),
	}, sources...)
	if err != nil {
		t.Fatal(err)
	}
	if c.checked != nil {
		c.checked()
	}
	pacer := NewPacer(c.pace, c.rate, 0.5)
	var pacing sync.WaitGroup
	pacing.Go(func() { pacer.Run(c.ctx) })
	sending := NewSending(c.cfg, pacer, &c.watch, c.stop)
	if c.sending != nil {
		c.sending(sending)
	}
	run := c.book.run(c.rules.Run)
	permits := &countedPermits{Pacer: pacer}
	res := result{plan: plan}
	for i, src := range sources {
		plan.Files[i].Run = c.rules.Run
		if err := run.Hold(context.Background(), slices.Collect(plan.HoldsOf(i)), false); err != nil && !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		res.ending = sending.Send(c.ctx, plan, i, src, &Distributor{
			Rules: c.rules, Records: run, Ledger: run, Permits: permits, Sender: mortal{run, c.server}, Grace: c.cfg.Grace,
			Looker: c.looker, Looks: c.looks, Holds: holdsOf{run, &c.kept},
		})
		if res.ending.Code != "" {
			break
		}
	}
	pacer.Stop()
	pacing.Wait()
	c.mostIdle = permits.most
	return res
}

// holdsOf are the book's, which is also listened to.
type holdsOf struct {
	Holds
	kept *kept
}

func (h holdsOf) Hold(ctx context.Context, rows []Hold, late bool) error {
	h.kept.Hold(ctx, rows, late)
	return h.Holds.Hold(ctx, rows, late)
}

// runAndReport is run, with the report pass after it.
func (c *campaign) runAndReport(t *testing.T, files ...*table) result {
	t.Helper()
	res := c.run(t, files...)
	late, err := c.book.ledger.Held(c.rules.Run, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 1 {
		res.plan.Hold(0, late)
	}
	for i, f := range files {
		var sink collected
		tally, err := Report(context.Background(), res.plan, i, f, res.ending.Finding, &sink)
		if err != nil {
			t.Fatalf("report: %v (the run ended with %v)", err, res.ending)
		}
		if len(sink.outcomes) != len(f.rows) || tally.Rows != len(f.rows) {
			t.Errorf("%d rows have %d outcomes, %d counted", len(f.rows), len(sink.outcomes), tally.Rows)
		}
		res.reports = append(res.reports, sink.outcomes)
		res.tallies = append(res.tallies, tally)
	}
	return res
}

func withoutRun(r Rules) Rules {
	r.Run = ""
	return r
}

// wantCalls fails unless exactly the sessions were called, in any order, as often as they are named.
func (c *campaign) wantCalls(t *testing.T, sessions ...string) {
	t.Helper()
	var got []string
	for _, k := range c.server.calls {
		got = append(got, k.Session)
	}
	slices.Sort(got)
	slices.Sort(sessions)
	if !slices.Equal(got, sessions) {
		t.Errorf("calls for %q, want %q", got, sessions)
	}
}
