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
	style  style
	guess  *guess // nil where the encoding is no guess
	pad    bool
	padded int // short rows filled up

	unclear *unclear
}

// fill makes a row of a record.
func (b *builder) fill(e *entry, number int, rec record) {
	h := b.header
	row := pipeline.Row{Place: b.at}
	row.Row, row.Line = number, rec.line
	if rec.lines > 1 {
		row.LastLine = rec.line + rec.lines - 1
	}
	e.cells = append(e.cells[:0], make([]pipeline.Cell, len(h.names))...)
	for i := range min(len(rec.cells), len(e.cells)) {
		e.cells[i].Text = rec.cells[i]
		if h.hpp != nil {
			e.cells[i].Text = unguard(rec.cells[i])
		}
	}
	row.Cells = e.cells
	e.hasID = h.looks(b.firstID(rec))
	if f := b.fault(rec, e.hasID); f.Code != "" {
		row.Faults = []pipeline.Finding{f}
	}
	e.body, e.endsQuoted, e.strayQuote = rec.body(), rec.endsQuoted, rec.strayQuote
	e.fragment = len(row.Faults) > 0 && (rec.unreadable != "" || rec.strayQuote || len(rec.cells) == 1)
	if row.Fault().WholeRow() {
		row.Raw = e.body
	} else {
		for _, t := range h.mends.at(row.Place) {
			e.cells[t.at].Text = t.text
		}
	}
	e.values = e.values[:0]
	for _, c := range h.fields {
		e.values = append(e.values, e.cells[c.at].Text)
	}
	for _, c := range h.fields {
		if f := controls(c.field, h.names[c.at], e.cells[c.at].Text); f.Code != "" {
			clearField(e.values, h.fields, c.field)
			row.Faults = append(row.Faults, f)
		}
	}
	if b.guess != nil {
		b.doubt(&row, e.values, rec.text)
	}
	if len(row.Faults) == 0 && strings.IndexByte(rec.text, 0) >= 0 {
		row.Faults = []pipeline.Finding{{
			Code:   pipeline.CodeControlCharacter,
			Reason: "the row holds NUL characters, which no text has; it is damaged, or in another encoding than the rest",
		}}
	}
	if !row.Fault().WholeRow() {
		for _, c := range h.also {
			if text := e.cells[c.at].Text; strings.TrimSpace(text) != "" {
				row.Also = append(row.Also, pipeline.Contact{Field: c.field, Text: text})
			}
		}
	}
	h.wish(&row, e.values, b.unclear, func(at int) meaning { return said(e.cells[at].Text) })
	e.row = row
}

// doubt says of a row what hangs on the guess at the encoding. A report is in UTF-8, where it could no
// longer be told, so that it keeps a trace where an address does.
func (b *builder) doubt(row *pipeline.Row, values []string, text string) {
	some, open := b.guess.beyond(text)
	row.Guessed = some
	if open {
		row.Notes = append(row.Notes, pipeline.Finding{
			Code: pipeline.CodeGuessedEncoding, Reason: "letters of the row were read as Windows-1252, which is a guess: in other encodings they are others",
		})
	}
	for i, c := range b.header.fields {
		if address, _ := b.guess.beyond(values[i]); address && c.field == fieldEmail && !row.Fault().WholeRow() {
			row.Raw = joinRaw(row.Raw, guessedAddress)
		}
	}
}

// firstID gives the id of a record; of a stretch that was not split, that on its first line, counted from
// its start, or from its end where the quote that is out of place stands before it.
func (b *builder) firstID(rec record) string {
	if rec.unreadable == "" {
		return b.header.idOf(rec.cells)
	}
	line, _, _ := strings.Cut(strings.ReplaceAll(rec.text, "\r", "\n"), "\n")
	cells := strings.Split(line, string(b.style.comma))
	id := b.header.idOf(cells)
	if n := len(cells) - b.header.width; n > 0 && b.header.id != "" && !b.header.looks(id) {
		id = b.header.idOf(cells[n:])
	}
	return id
}

// fault tells why a record is not one row under the header.
func (b *builder) fault(rec record, hasID bool) pipeline.Finding {
	if rec.unreadable != "" {
		return pipeline.Finding{Code: pipeline.CodeUnreadable, Reason: rec.unreadable}
	}
	h := b.header
	cells, columns := len(rec.cells), len(h.names)
	switch {
	case cells == h.width && rec.strayQuote && (!hasID || b.loose(rec)):
		return pipeline.Finding{Code: pipeline.CodeUnreadable, Reason: stray.problem()}
	case cells == h.width && rec.unseparated:
		return pipeline.Finding{Code: pipeline.CodeUnreadable, Reason: "a delimiter is missing before a quoted cell, or a quote too many; the cells cannot be told apart"}
	case cells == h.width && h.doubtful(rec.cells):
		return pipeline.Finding{Code: pipeline.CodeRagged, Reason: "others have more cells than the header, as of a delimiter too many in their midst, and this one " +
			"may have it too and lack empty cells at its end; see that cells which hold the delimiter are in quotes"}
	case cells == h.width && len(h.namesSeen(rec.cells)) > 1:
		return pipeline.Finding{Code: pipeline.CodeUnreadable, Reason: "the line names columns, as a header does; see that the header is not broken"}
	case cells == h.width:
		return pipeline.Finding{}
	case cells < h.width && b.pad && !rec.strayQuote && h.mayBeShifted(rec.cells):
		return pipeline.Finding{Code: pipeline.CodeRagged, Reason: fmt.Sprintf("the row has %d cells and the header has %d, and the missing one may be "+
			"in its midst: a cell beside that of a field of ours could be that field", cells, columns)}
	case cells < h.width && b.pad && !rec.strayQuote:
		b.padded++
		return pipeline.Finding{}
	}
	reason := fmt.Sprintf("the row has %d cells and the header has %d; a delimiter or a quote is missing or too many", cells, columns)
	switch {
	case cells < columns && !rec.strayQuote:
		reason += "; --ragged pad takes the missing cells as empty"
	case !filled(rec.cells, columns):
		reason = fmt.Sprintf("the row ends in another number of empty cells than the others (%d cells in place of %d), "+
			"so that a delimiter may be too many or missing in its midst", cells, h.width)
	}
	return pipeline.Finding{Code: pipeline.CodeRagged, Reason: reason}
}

// loose reports whether a cell of a field of ours holds a quote that is not one of a pair round it.
func (b *builder) loose(rec record) bool {
	quote := string(b.style.quote)
	for _, c := range b.header.fields {
		if c.at >= len(rec.cells) {
			continue
		}
		cell := strings.TrimSpace(rec.cells[c.at])
		if inner, ok := strings.CutPrefix(cell, quote); ok && strings.HasSuffix(inner, quote) {
			cell = strings.TrimSuffix(inner, quote)
		}
		if strings.Contains(cell, quote) {
			return true
		}
	}
	return false
}
