package reader

import (
	"cmp"
	"fmt"
	"slices"

	"hppsend/pipeline"
	"hppsend/reader/xlsx"
)

// merge is a range of merged cells and, once its first row was read, the value that stands in it.
type merge struct {
	xlsx.Range
	value  string
	proved bool
}

// merges are the ranges that touch fields of ours, by their first row.
type merges struct {
	header header
	coming []merge
	active []merge
}

func newMerges(h header, ranges []xlsx.Range) *merges {
	m := &merges{header: h}
	for _, r := range ranges {
		if r.LastRow > h.row && slices.ContainsFunc(h.fields, func(c column) bool { return within(r, c.at) }) {
			m.coming = append(m.coming, merge{Range: r})
		}
	}
	slices.SortFunc(m.coming, func(a, b merge) int { return cmp.Compare(a.FirstRow, b.FirstRow) })
	return m
}

func within(r xlsx.Range, column int) bool { return r.FirstColumn <= column && column <= r.LastColumn }

// fill repeats the value of a session or a country down the rows of a range that is one column wide and
// begins under the header. Any other range with a field of ours is a fault of all its rows.
func (m *merges) fill(row *pipeline.Row, values []string, cells []xlsx.Cell, mended []typed) {
	for len(m.coming) > 0 && m.coming[0].FirstRow <= row.Row {
		m.active = append(m.active, m.coming[0])
		m.coming = m.coming[1:]
	}
	m.active = slices.DeleteFunc(m.active, func(r merge) bool { return r.LastRow < row.Row })
	for k := range m.active {
		r := &m.active[k]
		for i, c := range m.header.fields {
			if !within(r.Range, c.at) || isTyped(mended, c.at) {
				continue
			}
			repeats := c.field == fieldSession || c.field == fieldURL || c.field == fieldCountry
			switch empty := c.at >= len(cells) || cells[c.at].Text == "" && !cells[c.at].NoValue; {
			case r.FirstRow == row.Row && r.FirstColumn == r.LastColumn && repeats:
				r.value, r.proved = values[i], values[i] != "" || empty
			case r.proved && empty:
				values[i] = r.value
			default:
				clearField(values, m.header.fields, c.field)
				column := m.header.names[c.at]
				row.Faults = append(row.Faults, pipeline.Finding{
					Code: pipeline.CodeMergedCell, Field: c.field, Column: column,
					Reason: fmt.Sprintf("the cell in column %q is merged with others; unmerge it and fill in the value of each row", column),
				})
			}
		}
	}
}

// laidOut says what the layout of the sheet has to do with fields of ours, or refuses the sheet.
func (b *bookFile) laidOut(s *sheetPart) (notices []string, err error) {
	at, h := b.at, s.header
	at.Sheet = s.name
	layout, err := b.book.Layout(s.name)
	if err != nil {
		return nil, bookError(at, err)
	}
	s.layout = layout
	if err := h.unmerged(at, layout.Merged); err != nil {
		return nil, err
	}
	for _, c := range h.fields {
		for _, r := range layout.Merged {
			if within(r, c.at) && r.FirstColumn < r.LastColumn && r.FirstRow <= h.row && h.row <= r.LastRow {
				at.Row, at.Column = h.row, h.names[c.at]
				return nil, &pipeline.Error{
					Kind:  pipeline.BadInput,
					Place: at, Problem: "the header is merged over several columns", Todo: "unmerge it and give each column a name of its own",
				}
			}
		}
		if slices.ContainsFunc(layout.Hidden, func(s xlsx.Span) bool { return s.First <= c.at && c.at <= s.Last }) {
			notices = append(notices, fmt.Sprintf("column %q (%s), which is read for %s, is hidden", h.names[c.at], letters(c.at), c.field))
		}
		if slices.ContainsFunc(layout.Conditional, func(r xlsx.Conditional) bool { return r.Struck && r.LastRow > h.row && within(r.Range, c.at) }) {
			notices = append(notices, fmt.Sprintf(
				"cells of column %q (%s) may be struck out by a conditional format, which is not looked at: such rows are sent", h.names[c.at], letters(c.at)))
		}
	}
	return notices, nil
}
