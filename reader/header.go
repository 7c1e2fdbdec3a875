package reader

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"hppsend/pipeline"
)

// headerRows is how many rows the header is looked for in.
const headerRows = 50

// header is the header row and what it says.
type header struct {
	row, line    int
	names        []string       // of all cells, as written
	needed       int            // cells up to the last name; those after it are often left out by Excel
	fields       []column       // ours, in the order of fieldNames
	also         []column       // of contacts that are not sent to
	wishes       []wishColumn   // that say who is not to be messaged
	inputColumns []int          // the columns of Input.Columns
	expires      int            // which of inputColumns says when the session expires, from 1; 0 for none
	hpp          map[string]int // the columns of a report of ours; nil when it is none
	skipped      int            // rows above it that are not blank
	mends        mends

	width int    // the cells that each row of a CSV file has; 0 when that is not known
	id    string // an id that the others of a CSV file look like; empty when they have nothing in common
	open  []gap  // neighbours of our cells that the first rows of a CSV file do not show to be something else
	wider doubt  // what rows that are wider than those of a CSV file put in doubt
	reach int    // how many columns to the right those of our cells were looked for
}

// column says where a field of ours is.
type column struct {
	field string
	at    int
}

// candidate is a row in which the header is looked for. It is valid until the next one.
type candidate struct {
	row, line int
	names     []string
}

// finder looks for the header.
type finder struct {
	options Options
	text    bool // CSV: reports of ours have an apostrophe before what is like a formula
}

// find takes the header out of the first rows. When there is none, or none without doubt, the error
// is an *pipeline.Error; found reports whether there is one at all.
func (f finder) find(at pipeline.Place, rows iter.Seq2[candidate, error]) (h header, found bool, err error) {
	var best candidate
	var most, skipped int
	var above string // the last cell of the row above
	for c, err := range rows {
		if err != nil {
			return header{}, false, err
		}
		fixed := f.options.HeaderRow
		if fixed > 0 && c.row < fixed {
			continue
		}
		if c.row > max(fixed, headerRows) || fixed > 0 && c.row > fixed {
			break
		}
		if slices.IndexFunc(c.names, func(s string) bool { return strings.TrimSpace(s) != "" }) < 0 {
			continue
		}
		seen := f.seen(c.names)
		if fixed > 0 || f.complete(seen) {
			at.Row, at.Line = c.row, c.line
			if f.text && fieldOf()[fold(c.names[0])] == "" && fieldOf()[fold(above+c.names[0])] != "" {
				return header{}, true, &pipeline.Error{
					Kind:  pipeline.BadInput,
					Place: at, Problem: "the header is broken: its first name began on the line above", Todo: "join the two lines",
				}
			}
			h, err := f.header(at, c)
			h.skipped = skipped
			return h, true, err
		}
		skipped++
		above = c.names[len(c.names)-1]
		if n := len(seen); n > most || best.names == nil {
			best, most = c, n
			best.names = slices.Clone(c.names)
		}
	}
	return header{}, false, f.missing(at, best)
}

// seen gives the fields that a row has candidates for.
func (f finder) seen(names []string) map[string]bool {
	seen := map[string]bool{}
	for _, n := range names {
		key := fold(n)
		if field := fieldOf()[key]; field != "" {
			seen[field] = true
		}
		for field, want := range f.options.Map {
			if want != "" && (fold(want) == key || keptAs(n, want)) {
				seen[field] = true
			}
		}
	}
	return seen
}

func (f finder) complete(seen map[string]bool) bool {
	return (seen[fieldSession] || seen[fieldURL]) && (seen[fieldPhone] || seen[fieldEmail] || f.options.Sessions)
}

// header maps the columns of the row that is the header.
func (f finder) header(at pipeline.Place, c candidate) (header, error) {
	h := header{row: c.row, line: c.line, names: slices.Clone(c.names), hpp: reportHeader(c.names)}
	for i, n := range h.names {
		if strings.TrimSpace(n) != "" {
			h.needed = i + 1
		}
		if h.hpp != nil && slices.Contains(reportColumns, n) {
			continue
		}
		if h.hpp != nil && f.text {
			h.names[i] = unguard(n)
		}
		h.inputColumns = append(h.inputColumns, i)
	}
	claimed := map[string]int{}
	for _, field := range fieldNames {
		name, ok := f.options.Map[field]
		if !ok {
			continue
		}
		claimed[field] = -1
		if name != "" {
			i, err := h.named(at, field, name)
			if err != nil {
				return h, err
			}
			claimed[field] = i
		}
	}
	for _, field := range fieldNames {
		i, ok := claimed[field]
		if !ok {
			var err error
			if i, err = h.recognised(at, field, slices.Collect(maps.Values(claimed))); err != nil {
				return h, err
			}
		}
		if i >= 0 {
			h.fields = append(h.fields, column{field, i})
		}
	}
	seen := map[string]bool{}
	for _, c := range h.fields {
		seen[c.field] = true
	}
	if !f.complete(seen) {
		return h, f.missing(at, c)
	}
	h.also = h.beside()
	if err := f.wished(at, &h); err != nil {
		return h, err
	}
	var err error
	h.expires, err = h.expiry(at, f.options.Map)
	return h, err
}
