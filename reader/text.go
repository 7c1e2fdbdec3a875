package reader

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"hppsend/pipeline"
)

// sampleBytes is how much of a text tells its delimiter.
const sampleBytes = 256 << 10

// textFile is an open CSV file.
type textFile struct {
	at       pipeline.Place
	bytes    io.ReaderAt
	size     int64
	kind     content
	decoding decoding
	style    style
	sep      bool // the first line only names the delimiter
	nul      bool // there are NULs in the sample
	pad      bool
}

// openText finds out how a text is written, and its header. It reads all, which is the text as it lies in
// the file.
func (f *File) openText(at pipeline.Place, opt Options, kind content, all io.Reader) (header, error) {
	t, err := f.text(at, opt, kind, all)
	if err != nil {
		return header{}, err
	}
	f.format = t
	h, found, err := t.find(opt, &f.input.Dialect)
	if !found && t.nul {
		return header{}, notText.at(at.File, nil)
	}
	if err == nil {
		h, err = t.layout(h)
	}
	if t.decoding.notice != "" {
		f.input.Notices = append(f.input.Notices, t.decoding.notice)
	}
	f.input.Notices = append(f.input.Notices, t.style.notices(t.sep)...)
	if n := h.width - len(h.names); n > 0 {
		f.input.Notices = append(f.input.Notices, fmt.Sprintf("each row ends in empty cells that the header does not have: %d", n))
	}
	return h, err
}

// text finds out how a text is written, and says so in the input; how its lines end is not known yet.
func (f *File) text(at pipeline.Place, opt Options, kind content, all io.Reader) (*textFile, error) {
	t, sample, err := f.decoded(at, opt, kind, all)
	if err != nil {
		return nil, err
	}
	t.style, t.sep = finder{options: opt, text: true}.style(sample)
	if t.style.comma == 0 {
		return nil, notCSV.at(at.File, nil)
	}
	bom := f.input.Dialect.BOM
	f.input.Dialect = t.style.dialect()
	f.input.Dialect.BOM = bom
	return t, nil
}

// decoded finds out the encoding of a text, and says so in the input, with its first part.
func (f *File) decoded(at pipeline.Place, opt Options, kind content, all io.Reader) (t *textFile, sample string, err error) {
	f.input.Format = pipeline.CSV
	t = &textFile{at: at, bytes: f.bytes, size: f.input.Size, kind: kind, pad: opt.Ragged == RaggedPad}
	plain, err := t.unpacked(all)
	if err != nil {
		return nil, "", cannotRead(at, err)
	}
	d, refused, err := detectEncoding(plain, opt.Encoding)
	if errors.Is(err, errBomb) {
		return nil, "", bomb.at(at.File, nil)
	}
	if err != nil {
		return nil, "", cannotRead(at, err)
	}
	if refused.what != "" {
		return nil, "", refused.at(at.File, nil)
	}
	t.decoding, f.input.Encoding = d, d.name
	sample, f.input.Dialect.BOM, err = t.sample()
	if err != nil {
		return nil, "", cannotRead(at, err)
	}
	t.nul = strings.Contains(sample, "\x00")
	return t, sample, nil
}

// find looks for the header, and notes how lines end.
func (t *textFile) find(opt Options, d *pipeline.Dialect) (h header, found bool, err error) {
	return finder{options: opt, text: true}.find(t.at, t.candidates(d))
}

// notText is a file without our header that has NULs: hardly a text.
var notText = problem{"this is neither text nor a workbook", saveAs}

var notCSV = problem{
	"this is not CSV: no row has more than one cell, with any of , ; | ^ or tab between them",
	"save the table as .xlsx or CSV; name another delimiter with --delimiter",
}

// unpacked gives the text in r, which may be compressed.
func (t *textFile) unpacked(r io.Reader) (io.Reader, error) {
	if t.kind == gzipped {
		return newGunzip(r)
	}
	return r, nil
}

// open gives the text in UTF-8, from its start, without its mark.
func (t *textFile) open() (r *bufio.Reader, marked bool, err error) {
	plain, err := t.unpacked(io.NewSectionReader(t.bytes, 0, t.size))
	if err != nil {
		return nil, false, err
	}
	r = bufio.NewReaderSize(t.decoding.reader(plain), 1<<16)
	head, err := r.Peek(len(byteOrderMark))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	if marked = string(head) == byteOrderMark; marked {
		_, err = r.Discard(len(byteOrderMark))
	} else {
		err = nil
	}
	return r, marked, err
}

