package reader

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// ListOptions say how suppression lists are read.
type ListOptions struct {
	Country     string // of phone numbers without a calling code, ISO 3166 alpha-2 in upper case; empty for none
	WithoutPlus bool   // phone numbers may have lost their plus: with a country, both readings hold
	Unreadable  int    // how many lines of all lists cannot be read, and are known not to matter
	Kept        *Kept  // where the one list lies; nil where each lies under its path
}

// ReadSuppression reads lists of contacts that are not to be messaged: tables in any form in which inputs come, or
// texts with one contact a line. Columns of phone numbers and e-mail addresses are found by their headers; where a
// table has no header, each column in which cells are contacts is one. Hidden rows and sheets are read too. A cell
// may hold a phone number in any form, an e-mail address, or the SHA-256 of either in hex; what may be read in
// several ways holds in each.
//
// Every line has to name somebody who can be told, but for as many as the options say; otherwise the error holds an
// *[pipeline.Error] for each that does not. What notices say is for people: what was read of each list, and how many
// lines were passed over.
func ReadSuppression(ctx context.Context, paths []string, opt ListOptions) (s *pipeline.Suppression, notices []string, err error) {
	l := &lister{ctx: ctx, opt: opt}
	for i, path := range paths {
		l.name = filepath.Base(path)
		if slices.ContainsFunc(paths, func(p string) bool { return p != paths[i] && filepath.Base(p) == l.name }) {
			l.name = path
		}
		if err := l.list(path); err != nil {
			return nil, nil, err
		}
	}
	if err := l.unread.refusal(opt.Unreadable); err != nil {
		return nil, nil, err
	}
	if n := l.unread.count; n > 0 {
		l.notices = append(l.notices, fmt.Sprintf("lines of the suppression lists that cannot be read, and hold nobody back: %d, as --suppress-unreadable says", n))
	}
	return l.made.Suppression(), l.notices, nil
}

// lister reads lists, one after the other.
type lister struct {
	ctx     context.Context
	opt     ListOptions
	made    pipeline.SuppressionBuilder
	unread  unreadLines
	notices []string
	name    string // of the list at hand, as rows name it that are on it
	known   int    // contacts of that list

	cells []pipeline.ListedCell // of the batch at hand
	of    []listed              // where each stands
}

// listed is where a cell of a list stands.
type listed struct {
	place  pipeline.Place
	line   int    // as Suppression.Find gives it
	column string // empty where there is no header
	why    string // it cannot be read, whatever it says
}

// list reads a list.
func (l *lister) list(path string) error {
	at := pipeline.Place{File: path}
	if path == Stdin {
		return &pipeline.Error{Kind: pipeline.BadInput, Problem: "a suppression list cannot be standard input", Todo: "save it to a file, and name that with --suppress"}
	}
	f, err := opened(l.ctx, path, Options{Kept: l.opt.Kept})
	if err != nil {
		return err
	}
	defer f.Close()
	kind, err := f.kind(at, Options{Kept: l.opt.Kept})
	if err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(f.bytes, 0, f.input.Size)); err != nil {
		return cannotRead(at, err)
	}
	l.made.Begin(path, l.name)
	l.known = 0
	unread := l.unread.count
	if kind == workbook {
		err = l.book(f, at)
	} else {
		err = l.text(f, at, kind)
	}
	if err != nil {
		return err
	}
	if touched, err := f.touched(); err != nil || touched {
		return pipeline.Changed(at)
	}
	if l.known == 0 && l.unread.count == unread || l.known == 0 && l.unread.count <= l.opt.Unreadable {
		return &pipeline.Error{Kind: pipeline.BadInput, Place: at, Problem: "the suppression list names nobody", Todo: "see that it was exported to its end; leave it out if nobody is to be on it"}
	}
	l.made.End([sha256.Size]byte(sum.Sum(nil)))
	return nil
}

// text reads a list that is a text.
func (l *lister) text(f *File, at pipeline.Place, kind content) error {
	t, sample, err := f.decoded(at, Options{}, kind, io.NewSectionReader(f.bytes, 0, f.input.Size))
	if err != nil {
		return err
	}
	if t.nul {
		return notText.at(at.File, nil)
	}
	t.style, t.sep = l.style(sample)
	found, err := l.table(func(yield func(listRow, error) bool) {
		for rec, err := range t.records(header{}) {
			place := at
			place.Row, place.Line = rec.row, rec.line
			row := listRow{place: place, line: rec.line, cells: rec.cells, whole: rec.unreadable}
			if t.decoding.guess != nil {
				row.fault = guessed
			}
			if !yield(row, err) {
				return
			}
		}
	})
	if err == nil && !found {
		err = l.noContacts(at)
	}
	return err
}

// guessed refuses an address that a guess at the encoding would decide.
func guessed(_ int, text string) string {
	for _, r := range text {
		if r >= 0x80 && r != '\u00a0' {
			return "it has a letter that would be another in another encoding, and the list's was guessed; save the list as UTF-8"
		}
	}
	return ""
}

