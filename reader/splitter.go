package reader

import (
	"bytes"
	"strings"
)

// style is how cells are told apart.
type style struct {
	comma, quote byte
	escapes      bool // a backslash takes a quote, a delimiter or a backslash literally
}

// index gives where the first c is that no backslash takes literally, or -1.
func (s style) index(text []byte, c byte) int {
	if !s.escapes {
		return bytes.IndexByte(text, c)
	}
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case c:
			return i
		case '\\':
			i++
		}
	}
	return -1
}

// unescape takes off the backslashes that make something literal; others are part of the cell.
func (s style) unescape(cell string) string {
	var b strings.Builder
	for i := 0; i < len(cell); i++ {
		if next := i + 1; cell[i] == '\\' && next < len(cell) &&
			(cell[next] == s.quote || cell[next] == s.comma || cell[next] == '\\') {
			i = next
		}
		b.WriteByte(cell[i])
	}
	return b.String()
}

// quoting is how a line ended.
type quoting uint8

const (
	closed  quoting = iota // the record is complete
	open                   // inside quotes; the record goes on
	stray                  // something other than a delimiter followed a closing quote
	endless                // the file, or what a record may hold, ended inside quotes
)

func (q quoting) problem() string {
	if q == endless {
		return "a quote is opened and never closed; the cells cannot be told apart"
	}
	return "a quote is missing or out of place; the cells cannot be told apart"
}

// splitter splits one record into cells, fed with its lines one after the other.
type splitter struct {
	style      style
	cells      []span
	quoted     int  // cells in quotes
	strayQuote bool // a quote stands inside an unquoted cell
	inside     bool // of quotes
	current    span
}

// span is a cell in the text of its record, without its quotes.
type span struct {
	from, to int
	quoted   bool
	doubled  bool // it has doubled quotes
}

func (s *splitter) reset() { *s = splitter{style: s.style, cells: s.cells[:0]} }

// feed takes the line that lies in text from from to to, without its line end.
func (s *splitter) feed(text []byte, from, to int) quoting {
	comma, quote := s.style.comma, s.style.quote
	for i := from; ; i++ {
		if !s.inside && (i == to || text[i] != quote) {
			cell := text[i:to]
			n := s.style.index(cell, comma)
			if n >= 0 {
				cell = cell[:n]
			}
			s.strayQuote = s.strayQuote || s.style.index(cell, quote) >= 0 && !formula(cell, quote)
			s.cells = append(s.cells, span{from: i, to: i + len(cell)})
			if n < 0 {
				return closed
			}
			i += n
			continue
		}
		if !s.inside {
			i++
			s.inside, s.current = true, span{from: i, quoted: true}
		}
		for {
			n := s.style.index(text[i:to], quote)
			if n < 0 {
				return open
			}
			i += n + 1
			if i == to || text[i] != quote {
				break
			}
			s.current.doubled = true
			i++
		}
		s.inside, s.current.to = false, i-1
		s.cells = append(s.cells, s.current)
		s.quoted++
		if i == to {
			return closed
		}
		if text[i] != comma {
			return stray
		}
	}
}

// formula reports whether a cell is ="…", by which exports keep spreadsheets from reading a text as a number.
// Its quotes mean themselves.
func formula(cell []byte, quote byte) bool {
	n := len(cell)
	return n >= len(`=""`) && cell[0] == '=' && cell[1] == quote && cell[n-1] == quote && bytes.IndexByte(cell[2:n-1], quote) < 0
}

// texts appends the cells to into.
func (s *splitter) texts(text string, into []string) []string {
	for _, c := range s.cells {
		cell := text[c.from:c.to]
		if c.doubled {
			q := string(s.style.quote)
			cell = strings.ReplaceAll(cell, q+q, q)
		}
		if s.style.escapes && strings.IndexByte(cell, '\\') >= 0 {
			cell = s.style.unescape(cell)
		}
		into = append(into, cell)
	}
	return into
}

// endsQuoted reports whether the first and the last cell are in quotes, so that nothing is cut off them.
func (s *splitter) endsQuoted() (first, last bool) {
	return s.cells[0].quoted, s.cells[len(s.cells)-1].quoted
}

// meant reports whether the cells would be others if quotes, or backslashes where they escape, were text.
func (s *splitter) meant(text []byte) bool {
	for _, c := range s.cells {
		cell := text[c.from:c.to]
		if c.quoted && bytes.ContainsAny(cell, string(s.style.comma)+"\r\n") ||
			s.style.escapes && bytes.Contains(cell, []byte{'\\'}) && s.style.unescape(string(cell)) != string(cell) {
			return true
		}
	}
	return false
}

// maxLiteral bounds how many quotes in unquoted cells of a record are looked at; more are no text.
const maxLiteral = 100

// joins reports whether a quote inside an unquoted cell could begin a quoted one that holds a delimiter, and
// that lost the delimiter before it: 20"Table, round" may be the cells 20 and "Table, round".
func (s *splitter) joins(text []byte) bool {
	looked := 0
	for _, c := range s.cells {
		for i := c.from; !c.quoted && i < c.to; i++ {
			n := s.style.index(text[i:c.to], s.style.quote)
			if n < 0 {
				break
			}
			i += n
			if looked++; looked > maxLiteral || s.style.quotedAt(text[i:]) {
				return true
			}
		}
	}
	return false
}

// quotedAt reports whether a text begins with a whole quoted cell that holds a delimiter.
func (s style) quotedAt(text []byte) bool {
	for i := 1; ; {
		n := s.index(text[i:], s.quote)
		if n < 0 {
			return false
		}
		i += n + 1
		if i < len(text) && text[i] == s.quote {
			i++
			continue
		}
		ends := i == len(text) || strings.IndexByte("\r\n"+string(s.comma), text[i]) >= 0
		return ends && bytes.IndexByte(text[:i], s.comma) >= 0
	}
}
