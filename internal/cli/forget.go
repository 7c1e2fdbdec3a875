package cli

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hppsend/internal/contact"
	"hppsend/internal/desk"
	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/internal/queue"
	"hppsend/pipeline"
)

func (s *settings) forgetFlags(f *flagSet) {
	s.targetFlags(f)
	s.askedFlags(f)
	f.path(&s.page.state, "state", "", "the `FOLDER` of the page (default: those beside the ledger)")
	f.StringVar(&s.by, "by", "", "`NAME` of who does it, which is kept (default: the user of this machine)")
	f.BoolVar(&s.yes, "yes", false, "do not ask")
	f.BoolVar(&s.undo, "undo", false, "take the contact off the ledger's own list again: it may be messaged")
	s.outputFlags(f)
}

// forgetting is one invocation of the forget command.
type forgetting struct {
	*app
	s        *settings
	t        hpp.Target
	l        *ledger.Ledger
	contacts []string
	digests  []pipeline.Digest
	traces   contact.Traces
	pages    []*desk.Desk
	held     []desk.Holding // of each page
	line     forgetLine
}

// forgetLine is a line of type forget.
type forgetLine struct {
	Type           string    `json:"type"`
	Contacts       int       `json:"contacts"`
	Listed         int       `json:"listed"`
	Records        int       `json:"records"`
	Others         int       `json:"others"`
	WaitingRows    int       `json:"waiting_rows"`
	Uploads        int       `json:"uploads"`
	UploadsRunning int       `json:"uploads_running"`
	UploadsUnread  int       `json:"uploads_unread"`
	By             string    `json:"by"`
	Time           time.Time `json:"time"`
}

// forget is the forget command.
func (a *app) forget(ctx context.Context, s *settings, args []string) (int, error) {
	ctx, cancel := a.untilStop(ctx)
	defer cancel()
	f := &forgetting{app: a, s: s}
	asked, err := a.askedFor(args)
	if err == nil {
		f.t, f.l, err = a.knownLedger(ctx, s)
	}
	if err != nil {
		return exitOK, err
	}
	defer f.l.Close()
	if err := f.read(asked); err != nil {
		return exitOK, err
	}
	if s.undo {
		return exitOK, f.takeBack(ctx)
	}
	defer f.close()
	if err := f.look(ctx); err != nil {
		return exitOK, err
	}
	if err := f.agreed(ctx, "erase this and never message it again"); err != nil {
		return exitOK, err
	}
	return exitOK, f.erase(ctx)
}

// read reads the contacts. A number that may be somebody else's is refused.
func (f *forgetting) read(asked []string) error {
	one := func(text, country string, _ bool) ([]string, error) {
		phone, err := contact.ParsePhone(text, country)
		return []string{phone.E164}, err
	}
	for _, text := range asked {
		all, session, err := f.s.read(text, f.t, one)
		switch {
		case err != nil:
			return err
		case session != "":
			return usage("a session is named, and a person is to be forgotten", "name the phone number or the e-mail address; hppsend find tells what was sent for a session")
		}
		if !slices.Contains(f.contacts, all[0]) {
			f.contacts = append(f.contacts, all[0])
			f.digests = append(f.digests, f.l.Digest(all[0]))
		}
	}
	f.traces = contact.NewTraces(f.contacts...)
	return nil
}

// look says what there is of the contacts.
func (f *forgetting) look(ctx context.Context) error {
	found, err := f.l.Find(ctx, f.digests...)
	if err != nil {
		return err
	}
	listed, err := f.l.OnList(ctx, f.digests...)
	if err != nil {
		return err
	}
	if err := f.openPages(ctx); err != nil {
		return err
	}
	f.tellLedger(f.l)
	f.console.sayf("Of %s: %s in the ledger.", f.named(f.contacts, " and "), plural(len(found), "distribution"))
	if len(listed) > 0 {
		f.console.sayf("%d of %s on its own list already.", len(listed), plural(len(f.contacts), "contact"))
	}
	for _, d := range f.pages {
		h, err := d.Holding(ctx, f.l, f.traces)
		if err != nil {
			return asUsage(err)
		}
		f.held = append(f.held, h)
		f.line.UploadsUnread += h.Sealed + h.Elsewhere
		if len(h.Uploads) == 0 {
			f.console.sayf("No upload of the page in %s holds it.", d.Folder)
			continue
		}
		var states []string
		for _, state := range slices.Sorted(maps.Keys(h.States)) {
			states = append(states, fmt.Sprintf("%d %s", h.States[state], state))
		}
		f.console.sayf("%s of the page in %s hold it, and go as a whole: %s.", plural(len(h.Uploads), "upload"), d.Folder, strings.Join(states, ", "))
	}
	return nil
}

