package reader

import (
	"bytes"
	"strings"
)

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
	cells   []span
	literal bool // a quote stands inside an unquoted cell
	inside  bool // of quotes
	current span
}

// span is a cell in the text of its record, without its quotes.
type span struct {
	from, to int
	doubled  bool // it has doubled quotes
}

func (s *splitter) reset() { *s = splitter{cells: s.cells[:0]} }

// feed takes the line that lies in text from from to to, without its line end.
func (s *splitter) feed(text []byte, from, to int, comma byte) quoting {
	for i := from; ; i++ {
		if !s.inside && (i == to || text[i] != '"') {
			cell := text[i:to]
			n := bytes.IndexByte(cell, comma)
			if n >= 0 {
				cell = cell[:n]
			}
			s.literal = s.literal || bytes.IndexByte(cell, '"') >= 0
			s.cells = append(s.cells, span{from: i, to: i + len(cell)})
			if n < 0 {
				return closed
			}
			i += n
			continue
		}
		if !s.inside {
			i++
			s.inside, s.current = true, span{from: i}
		}
		for {
			n := bytes.IndexByte(text[i:to], '"')
			if n < 0 {
				return open
			}
			i += n + 1
			if i == to || text[i] != '"' {
				break
			}
			s.current.doubled = true
			i++
		}
		s.inside, s.current.to = false, i-1
		s.cells = append(s.cells, s.current)
		if i == to {
			return closed
		}
		if text[i] != comma {
			return stray
		}
	}
}

// texts appends the cells to into.
func (s *splitter) texts(text string, into []string) []string {
	for _, c := range s.cells {
		cell := text[c.from:c.to]
		if c.doubled {
			cell = strings.ReplaceAll(cell, `""`, `"`)
		}
		into = append(into, cell)
	}
	return into
}
