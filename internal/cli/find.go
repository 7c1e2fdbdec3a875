package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hppsend/internal/campaign"
	"hppsend/internal/contact"
	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

func (s *settings) findFlags(f *flagSet) {
	s.targetFlags(f)
	s.inputFlags(f)
	s.askedFlags(f)
	f.choice(&s.sessionFormat, "session-format", "auto", "what is taken for a session id; auto: a UUID, or what cannot be a phone number, a date or another cell",
		string(pipeline.AutoSession), string(pipeline.UUIDSession), string(pipeline.AnySession))
	f.Var(list{&s.in}, "in", "take the sessions from this `FILE`, a list or a report of yours; may be given several times")
	f.StringVar(&s.column, "column", "", "with --in: the `COLUMN` that holds what is looked for, such as \"Order\"")
	s.outputFlags(f)
}

// askedFlags say how a contact is read that somebody types.
func (s *settings) askedFlags(f *flagSet) {
	f.Var(&s.country, "default-country", "the country of local phone numbers in rows that name none, such as SE")
}

// findCommands answer the person who calls.
func (a *app) findCommands(code *int) []*cobra.Command {
	return []*cobra.Command{
		a.command(&settings{}, (*settings).findFlags, code, a.find)(&cobra.Command{
			Use: "find CONTACT|SESSION|VALUE", Short: "List what was sent to a contact, or for a session", Args: oneAsked,
			Long: `Lists every distribution to a phone number or an e-mail address, in whatever form it is written, or for a
session, by its id or its link: when, for which session, by which run, with what outcome, and Klarna's
correlation id. It goes by the ledger's digests, and keeps nothing of what was asked. A number that can
be read in several ways is looked up in all of them. A shell keeps what is typed: hppsend find - reads
it from standard input instead.

With --in and --column it takes the sessions of the rows that hold a value, such as the number of an
order, from files of yours, which may be reports.

Not listed are rows that were held back before any call, those in which the contact was only the row's
other one, and what hppsend purge or hppsend forget has taken out.`,
			Example: `  hppsend find --environment production +46701740605
  hppsend find --environment production --default-country SE -           reads 070-174 06 05 from standard input
  hppsend find --environment production --in may.report.xlsx --column "Order" 10042
  hppsend find --environment production --json anna@example.com`,
		}),
		a.command(&settings{}, (*settings).forgetFlags, code, a.forget)(&cobra.Command{
			Use: "forget CONTACT…", Short: "Erase a contact, and never message it again", Args: someAsked,
			Long: `For somebody who asks to be erased. It puts the contact, or several of one person, on the ledger's own
list of those that must never be messaged again, as a digest. Then it takes out what ties records to
it: what was sent stays sent, to nobody known, so that no session goes out twice. It erases uploads of
the page that hold it, as a whole, with their plans and what was typed into them, and its rows that wait
for the workers. It says what it has done, what stays, and what it cannot reach. Cut off at any moment,
the same command goes on. A shell keeps what is typed: hppsend forget - reads the contacts from standard
input, one a line.

Somebody who comes back is taken off the list with --undo. What was forgotten stays so: neither a
cool-down nor find knows of it.`,
			Example: `  hppsend forget --environment production --by "Ann of support" +46701740605 anna@example.com
  hppsend forget --environment production --yes - < contacts
  hppsend forget --environment production --undo anna@example.com`,
		}),
	}
}

func oneAsked(c *cobra.Command, args []string) error {
	switch files, err := c.Flags().GetString("column"); {
	case err != nil:
		return err
	case len(args) == 0:
		return usage("it is not said what is looked for", "say: "+c.CommandPath()+" CONTACT, or - to type it on standard input")
	case len(args) > 1 && files == "":
		return usage(fmt.Sprintf("one contact or session is looked for at a time, and there are %d", len(args)), "put a number with spaces in quotes")
	}
	return nil
}

func someAsked(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage("it is not said who is to be forgotten", "say: "+c.CommandPath()+" CONTACT, or - to type it on standard input")
	}
	return nil
}

// find is the find command.
func (a *app) find(ctx context.Context, s *settings, args []string) (int, error) {
	ctx, cancel := a.untilStop(ctx)
	defer cancel()
	if (len(s.in) > 0) != (s.column != "") {
		return exitOK, usage("--in and --column go together", `say: hppsend find --in FILE --column "Order" VALUE`)
	}
	asked, err := a.askedFor(args[len(args)-1:])
	if err != nil {
		return exitOK, err
	}
	if len(asked) != 1 {
		return exitOK, usage(fmt.Sprintf("one contact or session is looked for at a time, and there are %d lines", len(asked)), "give one line")
	}
	t, l, err := a.knownLedger(ctx, s)
	if err != nil {
		return exitOK, err
	}
	defer l.Close()
	if s.column != "" {
		return exitOK, a.findIn(ctx, s, t, l, append(s.in, args[:len(args)-1]...), asked[0])
	}
	contacts, session, err := s.read(asked[0], t, contact.Readings)
	if err != nil {
		return exitOK, err
	}
	if session != "" {
		return exitOK, a.findSessions(ctx, l, []string{session}, "for session "+pipeline.ShownSession(session))
	}
	return exitOK, a.findContacts(ctx, l, contacts)
}

