package desk

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"hppsend/internal/campaign"
	"hppsend/pipeline"
	"hppsend/reader"
)

// gathering makes a Sheet of the rows of a check. It implements pipeline.Sink.
type gathering struct {
	*Sheet
	mended map[spot]bool
	shown  map[pipeline.Channel]int
}

func (g *gathering) Write(row pipeline.Row, out pipeline.Outcome) error {
	bad := out.Status == pipeline.Rejected
	if !bad && out.Status == pipeline.Pending && len(g.Examples) < 10 && g.shown[pipeline.Channel{Method: out.Method}] < 5 {
		g.shown[pipeline.Channel{Method: out.Method}]++
		g.Examples = append(g.Examples, exampleOf(row, out))
	}
	if !bad && !g.mended[spotOf(row.Place)] {
		return nil
	}
	l := line(row, out)
	g.count(l, 1)
	if len(g.Lines) < maxLines {
		g.Lines = append(g.Lines, l)
	} else if bad {
		g.More++
	}
	return nil
}

// options are those by which an upload is read and sent.
func (d *Desk) options(ctx context.Context, a *Account, u *Upload, mends []reader.Mend) (campaign.Options, error) {
	opt := a.Options
	opt.Reading, opt.RetryRejected = u.Reading.Reading, u.Reading.RetryRejected
	opt.Reading.OptOut, opt.Reading.NoOptOut = wishes(a.Options.Reading, opt.Reading.OptOut, opt.Reading.NoOptOut)
	opt.Upload = &campaign.Upload{
		ID: u.ID, SHA256: hex.EncodeToString(u.SHA256[:]), Mends: mends,
		Kept: &reader.Kept{Path: d.fileOf(u.ID), Bytes: a.key.bytes(u.ID)},
	}
	return opt, d.fetch(ctx, d.fileOf(u.ID))
}

// listed adds the suppression lists that the account's administrators have brought to those of the configuration.
func (d *Desk) listed(ctx context.Context, a *Account, opt *campaign.Options) ([]List, error) {
	now, err := d.suppressed(ctx, a)
	opt.Suppress.Kept = now.made
	return now.all, err
}

// quiet is an observer that wants to know nothing.
type quiet struct{}

func (quiet) Progress(pipeline.Progress) {}
func (quiet) Notice(pipeline.Notice)     {}
func (quiet) Tell(campaign.Event)        {}

// check checks an upload as it is now, and makes its plan.
func (d *Desk) check(ctx context.Context, u *Upload) (*Sheet, campaign.Approved, error) {
	a := d.accounts[u.Account]
	mends, err := d.current(ctx, d.db, a.key, u.ID)
	if err != nil {
		return nil, campaign.Approved{}, err
	}
	defer d.inTurn()()
	g := &gathering{Sheet: &Sheet{Edits: u.Edits, Checked: time.Now()}, mended: map[spot]bool{}, shown: map[pipeline.Channel]int{}}
	for _, m := range mends {
		g.mended[spot{m.Sheet, m.Row}] = true
	}
	opt, err := d.options(ctx, a, u, readerMends(mends))
	if err != nil {
		return nil, campaign.Approved{}, err
	}
	lists, err := d.listed(ctx, a, &opt)
	if err != nil {
		return nil, campaign.Approved{}, err
	}
	opt.Outputs.Rows = g
	plan, err := campaign.Check(ctx, opt, campaign.Ports{Ledger: a.Ledger, Observer: quiet{}}, []string{u.Name})
	if err == nil && plan.Files[0].Input.SHA256 != reader.Content(u.SHA256, opt.Upload.Mends) {
		err = &pipeline.Error{Kind: pipeline.BadInput, Problem: "the file that is kept is not the one that came in: it was damaged", Todo: "upload it once more"}
	}
	if err != nil {
		refused := (*pipeline.Error)(nil)
		if !errors.As(err, &refused) || refused.Kind != pipeline.BadInput && refused.Kind != pipeline.Usage {
			return nil, campaign.Approved{}, err
		}
		s := &Sheet{Edits: u.Edits, Checked: time.Now(), Refused: err}
		if unsaid := (*reader.Unsaid)(nil); errors.As(err, &unsaid) {
			s.Unsaid, s.Input.HeaderRow, s.Input.Mapped = unsaid.Columns, unsaid.HeaderRow, unsaid.Mapped
		}
		return s, campaign.Approved{}, nil
	}
	s := g.Sheet
	s.Input, s.Rows, s.Status, s.Due = plan.Files[0].Input, plan.Total.Rows, plan.Total.Status, plan.Due
	s.Messages, s.Repeated, s.Remarks = plan.Messages, plan.Repeated, plan.Notices
	for _, group := range plan.Total.Groups {
		if group.Status != pipeline.Rejected && group.Status != pipeline.Pending {
			s.Others = append(s.Others, shownGroup(group))
		}
	}
	s.Outlook, s.TooLate = plan.Outlook, plan.RefuseLate()
	s.Lists, s.lists = listsIn(plan.Lists(), lists), idsOf(lists)
	s.sorted()
	approved, err := opt.Plan(a.Name, campaign.PlanKey(a.Ledger), plan)
	digest := approved.Digest()
	s.Digest = hex.EncodeToString(digest[:])
	return s, approved, err
}

