package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
	"hppsend/writer"
)

func (s *settings) trackFlags(f *flagSet) {
	s.targetFlags(f)
	s.credentialFlags(f)
	f.Var(&s.looks.since, "since", "the runs that began within this time, such as 7d")
	f.StringVar(&s.label, "label", "", "the runs with this label, word for word")
	f.DurationVar(&s.looks.trackAge, "track-age", time.Minute, "do not ask again for a session that was looked at within this time")
	f.Var(&s.rate, "rate", "most looks: 20/s, 100/m, 5000/h or unlimited; they share the pace of all runs (default as of run)")
	s.headroom = 0.5
	f.Var(&s.headroom, "headroom", "go slower while less than this share of HPP's limit is left, which the shop's checkout shares")
	f.IntVar(&s.concurrency, "concurrency", 16, "looks under way at once")
	f.DurationVar(&s.timeout, "timeout", 30*time.Second, "longest time for one look")
	f.IntVar(&s.maxAttempts, "max-attempts", 5, "looks at one session while HPP is unavailable")
	f.DurationVar(&s.retryFor, "retry-for", 10*time.Minute, "stop when nothing succeeded for so long")
	f.DurationVar(&s.grace, "grace", 30*time.Second, "time for looks under way when it is stopped")
	f.Var(&s.rules.timeZone, "time-zone", "the time zone in which hours are told, such as Europe/Stockholm (default: this machine's)")
	f.path(&s.output, "output", "o", "write the figures, with charts, to this workbook `FILE`.xlsx; one of an earlier time is replaced")
	s.outputFlags(f)
}

// track is the track command: how what was sent came out.
func (a *app) track(ctx context.Context, s *settings, args []string) (code int, err error) {
	t, err := s.needTarget()
	if err != nil {
		return exitOK, err
	}
	wanted, title, err := s.wantedRuns(args)
	if err != nil {
		return exitOK, err
	}
	if s.output != "" && !strings.HasSuffix(strings.ToLower(s.output), ".xlsx") {
		return exitOK, usage(s.output+": the figures are written as a workbook", "name a file that ends in .xlsx with -o; --json has them for machines")
	}
	creds, err := a.credentialsFor(s, t)
	if err != nil {
		return exitOK, err
	}
	l, err := a.openLedger(ctx, s, t, false)
	if err != nil {
		return exitOK, err
	}
	defer l.Close()
	a.tellLedger(l)
	found := false
	tr := campaign.Tracking{
		Target: t.Name, Age: s.looks.trackAge, Rate: s.perSecond(t), Headroom: float64(s.headroom),
		Wanted: func(r ledger.RunInfo) bool {
			is := wanted(r)
			found = found || is
			return is
		},
		Send: pipeline.SendConfig{Concurrency: s.concurrency, MaxAttempts: s.maxAttempts, RetryFor: s.retryFor, Grace: s.grace, StopAfterIdentical: 25},
	}
	if tr.Zone, err = time.LoadLocation(s.rules.timeZone.name()); err != nil {
		tr.Zone = time.Local
	}
	sent, due, err := tr.Open(ctx, l)
	switch {
	case err != nil:
		return exitOK, err
	case !found:
		return exitOK, usage("the ledger knows no such run: "+title, "hppsend runs lists them all")
	case due > 0:
		a.console.sayf("%s sent, %s to be looked at: %s.", plural(sent, "message"), plural(due, "session"), duration(due, tr.Rate))
	}
	got, err := campaign.Track(ctx, tr, campaign.Ports{
		Ledger: l, Dial: func() (campaign.Caller, error) { return s.dial(t, creds, l) }, Observer: tracker{teller{a}}, Stop: a.stop,
	}, due)
	if err != nil {
		return exitOK, err
	}
	return a.tellTracked(s, t, tr, title, got)
}

// tracker tells people of what happens while sessions are looked at. It implements campaign.Observer.
type tracker struct{ teller }

func (tracker) Tell(campaign.Event) {}

// wantedRuns says which runs are meant, in words too.
func (s *settings) wantedRuns(args []string) (func(ledger.RunInfo) bool, string, error) {
	var what []string
	if len(args) > 0 {
		what = append(what, "run "+strings.Join(args, ", "))
	}
	if s.label != "" {
		what = append(what, fmt.Sprintf("label %q", s.label))
	}
	since := time.Time{}
	if s.looks.since > 0 {
		since = time.Now().Add(-time.Duration(s.looks.since))
		what = append(what, "runs since "+since.Local().Format("2006-01-02 15:04"))
	}
	if len(what) == 0 {
		return nil, "", usage("it is not said which runs are meant", "name a run, or say --since 7d, or --label TEXT")
	}
	return func(r ledger.RunInfo) bool {
		named := len(args) == 0
		for _, id := range args {
			named = named || strings.HasPrefix(r.ID, strings.ToLower(id))
		}
		return named && (s.label == "" || r.Label == s.label) && !r.Started.Before(since)
	}, strings.Join(what, ", "), nil
}

