package reader

import (
	"context"
	"io"
	"iter"
	"slices"
	"unicode/utf8"

	"hppsend/pipeline"
)

// Look is what a table looks like before it is known which column is which.
type Look struct {
	Format   pipeline.Format
	Sheets   []string // visible sheets of a workbook, in order; nil for CSV
	Sheet    string   // the one that was looked at; hidden where it was named
	Encoding string   // of a CSV file
	Dialect  pipeline.Dialect
	Rows     []LookRow // the first that are not blank
}

// LookRow is a row as it was read, whatever it holds.
type LookRow struct {
	Number int      // as a spreadsheet program shows it, and as Options.HeaderRow counts
	Cells  []string // up to the last that holds something, in a workbook; long ones are cut
}

// lookRunes is how much of a cell a Look shows.
const lookRunes = 200

// LookAt gives the first rows of a file, n at most and n at least one, as they are read by the options. They
// need no header of ours: Map, HeaderRow and Mends are passed over. Where no sheet is named it takes the first
// visible one with our header, or else the first. What Open refuses for its bytes, its encoding or its
// delimiter is refused, with an *[pipeline.Error]; the Look then has what was found out before.
func LookAt(path string, opt Options, n int) (Look, error) {
	opt.Map, opt.HeaderRow, opt.Mends = nil, 0, nil
	at := pipeline.Place{File: path}
	f, err := opened(context.Background(), path, opt)
	if err != nil {
		return Look{}, err
	}
	defer f.Close()
	kind, err := f.kind(at, opt)
	switch {
	case err != nil:
		return Look{}, err
	case kind == workbook:
		return f.lookAtBook(at, opt, n)
	}
	return f.lookAtText(at, opt, kind, n)
}

func (f *File) lookAtText(at pipeline.Place, opt Options, kind content, n int) (Look, error) {
	t, err := f.text(at, opt, kind, io.NewSectionReader(f.bytes, 0, f.input.Size))
	l := Look{Format: pipeline.CSV, Encoding: f.input.Encoding}
	if err != nil {
		return l, err
	}
	h, found, _ := t.find(opt, &f.input.Dialect) // what is wrong with the header is not asked here
	l.Dialect = f.input.Dialect
	if !found && t.nul {
		return l, notText.at(at.File, nil)
	}
	show := cut
	if h.hpp != nil {
		show = func(cell string) string { return cut(unguard(cell)) }
	}
	l.Rows, err = firstFilled(t.candidates(&pipeline.Dialect{}), n, show)
	return l, err
}

func (f *File) lookAtBook(at pipeline.Place, opt Options, n int) (Look, error) {
	l := Look{Format: pipeline.XLSX}
	b, err := f.workbook(at)
	if err != nil {
		return l, err
	}
	for _, s := range b.book.Sheets() {
		if !s.Hidden {
			l.Sheets = append(l.Sheets, s.Name)
		}
	}
	switch {
	case opt.Sheet != "":
		if l.Sheet, err = b.named(opt.Sheet); err != nil {
			return l, err
		}
	case len(l.Sheets) == 0:
		return l, noSheet.at(at.File, nil)
	default:
		l.Sheet = l.Sheets[max(0, slices.IndexFunc(l.Sheets, func(name string) bool { return b.headed(name, opt) }))]
	}
	at.Sheet = l.Sheet
	l.Rows, err = firstFilled(b.candidates(l.Sheet), n, cut)
	return l, bookError(at, err)
}

// headed reports whether a sheet has our header. One that cannot be read has none.
func (b *bookFile) headed(sheet string, opt Options) bool {
	_, found, _ := finder{options: opt}.find(b.at, b.candidates(sheet))
	return found
}

// firstFilled gives the first n rows that hold something, with their cells as show gives them.
func firstFilled(rows iter.Seq2[candidate, error], n int, show func(string) string) ([]LookRow, error) {
	var first []LookRow
	for c, err := range rows {
		if err != nil {
			return first, err
		}
		if !filled(c.names, 0) {
			continue
		}
		row := LookRow{Number: c.row}
		for _, cell := range c.names {
			row.Cells = append(row.Cells, show(cell))
		}
		if first = append(first, row); len(first) >= n {
			break
		}
	}
	return first, nil
}

// cut shortens a cell that is longer than anybody needs to see what its column is.
func cut(cell string) string {
	if utf8.RuneCountInString(cell) <= lookRunes {
		return cell
	}
	return string([]rune(cell)[:lookRunes]) + "…"
}
