package reader

import (
	"slices"
	"strings"

	"hppsend/pipeline"
)

// groupMost bounds how many rows without an id of their own are held together.
const groupMost = 64

// entry is a row that may yet be put in doubt by what follows it.
type entry struct {
	row        pipeline.Row
	cells      []pipeline.Cell
	values     []string
	body       string
	hasID      bool    // an id as the others have stands in its place
	fragment   bool    // it may be a piece of another row
	strayQuote bool    // it has a quote that can only mean itself
	endsQuoted [2]bool // its first, its last cell is in quotes
}

// group is a row and those after it that have no id of their own. A line that was broken in its last
// cell leaves a whole row, one cell cut short, and then a piece of it; so a group that holds such a
// piece is in doubt.
type group struct {
	header  header
	mapper  *mapper
	entries []entry // those in use, and one for the next
	used    int
	last    entry // of the group before, which may have ended in the beginning of this one's first cell
}

// next gives the entry to be filled for add.
func (g *group) next() *entry {
	if g.used == len(g.entries) {
		g.entries = append(g.entries, entry{})
	}
	return &g.entries[g.used]
}

// add takes the entry in. The result reports whether to go on.
func (g *group) add() bool {
	if e, at := g.entries[g.used], g.used; e.hasID || at == groupMost {
		if !g.close() {
			return false
		}
		g.entries[0], g.entries[at] = g.entries[at], g.entries[0]
		if g.last.fragment && (!g.last.hasID || e.strayQuote) && !e.endsQuoted[0] && !(e.hasID && g.header.leads()) {
			g.entries[0].doubt()
		}
	}
	g.used++
	return true
}

// close hands the group out.
func (g *group) close() bool {
	group := g.entries[:g.used]
	if len(group) > 1 && slices.ContainsFunc(group, func(e entry) bool { return e.fragment }) {
		for i := range group {
			if whole := i == 0 && group[0].hasID && group[0].endsQuoted[1]; !whole {
				group[i].doubt()
			}
		}
	}
	if g.used > 0 {
		g.last = group[g.used-1]
	}
	g.used = 0
	for _, e := range group {
		if !g.mapper.add(e.row, e.values) {
			return false
		}
	}
	return true
}

// doubt flags a row that may be a part of another, or another a part of it.
func (e *entry) doubt() {
	if e.row.Fault().WholeRow() {
		return
	}
	e.row.Raw = e.body
	e.row.Faults = []pipeline.Finding{{
		Code:   pipeline.CodeUnreadable,
		Reason: "a line beside it is a piece of a row, maybe of this one; see that no line is broken and no quote is missing",
	}}
}

// again reports whether cells are the header once more, as in files that were put together.
func (h header) again(cells []string) bool {
	return h.titled(cells) && slices.EqualFunc(cells, h.names, func(a, b string) bool { return fold(a) == fold(b) })
}

// another reports whether cells are the header of another table.
func (h header) another(cells []string) bool { return h.titled(cells) && !h.again(cells) }

func (h header) titled(cells []string) bool { return finder{}.complete(h.namesSeen(cells)) }

// namesSeen gives the fields that a record names, as a header does.
func (h header) namesSeen(cells []string) map[string]bool {
	if strings.ContainsAny(h.idOf(cells), "0123456789") {
		return nil
	}
	return finder{}.seen(cells)
}
