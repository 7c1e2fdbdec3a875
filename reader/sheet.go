package reader

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"hppsend/pipeline"
	"hppsend/reader/xlsx"
)

// bookFile is an open sheet of a workbook.
type bookFile struct {
	at     pipeline.Place // with the sheet
	book   *xlsx.Book
	merged []xlsx.Range
}

// openBook opens the workbook and finds the sheet with our header.
func (f *File) openBook(at pipeline.Place, opt Options) (header, error) {
	book, err := xlsx.Open(f.file.Name(), xlsx.Limits{})
	if err != nil {
		return header{}, bookError(at, err)
	}
	b := &bookFile{at: at, book: book}
	f.format = b
	h, err := b.choose(opt)
	f.input.Format, f.input.Sheet = pipeline.XLSX, b.at.Sheet
	if others := b.others(); err == nil && len(others) > 0 {
		f.input.Notices = append(f.input.Notices,
			fmt.Sprintf("only the sheet %q is read, not %s", b.at.Sheet, quoted(others)))
	}
	if err != nil {
		return h, err
	}
	notices, err := b.laidOut(h)
	f.input.Notices = append(f.input.Notices, notices...)
	return h, err
}

// choose takes the sheet that is named, or else the only visible one with our header.
func (b *bookFile) choose(opt Options) (header, error) {
	find := finder{options: opt}
	if opt.Sheet != "" {
		name, err := b.named(opt.Sheet)
		if err != nil {
			return header{}, err
		}
		b.at.Sheet = name
		h, _, err := find.find(b.at, b.candidates(name))
		return h, bookError(b.at, err)
	}
	var chosen header
	var problems []error // of sheets that have our header
	var refusal error    // of the first that has none
	var with, hidden []string
	for _, s := range b.book.Sheets() {
		at := b.at
		at.Sheet = s.Name
		h, found, err := find.find(at, b.candidates(s.Name))
		var refused *pipeline.InputError
		switch {
		case err != nil && !errors.As(err, &refused):
			return header{}, bookError(at, err)
		case found && s.Hidden:
			hidden = append(hidden, s.Name)
		case found:
			with, chosen = append(with, s.Name), h
			problems = append(problems, err)
		case s.Hidden:
		case refusal == nil:
			refusal = err
		}
	}
	switch {
	case len(with) == 1:
		b.at.Sheet = with[0]
		return chosen, problems[0]
	case len(with) > 1:
		return header{}, &pipeline.InputError{
			Place: b.at, Problem: fmt.Sprintf("%d sheets have our columns: %s", len(with), quoted(with)),
			Todo: fmt.Sprintf("say which one it is: --sheet %q", with[0]),
		}
	case len(hidden) > 0:
		return header{}, &pipeline.InputError{
			Place: b.at, Problem: "only hidden sheets have our columns: " + quoted(hidden),
			Todo: fmt.Sprintf("name it, if it is meant: --sheet %q", hidden[0]),
		}
	case refusal != nil:
		return header{}, refusal
	}
	return header{}, problem{"the workbook has no visible sheet with cells", "see that it is the right file"}.at(b.at.File, nil)
}

// named finds the sheet that --sheet names.
func (b *bookFile) named(want string) (string, error) {
	var names []string
	for _, s := range b.book.Sheets() {
		if s.Name == want {
			return want, nil
		}
		names = append(names, s.Name)
	}
	for _, n := range names { // spreadsheet programs know no two sheets that differ only in case
		if strings.EqualFold(strings.TrimSpace(n), strings.TrimSpace(want)) {
			return n, nil
		}
	}
	return "", &pipeline.InputError{
		Place: b.at, Problem: fmt.Sprintf("there is no sheet %q", want), Todo: "the sheets are " + quoted(names),
	}
}

// others are the visible sheets that are not read.
func (b *bookFile) others() []string {
	var names []string
	for _, s := range b.book.Sheets() {
		if !s.Hidden && s.Name != b.at.Sheet {
			names = append(names, s.Name)
		}
	}
	return names
}

// candidates gives the first rows of a sheet, in which the header is.
func (b *bookFile) candidates(sheet string) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		for row, err := range b.book.Rows(sheet) {
			if err != nil {
				yield(candidate{}, err)
				return
			}
			c := candidate{row: row.Number}
			for i, cell := range row.Cells {
				if name := shown(cell); strings.TrimSpace(name) != "" {
					c.names = append(c.names, make([]string, i-len(c.names))...)
					c.names = append(c.names, name)
				}
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

// rows implements format.
func (b *bookFile) rows(h header, m *mapper) (notices []string, err error) {
	s := sheetRows{at: b.at, header: h, merges: newMerges(h, b.merged)}
	for row, err := range b.book.Rows(b.at.Sheet) {
		if err != nil {
			return nil, bookError(b.at, err)
		}
		if row.Number <= h.row || blankRow(row) {
			continue
		}
		if !m.add(s.row(row)) {
			return nil, nil
		}
	}
	if m.count > 0 {
		return counted(m.lastAt-h.row-m.count, "empty row", 0), nil
	}
	return nil, nil
}

func (b *bookFile) close() error { return b.book.Close() }

func quoted(names []string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(q, ", ")
}

// bookError puts what the scanner says in the words of the pipeline.
func bookError(at pipeline.Place, err error) error {
	var fault *xlsx.Fault
	var refused *pipeline.InputError
	if err == nil || errors.As(err, &refused) {
		return err
	}
	e := &pipeline.InputError{
		Place: at, Problem: "the workbook cannot be read", Err: err,
		Todo: "open it in a spreadsheet program, save it anew, and try again",
	}
	if errors.As(err, &fault) {
		e.Place.Sheet, e.Place.Row = fault.Sheet, fault.Row
		e.Problem, e.Err = fault.Problem, fault.Err
		if fault.Cell != "" {
			e.Problem = "cell " + fault.Cell + ": " + e.Problem
		} else if fault.Part != "" && fault.Sheet == "" {
			e.Problem = fault.Part + ": " + e.Problem
		}
	}
	return e
}
