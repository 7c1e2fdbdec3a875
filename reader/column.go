package reader

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// named finds the column that --map names: as it is written, or else as headers compare.
func (h header) named(at pipeline.Place, field, name string) (int, error) {
	var exact, alike, masked []int
	for _, i := range h.inputColumns {
		if h.names[i] == name {
			exact = append(exact, i)
		}
		if fold(h.names[i]) == fold(name) {
			alike = append(alike, i)
		}
		if keptAs(h.names[i], name) {
			masked = append(masked, i)
		}
	}
	switch {
	case len(exact) > 0:
		alike = exact
	case len(alike) == 0:
		alike = masked
	}
	switch len(alike) {
	case 1:
		return alike[0], nil
	case 0:
		return 0, &pipeline.Error{
			Kind:  pipeline.BadInput,
			Place: at, Problem: fmt.Sprintf("there is no column %q, which --map names for %s", name, field), Todo: h.listed(),
		}
	}
	return 0, &pipeline.Error{
		Kind:    pipeline.BadInput,
		Place:   at,
		Problem: fmt.Sprintf("there are %d columns %q, which --map names for %s", len(alike), name, field),
		Todo:    "give each column a name of its own; " + h.listed(),
	}
}

// keptAs reports whether a name of a sheet or a column is kept in the ledger in another form, as contacts in
// it are masked there: a report is made by what the ledger has.
func keptAs(name, kept string) bool { return kept != name && kept == contact.MaskAll(name) }

// recognised finds the one column, not claimed by --map, whose header stands for the field; -1 when
// there is none.
func (h header) recognised(at pipeline.Place, field string, claimed []int) (int, error) {
	found := -1
	for _, i := range h.inputColumns {
		if fieldOf()[fold(h.names[i])] != field || slices.Contains(claimed, i) {
			continue
		}
		if found < 0 {
			found = i
			continue
		}
		first, second := h.names[found], h.names[i]
		todo := fmt.Sprintf("say which one it is: --map %s=%q or --map %s=%q", field, first, field, second)
		if first == second {
			todo = "give each column a name of its own, or remove one"
		}
		return 0, &pipeline.Error{
			Kind:    pipeline.BadInput,
			Place:   at,
			Problem: fmt.Sprintf("two columns could be %s: %q (%s) and %q (%s)", field, first, letters(found), second, letters(i)),
			Todo:    todo,
		}
	}
	return found, nil
}

// expiry finds the column that says when the sessions expire, from 1 among the input's; 0 when there is none. One that --map
// names as "" is none.
func (h header) expiry(at pipeline.Place, mapped map[string]string) (int, error) {
	name, named := mapped[pipeline.FieldExpires]
	if named && name != "" {
		i, err := h.named(at, pipeline.FieldExpires, name)
		return slices.Index(h.inputColumns, i) + 1, err
	}
	if named {
		return 0, nil
	}
	found := 0
	for n, i := range h.inputColumns {
		if !isExpiry()[fold(h.names[i])] {
			continue
		}
		if found > 0 {
			first := h.names[h.inputColumns[found-1]]
			return 0, &pipeline.Error{
				Kind: pipeline.BadInput, Place: at,
				Problem: fmt.Sprintf("two columns could say when the sessions expire: %q and %q", first, h.names[i]),
				Todo:    fmt.Sprintf("say which one it is: --map %s=%q, or --map %[1]s= for none", pipeline.FieldExpires, first),
			}
		}
		found = n + 1
	}
	return found, nil
}

// missing says what no row has.
func (f finder) missing(at pipeline.Place, c candidate) error {
	seen := f.seen(c.names)
	e := &pipeline.Error{Kind: pipeline.BadInput, Place: at}
	h := header{names: c.names}
	for i := range c.names {
		h.inputColumns = append(h.inputColumns, i)
	}
	switch {
	case len(seen) == 0 || h.isData():
		e.Problem = fmt.Sprintf("no header with our columns in the first %d rows", headerRows)
		if f.options.HeaderRow > 0 && c.names != nil {
			e.Place.Row, e.Place.Line = c.row, c.line
			e.Problem = "the row is not a header with our columns"
		} else if f.options.HeaderRow > 0 {
			e.Problem = fmt.Sprintf("there is nothing in row %d, which --header-row names", f.options.HeaderRow)
		}
		e.Todo = "the header needs session_id or distribution_url, and phone or email; " +
			`name other columns with --map, such as --map session_id="Column", and its row with --header-row`
		if !h.isData() && len(c.names) > 0 {
			e.Todo += "; " + h.listed()
		}
	case !seen[fieldSession] && !seen[fieldURL]:
		e.Place.Row, e.Place.Line = c.row, c.line
		e.Problem = "no column holds the session (session_id or distribution_url)"
		e.Todo = `name it with --map session_id="Column"; ` + h.listed()
	default:
		e.Place.Row, e.Place.Line = c.row, c.line
		e.Problem = "no column holds a contact (phone or email)"
		e.Todo = `name one with --map phone="Column" or --map email="Column"; ` + h.listed()
	}
	return e
}

// isData reports whether the names look like somebody's data, which no message may show.
func (h header) isData() bool {
	for _, n := range h.names {
		digits := 0
		for _, r := range n {
			if unicode.IsDigit(r) {
				digits++
			}
		}
		if digits >= 5 || strings.Contains(n, "@") {
			return true
		}
	}
	return false
}

// listed names the columns there are.
func (h header) listed() string {
	if h.isData() {
		return "the row seems to hold data, not a header"
	}
	const most = 40
	var b strings.Builder
	b.WriteString("the columns are ")
	for k, i := range h.inputColumns {
		if k == most {
			fmt.Fprintf(&b, " and %d more", len(h.inputColumns)-most)
			break
		}
		if k > 0 {
			b.WriteString(", ")
		}
		name := []rune(h.names[i])
		if len(name) > most {
			name = append(name[:most], '…')
		}
		fmt.Fprintf(&b, "%q", string(name))
	}
	return b.String()
}

// letters gives a column as spreadsheet programs call it: A, B … Z, AA.
func letters(i int) string {
	s := ""
	for i++; i > 0; i = (i - 1) / 26 {
		s = string(rune('A'+(i-1)%26)) + s
	}
	return s
}
