package reader

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"hppsend/pipeline"
	"hppsend/reader/xlsx"
)

// bookFile is an open workbook and the sheets of it that are read: one, or those that a report of ours
// was spread over.
type bookFile struct {
	at     pipeline.Place // with the first sheet
	book   *xlsx.Book
	sheets []sheetPart
}

// sheetPart is a sheet that is read.
type sheetPart struct {
	name   string
	header header
	layout xlsx.Layout
}

// openBook opens the workbook and finds the sheet with our header.
func (f *File) openBook(at pipeline.Place, opt Options) (header, error) {
	b, err := f.workbook(at)
	if err != nil {
		return header{}, err
	}
	f.format = b
	h, err := b.choose(opt)
	f.input.Format, f.input.Sheet, f.input.Date1904 = pipeline.XLSX, b.at.Sheet, b.book.Date1904()
	if err != nil {
		return h, err
	}
	if others := b.others(); len(others) > 0 {
		f.input.Notices = append(f.input.Notices,
			fmt.Sprintf("only the sheet %q is read, not %s", b.at.Sheet, quoted(others)))
	}
	if n := len(b.sheets); n > 1 {
		f.input.Notices = append(f.input.Notices,
			fmt.Sprintf("the report goes on over %d sheets, and all are read: %s", n, quoted(b.names())))
	}
	for i := range b.sheets {
		notices, err := b.laidOut(&b.sheets[i])
		f.input.Notices = append(f.input.Notices, notices...)
		if err != nil {
			return h, err
		}
	}
	return h, nil
}

// workbook opens a workbook, of which no sheet has been read.
func (f *File) workbook(at pipeline.Place) (*bookFile, error) {
	book, err := xlsx.Read(f.bytes, f.input.Size, xlsx.Limits{})
	if err != nil {
		return nil, bookError(at, err)
	}
	return &bookFile{at: at, book: book}, nil
}

// choose takes the sheet that is named, or else the only visible one with our header, or all those of
// one report of ours.
func (b *bookFile) choose(opt Options) (header, error) {
	find := finder{options: opt}
	if opt.Sheet != "" {
		name, err := b.named(opt.Sheet)
		if err != nil {
			return header{}, err
		}
		b.at.Sheet = name
		h, _, err := find.find(b.at, b.candidates(name))
		b.sheets = []sheetPart{{name: name, header: h}}
		return h, bookError(b.at, err)
	}
	var problems []error // of sheets that have our header
	var refusal error    // of the first that has none
	var hidden []string
	for _, s := range b.book.Sheets() {
		at := b.at
		at.Sheet = s.Name
		h, found, err := find.find(at, b.candidates(s.Name))
		var refused *pipeline.Error
		switch {
		case err != nil && !errors.As(err, &refused):
			return header{}, bookError(at, err)
		case found && s.Hidden:
			hidden = append(hidden, s.Name)
		case found:
			b.sheets = append(b.sheets, sheetPart{name: s.Name, header: h})
			problems = append(problems, err)
		case s.Hidden:
		case refusal == nil:
			refusal = err
		}
	}
	switch {
	case len(b.sheets) == 1 || b.oneReport():
		b.at.Sheet = b.sheets[0].name
		return b.sheets[0].header, problems[0] // sheets alike have the same problems
	case len(b.sheets) > 1:
		return header{}, &pipeline.Error{
			Kind:  pipeline.BadInput,
			Place: b.at, Problem: fmt.Sprintf("%d sheets have our columns: %s", len(b.sheets), quoted(b.names())),
			Todo: fmt.Sprintf("say which one it is: --sheet %q", b.sheets[0].name),
		}
	case len(hidden) > 0:
		return header{}, &pipeline.Error{
			Kind:  pipeline.BadInput,
			Place: b.at, Problem: "only hidden sheets have our columns: " + quoted(hidden),
			Todo: fmt.Sprintf("name it, if it is meant: --sheet %q", hidden[0]),
		}
	case refusal != nil:
		return header{}, refusal
	}
	return header{}, noSheet.at(b.at.File, nil)
}

var noSheet = problem{"the workbook has no visible sheet with cells", "see that it is the right file"}

// oneReport reports whether the sheets with our header are those of one report of ours, which goes on on
// further sheets when one is full.
func (b *bookFile) oneReport() bool {
	for _, s := range b.sheets {
		if s.header.hpp == nil || !slices.Equal(s.header.names, b.sheets[0].header.names) {
			return false
		}
	}
	return len(b.sheets) > 0
}

// names are those of the sheets that are read.
func (b *bookFile) names() []string {
	var names []string
	for _, s := range b.sheets {
		names = append(names, s.name)
	}
	return names
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
	if kept := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !keptAs(n, want) }); len(kept) == 1 {
		return kept[0], nil
	}
	return "", &pipeline.Error{
		Kind:  pipeline.BadInput,
		Place: b.at, Problem: fmt.Sprintf("there is no sheet %q", want), Todo: "the sheets are " + quoted(names),
	}
}

// others are the visible sheets that are not read, but for the one that a report of ours begins with.
func (b *bookFile) others() []string {
	var names []string
	for _, s := range b.book.Sheets() {
		summary := s.Name == "Summary" && b.sheets[0].header.hpp != nil
		if !s.Hidden && !summary && !slices.Contains(b.names(), s.Name) {
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
func (b *bookFile) rows(_ header, m *mapper) (notices []string, err error) {
	empty, repeated := 0, 0
	for _, part := range b.sheets {
		at, h, last := b.at, part.header, part.header.row
		at.Sheet = part.name
		s := sheetRows{
			unclear: &m.unclear,
			at:      at, header: h, under: part.layout.Conditional,
			merges: newMerges(h, part.layout.Merged), links: newLinks(h, part.layout.Links),
		}
		under := lists{header: h, last: h.row}
		for row, err := range b.book.Rows(part.name) {
			if err != nil {
				return nil, bookError(at, err)
			}
			if row.Number <= h.row || blankRow(row) {
				continue
			}
			empty += row.Number - last - 1
			last = row.Number
			at.Row = row.Number
			headed, err := under.next(row.Number, at, s.id(row), func() []string { return s.texts(row) })
			if err != nil {
				return nil, err
			}
			if headed {
				repeated++
				continue
			}
			if !m.add(s.row(row)) {
				return nil, nil
			}
		}
	}
	notices = counted(empty, "empty row", 0)
	if repeated > 0 {
		notices = append(notices, passedOver(repeated, "repeated header"))
	}
	return notices, nil
}

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
	var refused *pipeline.Error
	if err == nil || errors.As(err, &refused) {
		return err
	}
	e := &pipeline.Error{
		Kind:  pipeline.BadInput,
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
