package reader

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hppsend/pipeline"
	"hppsend/reader/xlsx"
)

// wishColumn is a column that says who is not to be messaged, and holds.
type wishColumn struct {
	at    int
	means meaning // optOut or consent
}

// wished finds the columns that say who is not to be messaged. One of which nobody has said whether it holds refuses
// the file: nobody here knows whether it is of these messages.
func (f finder) wished(at pipeline.Place, h *header) error {
	holds, err := h.decided(at, "--opt-out", f.options.OptOut)
	if err != nil {
		return err
	}
	holdsNot, err := h.decided(at, "--no-opt-out", f.options.NoOptOut)
	if err != nil {
		return err
	}
	var open []string
	for _, i := range h.inputColumns {
		means := wishOf(h.names[i])
		ours := slices.ContainsFunc(h.fields, func(c column) bool { return c.at == i })
		switch {
		case slices.Contains(holds, i) && slices.Contains(holdsNot, i):
			return h.refused(at, i, "--opt-out and --no-opt-out name the same column", "leave one of them out")
		case slices.Contains(holds, i) && ours:
			return h.refused(at, i, "--opt-out names a column that is read for something else", "name the column that says who has opted out")
		case slices.Contains(holds, i):
			if means == unsaid {
				means = optOut
			}
			h.wishes = append(h.wishes, wishColumn{i, means})
		case means != unsaid && !ours && !slices.Contains(holdsNot, i):
			open = append(open, h.names[i])
		}
	}
	if len(open) == 0 || f.options.AnyOptOut || f.options.Sessions {
		return nil
	}
	i := slices.Index(h.names, open[0])
	unsaid := &Unsaid{Columns: open, HeaderRow: h.row}
	for _, c := range h.fields {
		unsaid.Mapped = append(unsaid.Mapped, pipeline.Mapping{Field: c.field, Column: h.names[c.at]})
	}
	if unsaid.err = h.refused(at, i, "this column seems to say who is not to be messaged",
		fmt.Sprintf("say --opt-out %q to leave these people out, or --no-opt-out %[1]q if it means something else", open[0])); len(open) > 1 {
		unsaid.err = h.refused(at, i, fmt.Sprintf("this column, and %s, seem to say who is not to be messaged", quoted(open[1:])),
			fmt.Sprintf("say of each --opt-out %q to leave these people out, or --no-opt-out %[1]q if it means something else", open[0]))
	}
	return unsaid
}

// Unsaid refuses a file that has columns of which nobody has said whether they say who is not to be messaged. It wraps an
// *[pipeline.Error], which says what to do on a command line.
type Unsaid struct {
	Columns   []string           // as their headers are, in order
	HeaderRow int                // the row with the headers
	Mapped    []pipeline.Mapping // what was found beside
	err       error
}

func (u *Unsaid) Error() string { return u.err.Error() }
func (u *Unsaid) Unwrap() error { return u.err }

func (h header) refused(at pipeline.Place, column int, problem, todo string) error {
	at.Column = h.names[column]
	return &pipeline.Error{Kind: pipeline.BadInput, Place: at, Problem: problem, Todo: todo}
}

// decided finds the columns that an option names, as they are written, or else as headers compare; of several of one
// name all are meant.
func (h header) decided(at pipeline.Place, option string, names []string) (columns []int, err error) {
	for _, name := range names {
		found := len(columns)
		for _, same := range []func(string) bool{
			func(n string) bool { return n == name },
			func(n string) bool { return fold(n) == fold(name) && fold(n) != "" },
			func(n string) bool { return keptAs(n, name) },
		} {
			for _, i := range h.inputColumns {
				if same(h.names[i]) {
					columns = append(columns, i)
				}
			}
			if len(columns) > found {
				break
			}
		}
		if len(columns) == found {
			return nil, &pipeline.Error{
				Kind: pipeline.BadInput, Place: at, Problem: fmt.Sprintf("there is no column %q, which %s names", name, option), Todo: h.listed(),
			}
		}
	}
	return columns, nil
}

// beside finds the columns of contacts that are not sent to: --map leaves them out, or names another.
func (h header) beside() (also []column) {
	for _, i := range h.inputColumns {
		field := fieldOf()[fold(h.names[i])]
		if (field == fieldPhone || field == fieldEmail) && !slices.ContainsFunc(h.fields, func(c column) bool { return c.at == i }) {
			also = append(also, column{field, i})
		}
	}
	return also
}

// unclear are cells of such columns of which nobody here knows what they say.
type unclear struct {
	count int
	cells []error
}

// add takes note of one. What it says is not shown: it may be anything.
func (u *unclear) add(at pipeline.Place, column string) {
	if u.count++; u.count <= maxUnreadShown {
		at.Column = column
		u.cells = append(u.cells, &pipeline.Error{Kind: pipeline.BadInput, Place: at, Problem: "nobody here knows whether this says that the person has opted out"})
	}
}

// refusal is nil where there are none.
func (u *unclear) refusal() error {
	if u.count == 0 {
		return nil
	}
	e := &pipeline.Error{
		Kind: pipeline.BadInput, Problem: fmt.Sprintf("cells of which it is not known whether they say that somebody has opted out: %d", u.count),
		Todo: "write yes, no, a date or nothing into them; or say --no-opt-out of the column if it means something else",
	}
	e.Place.File = u.cells[0].(*pipeline.Error).Place.File
	if more := u.count - len(u.cells); more > 0 {
		e.Problem += fmt.Sprintf(", of which the last %d are not shown", more)
	}
	return errors.Join(append(u.cells, e)...)
}

// wish sets what a row of values says of the person's wishes; cell gives what a column says there.
func (h header) wish(row *pipeline.Row, values []string, u *unclear, cell func(at int) meaning) {
	if len(h.wishes) == 0 || row.Fault().WholeRow() || !slices.ContainsFunc(values, func(v string) bool { return strings.TrimSpace(v) != "" }) && len(row.Faults) == 0 {
		return // nothing is sent to it
	}
	for _, w := range h.wishes {
		out, known := w.means.optedOut(cell(w.at))
		switch {
		case !known:
			u.add(row.Place, h.names[w.at])
		case out && row.OptedOut == "":
			row.OptedOut = h.names[w.at]
		}
	}
}

// saidIn gives what a cell of a workbook says.
func saidIn(c xlsx.Cell) meaning {
	switch {
	case c.NoValue || c.Kind == pipeline.CellError || c.Unclear || c.Marked || c.Struck:
		return unsaid
	case c.Date:
		return onDate
	}
	return said(shown(c))
}

// unmerged refuses a sheet in which cells of such a column are merged: whom they are of cannot be told.
func (h header) unmerged(at pipeline.Place, ranges []xlsx.Range) error {
	for _, w := range h.wishes {
		for _, r := range ranges {
			if within(r, w.at) && r.LastRow > h.row {
				at.Row = max(r.FirstRow, h.row)
				return h.refused(at, w.at, "cells of this column are merged, which says who has opted out", "unmerge them and fill in the value of each row")
			}
		}
	}
	return nil
}