// openPages opens the books of the pages beside the ledger.
func (f *forgetting) openPages(ctx context.Context) error {
	folders := []string{f.s.page.state}
	if f.s.page.state == "" {
		dir, err := f.stateFolder()
		if err != nil {
			return err
		}
		folders = []string{filepath.Join(dir, "page-"+string(f.t.Environment)), filepath.Join(dir, "page")}
	}
	var server ledger.Options
	if ledger.OnServer(f.s.ledger) {
		opt, err := f.ledgerAt(f.s, "")
		if err != nil {
			return err
		}
		server, folders = opt, folders[:1] // the books are one, whatever is at hand here
	}
	for _, folder := range folders {
		_, err := os.Stat(filepath.Join(folder, "page.db"))
		if err != nil && server.Path == "" {
			if f.s.page.state != "" {
				return usage("there is no page in "+folder, "name the --state of hppsend serve, or leave it out")
			}
			continue
		}
		d, err := desk.Beside(ctx, desk.Config{Folder: folder, Server: server})
		if err != nil {
			return err
		}
		f.pages = append(f.pages, d)
	}
	return nil
}

func (f *forgetting) close() {
	for _, d := range f.pages {
		d.Close()
	}
}

// agreed asks, on a terminal.
func (f *forgetting) agreed(ctx context.Context, what string) error {
	if f.s.yes {
		return nil
	}
	if !f.interactive() {
		return usage("nothing is done without a terminal to ask on", "say --yes")
	}
	f.console.warn("Type yes to " + what + ": ")
	word, err := f.answer(ctx)
	if err == nil && !strings.EqualFold(word, "yes") {
		err = usage("the answer was not yes; nothing was done", "start again when you are sure")
	}
	return err
}

// erase does it: the list first, so that nothing more is sent whatever becomes of the rest.
func (f *forgetting) erase(ctx context.Context) error {
	by := f.who(f.s)
	f.line.Type, f.line.Contacts, f.line.By, f.line.Time = "forget", len(f.contacts), contact.MaskAll(by), time.Now().UTC()
	got, err := f.l.Forget(ctx, by, f.digests...)
	if err != nil {
		return err
	}
	f.line.Listed, f.line.Records, f.line.Others = got.Listed, got.Records, got.Others
	is := func(c string) bool { return slices.Contains(f.digests, f.l.Digest(c)) }
	if f.line.WaitingRows, err = queue.Forget(ctx, f.l, is); err != nil {
		return err
	}
	for i, d := range f.pages {
		deleted, running, err := d.Forget(ctx, by, f.held[i].Uploads...)
		f.line.Uploads += deleted
		f.line.UploadsRunning += running
		if err != nil {
			return asUsage(err)
		}
	}
	f.lines.write(f.line)
	f.tell()
	if f.line.UploadsRunning > 0 {
		return &pipeline.Error{
			Kind: pipeline.Busy, Problem: plural(f.line.UploadsRunning, "upload") + " that hold it are being sent, and were not erased",
			Todo: "its rows there are held back already; say the same again once these runs have ended",
		}
	}
	return nil
}

// tell says what was done, what stays, and what nobody can reach from here.
func (f *forgetting) tell() {
	l := f.line
	f.say("notice", "forgotten", fmt.Sprintf("Forgotten, by %s: %s taken out of %s, and as the row's other contact out of %s; out of %s with the workers; %s deleted with all that belongs to them.",
		l.By, plural(l.Contacts, "contact"), plural(l.Records, "distribution"), plural(l.Others, "distribution"), rows(l.WaitingRows)+" waiting", plural(l.Uploads, "upload")))
	f.say("notice", "never_again", fmt.Sprintf("On the ledger's own list, as a digest: %d new of %d. No run on this ledger messages it again.", l.Listed, l.Contacts))
	f.say("notice", "stays", "What stays, so that nothing is sent twice: which sessions were sent, when, by which run, from which row of its file, with what outcome and correlation id, to nobody known. "+
		"In the audit trail of the page: who changed which row, and a digest of what was typed.")
	f.say("notice", "out_of_reach", "Out of reach from here: reports and lists, also in archives and in the state folder; the plans of others; back-ups of the ledger and the page; other ledgers; what Klarna keeps; what a run, a worker or a page that goes on has in memory; what other hosts of the page have at hand, which goes within the hour.")
	if l.UploadsUnread > 0 {
		f.say("notice", "not_looked_into", fmt.Sprintf("%s of the page could not be looked into: with a password, damaged, or of another ledger. Delete them on the page if they may hold it.", plural(l.UploadsUnread, "upload")))
	}
}

// takeBack takes the contacts off the list.
func (f *forgetting) takeBack(ctx context.Context) error {
	if err := f.agreed(ctx, "let "+f.named(f.contacts, " and ")+" be messaged again"); err != nil {
		return err
	}
	n, err := f.l.Remember(ctx, f.digests...)
	if err != nil {
		return err
	}
	f.say("notice", "remembered", fmt.Sprintf("Off the ledger's own list: %d of %s. Lists of yours and what a file says of them hold as before; what was forgotten is not known again.", n, plural(len(f.contacts), "contact")))
	return nil
}
