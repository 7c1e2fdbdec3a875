package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/user"
	"slices"
	"strings"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
	"hppsend/reader"
	"hppsend/writer"
)

// The decisions about an uncertain row, as they are written on the command line and in files.
const (
	decidedDelivered = string(pipeline.Delivered)
	decidedNotSent   = pipeline.NotSent
)

// settle is the settle command: it lists the uncertain rows of a run, and ends the doubt about them
// when told what became of them.
func (a *app) settle(ctx context.Context, s *settings, args []string) (int, error) {
	ctx, cancel := a.untilStop(ctx)
	defer cancel()
	if err := s.settlingHow(args[1:]); err != nil {
		return exitOK, err
	}
	t, l, err := a.knownLedger(ctx, s)
	if err != nil {
		return exitOK, err
	}
	defer l.Close()
	run, ok, err := l.FindRun(ctx, args[0])
	if err != nil {
		return exitOK, err
	}
	if !ok {
		return exitOK, noSuchRun(l, args[0])
	}
	doubts, err := l.Doubts(ctx, run.ID)
	if err != nil {
		return exitOK, err
	}
	if len(doubts) == 0 {
		a.say("notice", "nothing_uncertain", fmt.Sprintf("Nothing is uncertain of run %s on %s.", run.ID, run.Path))
		return exitOK, nil
	}
	var decided map[string]string // by session
	switch {
	case s.decisions != "":
		decided, err = decisionsOf(ctx, s.decisions, a.Stdin, t, doubts)
	case s.all:
		decided = map[string]string{}
		for _, d := range doubts {
			decided[d.Session] = s.as
		}
	case s.as != "":
		decided, err = decideAll(args[1:], s.as, doubts)
	default:
		return exitOK, a.listDoubts(ctx, l, t, run, s.input, doubts)
	}
	if err != nil {
		return exitOK, err
	}
	return exitOK, a.settleAs(ctx, l, run, doubts, decided, a.who(s))
}

// settlingHow refuses what could be meant in two ways.
func (s *settings) settlingHow(sessions []string) error {
	const todo = "say --as delivered or --as not-sent with the sessions or --all, or name a file with --decisions; without any of them the rows are listed"
	switch {
	case s.decisions != "" && (s.as != "" || s.all || len(sessions) > 0):
		return usage("--decisions says it all, and there is more beside it", todo)
	case s.as == "" && (s.all || len(sessions) > 0):
		return usage("what became of these rows is not said", todo)
	case s.as != "" && s.all == (len(sessions) > 0):
		return usage("it takes either sessions or --all", todo)
	}
	return nil
}

// decideAll gives one decision for the named sessions, all of which have to be in doubt.
func decideAll(sessions []string, as string, doubts []ledger.Doubt) (map[string]string, error) {
	decided := map[string]string{}
	for _, session := range sessions {
		session = pipeline.CanonicalSession(session)
		if !slices.ContainsFunc(doubts, func(d ledger.Doubt) bool { return d.Session == session }) {
			return nil, usage(
				fmt.Sprintf("session %s is not uncertain in this run; nothing was settled", pipeline.ShownSession(session)),
				"without --as the command lists those that are",
			)
		}
		decided[session] = as
	}
	return decided, nil
}

// decisionsOf reads a table of sessions and decisions: a report with the status changed, or one with a
// column named decision. What it says of sessions that are not in doubt is not looked at, as a report
// is full of them; nor are other rows of a session in doubt, which have not its code.
func decisionsOf(ctx context.Context, path string, stdin io.Reader, t hpp.Target, doubts []ledger.Doubt) (map[string]string, error) {
	f, err := reader.OpenContext(ctx, path, reader.Options{Sessions: true, Stdin: stdin})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := f.Input()
	column := slices.IndexFunc(in.Columns, func(name string) bool { return strings.EqualFold(strings.TrimSpace(name), "decision") })
	if column < 0 && !in.IsReport {
		return nil, &pipeline.Error{
			Kind:  pipeline.BadInput,
			Place: pipeline.Place{File: path, Row: in.HeaderRow}, Problem: "no column is called decision, and it is no report",
			Todo: `name the column "decision"; it holds delivered or not-sent. Or change hpp_status in the report of the run`,
		}
	}
	codes := map[string]string{} // of the sessions in doubt
	for _, d := range doubts {
		codes[d.Session] = d.Code
	}
	defaults := campaign.Reading{Sessions: string(pipeline.AnySession)}.Rules(t, nil).Defaults
	decided := map[string]string{}
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			return nil, err
		}
		session, _ := defaults.Session(row.Fields)
		said := string(row.Prior.Status)
		if column >= 0 {
			said = strings.ToLower(strings.TrimSpace(row.Cells[column].Text))
		}
		if code, inDoubt := codes[session]; !inDoubt || column < 0 && row.Prior.Code != code {
			continue
		}
		refuse := func(problem string) error {
			return &pipeline.Error{Kind: pipeline.BadInput, Place: row.Place, Problem: problem + "; nothing was settled", Todo: "a decision is delivered or not-sent"}
		}
		switch other := decided[session]; {
		case said == decidedDelivered || said == decidedNotSent:
			if other != "" && other != said {
				return nil, refuse(fmt.Sprintf("session %s is %s here and %s further up", pipeline.ShownSession(session), said, other))
			}
			decided[session] = said
		case said == "" || column < 0: // not decided yet; a report says uncertain, or that another row carries the session
		default:
			return nil, refuse(fmt.Sprintf("%q is no decision", said))
		}
	}
	return decided, nil
}