// askedFor gives what is asked for: as it was typed, or from standard input, a line each.
func (a *app) askedFor(args []string) (asked []string, err error) {
	for _, arg := range args {
		if arg != stdout { // which is standard input here
			asked = append(asked, arg)
			continue
		}
		lines := bufio.NewScanner(a.Stdin)
		for lines.Scan() {
			if line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff")); line != "" {
				asked = append(asked, line)
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
	}
	if len(asked) == 0 {
		return nil, usage("standard input says nothing", "type one contact a line, and end with Ctrl-D")
	}
	return asked, nil
}

// read tells what somebody has typed: the contact, in all the readings that are to be had of a phone number, or a session.
// Errors do not repeat it.
func (s *settings) read(text string, t hpp.Target, phone func(text, country string, withoutPlus bool) ([]string, error)) (contacts []string, session string, err error) {
	if strings.Contains(text, "://") || pipeline.IsUUID(text) {
		defaults := campaign.Reading{Sessions: string(pipeline.AnySession)}.Rules(t, nil).Defaults
		fields := pipeline.Fields{Session: text}
		if strings.Contains(text, "://") {
			fields = pipeline.Fields{URL: text}
		}
		session, finding := defaults.Session(fields)
		if finding.Code != "" {
			return nil, "", usage("what is looked for is no session: "+finding.Reason, "give its id, or its distribution URL")
		}
		return nil, session, nil
	}
	if strings.ContainsAny(text, "@＠") {
		address, err := contact.ParseEmail(text)
		if err != nil {
			return nil, "", unreadable(err)
		}
		return []string{address.Text}, "", nil
	}
	numbers, err := phone(text, string(s.country), false)
	if err == nil {
		return numbers, "", nil
	}
	defaults := campaign.Reading{Sessions: s.sessionFormat}.Rules(t, nil).Defaults
	if session, finding := defaults.Session(pipeline.Fields{Session: text}); finding.Code == "" { // an id that is no UUID
		return nil, session, nil
	}
	return nil, "", unreadable(err)
}

// unreadable is the error that a contact cannot be read, which masks it.
func unreadable(err error) error {
	var p *contact.Problem
	if !errors.As(err, &p) {
		return err
	}
	todo := "write it in full, a phone number with its plus and calling code"
	if p.Code == contact.CodeMissingCountry || p.WithoutPlus {
		todo = "write it with its plus and calling code, or name its country with --default-country SE"
	}
	return usage("what is given is no contact: "+p.Reason, todo)
}

// named is a contact as it may be shown: whole only to a person at a terminal, who has typed it.
func (a *app) named(contacts []string, with string) string {
	shown := make([]string, len(contacts))
	for i, c := range contacts {
		shown[i] = contact.Mask(c)
		if a.interactive() && a.lines == nil {
			shown[i] = c
		}
	}
	return strings.Join(shown, with)
}

// findContacts lists what was sent to contacts, which are one in several readings.
func (a *app) findContacts(ctx context.Context, l *ledger.Ledger, contacts []string) error {
	digests := make([]pipeline.Digest, len(contacts))
	for i, c := range contacts {
		digests[i] = l.Digest(c)
	}
	if len(contacts) > 1 {
		a.say("notice", "several_readings", fmt.Sprintf("What is given can be read in %d ways, as %s: all are looked up.", len(contacts), a.named(contacts, " and as ")))
	}
	found, err := l.Find(ctx, digests...)
	if err != nil {
		return err
	}
	listed, err := l.OnList(ctx, digests...)
	if err != nil {
		return err
	}
	to := map[pipeline.Digest]string{}
	for i, d := range digests {
		to[d] = contacts[i]
	}
	a.tellFound(found, to)
	for i, d := range digests {
		line := contactLine{Type: "contact", Contact: contact.Mask(contacts[i])}
		for _, f := range found {
			if f.Contact == d {
				line.Distributions++
			}
		}
		text := fmt.Sprintf("%s to %s, as far as the ledger %s knows.", plural(line.Distributions, "distribution"), a.named(contacts[i:i+1], ""), l.Info().Path)
		if by, on := listed[d]; on {
			at := by.Time.UTC()
			line.Forgotten, line.Since, line.By = true, &at, by.Who
			text += fmt.Sprintf("\nIt is on the ledger's own list since %s, by %s: it is never messaged again.", by.Time.Local().Format("2006-01-02 15:04"), by.Who)
			if line.Distributions > 0 {
				text += "\nIt was not forgotten to the end: say hppsend forget once more."
			} else {
				text += "\nWhat was sent to it before that was forgotten, and is not known any more."
			}
		}
		if line.Distributions > 0 {
			text += "\nRows that were held back before any call are not among them, nor those in which it was the row's other contact."
		}
		a.lines.write(line)
		for part := range strings.SplitSeq(text, "\n") {
			a.console.say(part)
		}
	}
	return nil
}

// findSessions lists what was sent for sessions.
func (a *app) findSessions(ctx context.Context, l *ledger.Ledger, sessions []string, what string) error {
	found, err := l.FindSessions(ctx, sessions...)
	if err != nil {
		return err
	}
	a.tellFound(found, nil)
	a.say("notice", "found", fmt.Sprintf("%s %s, as far as the ledger %s knows.", plural(len(found), "distribution"), what, l.Info().Path))
	return nil
}

// contactLine is a line of type contact.
type contactLine struct {
	Type          string     `json:"type"`
	Contact       string     `json:"contact"`
	Distributions int        `json:"distributions"`
	Forgotten     bool       `json:"forgotten"`
	Since         *time.Time `json:"since,omitempty"`
	By            string     `json:"by,omitempty"`
}