// Sheet gives what is known of an upload as it is mended now. A fresh one asks the ledger again, too, and judges
// the rows beside each other.
func (s *Seat) Sheet(ctx context.Context, u *Upload, fresh bool) (*Sheet, error) {
	if u.State == Deleted {
		return nil, gone()
	}
	return s.d.sheet(ctx, u, fresh)
}

func gone() error {
	return &Refusal{Code: Gone, Problem: "this upload was deleted", Todo: "what was sent is in the history of runs; the file is not kept any more"}
}

func (d *Desk) sheet(ctx context.Context, u *Upload, fresh bool) (*Sheet, error) {
	d.mu.Lock()
	known := d.sheets[u.ID]
	d.mu.Unlock()
	ids := ""
	if fresh {
		lists, err := d.listsOf(ctx, d.db, d.accounts[u.Account])
		if err != nil {
			return nil, err
		}
		ids = idsOf(lists)
	}
	if known != nil && known.Edits == u.Edits && !(fresh && (known.Partial || known.lists != ids || time.Since(known.Checked) > 2*time.Second)) {
		return known, nil
	}
	// Whoever asks for the same at the same time waits for the one check, which goes on if the first gives up.
	found, err, _ := d.checks.Do(fmt.Sprintf("%s %d %s", u.ID, u.Edits, ids), func() (any, error) {
		sheet, _, err := d.check(context.WithoutCancel(ctx), u)
		if err == nil {
			d.remember(u.ID, sheet)
		}
		return sheet, err
	})
	if err != nil {
		return nil, err
	}
	return found.(*Sheet), nil
}

func (d *Desk) remember(id string, s *Sheet) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if old := d.sheets[id]; old != nil && old.Edits > s.Edits {
		return
	}
	d.sheets[id] = s
	d.recent = append(slices.DeleteFunc(d.recent, func(other string) bool { return other == id }), id)
	for len(d.recent) > maxSheets {
		delete(d.sheets, d.recent[0])
		d.recent = d.recent[1:]
	}
}

func (d *Desk) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.sheets, id)
}

// rejudge brings what is known of an upload up to a change of some rows. Of a large sheet only these are read,
// each is judged by itself, and what that means for others is found out by the next fresh check.
func (d *Desk) rejudge(ctx context.Context, before *Sheet, u *Upload, changed map[spot]bool) (*Sheet, error) {
	if before.Refused != nil || before.Rows <= smallSheet || before.Edits != u.Edits-1 { // somebody else was quicker
		return d.sheet(ctx, u, false)
	}
	a := d.accounts[u.Account]
	mends, err := d.current(ctx, d.db, a.key, u.ID)
	if err != nil {
		return nil, err
	}
	opt, err := d.options(ctx, a, u, readerMends(mends))
	if err != nil {
		return nil, err
	}
	now := *before
	now.Edits, now.Partial = u.Edits, true
	now.Lines, now.Problems = slices.Clone(before.Lines), slices.Clone(before.Problems)
	now.Status = map[pipeline.Status]int{}
	for status, n := range before.Status {
		now.Status[status] = n
	}
	left := len(changed)
	err = opt.EachRow(ctx, u.Name, func(in pipeline.Input, row pipeline.Row) bool {
		if !changed[spotOf(row.Place)] {
			return true
		}
		out := opt.Rules(opt.Target, nil).Alone(in, row)
		if l, ok := now.at(spotOf(row.Place)); ok {
			now.count(*l, -1)
			now.Status[l.Status]--
			*l = line(row, out)
			now.count(*l, 1)
			now.Status[l.Status]++
		}
		left--
		return left > 0
	})
	if err != nil {
		return nil, err
	}
	now.Due = now.Status[pipeline.Pending]
	now.sorted()
	d.remember(u.ID, &now)
	return &now, nil
}