// who is the person who says something that is kept.
func (a *app) who(s *settings) string {
	if s.by != "" {
		return s.by
	}
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return name + " on " + hostname()
}

func noSuchRun(l *ledger.Ledger, run string) error {
	return usage(
		fmt.Sprintf("the ledger %s knows no run %q", l.Info().Path, run),
		"the summary of a run and the column hpp_run of its report name it; hppsend runs lists all",
	)
}

func (a *app) settleAs(ctx context.Context, l *ledger.Ledger, run ledger.RunInfo, doubts []ledger.Doubt, decided map[string]string, who string) error {
	left := len(doubts)
	for _, as := range []string{decidedDelivered, decidedNotSent} {
		var tickets []pipeline.Ticket
		for _, d := range doubts {
			if decided[d.Session] == as {
				tickets = append(tickets, d.Ticket)
			}
		}
		if len(tickets) == 0 {
			continue
		}
		n, err := l.Settle(ctx, tickets, as == decidedDelivered, who)
		if err != nil {
			return err
		}
		left -= n
		text := fmt.Sprintf("%s of run %s settled as %s, by %s.", rows(n), run.ID, as, who)
		if as == decidedNotSent {
			text += " The next run of the file sends them."
		}
		a.say("notice", "settled", text)
	}
	if left > 0 {
		a.say("notice", "uncertain", fmt.Sprintf("%s of the run stay uncertain.", rows(left)))
	}
	return nil
}

// listDoubts shows the uncertain rows, with their contacts if the input is given.
func (a *app) listDoubts(ctx context.Context, l *ledger.Ledger, t hpp.Target, run ledger.RunInfo, input string, doubts []ledger.Doubt) error {
	sentTo := map[string]string{}
	if input != "" {
		var err error
		if sentTo, err = contactsOf(ctx, l, t, run, input); err != nil {
			return err
		}
	}
	a.console.sayf("Uncertain rows of run %s on %s, %s:", run.ID, run.Path, run.Started.Local().Format("2006-01-02 15:04"))
	var opt campaign.Reading // without those, what reads as a contact is one: older versions took any id
	json.Unmarshal(run.Options, &opt)
	for _, d := range doubts {
		session := d.Session
		if opt.Sessions != string(pipeline.AnySession) {
			session = pipeline.ShownSession(session)
		}
		line := writer.RowLine{
			Type: "row", File: d.Place.File, Sheet: d.Place.Sheet, Row: d.Place.Row, Session: session,
			Status: string(pipeline.Uncertain), Code: d.Code, Reason: d.Reason, Method: string(d.Method), SentTo: sentTo[d.Session],
			HTTPStatus: d.HTTPStatus, Attempts: d.Attempts, CorrelationID: d.CorrelationID, Time: d.Time.UTC().Format(time.RFC3339),
		}
		a.lines.write(line)
		text := fmt.Sprintf("  row %-6d %s  %-5s  %s", d.Place.Row, session, d.Method, d.Time.Local().Format("2006-01-02 15:04:05"))
		for _, more := range []string{line.SentTo, d.CorrelationID} {
			if more != "" {
				text += "  " + more
			}
		}
		a.console.say(text)
		a.console.say("             " + d.Reason)
	}
	a.console.say("Ask Klarna, naming the correlation ids and times, or the people. Then:")
	settle := "  hppsend settle " + a.targetFlag(run.Target) + " " + run.ID
	a.console.say(settle + " --as delivered SESSION…     it arrived: never sent again")
	a.console.say(settle + " --as not-sent SESSION…      it did not: the next run sends it")
	return nil
}

// contactsOf gives the masked contacts of a run's uncertain rows, by session, out of its input.
func contactsOf(ctx context.Context, l *ledger.Ledger, t hpp.Target, run ledger.RunInfo, path string) (map[string]string, error) {
	sum, err := campaign.HashFile(path)
	if err != nil {
		return nil, err
	}
	if sum != run.SHA256 {
		return nil, usage(
			fmt.Sprintf("%s is not the file that run %s was on, or it has changed since", path, run.ID),
			"leave --input out, or name the file as it was then: "+run.Path,
		)
	}
	file, plan, err := campaign.Recorded(ctx, l, t, run, path, nil)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	found := sentTo{}
	_, err = pipeline.Report(ctx, plan, 0, file, pipeline.Finding{}, found)
	return found, err
}

// sentTo gathers the masked contacts of uncertain rows.
type sentTo map[string]string

// Write implements pipeline.Sink.
func (s sentTo) Write(row pipeline.Row, out pipeline.Outcome) error {
	if out.Status == pipeline.Uncertain {
		s[out.Session] = writer.Line(row, out.Session, out).SentTo
	}
	return nil
}
