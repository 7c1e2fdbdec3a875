package reader

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// A row whose cells are not as many as the columns is aligned at the left, which is right only where the
// cells at its end are those too many or too few. A delimiter too many or missing before that, in the
// rows ("11,50") or in the header, moves all that follows into the neighbour's column, in every row
// alike. So the cells that a field of ours would have after such a move must be shown to be no such field.

// gap is a cell that stands by so many columns beside that of a field of ours.
type gap struct {
	column
	by int
}

// shifts gives by how many columns the cells of a row can have moved to the left of their column (a
// negative number), and to the right. Empty cells at the end of a row that is wider than the header may
// be some that all rows have, less a cell that is missing. Empty cells under empty names prove nothing
// else when a row has as many cells as the header.
func (h header) shifts(cells []string) (left, right int) {
	n, columns, last := len(cells), len(h.names), len(cells)
	for last > 0 && strings.TrimSpace(cells[last-1]) == "" {
		last--
	}
	switch {
	case n > columns && n >= h.width:
		return min(0, last-columns), n - h.needed
	case n == columns && n >= h.width:
		return 0, max(0, last-h.needed)
	}
	return n - max(columns, h.width), max(0, n-h.needed)
}

// rival finds a cell beside that of a field of ours which could as well be the field.
func (h header) rival(cells []string) (g gap, found bool) {
	left, right := h.shifts(cells)
	for _, c := range h.fields {
		for by := left; by <= right; by++ {
			if i := c.at + by; by != 0 && 0 <= i && i < len(cells) && h.couldHold(c.field, cells[i]) {
				return gap{c, by}, true
			}
		}
	}
	return gap{}, false
}

// unsettled gives the gaps that no row settles, and how far to the right they reach. Only a column that is not ours can hide the delimiter: a
// whole id or contact before it cannot.
func (h header) unsettled(rows [][]string) (open []gap, right int) {
	left := 0
	for _, cells := range rows {
		l, r := h.shifts(cells)
		left, right = min(l, left), max(r, right)
	}
	for _, c := range h.fields {
		if c.field == fieldMethod || h.onlyOursBefore(c.at) { // another method is no other person
			continue
		}
		for by := max(left, -c.at); by <= right; by++ {
			settled := func(cells []string) bool { // not by a line of words
				return h.looks(h.idOf(cells)) && h.settles(gap{c, by}, cells)
			}
			if by != 0 && !slices.ContainsFunc(rows, settled) {
				open = append(open, gap{c, by})
			}
		}
	}
	return open, right
}

// settles reports whether the cell in the gap is there, and neither such a field nor one that the cell
// beside it was joined to.
func (h header) settles(g gap, cells []string) bool {
	i := g.at + g.by
	if i < 0 || i >= len(cells) {
		return false
	}
	cell := strings.TrimSpace(cells[i])
	switch {
	case cell == "" || h.couldHold(g.field, cell):
		return false
	case g.field == fieldPhone:
		return !phoneLike(strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) {
				return ' '
			}
			return r
		}, cell))
	case g.field == fieldCountry && !strings.ContainsFunc(cell, func(r rune) bool { return !unicode.IsLetter(r) }):
		return !h.couldHold(g.field, cell[max(0, len(cell)-2):])
	}
	return true
}

func (h header) onlyOursBefore(at int) bool {
	for i := range at {
		if !slices.ContainsFunc(h.fields, func(c column) bool { return c.at == i }) {
			return false
		}
	}
	return true
}

// shifted finds what may have moved in a row that is as wide as the others, and refuses the file for it.
func (h header) shifted(cells []string) problem {
	if len(cells) != h.width {
		return problem{}
	}
	g, found := h.rival(cells)
	open := h.open
	if _, right := h.shifts(cells); right > h.reach { // what the first rows have settled is not this
		open, _ = h.unsettled([][]string{cells})
	}
	for _, o := range open {
		if !found && strings.TrimSpace(cells[o.at]) != "" {
			g, found = o, true
		}
	}
	if !found {
		return problem{}
	}
	what := fmt.Sprintf("the row has %d cells and the header has %d", len(cells), len(h.names))
	if len(cells) == len(h.names) {
		what = "the row has a cell under no header"
	}
	what += fmt.Sprintf(", so that a delimiter may be too many or missing before column %q, and then %s is not in column %s but in %s",
		h.names[g.at], g.field, letters(g.at), letters(g.at+g.by))
	return problem{what, "see that the header and each row have as many cells as there are columns, " +
		"and that cells which hold the delimiter are in quotes; or save the table as .xlsx"}
}

// doubt is what rows that are wider than the others say of these: where they have empty cells at their end
// left out, a delimiter too many in each does not show in their width.
type doubt struct {
	gaps []gap // of cells that could be a field of ours, beside its own cell which could be it as well
	many bool  // so many rows are wider that those as wide as the header may all be short of cells
}

// inDoubt looks for such rows among the first.
func (h header) inDoubt(rows [][]string) (d doubt) {
	wider := 0
	for _, cells := range rows {
		found := false
		for _, c := range h.fields {
			for by := 1; by <= len(cells)-h.width && c.field != fieldMethod; by++ {
				g := gap{c, by}
				if !h.couldHold(c.field, cells[c.at]) || !h.couldHold(c.field, cells[c.at+by]) {
					continue
				}
				if found = true; !slices.Contains(d.gaps, g) {
					d.gaps = append(d.gaps, g)
				}
			}
		}
		if found {
			wider++
		}
	}
	d.many = wider*10 >= len(rows)
	return d
}

// doubtful reports whether a row as wide as the others may have moved as the wider ones did.
func (h header) doubtful(cells []string) bool {
	return slices.ContainsFunc(h.wider.gaps, func(g gap) bool {
		i := g.at + g.by
		return h.couldHold(g.field, cells[g.at]) && (i < len(cells) && h.couldHold(g.field, cells[i]) || h.wider.many && !h.settles(g, cells))
	})
}

// mayBeShifted reports whether a short row, filled up at its end, may lack a cell before that.
func (h header) mayBeShifted(cells []string) bool {
	if _, found := h.rival(cells); found {
		return true
	}
	open, _ := h.unsettled([][]string{cells})
	return slices.ContainsFunc(open, func(g gap) bool { return g.at < len(cells) && strings.TrimSpace(cells[g.at]) != "" })
}

var (
	numberLike = regexp.MustCompile(`^[-+]?\d+[.,]\d{1,2}$`)
	dateLike   = regexp.MustCompile(`^\d{4}-\d\d?-\d\d?( |T|$)|^\d\d?[./]\d\d?[./]\d{4}( |$)`)
)

// couldHold reports whether a cell could be the field: rather too often than too seldom.
func (h header) couldHold(field, cell string) bool {
	cell = strings.TrimFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`"'=`, r) })
	switch field {
	case fieldSession:
		return pipeline.IsUUID(cell) || h.id != "" && h.looks(cell)
	case fieldURL:
		return strings.Contains(cell, "://")
	case fieldEmail:
		return strings.Contains(cell, "@")
	case fieldPhone:
		return phoneLike(cell)
	case fieldCountry:
		_, ok := contact.Country(cell)
		return ok
	case fieldMethod:
		switch fold(cell) {
		case "sms", "text", "textmessage", "phone", "mobile", "email", "mail":
			return true
		}
	}
	return false
}

// phoneLike reports whether a cell has the digits of a phone number and no words.
func phoneLike(cell string) bool {
	digits := 0
	for _, r := range cell {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			return false
		}
	}
	return digits >= 6 && digits <= 20 && !numberLike.MatchString(cell) && !dateLike.MatchString(cell)
}
