package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// sessionLife is how long a session can be distributed; forgetting one sooner could send it twice.
const sessionLife = 48 * time.Hour

// runs is the runs command: what the ledger knows of runs.
func (a *app) runs(ctx context.Context, s *settings, args []string) (int, error) {
	ctx, cancel := a.untilStop(ctx)
	defer cancel()
	_, l, err := a.ledgerOfRuns(ctx, s)
	if err != nil {
		return exitOK, err
	}
	defer l.Close()
	limit := s.last
	if len(args) == 1 {
		limit = 0
	}
	a.tellLedger(l)
	if s.watch {
		if err := a.watch(ctx, l, args); err != nil {
			return exitOK, err
		}
	}
	runs, err := l.Runs(ctx, limit)
	if err != nil {
		return exitOK, err
	}
	shared, err := a.sharedNow(ctx, l)
	if err != nil {
		return exitOK, err
	}
	if halted, err := l.Ordered(ctx); err != nil {
		return exitOK, err
	} else if halted.Order != pipeline.GoOn {
		a.say("notice", "paused", fmt.Sprintf("All runs are %s; hppsend resume --environment %s%s --all lets them go on.", halted, l.Info().Environment, a.ledgerFlag))
	}
	if err := a.tellScheduled(ctx, l); err != nil {
		return exitOK, err
	}
	found := 0
	for _, r := range runs {
		if len(args) == 1 && !strings.HasPrefix(r.ID, strings.ToLower(args[0])) {
			continue
		}
		found++
		line := runLine{RunState: r, with: shared[r.ID]}
		if len(args) == 1 {
			if line.codes, err = l.Codes(ctx, r.ID); err != nil {
				return exitOK, err
			}
		}
		a.tellRun(line, len(args) == 1)
		a.lines.write(line)
	}
	switch {
	case len(args) == 1 && found == 0:
		return exitOK, usage(fmt.Sprintf("the ledger knows no run %q", args[0]), "hppsend runs --last 0 lists all")
	case found == 0:
		a.console.say("No run yet.")
	case limit > 0 && found == limit:
		a.console.sayf("These are the last %d; --last 0 lists all.", limit)
	}
	return exitOK, nil
}

// knownLedger opens the ledger of the target that is named, which has to be there.
func (a *app) knownLedger(ctx context.Context, s *settings) (hpp.Target, *ledger.Ledger, error) {
	t, err := s.needTarget()
	if err != nil {
		return t, nil, err
	}
	l, err := a.openLedger(ctx, s, t, false)
	return t, l, err
}

// ledgerOfRuns opens it for what concerns runs alone: also on a machine that has not its secret.
func (a *app) ledgerOfRuns(ctx context.Context, s *settings) (t hpp.Target, l *ledger.Ledger, err error) {
	if t, err = s.needTarget(); err != nil {
		return t, nil, err
	}
	opt, err := a.ledgerAt(s, "")
	if err != nil {
		return t, nil, err
	}
	opt.Runs = true
	l, err = ledger.Open(ctx, opt)
	return t, l, err
}

// runLine is a run as people and machines are told of it.
type runLine struct {
	ledger.RunState
	codes []ledger.CodeCount
	with  *withWorkers // while workers send it
}

// state says how the run ended, as one word.
func (r runLine) state() string {
	switch {
	case r.Lives:
		return "running"
	case r.Ended.IsZero():
		return pipeline.CodeInterrupted
	case r.Ending == "":
		return "ended"
	}
	return r.Ending
}

func (r runLine) summary() (s summary) {
	json.Unmarshal(r.Counts, &s) // of a run that was cut off there is nothing in it
	return s
}

// MarshalJSON gives the line for machines, of type run.
func (r runLine) MarshalJSON() ([]byte, error) {
	s := r.summary()
	type code struct {
		Status string `json:"status"`
		Code   string `json:"code"`
		Count  int    `json:"count"`
	}
	var codes []code
	for _, c := range r.codes {
		codes = append(codes, code{string(c.Status), c.Code, c.Count})
	}
	var ended *time.Time
	if !r.Ended.IsZero() {
		t := r.Ended.UTC()
		ended = &t
	}
	return json.Marshal(struct {
		Type     string     `json:"type"`
		Run      string     `json:"run"`
		File     string     `json:"file"`
		Label    string     `json:"label"`
		Reminder string     `json:"reminder"`
		Target   string     `json:"target"`
		State    string     `json:"state"`
		Reason   string     `json:"reason"`
		User     string     `json:"user"`
		Host     string     `json:"host"`
		PID      int        `json:"pid"`
		Version  string     `json:"version"`
		Started  time.Time  `json:"started"`
		Ended    *time.Time `json:"ended"`
		counts
		Exit         int                 `json:"exit"`
		UncertainNow int                 `json:"uncertain_now"`
		Overrides    []campaign.Override `json:"overrides,omitempty"`
		Ledger       []code              `json:"ledger,omitempty"`
		Lists        []pipeline.KeptList `json:"suppression_lists,omitempty"`
		Workers      any                 `json:"workers,omitempty"`

		Approval *campaign.Approval `json:"approval,omitempty"`
	}{
		"run", r.ID, r.Path, r.Label, r.Reminder, r.Target, r.state(), r.Reason, r.UserName, r.Host, r.PID, r.Version,
		r.Started.UTC(), ended, s.counts, s.Exit,
		r.RunState.Uncertain, overridesOf(r.RunInfo), codes, r.Lists, r.with.line(), campaign.ApprovalOf(r.RunInfo),
	})
}

