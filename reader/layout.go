package reader

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"hppsend/pipeline"
)

// How many records tell how wide the rows are and what their ids look like, and how many it takes at
// least to believe that rows are not as wide as their header.
const (
	maxLayoutRows = 1000
	minLayoutRows = 3
)

// match says how far cells could be a row under the header.
func (h header) match(cells []string) rowMatch {
	fits := len(cells) == h.width
	if h.width == 0 {
		fits = len(cells) >= h.needed && len(cells) <= len(h.names)
	}
	id := h.idOf(cells)
	switch {
	case !fits || id == "" || strings.ContainsFunc(id, unicode.IsSpace):
		return noMatch
	case h.looks(id):
		return strongMatch
	}
	for _, c := range h.fields {
		if (c.field == fieldPhone || c.field == fieldEmail) && h.couldHold(c.field, cells[c.at]) {
			return weakMatch
		}
	}
	return noMatch
}

// idOf gives what stands in the place of the session.
func (h header) idOf(cells []string) string {
	for _, c := range h.fields {
		if c.at < len(cells) && (c.field == fieldSession || c.field == fieldURL) {
			if id := strings.Trim(cells[c.at], " \t\r\n\"'="); id != "" {
				return id
			}
		}
	}
	return ""
}

// looks reports whether this is an id as the others are.
func (h header) looks(id string) bool {
	if h.id == "" {
		return strings.ContainsAny(id, "0123456789") && !strings.ContainsFunc(id, unicode.IsSpace)
	}
	return alike(id, h.id) && strings.ContainsAny(id, "0123456789")
}

// leads reports whether the first column is that of the session.
func (h header) leads() bool {
	for _, c := range h.fields {
		if c.field == fieldSession {
			return c.at == 0
		}
	}
	return h.fields[0].field == fieldURL && h.fields[0].at == 0
}

// alike reports whether two ids differ in letters and digits only.
func alike(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && !(alphanumeric(a[i]) && alphanumeric(b[i])) {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// layout learns from the first rows how wide a row is and what its id looks like. Rows may be wider than
// the header where they all end in the same number of empty cells: one among others that does may as
// well have a delimiter too many in its midst, and so may all where a space follows one ("Doe, Ann"), or
// where one row has no more cells than the header.
func (t *textFile) layout(h header) (header, error) {
	rows, err := t.firstRows(h)
	if err != nil {
		return h, err
	}
	h.width = h.usualWidth(rows)
	h.id = h.usualID(rows)
	h.wider = h.inDoubt(rows)
	h.open, h.reach = h.unsettled(slices.DeleteFunc(rows, func(cells []string) bool { return len(cells) != h.width }))
	return h, nil
}

// firstRows gives the cells of the rows that tell the layout.
func (t *textFile) firstRows(h header) (rows [][]string, err error) {
	for rec, err := range t.records(h) {
		if err != nil {
			if refused := (*pipeline.Error)(nil); errors.As(err, &refused) && refused.Place.Line > 0 {
				break // the rows before it can be read, and then it is met again
			}
			return nil, err
		}
		if rec.line <= h.line || rec.blank() || rec.unreadable != "" || len(h.namesSeen(rec.cells)) > 1 {
			continue
		}
		if rows = append(rows, slices.Clone(rec.cells)); len(rows) == maxLayoutRows {
			break
		}
	}
	return rows, nil
}

func (h header) usualWidth(rows [][]string) int {
	widths := map[int]int{}
	tail, spaced := false, false // something stands under no header; a space follows a delimiter
	for _, cells := range rows {
		widths[len(cells)]++
		tail = tail || filled(cells, h.needed)
		spaced = spaced || slices.ContainsFunc(cells[1:], func(c string) bool { return strings.HasPrefix(c, " ") })
	}
	width, columns := len(h.names), len(h.names)
	for n, rows := range widths {
		fits := n >= h.needed && !tail && rows >= minLayoutRows && (n < columns || !spaced && widths[columns] == 0)
		if most := widths[width]; fits && (rows > most || rows == most && n > width && width != columns) {
			width = n
		}
	}
	return width
}

// usualID gives an id that two thirds of the others look like; empty when there is none.
func (h header) usualID(rows [][]string) string {
	ids := map[string]int{} // by their shape
	example := map[string]string{}
	known := 0
	for _, cells := range rows {
		if id := h.idOf(cells); id != "" {
			shape := strings.Map(func(r rune) rune {
				if r < 0x80 && alphanumeric(byte(r)) {
					return 'x'
				}
				return r
			}, id)
			known++
			ids[shape]++
			example[shape] = id
		}
	}
	for shape, rows := range ids {
		if rows*3 >= known*2 {
			return example[shape]
		}
	}
	return ""
}

// filled reports whether there is something in the cells from one on.
func filled(cells []string, from int) bool {
	for _, c := range cells[min(from, len(cells)):] {
		if strings.TrimSpace(c) != "" {
			return true
		}
	}
	return false
}
