package reader

import (
	"errors"
	"io"
	"strings"
)

// maxRecord bounds what one record may hold, and so how far an open quote is followed. A cell of a
// spreadsheet has 32,767 characters at most.
const maxRecord = 1 << 20

// firstRead is how much is read at first; the buffer grows where that is too little.
const firstRead = 1 << 14

// errLongLine means that the text has no lines as a table would have.
var errLongLine = errors.New("a line is longer than 1 MiB")

const linesOfRows = "a quoted cell holds lines that could be rows of their own"

// record is one record of a CSV file. All texts together, in order, are the file.
type record struct {
	text        string   // verbatim, with its line end
	cells       []string // valid until the next record; none when the stretch could not be split
	line        int      // the line it begins on, from 1
	lines       int      // how many it spans
	quoted      int      // cells in quotes
	endsQuoted  [2]bool  // the first cell, the last cell is in quotes
	strayQuote  bool     // a quote stands inside an unquoted cell and can only mean itself
	unseparated bool     // and it may begin a quoted cell that lacks the delimiter before it
	unreadable  string   // why the stretch cannot be proved to be one record
}

// body is the record without its line end.
func (r record) body() string {
	return strings.TrimSuffix(strings.TrimSuffix(r.text, "\n"), "\r")
}

// blank reports whether the record is an empty line or delimiters only.
func (r record) blank() bool {
	for _, c := range r.cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return r.unreadable == ""
}

// rowMatch is how much a line, taken by itself, is like a row of the table.
type rowMatch uint8

const (
	noMatch     rowMatch = iota
	weakMatch            // as wide as the rows are, with something in the place of the session and a contact in its own
	strongMatch          // or with what looks like the ids of the file
)

// records splits CSV text. Lines end with LF, CRLF or CR; line ends inside quotes are kept as they
// are; a quote inside a quoted cell is doubled, or has a backslash before it where the style says so.
//
// One bad quote never takes the rest of the file. A record is what the quotes say when it fits on its
// line, or when none of its further lines looks like a row. Otherwise, or where the quotes do not work
// out, the stretch up to the next line that is a row by itself is one unreadable record.
type records struct {
	in    io.Reader
	under *header // nil before it is known

	buf    []byte // what was read and not yet handed out
	start  int
	err    error // what the last read gave
	line   int   // lines handed out
	split  splitter
	single splitter // of a line taken by itself
	cells  []string
}

func newRecords(in io.Reader, st style) *records {
	return &records{in: in, split: splitter{style: st}, single: splitter{style: st}, buf: make([]byte, 0, firstRead)}
}

// next gives the next record, or io.EOF after the last.
func (r *records) next() (record, error) {
	end, next, err := r.lineAt(0)
	if err != nil {
		return record{}, err
	}
	r.split.reset()
	state := r.split.feed(r.window(), 0, end)
	way := lookahead{end: next, lines: 1}
	if state == open {
		if state, err = r.follow(&way); err != nil {
			return record{}, err
		}
	}
	switch {
	case state == closed && !way.suspect:
		rec := r.take(way.end, way.lines, "")
		if rec.lines > 1 && r.under != nil && r.under.swallows(rec.cells, r.split.style.comma) {
			rec.unreadable, rec.cells = linesOfRows, nil
		}
		return rec, nil
	case r.under == nil: // nothing is known by which to tell what else goes with the line
		return r.take(next, 1, state.problem()), nil
	case state == closed:
		r.cells = r.split.texts(string(r.window()[:way.end]), r.cells[:0])
		if r.under.match(r.cells) != noMatch {
			return r.take(way.end, way.lines, linesOfRows), nil
		}
		state = stray
	}
	return r.resync(way, state.problem())
}

// lookahead is what was seen of the further lines of a record.
type lookahead struct {
	end, lines int  // of what was seen
	suspect    bool // a line looks like a row
	row        int  // where the first line begins that surely is one; 0 when there is none
	before     int  // the lines before that one
}

// follow reads on to where the quotes say that the record ends.
func (r *records) follow(way *lookahead) (quoting, error) {
	state := open
	for state == open {
		from := way.end
		end, next, err := r.lineAt(from)
		switch {
		case errors.Is(err, io.EOF) || err == nil && next > maxRecord:
			return endless, nil
		case err != nil:
			return state, err
		}
		r.look(way, from, end, next)
		state = r.split.feed(r.window(), from, end)
	}
	return state, nil
}

// resync hands out the stretch up to the next line that is a row.
func (r *records) resync(way lookahead, why string) (record, error) {
	for way.row == 0 && way.end <= maxRecord {
		end, next, err := r.lineAt(way.end)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return record{}, err
		}
		r.look(&way, way.end, end, next)
	}
	if way.row > 0 {
		return r.take(way.row, way.before, why), nil
	}
	return r.take(way.end, way.lines, why), nil
}

// look takes a line in and judges it as if it stood alone.
func (r *records) look(way *lookahead, from, end, next int) {
	line := r.window()[from:end]
	r.single.reset()
	if r.under != nil && r.single.feed(line, 0, len(line)) == closed {
		r.cells = r.single.texts(string(line), r.cells[:0])
		like := r.under.match(r.cells)
		// The last line of a quoted first cell is as wide as a row, with a quote in its first cell.
		way.suspect = way.suspect || like != noMatch && (!r.single.strayQuote || like == strongMatch && r.under.leads())
		if like == strongMatch && !r.single.strayQuote && way.row == 0 {
			way.row, way.before = from, way.lines
		}
	}
	way.end = next
	way.lines++
}

// take hands out what lies before next.
func (r *records) take(next, lines int, unreadable string) record {
	rec := record{text: string(r.window()[:next]), line: r.line + 1, lines: lines, unreadable: unreadable}
	if unreadable == "" {
		rec.strayQuote, rec.quoted = r.split.strayQuote, r.split.quoted
		rec.endsQuoted[0], rec.endsQuoted[1] = r.split.endsQuoted()
		rec.unseparated = rec.strayQuote && r.split.joins([]byte(rec.text))
		r.cells = r.split.texts(rec.text, r.cells[:0])
		rec.cells = r.cells
	}
	r.start += next
	r.line += lines
	return rec
}

func (r *records) window() []byte { return r.buf[r.start:] }

// lineAt gives where the line at from ends and where the next one begins, or io.EOF if there is none.
func (r *records) lineAt(from int) (end, next int, err error) {
	for i := from; ; {
		b := r.window()
		for ; i < len(b); i++ {
			switch {
			case b[i] == '\n':
				return i, i + 1, nil
			case b[i] != '\r':
			case i+1 < len(b) && b[i+1] == '\n':
				return i, i + 2, nil
			case i+1 < len(b) || r.err != nil:
				return i, i + 1, nil
			default:
				goto more // the LF of a CRLF may follow
			}
		}
	more:
		switch {
		case i-from > maxRecord:
			return 0, 0, errLongLine
		case r.err == nil:
			r.fill()
		case !errors.Is(r.err, io.EOF):
			return 0, 0, r.err
		case i == from:
			return 0, 0, io.EOF
		default:
			return i, i, nil
		}
	}
}

// fill reads more. What was handed out makes room.
func (r *records) fill() {
	if r.start > 0 {
		r.buf = r.buf[:copy(r.buf, r.window())]
		r.start = 0
	}
	if len(r.buf) == cap(r.buf) {
		r.buf = append(make([]byte, 0, 2*cap(r.buf)), r.buf...)
	}
	var n int
	n, r.err = r.in.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
}