// tellRun shows a run, in two lines or in detail.
func (a *app) tellRun(r runLine, detail bool) {
	s := r.summary()
	title := fmt.Sprintf("%s  %s  %s", r.Started.Local().Format("2006-01-02 15:04"), r.ID, r.Path)
	if r.Label != "" {
		title += fmt.Sprintf(" (%s)", r.Label)
	}
	if r.Reminder != "" {
		title += fmt.Sprintf(", reminder %q", r.Reminder)
	}
	a.console.say(title)
	a.console.say("    " + r.describe(s))
	if approval := campaign.ApprovalOf(r.RunInfo); approval != nil {
		a.console.sayf("    approved by %s", approval)
	}
	if detail {
		a.console.sayf("    target %s, as %s; version %s, process %d on %s", r.Target, r.UserName, r.Version, r.PID, r.Host)
		if !r.Ended.IsZero() {
			a.console.sayf("    from %s to %s, %s", r.Started.Local().Format("2006-01-02 15:04:05"),
				r.Ended.Local().Format("2006-01-02 15:04:05"), r.Ended.Sub(r.Started).Round(time.Second))
		}
		a.console.sayf("    options %s", r.Options)
		for _, o := range overridesOf(r.RunInfo) {
			a.console.sayf("    rule overridden: %s", o)
		}
		for _, l := range r.Lists {
			a.console.sayf("    suppression list %s, %d contacts, SHA-256 %s", l.Name, l.Count, l.SHA256)
		}
		for _, c := range r.codes {
			a.console.sayf("    %-10s %-28s %6d", c.Status, c.Code, c.Count)
		}
	}
	if r.Reason != "" {
		a.console.sayf("    %s", r.Reason)
	}
	if r.RunState.Uncertain > 0 {
		a.console.sayf("    %s uncertain; what became of them: hppsend settle %s %s", rowsAre(r.RunState.Uncertain), a.targetFlag(r.Target), r.ID)
	}
	if !r.Lives && (s.Pending > 0 || s.Rows == 0) {
		a.console.sayf("    to go on: the same command again, hppsend run %s … %s", a.targetFlag(r.Target), word(r.Path))
	}
}

// describe says in a line how the run came out, or how it stands.
func (r runLine) describe(s summary) string {
	switch {
	case s.Rows > 0:
		return s.counts.String()
	case r.with != nil:
		return r.with.String()
	case r.Lives:
		text := fmt.Sprintf("running since then, process %d on %s", r.PID, r.Host)
		if r.Ordered.Order != pipeline.GoOn {
			text += ", " + r.Ordered.String()
		}
		return text
	}
	return "cut off before its report"
}

func rowsAre(n int) string {
	if n == 1 {
		return "1 row is"
	}
	return fmt.Sprintf("%d rows are", n)
}

// purge is the purge command: it forgets what is older than any session can be.
func (a *app) purge(ctx context.Context, s *settings, _ []string) (int, error) {
	ctx, cancel := a.untilStop(ctx)
	defer cancel()
	if s.olderThan == 0 {
		return exitOK, usage("--older-than is missing", "say how old what is forgotten has to be, such as --older-than 90d")
	}
	if time.Duration(s.olderThan) < sessionLife && !s.force {
		return exitOK, usage(
			fmt.Sprintf("--older-than %s is within the life of a session (%.0f h): what is forgotten could be sent twice", s.olderThan.String(), sessionLife.Hours()),
			"name a longer time, or say --force if no file with these sessions will ever be sent again",
		)
	}
	_, l, err := a.knownLedger(ctx, s)
	if err != nil {
		return exitOK, err
	}
	defer l.Close()
	a.tellLedger(l)
	before := time.Now().Add(-time.Duration(s.olderThan))
	p, err := l.Purge(ctx, before, true)
	if err != nil {
		return exitOK, err
	}
	what := fmt.Sprintf("%d distributions (%d delivered, %d uncertain) and %d runs from before %s",
		p.Distributions, p.Delivered, p.Uncertain, p.Runs, before.Local().Format("2006-01-02 15:04"))
	if p.Distributions+p.Runs == 0 {
		a.say("notice", "nothing_to_purge", "Nothing is that old.")
		return exitOK, nil
	}
	a.console.sayf("To be forgotten: %s.", what)
	a.console.say("A session that is forgotten would be sent again if a file names it again; HPP refuses it once it has expired.")
	if !s.yes {
		if !a.interactive() {
			return exitOK, usage("nothing is forgotten without a terminal to ask on", "say --yes")
		}
		a.console.warn(fmt.Sprintf("Type %d to go on: ", p.Distributions))
		word, err := a.answer(ctx)
		if err != nil {
			return exitOK, err
		}
		if word != strconv.Itoa(p.Distributions) {
			return exitOK, usage("the answer was not the number; nothing was forgotten", "start again when you are sure")
		}
	}
	if _, err := l.Purge(ctx, before, false); err != nil {
		return exitOK, err
	}
	a.say("notice", "purged", "Forgotten: "+what+".")
	return exitOK, nil
}
