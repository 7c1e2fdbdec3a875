package xlsx

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// Layout is what a sheet says of its columns and cells beside what is in them.
type Layout struct {
	Merged      []Range       // in the order of the file
	Hidden      []Span        // columns that are hidden
	Links       []Link        // likewise; those that leave the book
	Conditional []Conditional // likewise
}

// Link is where a click on cells leads.
type Link struct {
	Range
	Target string // such as mailto:anna@example.com
}

// Conditional is cells that look otherwise under a condition, which is not evaluated.
type Conditional struct {
	Range
	Struck bool // they may be struck out
	Format bool // they may have a number format that shows something else than their digits
}

// Range is a rectangle of merged cells; only its top left one has a value. Rows are numbered as a
// spreadsheet program shows them, columns from 0; both ends belong to it.
type Range struct{ FirstRow, LastRow, FirstColumn, LastColumn int }

// Span is a stretch of columns, from 0; both ends belong to it.
type Span struct{ First, Last int }

// Layout reads the layout of a sheet. It costs a scan of the sheet only where cells are merged.
func (b *Book) Layout(sheet string) (Layout, error) {
	s, part, err := b.part(sheet)
	if err != nil {
		return Layout{}, err
	}
	defer part.Close()
	r := &layoutReader{Book: b, scanner: newScanner(part), whole: b.behind[s.part], part: s.part}
	err = r.read()
	var f *Fault
	switch {
	case errors.As(err, &f):
		return Layout{}, f
	case err != nil:
		return Layout{}, &Fault{Sheet: s.Name, Part: s.part, Problem: "the sheet is damaged", Err: err}
	}
	return r.Layout, nil
}

// layoutWords begin the names of the elements behind the rows that say something of the layout.
var layoutWords = [][]byte{[]byte("mergeCell"), []byte("hyperlink"), []byte("conditionalFormatting")}

type layoutReader struct {
	Layout
	*Book
	*scanner
	whole bool   // some of layoutWords stand behind the rows, or may
	part  string // of the sheet

	targets map[string]string // of links, by their relationship; nil until there is one
	covered []Range           // by the conditional format that was opened last
}

func (r *layoutReader) read() error {
	if err := r.root("worksheet"); err != nil {
		return err
	}
	for {
		k, err := r.next()
		if err != nil || k == endOfPart {
			return err
		}
		if k != openTag {
			continue
		}
		switch string(r.name) {
		case "cols", "mergeCells", "hyperlinks": // their elements follow
		case "conditionalFormatting": // likewise
			err = r.conditional()
		case "cfRule":
			err = r.rule()
		case "hyperlink":
			err = r.link()
		case "col":
			err = r.column()
		case "mergeCell":
			err = r.merge()
		case "sheetData":
			if !r.whole {
				return nil
			}
			err = r.skip()
		default:
			err = r.skip()
		}
		if err != nil {
			return err
		}
	}
}

func (r *layoutReader) column() error {
	var s Span
	hidden := false
	for _, a := range r.attrs {
		n, err := strconv.Atoi(string(a.value))
		switch string(a.name) {
		case "min":
			s.First = n - 1
		case "max":
			s.Last = n - 1
		case "hidden":
			hidden, err = isTrue(string(a.value)), nil
		default:
			err = nil
		}
		if err != nil {
			return err
		}
	}
	if hidden {
		r.Hidden = append(r.Hidden, s)
	}
	return r.skip()
}

func (r *layoutReader) merge() error {
	for _, a := range r.attrs {
		if string(a.name) != "ref" {
			continue
		}
		merged, err := rangeOf(a.value)
		if err != nil {
			return err
		}
		r.Merged = append(r.Merged, merged)
	}
	return r.skip()
}

// rangeOf reads a rectangle of cells, such as B2:C7, or B2 alone.
func rangeOf(name []byte) (Range, error) {
	from, to, ok := bytes.Cut(name, []byte(":"))
	if !ok {
		to = from
	}
	c1, r1, ok1 := reference(from)
	c2, r2, ok2 := reference(to)
	if !ok1 || !ok2 || c2 < c1 || r2 < r1 {
		return Range{}, errors.New("a range of cells is none")
	}
	return Range{r1, r2, c1, c2}, nil
}

// link reads where cells lead to. A link within the book has no relationship.
func (r *layoutReader) link() (err error) {
	var link Link
	var id string
	for _, a := range r.attrs {
		switch name := string(a.name); {
		case name == "ref":
			if link.Range, err = rangeOf(a.value); err != nil {
				return err
			}
		case strings.HasSuffix(name, ":id"):
			id = string(a.value)
		}
	}
	if id == "" {
		return r.skip()
	}
	if r.targets == nil {
		r.targets = map[string]string{}
		all, err := r.relationships(r.part)
		if err != nil {
			return err
		}
		for _, rel := range all {
			r.targets[rel.ID] = rel.given
		}
	}
	target, ok := r.targets[id]
	if !ok {
		return errors.New("a link leads nowhere")
	}
	link.Target = target
	r.Links = append(r.Links, link)
	return r.skip()
}

// conditional reads which cells the rules that follow are for.
func (r *layoutReader) conditional() error {
	r.covered = r.covered[:0]
	for _, a := range r.attrs {
		if string(a.name) != "sqref" {
			continue
		}
		for _, name := range bytes.Fields(a.value) {
			covered, err := rangeOf(name)
			if err != nil { // whole columns, as some programs write them
				covered = Range{1, rowsMost, 0, columnsMost - 1}
			}
			r.covered = append(r.covered, covered)
		}
	}
	return nil
}

// rule reads what a rule makes of its cells.
func (r *layoutReader) rule() error {
	for _, a := range r.attrs {
		if string(a.name) != "dxfId" {
			continue
		}
		n, err := strconv.Atoi(string(a.value))
		if err != nil || n < 0 || n >= len(r.changes) { // programs pass over such a rule
			continue
		}
		if c := r.changes[n]; c.Struck || c.Format {
			for _, covered := range r.covered {
				r.Conditional = append(r.Conditional, Conditional{covered, c.Struck, c.Format})
			}
		}
	}
	return r.skip()
}

// finder reports whether one of some words went by behind the rows, or near their end, however the text
// was cut up. What is in UTF-16 may have them all.
type finder struct {
	words [][]byte
	tail  []byte // the end of what went by
	begun bool
	rows  int // how often the end of the name sheetData went by; twice is behind the rows
	found bool
}

var rowsElement = []byte("Data") // of sheetData: its capital is rare, and so it is found fast

func (f *finder) Write(p []byte) (int, error) {
	if !f.begun {
		f.begun, f.found = true, wideOrder(p) != nil
	}
	if f.found {
		return len(p), nil
	}
	n := len(rowsElement)
	for _, w := range f.words {
		n = max(n, len(w))
	}
	n-- // so much of a word may be in what follows
	seam := append(f.tail, p[:min(n, len(p))]...)
	if f.rows < 2 {
		around := seam[max(0, len(f.tail)-len(rowsElement)+1):min(len(seam), len(f.tail)+len(rowsElement)-1)]
		f.rows += bytes.Count(around, rowsElement) + bytes.Count(p, rowsElement)
	}
	if f.rows >= 2 {
		for _, w := range f.words {
			f.found = f.found || bytes.Contains(p, w) || bytes.Contains(seam, w)
		}
	}
	if len(p) >= n {
		f.tail = append(f.tail[:0], p[len(p)-n:]...)
	} else {
		f.tail = append(f.tail[:0], seam[max(0, len(seam)-n):]...)
	}
	return len(p), nil
}