// trackLine is a line of type track: the figures of one value of an aspect, or of all.
type trackLine struct {
	Type   string `json:"type"`
	By     string `json:"by"` // total, or an aspect
	Value  string `json:"value"`
	Target string `json:"target"`
	pipeline.Stages
	Open    int       `json:"open"`
	Looked  int       `json:"looked,omitempty"`  // sessions that were looked at now; of the total
	Settled int       `json:"settled,omitempty"` // doubts that ended by it; likewise
	Time    time.Time `json:"time"`
	Exit    int       `json:"exit"`
}

// tellTracked tells how it went, and gives the exit code: 0 once all sessions have ended.
func (a *app) tellTracked(s *settings, t hpp.Target, tr campaign.Tracking, title string, got campaign.Tracked) (code int, err error) {
	now := time.Now()
	switch {
	case got.Ending.Err != nil:
		code, err = exitBroken, got.Ending.Err
	case a.caught() != nil:
		code = a.signalCode()
	case got.Ending.Code != "" || got.Total.Open() > 0:
		code = exitPending
	}
	if s.output != "" {
		if failed := writer.WriteFunnel(s.output, got.Funnel, writer.FunnelAbout{Title: title, Target: t.Name, At: now.In(tr.Zone), Zone: tr.Zone.String()}); failed != nil {
			if err != nil {
				a.console.fail(err)
			}
			if code, err = exitBroken, failed; a.codeOf(failed) == exitUsage {
				code = exitUsage
			}
		}
	}
	line := trackLine{Type: "track", By: "total", Target: t.Name, Stages: got.Total, Open: got.Total.Open(), Looked: got.Looked, Settled: got.Settled, Time: now.UTC(), Exit: code}
	a.console.sayf("How it went: %s", title)
	a.tellStages([]pipeline.Part{{Value: "all", Stages: got.Total}}, "")
	for _, by := range pipeline.Aspects() {
		parts := got.Parts(by)
		for _, p := range parts {
			one := line
			one.By, one.Value, one.Stages, one.Open, one.Looked, one.Settled = string(by), p.Value, p.Stages, p.Open(), 0, 0
			a.lines.write(one)
		}
		if len(parts) > 1 || len(parts) == 1 && parts[0].Value != "" && by != pipeline.ByHour {
			a.console.say(writer.AspectTitle(by, tr.Zone.String()))
			a.tellStages(parts, by)
		}
	}
	a.lines.write(line)
	if got.Settled > 0 {
		a.say("notice", "settled_by_rule", fmt.Sprintf("%s uncertain, and settled as delivered: the session was waiting before the call, and has been opened since.", rowsWere(got.Settled)))
	}
	switch open := got.Total.Open(); {
	case got.Ending.Err != nil:
	case got.Ending.Code != "":
		a.say("notice", got.Ending.Code, "Not all could be looked at: "+got.Ending.Reason)
	case open > 0:
		a.console.sayf("%s not ended yet; the same command looks at these alone.", sessionsHave(open))
	default:
		a.console.say("All sessions have ended.")
	}
	if s.output != "" && err == nil {
		a.console.sayf("The figures, with charts: %s", s.output)
	}
	return code, err
}

func rowsWere(n int) string {
	if n == 1 {
		return "1 row was"
	}
	return fmt.Sprintf("%d rows were", n)
}

func sessionsHave(n int) string {
	if n == 1 {
		return "1 session has"
	}
	return fmt.Sprintf("%d sessions have", n)
}

// tellStages shows figures as a table.
func (a *app) tellStages(parts []pipeline.Part, by pipeline.Aspect) {
	const line = "  %-18s %8v %14v %14v %9v %8v %9v %8v %7v"
	a.console.sayf(line, "", "sent", "opened", "completed", "cancelled", "expired", "under way", "waiting", "unseen")
	for _, p := range parts {
		name := writer.PartName(by, p.Value)
		if r := []rune(name); len(r) > 18 {
			name = string(r[:17]) + "…"
		}
		a.console.sayf(line, name, p.Sent, ofSent(p.Opened, p.Sent), ofSent(p.Completed, p.Sent), p.Cancelled, p.Expired, p.UnderWay, p.Waiting, p.Unseen)
	}
}

// ofSent is a number with the share of those sent.
func ofSent(n, sent int) string {
	if sent == 0 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d (%.0f %%)", n, 100*float64(n)/float64(sent))
}
