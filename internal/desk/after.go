package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/contact"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// Outcomes are how rows of an upload came out: one page of those with a status, and the counts of all.
type Outcomes struct {
	Tally pipeline.Tally
	Run   string
	Rows  []Outcome
	More  bool
}

// Outcome is how a row came out.
type Outcome struct {
	Place  pipeline.Place
	SentTo string // masked for who may not see it
	pipeline.Outcome
}

// rowsPage is how many rows a page has.
const rowsPage = 50

// window gathers a page of rows. It implements pipeline.Sink.
type window struct {
	*Outcomes
	status pipeline.Status
	skip   int
	clear  bool
}

func (w *window) Write(row pipeline.Row, out pipeline.Outcome) error {
	switch {
	case w.status != "" && out.Status != w.status:
	case w.skip > 0:
		w.skip--
	case len(w.Rows) == rowsPage:
		w.More = true
	default:
		one := Outcome{Place: row.Place, Outcome: out, SentTo: out.SentTo}
		if !w.clear {
			one.Note = contact.MaskAll(one.Note)
			one.SentTo = contact.Mask(out.SentTo)
			one.Outcome.SentTo, one.Reason = one.SentTo, contact.MaskAll(one.Reason)
			one.Findings = slices.Clone(out.Findings)
			for i := range one.Findings {
				one.Findings[i].Reason = contact.MaskAll(one.Findings[i].Reason)
			}
		}
		w.Rows = append(w.Rows, one)
	}
	return nil
}

// Outcomes gives how the rows of an upload came out, as the ledger knows them now; page counts from 0.
func (s *Seat) Outcomes(ctx context.Context, u *Upload, status pipeline.Status, page int) (*Outcomes, error) {
	o := &Outcomes{}
	w := &window{Outcomes: o, status: status, skip: page * rowsPage, clear: s.Clear(u.Account)}
	res, err := s.d.remade(ctx, u, campaign.Outputs{None: true, Rows: w})
	if err != nil {
		return nil, err
	}
	o.Tally, o.Run = res.Tally, res.Run
	if !w.clear || len(o.Rows) == 0 {
		return o, nil
	}
	return o, s.Looked(ctx, u, fmt.Sprintf("rows %s, page %d", cmp.Or(status, "all"), page+1))
}

// lookTime is how long a person may look at the same place for it to count once.
const lookTime = 10 * time.Minute

// Looked takes down that the person saw contacts of an upload.
func (s *Seat) Looked(ctx context.Context, u *Upload, place string) error {
	now, key := time.Now(), s.session+" "+u.ID+" "+place
	s.d.mu.Lock()
	before, known := s.d.looks[key]
	s.d.mu.Unlock()
	if known && now.Sub(before) < lookTime {
		return nil
	}
	if err := s.d.tx(ctx, func(t *txn) error { return s.did(t, u, "view", place, "") }); err != nil {
		return err
	}
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	if len(s.d.looks) > 10_000 {
		clear(s.d.looks)
	}
	s.d.looks[key] = now
	return nil
}

// remade reports once more on the last run of an upload.
func (d *Desk) remade(ctx context.Context, u *Upload, to campaign.Outputs) (campaign.FileResult, error) {
	if u.State == Deleted {
		return campaign.FileResult{}, gone()
	}
	a := d.accounts[u.Account]
	runs, err := d.runsOf(ctx, u)
	if err != nil {
		return campaign.FileResult{}, err
	}
	if len(runs) == 0 {
		return campaign.FileResult{}, &Refusal{Code: Conflict, Problem: "nothing of this was sent yet", Todo: "its checked sheet can be downloaded"}
	}
	run := runs[len(runs)-1]
	var last int64
	if err := d.db.QueryRowContext(ctx, "SELECT mends FROM run WHERE run = ?", run.ID).Scan(&last); err != nil {
		return campaign.FileResult{}, err
	}
	mends, err := d.mendsAt(ctx, d.db, a.key, u.ID, last) // what was sent, whatever was typed since
	if err != nil {
		return campaign.FileResult{}, err
	}
	defer d.inTurn()()
	opt, err := d.options(ctx, a, u, readerMends(mends))
	if err != nil {
		return campaign.FileResult{}, err
	}
	to.Temp = d.path("tmp")
	res, err := campaign.Remade(ctx, a.Ledger, a.Options.Target, run, u.Name, opt.Upload, to, quiet{}, a.Options.Program)
	return res, errors.Join(err, res.Err)
}

// runsOf gives the runs of an upload as the ledger has them, the last one last.
func (d *Desk) runsOf(ctx context.Context, u *Upload) (all []ledger.RunInfo, err error) {
	ids, err := column[string](ctx, d.db, "SELECT run FROM run WHERE upload = ? ORDER BY id", u.ID)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		run, ok, err := d.accounts[u.Account].Ledger.FindRun(ctx, id)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, run)
		}
	}
	return all, nil
}

