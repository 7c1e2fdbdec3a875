package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hppsend/internal/contact"
	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// findIn lists what was sent for the sessions of the rows of files that hold a value in a column.
func (a *app) findIn(ctx context.Context, s *settings, t hpp.Target, l *ledger.Ledger, patterns []string, value string) error {
	paths, err := a.expand(patterns)
	if err != nil {
		return err
	}
	reading := s.reading()
	defaults := reading.Rules(t, nil).Defaults
	var sessions []string
	matched, without := 0, 0
	for _, path := range paths {
		f, err := reading.OpenSessions(ctx, path, a.Stdin)
		if err != nil {
			return err
		}
		column, err := columnOf(f.Input(), s.column)
		if err == nil {
			for row, rerr := range pipeline.Rows(f) {
				if err = rerr; err != nil {
					break
				}
				if !holds(row.Cells, column, value) {
					continue
				}
				matched++
				session, finding := defaults.Session(row.Fields)
				if finding.Code != "" || session == "" {
					without++
				} else if !slices.Contains(sessions, session) {
					sessions = append(sessions, session)
				}
			}
		}
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
	}
	if without > 0 {
		a.say("notice", "no_session", fmt.Sprintf("%s that hold it have no session that can be read.", rows(without)))
	}
	a.say("notice", "rows_found", fmt.Sprintf("%s of %s: %s, with %s.", plural(len(paths), "file"), contact.MaskAll(s.column), rows(matched), plural(len(sessions), "session")))
	if len(sessions) == 0 {
		return nil
	}
	return a.findSessions(ctx, l, sessions, "for "+plural(len(sessions), "session"))
}

// columnOf finds a column by its name, without regard to case, spaces, _ and -, unless it is written just so.
func columnOf(in pipeline.Input, name string) (int, error) {
	exact := func(column string) bool { return strings.TrimSpace(column) == strings.TrimSpace(name) }
	bare := strings.NewReplacer(" ", "", "_", "", "-", "")
	alike := func(column string) bool { return strings.EqualFold(bare.Replace(column), bare.Replace(name)) }
	for _, is := range []func(string) bool{exact, alike} {
		at := slices.IndexFunc(in.Columns, is)
		if at < 0 {
			continue
		}
		if slices.ContainsFunc(in.Columns[at+1:], is) {
			return 0, columnError(in, fmt.Sprintf("several columns are called %q", contact.MaskAll(name)))
		}
		return at, nil
	}
	return 0, columnError(in, fmt.Sprintf("no column is called %q", contact.MaskAll(name)))
}

func columnError(in pipeline.Input, problem string) error {
	names := make([]string, len(in.Columns))
	for i, name := range in.Columns {
		names[i] = contact.MaskAll(name)
	}
	return &pipeline.Error{
		Kind: pipeline.BadInput, Place: pipeline.Place{File: in.Path, Sheet: in.Sheet, Row: in.HeaderRow},
		Problem: problem, Todo: fmt.Sprintf("it has %q", names),
	}
}

// holds reports whether a cell says a value, as it is kept or as it is shown.
func holds(cells []pipeline.Cell, column int, value string) bool {
	if column >= len(cells) {
		return false
	}
	c := cells[column]
	for _, text := range []string{c.Text, c.Shown} {
		if strings.EqualFold(strings.TrimSpace(text), strings.TrimSpace(value)) {
			return true
		}
	}
	return false
}

// foundLine is a line of type distribution.
type foundLine struct {
	Type          string `json:"type"`
	Session       string `json:"session"`
	SentTo        string `json:"sent_to"`
	Method        string `json:"method"`
	Target        string `json:"target"`
	Reminder      string `json:"reminder,omitempty"`
	Run           string `json:"run"`
	Label         string `json:"label,omitempty"`
	File          string `json:"file"`
	Sheet         string `json:"sheet"`
	Row           int    `json:"row"`
	Status        string `json:"status"`
	Code          string `json:"code"`
	Reason        string `json:"reason"`
	HTTPStatus    int    `json:"http_status"`
	Attempts      int    `json:"attempts"`
	CorrelationID string `json:"correlation_id"`
	Time          string `json:"time"`
	Forgotten     bool   `json:"forgotten,omitempty"`
}

// tellFound lists distributions, the oldest first. to has the contacts that were asked for, by their digests.
func (a *app) tellFound(all []ledger.Found, to map[pipeline.Digest]string) {
	for _, f := range all {
		if f.Intent != pipeline.NoIntent {
			f.Status, f.Code, f.Reason = pipeline.Pending, pipeline.CodeInFlight, "a call for the session is under way"
		}
		line := foundLine{
			"distribution", pipeline.ShownSession(f.Session), "", string(f.Method), f.Target, f.Reminder, f.Run, f.Label, f.File, f.Sheet, f.Row,
			string(f.Status), f.Code, f.Reason, f.HTTPStatus, f.Attempts, f.CorrelationID, f.Time.UTC().Format(time.RFC3339), f.Contact.Forgotten(),
		}
		if c := to[f.Contact]; c != "" {
			line.SentTo = contact.Mask(c)
		}
		a.lines.write(line)
		what := line.Status
		if f.Code != "" {
			what += ", " + f.Code
		}
		text := fmt.Sprintf("%s  %s  %-5s  %s", f.Time.Local().Format("2006-01-02 15:04:05"), line.Session, f.Method, what)
		if len(to) > 1 {
			text += "  " + a.named([]string{to[f.Contact]}, "")
		}
		a.console.say(text)
		detail := fmt.Sprintf("    run %s, %s", cmp.Or(f.Run, "not known"), cmp.Or(f.File, "a file that is not known any more"))
		if f.Row > 0 {
			detail += fmt.Sprintf(", row %d", f.Row)
		}
		if f.Label != "" {
			detail += " (" + f.Label + ")"
		}
		if f.Reminder != "" {
			detail += ", reminder " + f.Reminder
		}
		detail += fmt.Sprintf(", %s, %s", f.Target, plural(f.Attempts, "attempt"))
		if line.Forgotten {
			detail += ", to somebody who was forgotten since"
		}
		if f.CorrelationID != "" {
			detail += ", correlation id " + f.CorrelationID
		}
		a.console.say(detail)
		if f.Reason != "" {
			a.console.say("    " + f.Reason)
		}
	}
}
