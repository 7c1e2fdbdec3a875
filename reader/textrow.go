package reader

import (
	"fmt"
	"strings"

	"hppsend/pipeline"
)

// builder makes rows of records.
type builder struct {
	at     pipeline.Place
	header header
	pad    bool
	padded int // short rows filled up
	cells  []pipeline.Cell
	values []string
}

// row gives a row and the values of our fields, both valid until the next call.
func (b *builder) row(number int, rec record) (pipeline.Row, []string) {
	h := b.header
	row := pipeline.Row{Place: b.at}
	row.Row, row.Line = number, rec.line
	if rec.lines > 1 {
		row.LastLine = rec.line + rec.lines - 1
	}
	b.cells = append(b.cells[:0], make([]pipeline.Cell, len(h.names))...)
	for i := range min(len(rec.cells), len(b.cells)) {
		b.cells[i].Text = rec.cells[i]
		if h.hpp != nil {
			b.cells[i].Text = unguard(rec.cells[i])
		}
	}
	row.Cells = b.cells
	row.Fault = b.fault(rec)
	if wholeRow(row.Fault) {
		row.Raw = rec.body()
	}
	b.values = b.values[:0]
	for _, c := range h.fields {
		b.values = append(b.values, b.cells[c.at].Text)
	}
	for _, c := range h.fields {
		if f := controls(h.names[c.at], b.cells[c.at].Text); f.Code != "" {
			damage(b.values, h.fields, c.field)
			if row.Fault.Code == "" {
				row.Fault = f
			}
		}
	}
	return row, b.values
}

// fault tells why a record is not one row under the header.
func (b *builder) fault(rec record) pipeline.Finding {
	if rec.unreadable != "" {
		return pipeline.Finding{Code: CodeUnreadable, Reason: rec.unreadable}
	}
	cells, columns := len(rec.cells), len(b.header.names)
	surplus := false
	for _, c := range rec.cells[min(cells, columns):] {
		surplus = surplus || strings.TrimSpace(c) != ""
	}
	fits := cells >= b.header.needed && cells <= columns
	switch {
	case fits:
		return pipeline.Finding{}
	case cells > columns && !surplus && !rec.literal:
		return pipeline.Finding{}
	case cells < columns && b.pad && !rec.literal:
		b.padded++
		return pipeline.Finding{}
	}
	reason := fmt.Sprintf("the row has %d cells and the header has %d; a delimiter or a quote is missing or too many", cells, columns)
	if cells < columns && !rec.literal {
		reason += "; --ragged pad takes the missing cells as empty"
	}
	return pipeline.Finding{Code: CodeRagged, Reason: reason}
}
