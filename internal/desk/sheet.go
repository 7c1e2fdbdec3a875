package desk

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/contact"
	"hppsend/pipeline"
	"hppsend/reader"
)

// How much of a checked sheet is kept in memory, and up to how many rows a sheet is checked anew for each mend.
const (
	maxLines   = 10_000
	maxSheets  = 4
	smallSheet = 5_000
)

// Sheet is what a check has found of an upload, as it is mended.
type Sheet struct {
	Edits   int // of the upload that was checked
	Checked time.Time
	Partial bool  // rows that were mended since were judged each by itself
	Refused error // the file as a whole cannot be sent as it is read; an *pipeline.Error

	Input    pipeline.Input
	Rows     int
	Status   map[pipeline.Status]int // pending rows are those that would be sent
	Due      int
	Messages map[pipeline.Channel]int
	Repeated int              // people who would get more than one message
	Others   []pipeline.Group // rows that are neither sent nor a problem, by why
	Remarks  []pipeline.Group // on rows that are sent all the same
	Examples []Example

	Problems []Problem // the largest first
	Lines    []Line    // the rows that have problems, and those that were mended, in order; the first of very many
	More     int       // rows with problems that are not among Lines
	Digest   string    // of the plan
}

// Problem is all rows with one kind of problem.
type Problem struct {
	Code, Field string // Field is empty where the whole row is at fault
	Rows        int
}

// Line is a row that a person may have to mend.
type Line struct {
	Place    pipeline.Place
	Cells    []string // of Input.Columns, as they are mended
	Status   pipeline.Status
	Code     string
	Reason   string
	Findings []pipeline.Finding
}

// Bad reports whether the row cannot be sent as it stands.
func (l Line) Bad() bool { return l.Status == pipeline.Rejected }

// Has reports whether the row has a problem.
func (l Line) Has(code string) bool {
	return l.Bad() && slices.ContainsFunc(l.Findings, func(f pipeline.Finding) bool { return f.Code == code })
}

// Example is a row that would be sent, masked.
type Example struct {
	Row     int
	Session string
	Method  pipeline.Method
	Contact string
}

func exampleOf(row pipeline.Row, out pipeline.Outcome) Example {
	to := row.Fields.Email
	if out.Method == pipeline.SMS {
		to = row.Fields.Phone
	}
	return Example{Row: row.Row, Session: pipeline.ShownSession(out.Session), Method: out.Method, Contact: contact.Mask(strings.TrimSpace(to))}
}

// line makes a Line of a row and what it was judged to be.
func line(row pipeline.Row, out pipeline.Outcome) Line {
	l := Line{Place: row.Place, Status: out.Status, Code: out.Code, Reason: out.Reason, Findings: slices.Clone(out.Findings)}
	l.Place.File = ""
	for _, c := range row.Cells {
		l.Cells = append(l.Cells, strings.Clone(cmp.Or(c.Text, c.Shown)))
	}
	if l.Bad() && len(l.Findings) == 0 { // HPP's word, of an earlier run
		l.Findings = []pipeline.Finding{{Code: out.Code, Field: map[pipeline.Method]string{
			pipeline.SMS: pipeline.FieldPhone, pipeline.Email: pipeline.FieldEmail,
		}[out.Method], Reason: out.Reason}}
	}
	return l
}

// spot is where a row is.
type spot struct {
	sheet string
	row   int
}

func spotOf(p pipeline.Place) spot { return spot{p.Sheet, p.Row} }

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

// count adds a row to the problems, or takes it away.
func (s *Sheet) count(l Line, n int) {
	if !l.Bad() {
		return
	}
	for i, f := range l.Findings {
		same := func(p Problem) bool { return p.Code == f.Code && p.Field == f.Field }
		if slices.ContainsFunc(l.Findings[:i], func(e pipeline.Finding) bool { return e.Code == f.Code && e.Field == f.Field }) {
			continue
		}
		at := slices.IndexFunc(s.Problems, same)
		if at < 0 {
			at = len(s.Problems)
			s.Problems = append(s.Problems, Problem{Code: f.Code, Field: f.Field})
		}
		s.Problems[at].Rows += n
	}
}

func (s *Sheet) sorted() {
	s.Problems = slices.DeleteFunc(s.Problems, func(p Problem) bool { return p.Rows <= 0 })
	slices.SortStableFunc(s.Problems, func(a, b Problem) int { return b.Rows - a.Rows })
}

// Bad is how many rows have problems.
func (s *Sheet) Bad() int { return s.Status[pipeline.Rejected] }

// at gives the line of a row.
func (s *Sheet) at(p spot) (*Line, bool) {
	i, ok := slices.BinarySearchFunc(s.Lines, p, func(l Line, p spot) int {
		return cmp.Or(cmp.Compare(l.Place.Sheet, p.sheet), l.Place.Row-p.row)
	})
	if !ok { // sheets of one report need not be in the order of their names
		i = slices.IndexFunc(s.Lines, func(l Line) bool { return spotOf(l.Place) == p })
	}
	if i < 0 || i >= len(s.Lines) {
		return nil, false
	}
	return &s.Lines[i], true
}

// options are those by which an upload is read and sent.
func (d *Desk) options(a *Account, u *Upload, mends []reader.Mend) campaign.Options {
	opt := a.Options
	opt.Reading, opt.RetryRejected = u.Reading.Reading, u.Reading.RetryRejected
	opt.Upload = &campaign.Upload{
		ID: u.ID, SHA256: hex.EncodeToString(u.SHA256[:]), Mends: mends,
		Kept: &reader.Kept{Path: d.fileOf(u.ID), Bytes: a.key.bytes(u.ID)},
	}
	return opt
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
	g := &gathering{Sheet: &Sheet{Edits: u.Edits, Checked: time.Now()}, mended: map[spot]bool{}, shown: map[pipeline.Channel]int{}}
	for _, m := range mends {
		g.mended[spot{m.Sheet, m.Row}] = true
	}
	opt := d.options(a, u, readerMends(mends))
	opt.Outputs.Rows = g
	plan, err := campaign.Check(ctx, opt, campaign.Ports{Ledger: a.Ledger, Observer: quiet{}}, []string{u.Name})
	if err != nil {
		refused := (*pipeline.Error)(nil)
		if !errors.As(err, &refused) || refused.Kind != pipeline.BadInput && refused.Kind != pipeline.Usage {
			return nil, campaign.Approved{}, err
		}
		return &Sheet{Edits: u.Edits, Checked: time.Now(), Refused: err}, campaign.Approved{}, nil
	}
	s := g.Sheet
	s.Input, s.Rows, s.Status, s.Due = plan.Files[0].Input, plan.Total.Rows, plan.Total.Status, plan.Due
	s.Messages, s.Repeated, s.Remarks = plan.Messages, plan.Repeated, plan.Notices
	for _, group := range plan.Total.Groups {
		if group.Status != pipeline.Rejected && group.Status != pipeline.Pending {
			s.Others = append(s.Others, group)
		}
	}
	s.sorted()
	approved, err := opt.Plan(a.Name, plan)
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
	if known != nil && known.Edits == u.Edits && !(fresh && (known.Partial || time.Since(known.Checked) > 2*time.Second)) {
		return known, nil
	}
	// Whoever asks for the same at the same time waits for the one check, which goes on if the first gives up.
	found, err, _ := d.checks.Do(fmt.Sprintf("%s %d", u.ID, u.Edits), func() (any, error) {
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
	opt := d.options(a, u, readerMends(mends))
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
