package reader

import (
	"bufio"
	"compress/gzip"
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
	file     io.ReaderAt
	size     int64
	kind     content
	decoding decoding
	comma    byte
	sep      bool // the first line only names the delimiter
	pad      bool
}

// openText finds out how a text is written. It reads all, which is the text as it lies in the file.
func (f *File) openText(at pipeline.Place, opt Options, kind content, all io.Reader) (header, error) {
	t := &textFile{at: at, file: f.file, size: f.input.Size, kind: kind, pad: opt.Ragged == RaggedPad}
	f.format = t
	plain, err := t.unpacked(all)
	if err != nil {
		return header{}, cannotRead(at, err)
	}
	d, refused, err := survey(plain, opt.Encoding)
	if err != nil {
		return header{}, cannotRead(at, err)
	}
	if refused.what != "" {
		return header{}, refused.at(at.File, nil)
	}
	t.decoding = d
	sample, marked, err := t.sample()
	if err != nil {
		return header{}, cannotRead(at, err)
	}
	find := finder{options: opt, guarded: true}
	dialect, sep := find.dialect(sample)
	if dialect.Delimiter == 0 {
		return header{}, notCSV.at(at.File, nil)
	}
	t.comma, t.sep = byte(dialect.Delimiter), sep
	dialect.BOM = marked
	h, found, err := find.find(at, t.candidates(&dialect))
	if !found && strings.Contains(sample, "\x00") {
		return header{}, problem{"this is neither text nor a workbook", saveAs}.at(at.File, nil)
	}
	f.input.Format, f.input.Encoding, f.input.Dialect = pipeline.CSV, d.name, dialect
	if d.notice != "" {
		f.input.Notices = append(f.input.Notices, d.notice)
	}
	return h, err
}

var notCSV = problem{
	"this is not CSV: no row has more than one cell, with any of , ; | ^ or tab between them",
	"save the table as .xlsx or CSV; name another delimiter with --delimiter",
}

// unpacked gives the text in r, which may be compressed.
func (t *textFile) unpacked(r io.Reader) (io.Reader, error) {
	if t.kind == gzipped {
		return gzip.NewReader(bufio.NewReader(r))
	}
	return r, nil
}

// open gives the text in UTF-8, from its start, without its mark.
func (t *textFile) open() (r *bufio.Reader, marked bool, err error) {
	plain, err := t.unpacked(io.NewSectionReader(t.file, 0, t.size))
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
		r := newRecords(in, t.comma)
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
				r.like = h.like
			}
		}
	}
}

func tooLong(at pipeline.Place, err error) error {
	if !errors.Is(err, errLongLine) {
		return cannotRead(at, err)
	}
	return &pipeline.InputError{Place: at, Problem: err.Error(), Todo: "see what is on it, and remove or split it"}
}

// candidates gives the first rows, in which the header is, and notes how their lines end.
func (t *textFile) candidates(d *pipeline.Dialect) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		for rec, err := range t.records(header{}) {
			d.CRLF = strings.HasSuffix(rec.text, "\r\n")
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
	b := builder{at: t.at, header: h, pad: t.pad}
	blank := 0
	for rec, err := range t.records(h) {
		switch {
		case err != nil:
			return nil, err
		case rec.line <= h.line:
		case rec.blank():
			blank++
		case !m.add(b.row(rec.row, rec.record)):
			return nil, nil
		}
	}
	return counted(blank, "blank line", b.padded), nil
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

func (t *textFile) close() error { return nil }