// book reads all sheets of a workbook, also hidden ones.
func (l *lister) book(f *File, at pipeline.Place) error {
	b, err := f.workbook(at)
	if err != nil {
		return err
	}
	any := false
	var without []string
	for _, s := range b.book.Sheets() {
		at.Sheet = s.Name
		if len(b.book.Sheets()) > 1 {
			l.made.From(fmt.Sprintf("%s, sheet %q", l.name, s.Name))
		}
		filled, rows := false, b.listRows(at)
		found, err := l.table(func(yield func(listRow, error) bool) {
			for row, err := range rows {
				filled = true
				if !yield(row, err) {
					return
				}
			}
		})
		if err != nil {
			return err
		}
		any = any || found
		if filled && !found {
			without = append(without, s.Name)
		}
	}
	at.Sheet = ""
	switch {
	case !any:
		return l.noContacts(at)
	case len(without) > 0:
		l.notices = append(l.notices, fmt.Sprintf("%s: nothing like a contact stands in %s, which is not read", at.File, quoted(without)))
	}
	return nil
}

// listRows gives the rows of a sheet that hold something, as a person sees them.
func (b *bookFile) listRows(at pipeline.Place) iter.Seq2[listRow, error] {
	return func(yield func(listRow, error) bool) {
		for row, err := range b.book.Rows(at.Sheet) {
			if err != nil {
				yield(listRow{}, bookError(at, err))
				return
			}
			if blankRow(row) {
				continue
			}
			place := at
			place.Row = row.Number
			r := listRow{place: place, line: row.Number, fault: func(i int, text string) string {
				if i >= len(row.Cells) {
					return ""
				}
				return cellFault("", letters(i), row.Cells[i], text).Reason
			}}
			for _, c := range row.Cells {
				r.cells = append(r.cells, shown(c))
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (l *lister) noContacts(at pipeline.Place) error {
	return &pipeline.Error{
		Kind: pipeline.BadInput, Place: at, Problem: "the suppression list has no column of phone numbers or e-mail addresses",
		Todo: "call the columns phone and email, or write one contact a line",
	}
}

// take reads the cells of the batch at hand.
func (l *lister) take() error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	found, errs := pipeline.ReadListed(l.cells)
	for i, of := range l.of {
		switch {
		case of.why != "":
			l.unread.add(of, of.why, "", false)
			continue
		case errs[i] != nil:
			l.unread.add(of, errs[i].Error(), l.cells[i].Text, pipeline.LacksCountry(errs[i]))
			continue
		}
		l.known += found[i].Contacts
		l.made.Add(of.line, found[i])
	}
	l.cells, l.of = l.cells[:0], l.of[:0]
	return nil
}

// queue puts a cell into the batch.
func (l *lister) queue(of listed, c pipeline.ListedCell) {
	l.cells, l.of = append(l.cells, c), append(l.of, of)
}

// doubt puts into the batch that something of a line cannot be read.
func (l *lister) doubt(of listed, why string) {
	of.why = why
	l.queue(of, pipeline.ListedCell{})
}

// unreadLines are the lines that name nobody who can be told.
type unreadLines struct {
	count     int
	lines     []error
	last      pipeline.Place
	countries int // of them for want of a country
}

// maxUnreadShown is how many unreadable lines are told of one by one. Somebody is to look at each; of so many, the
// file is another than was meant.
const maxUnreadShown = 10_000

// add takes note of a cell. A line counts once.
func (u *unreadLines) add(of listed, reason, text string, country bool) {
	if of.place == u.last {
		return
	}
	u.last = of.place
	u.count++
	if country {
		u.countries++
	}
	if len(u.lines) == maxUnreadShown {
		return
	}
	if text != "" {
		reason += " (" + contact.Mask(text) + ")"
	}
	of.place.Column = of.column
	u.lines = append(u.lines, &pipeline.Error{Kind: pipeline.BadInput, Place: of.place, Problem: reason})
}

// refusal is nil where as many lines are unreadable as is known.
func (u *unreadLines) refusal(known int) error {
	if u.count == known {
		return nil
	}
	e := &pipeline.Error{Kind: pipeline.BadInput, Problem: fmt.Sprintf("%s of the suppression lists cannot be read, so that whoever is meant would be messaged", linesOf(u.count))}
	if known > 0 {
		e.Problem = fmt.Sprintf("%s of the suppression lists cannot be read, and --suppress-unreadable says %d", linesOf(u.count), known)
	}
	if more := u.count - len(u.lines); more > 0 {
		e.Problem += fmt.Sprintf("; the last %d are not shown", more)
	}
	switch {
	case u.countries > 0:
		e.Todo = "say whose phone numbers they are where they have no calling code: --default-country SE, or a column country"
	case u.count > 0:
		e.Todo = fmt.Sprintf("mend them; a first line with names of columns is known by words such as phone and email; if none of them matters, say --suppress-unreadable %d", u.count)
	default:
		e.Todo = "leave --suppress-unreadable out"
	}
	return &UnreadableLines{Count: u.count, Lines: u.lines, summary: e}
}

// UnreadableLines refuses lists of which other lines cannot be read than is known.
type UnreadableLines struct {
	Count   int
	Lines   []error // an *[pipeline.Error] for each, with contacts masked; the first 10,000
	summary error   // likewise, with what to do on a command line
}

func (u *UnreadableLines) Error() string { return errors.Join(u.Unwrap()...).Error() }

// Unwrap gives all of them, the summary last.
func (u *UnreadableLines) Unwrap() []error { return append(slices.Clip(u.Lines), u.summary) }

func linesOf(n int) string {
	switch n {
	case 0:
		return "no line"
	case 1:
		return "1 line"
	}
	return fmt.Sprintf("%d lines", n)
}