func (t *textFile) sample() (text string, marked bool, err error) {
	r, marked, err := t.open()
	if err != nil {
		return "", false, err
	}
	b, err := io.ReadAll(io.LimitReader(r, sampleBytes))
	return string(b), marked, err
}

// numbered is a record with the number that a spreadsheet program shows. It counts a record that spans
// lines as one row, and so a stretch that could not be split.
type numbered struct {
	record
	row int
}

// records yields all records. Those after the header are held to it.
func (t *textFile) records(h header) iter.Seq2[numbered, error] {
	return func(yield func(numbered, error) bool) {
		in, _, err := t.open()
		if err != nil {
			yield(numbered{}, cannotRead(t.at, err))
			return
		}
		r := newRecords(in, t.style)
		row := 0
		if t.sep {
			row-- // spreadsheet programs show no row for it
		}
		for {
			rec, err := r.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				at := t.at
				at.Line = r.line + 1
				yield(numbered{}, tooLong(at, err))
				return
			}
			if row++; row > 0 && !yield(numbered{rec, row}, nil) {
				return
			}
			if rec.line == h.line {
				r.under = &h
			}
		}
	}
}

func tooLong(at pipeline.Place, err error) error {
	if !errors.Is(err, errLongLine) {
		return cannotRead(at, err)
	}
	return &pipeline.Error{Kind: pipeline.BadInput, Place: at, Problem: err.Error(), Todo: "see what is on it, and remove or split it"}
}

// candidates gives the first rows, in which the header is, and notes how their lines end.
func (t *textFile) candidates(d *pipeline.Dialect) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		for rec, err := range t.records(header{}) {
			if end := rec.text[len(rec.body()):]; end != "" { // the last line may have none
				d.CRLF = end == "\r\n"
			}
			c := candidate{row: rec.row, line: rec.line, names: rec.cells}
			if rec.unreadable != "" {
				c.names = []string{rec.body()}
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

// rows implements format.
func (t *textFile) rows(h header, m *mapper) (notices []string, err error) {
	b := builder{at: t.at, header: h, style: t.style, guess: t.decoding.guess, pad: t.pad, unclear: &m.unclear}
	g := group{header: h, mapper: m}
	blank, repeated, first := 0, 0, true
	under := lists{header: h, last: h.row}
	for rec, err := range t.records(h) {
		switch {
		case err != nil:
			g.close()
			return nil, err
		case rec.line <= h.line:
			continue
		case rec.blank():
			blank++
			continue
		}
		e := g.next()
		b.fill(e, rec.row, rec.record)
		if err := t.misplaced(h, rec.record, e.row.Fault(), first && !e.hasID); err != nil {
			g.close()
			return nil, err
		}
		first = false
		at := t.at
		at.Line = rec.line
		headed, err := under.next(rec.row, at, h.idOf(rec.cells), func() []string { return rec.cells })
		if err != nil {
			g.close()
			return nil, err
		}
		if headed {
			repeated++
			continue
		}
		if !g.add() {
			return nil, nil
		}
	}
	if !g.close() {
		return nil, nil
	}
	notices = counted(blank, "blank line", b.padded)
	if repeated > 0 {
		notices = append(notices, passedOver(repeated, "repeated header"))
	}
	return notices, nil
}

// misplaced refuses a file by a record that puts those before it in doubt.
func (t *textFile) misplaced(h header, rec record, fault pipeline.Finding, fragment bool) error {
	p := problem{}
	if !fault.WholeRow() {
		p = h.shifted(rec.cells)
	}
	switch {
	case p.what != "":
	case h.width > len(h.names) && len(rec.cells) == h.width && filled(rec.cells, h.needed):
		p = problem{"the row has a cell under no header, where the others end in empty ones", "see that no delimiter is missing in the header"}
	case fragment && len(rec.cells) == 1 && rec.unreadable == "":
		p = problem{"the line under the header has no cells; the header may be broken", "join the two lines, or remove this one"}
	default:
		return nil
	}
	at := t.at
	at.Line = rec.line
	return &pipeline.Error{Kind: pipeline.BadInput, Place: at, Problem: p.what, Todo: p.todo}
}

// counted gives the notices on what a pass has met.
func counted(blank int, what string, padded int) []string {
	var notices []string
	if blank > 0 {
		notices = append(notices, passedOver(blank, what))
	}
	if padded > 0 {
		notices = append(notices, fmt.Sprintf("short rows filled up with empty cells: %d", padded))
	}
	return notices
}
