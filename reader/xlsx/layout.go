package xlsx

import (
	"bytes"
	"errors"
	"strconv"
)

// Layout is what a sheet says of its columns and cells beside what is in them.
type Layout struct {
	Merged []Range // in the order of the file
	Hidden []Span  // columns that are hidden
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
	r := &layoutReader{scanner: newScanner(part), whole: b.merges[s.part]}
	if err := r.read(); err != nil {
		return Layout{}, &Fault{Sheet: s.Name, Part: s.part, Problem: "the sheet is damaged", Err: err}
	}
	return r.Layout, nil
}

type layoutReader struct {
	Layout
	*scanner
	whole bool // cells are merged, which stands behind the rows
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
		case "cols", "mergeCells": // their elements follow
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
		from, to, ok := bytes.Cut(a.value, []byte(":"))
		if !ok {
			to = from
		}
		c1, r1, ok1 := reference(from)
		c2, r2, ok2 := reference(to)
		if !ok1 || !ok2 || c2 < c1 || r2 < r1 {
			return errors.New("the range of merged cells is none")
		}
		r.Merged = append(r.Merged, Range{r1, r2, c1, c2})
	}
	return r.skip()
}

// finder tells whether a word went by, however the text was cut up.
type finder struct {
	word  []byte
	tail  []byte
	found bool
}

func (f *finder) Write(p []byte) (int, error) {
	if f.found {
		return len(p), nil
	}
	n := len(f.word) - 1
	seam := append(f.tail, p[:min(n, len(p))]...)
	f.found = bytes.Contains(p, f.word) || bytes.Contains(seam, f.word)
	f.tail = append(f.tail[:0], seam[max(0, len(seam)-n):]...)
	if len(p) > n {
		f.tail = append(f.tail[:0], p[len(p)-n:]...)
	}
	return len(p), nil
}
