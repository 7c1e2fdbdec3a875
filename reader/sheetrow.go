package reader

import (
	"fmt"
	"slices"
	"strings"

	"hppsend/pipeline"
	"hppsend/reader/xlsx"
)

// shown gives a cell as a person sees it, with the zeros and the calling code of its format.
func shown(c xlsx.Cell) string {
	if c.Shown != "" {
		return c.Shown
	}
	return c.Text
}

// sheetRows makes rows of the rows of a sheet.
type sheetRows struct {
	at     pipeline.Place
	header header
	merges *merges
	links  *links
	under  []xlsx.Conditional // that have to do with our fields
	cells  []pipeline.Cell
	values []string
	typed  []typed // into the row at hand

	unclear *unclear
}

// id gives what stands in the place of the session.
func (s *sheetRows) id(from xlsx.Row) string {
	for _, c := range s.header.fields {
		if c.at < len(from.Cells) && (c.field == fieldSession || c.field == fieldURL) {
			if id := shown(from.Cells[c.at]); id != "" {
				return id
			}
		}
	}
	return ""
}

// texts gives the cells of a row as a person sees them.
func (s *sheetRows) texts(from xlsx.Row) []string {
	texts := make([]string, max(len(from.Cells), len(s.header.names)))
	for i, c := range from.Cells {
		texts[i] = shown(c)
	}
	for len(texts) > len(s.header.names) && strings.TrimSpace(texts[len(texts)-1]) == "" {
		texts = texts[:len(texts)-1]
	}
	return texts
}

// row gives a row and the values of our fields, both valid until the next call.
func (s *sheetRows) row(from xlsx.Row) (pipeline.Row, []string) {
	h := s.header
	row := pipeline.Row{Place: s.at, Hidden: from.Hidden, Struck: from.Struck}
	row.Row = from.Number
	s.typed = h.mends.at(row.Place)
	if s.typed != nil {
		from = inCells(from, s.typed)
	}
	s.cells = append(s.cells[:0], make([]pipeline.Cell, len(h.names))...)
	for i, c := range from.Cells {
		if i < len(s.cells) {
			s.cells[i] = pipeline.Cell{Text: c.Text, Kind: c.Kind, Format: c.Format}
		} else if c.Text != "" {
			row.Raw = joinRaw(row.Raw, c.Text)
		}
	}
	row.Cells = s.cells
	s.values = s.values[:0]
	for _, c := range h.fields {
		value := ""
		if c.at < len(from.Cells) {
			value = shown(from.Cells[c.at])
			s.cells[c.at].Shown = from.Cells[c.at].Shown
		}
		s.values = append(s.values, value)
	}
	for i, c := range h.fields {
		if c.at >= len(from.Cells) {
			continue
		}
		cell := from.Cells[c.at]
		row.Struck = row.Struck || cell.Struck && strings.TrimSpace(cell.Text) != ""
		cell.Unclear = cell.Unclear || cell.Kind == pipeline.CellNumber && s.reformatted(row.Row, c.at)
		f := cellFault(c.field, h.names[c.at], cell, s.values[i])
		if f.Code == "" {
			continue
		}
		clearField(s.values, h.fields, c.field)
		if trace := traces[f.Code]; trace != "" {
			row.Raw = joinRaw(row.Raw, h.names[c.at]+": "+trace)
		}
		row.Faults = append(row.Faults, f)
	}
	if row.Struck {
		row.Hidden, row.Raw = true, joinRaw(row.Raw, struckOut)
	}
	s.merges.fill(&row, s.values, from.Cells, s.typed)
	s.links.fill(&row, from, s.typed)
	for _, c := range h.also {
		if c.at < len(from.Cells) && strings.TrimSpace(shown(from.Cells[c.at])) != "" {
			row.Also = append(row.Also, pipeline.Contact{Field: c.field, Text: shown(from.Cells[c.at])})
		}
	}
	h.wish(&row, s.values, s.unclear, func(at int) meaning {
		if at >= len(from.Cells) {
			return nothing
		}
		return saidIn(from.Cells[at])
	})
	return row, s.values
}

// reformatted reports whether a condition may give a cell a format of another number.
func (s *sheetRows) reformatted(row, column int) bool {
	return slices.ContainsFunc(s.under, func(c xlsx.Conditional) bool {
		return c.Format && c.FirstRow <= row && row <= c.LastRow && within(c.Range, column)
	})
}

// cellFault tells why a cell cannot be taken for text that somebody typed.
func cellFault(field, column string, c xlsx.Cell, value string) pipeline.Finding {
	fault := func(code, reason string, args ...any) pipeline.Finding {
		return pipeline.Finding{Code: code, Field: field, Column: column, Reason: fmt.Sprintf(reason, args...)}
	}
	switch {
	case c.Kind == pipeline.CellError:
		return fault(pipeline.CodeCellIsError, "the cell in column %q is an error (%s); mend the formula or type the value", column, c.Text)
	case c.NoValue:
		return fault(pipeline.CodeFormulaWithoutValue, "the cell in column %q is a formula that was never calculated; open the file, save it, and try again", column)
	case c.Kind == pipeline.CellBool:
		return fault(pipeline.CodeCellIsBoolean, "the cell in column %q is %s and not text; type the value as text", column, c.Text)
	case c.Date:
		return fault(pipeline.CodeCellIsDate, "the spreadsheet program has made a date of the cell in column %q; format it as text and type the value anew", column)
	case c.DigitsLost:
		return fault(pipeline.CodeDigitsLost, "the number in column %q has lost digits in the spreadsheet program; format the cell as text and type it anew", column)
	case c.Unclear:
		return fault(pipeline.CodeUnclearFormat, "the format of the cell in column %q shows something else than the cell holds; format it as text and type what is meant", column)
	case c.Marked:
		return fault(pipeline.CodeMarkedText, "a part of the cell in column %q is struck out, raised, lowered or invisible, and may not belong to it; type it anew", column)
	}
	return controls(field, column, value)
}

func blankRow(row xlsx.Row) bool {
	return !slices.ContainsFunc(row.Cells, func(c xlsx.Cell) bool {
		return c.NoValue || strings.TrimSpace(c.Text) != ""
	})
}