// Runs gives the ids of an upload's runs, the last one last.
func (s *Seat) Runs(ctx context.Context, u *Upload) ([]string, error) {
	return column[string](ctx, s.d.db, "SELECT run FROM run WHERE upload = ? ORDER BY id", u.ID)
}

// Report writes the report of an upload's last run as the command line writes it, to a file that the caller closes;
// it is not kept.
func (s *Seat) Report(ctx context.Context, u *Upload, format pipeline.Format) (*os.File, error) {
	return s.download(ctx, u, "report", format, func(to campaign.Outputs) error {
		_, err := s.d.remade(ctx, u, to)
		return err
	})
}

// Checked writes the sheet as it is mended, with what the check has found beside each row.
func (s *Seat) Checked(ctx context.Context, u *Upload, format pipeline.Format) (*os.File, error) {
	if u.State == Deleted {
		return nil, gone()
	}
	return s.download(ctx, u, "sheet", format, func(to campaign.Outputs) error {
		a := s.d.accounts[u.Account]
		mends, err := s.d.current(ctx, s.d.db, a.key, u.ID)
		if err != nil {
			return err
		}
		opt, err := s.d.options(ctx, a, u, readerMends(mends))
		if err != nil {
			return err
		}
		if _, err := s.d.listed(ctx, a, &opt); err != nil {
			return err
		}
		opt.Outputs, opt.Outputs.Temp = to, s.d.path("tmp")
		defer s.d.inTurn()()
		_, err = campaign.Check(ctx, opt, campaign.Ports{Ledger: a.Ledger, Observer: quiet{}}, []string{u.Name})
		return err
	})
}

func (s *Seat) download(ctx context.Context, u *Upload, what string, format pipeline.Format, write func(campaign.Outputs) error) (*os.File, error) {
	if !s.Clear(u.Account) {
		return nil, &Refusal{Code: Forbidden, Problem: "the file holds contacts in clear", Todo: "ask the administrator of the account for a role that may see them"}
	}
	f, err := os.CreateTemp(s.d.path("tmp"), "download-*")
	if err != nil {
		return nil, broken("write the "+what, err)
	}
	os.Remove(f.Name()) // where a file that is open can be removed
	err = write(campaign.Outputs{
		Report: "-", Format: format, Stdout: f,
		Lost: func() (string, error) { return s.d.path("tmp"), nil },
	})
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = s.d.tx(ctx, func(t *txn) error { return s.did(t, u, "download", what+" "+string(format), "") })
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, err
	}
	return f, nil
}

// Doubts gives the uncertain rows of all runs of an upload.
func (s *Seat) Doubts(ctx context.Context, u *Upload) (all []ledger.Doubt, err error) {
	runs, err := s.d.runsOf(ctx, u)
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		doubts, err := s.d.accounts[u.Account].Ledger.Doubts(ctx, run.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, doubts...)
	}
	return all, nil
}

// Settle ends doubts by what a person has found out. Tickets are those of Doubts. Rows that were not sent are sent
// when somebody goes on.
func (s *Seat) Settle(ctx context.Context, upload string, tickets []pipeline.Ticket, delivered bool, reason string) (settled int, err error) {
	reason = strings.TrimSpace(reason)
	switch {
	case reason == "" || len(reason) > 500 || strings.Map(printable, reason) != reason:
		return 0, &Refusal{Code: Invalid, Field: "reason", Problem: "there is no reason", Todo: "say in one line how you know what became of them"}
	case len(tickets) == 0:
		return 0, &Refusal{Code: Invalid, Field: "ticket", Problem: "no row is chosen", Todo: "choose the rows that you know of"}
	}
	u, err := s.load(ctx, s.d.db, upload, Settler)
	if err != nil {
		return 0, err
	}
	doubts, err := s.Doubts(ctx, u)
	if err != nil {
		return 0, err
	}
	ours := map[pipeline.Ticket]bool{}
	for _, d := range doubts {
		ours[d.Ticket] = true
	}
	for _, ticket := range tickets {
		if !ours[ticket] {
			return 0, &Refusal{Code: Conflict, Problem: "a row is not uncertain any more; nothing was settled", Todo: "look at the page anew"}
		}
	}
	who := fmt.Sprintf("%s (%s): %s", s.Name, s.Login, contact.MaskAll(reason))
	if settled, err = s.d.accounts[u.Account].Ledger.Settle(ctx, tickets, delivered, who); err != nil {
		return 0, err
	}
	_, err = s.change(ctx, upload, func(t *txn, u *Upload) error {
		word := map[bool]string{true: "delivered", false: "not sent"}[delivered]
		return s.did(t, u, "settle", fmt.Sprintf("%d rows as %s", settled, word), s.d.accounts[u.Account].key.digest(reason))
	}, Settler)
	return settled, err
}
