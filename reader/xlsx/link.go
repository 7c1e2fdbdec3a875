package xlsx

import (
	"bytes"
	"errors"
	"strings"
)

// linkFormulas are the formulas of a sheet that make links. Their targets are computed, and not stored.
type linkFormulas struct {
	shared  map[string]placed // those that further cells have too, by their number
	pending []placed          // of the row being read
	text    []byte
}

// placed is a formula where it stands, or, shared, where it stood first.
type placed struct {
	formula     string
	column, row int // from 0, from 1
	at          int // the column of the cell that has it now
	down        int // how far below its first place
}

var linkCall = []byte("HYPERLINK")

// read reads the formula that has just been opened, of a cell.
func (l *linkFormulas) read(x *scanner, column, row int) (err error) {
	var shared string
	for _, a := range x.attrs {
		if string(a.name) == "si" {
			shared = string(a.value)
		}
	}
	if l.text, err = x.plain(l.text[:0]); err != nil {
		return err
	}
	if bytes.Contains(bytes.ToUpper(l.text), linkCall) {
		p := placed{formula: string(l.text), column: column, row: row, at: column}
		l.pending = append(l.pending, p)
		if shared != "" {
			if l.shared == nil {
				l.shared = map[string]placed{}
			}
			if len(l.shared) == sharedMost {
				return errors.New("it has too many shared formulas")
			}
			l.shared[shared] = p
		}
		return nil
	}
	if p, ok := l.shared[shared]; ok && len(l.text) == 0 {
		p.at, p.down = column, row-p.row
		l.pending = append(l.pending, p)
	}
	return nil
}

const sharedMost = 1 << 16

// FormulaLink is where the formula of a cell leads. Target is empty where the file does not tell.
type FormulaLink struct {
	Column int // from 0
	Target string
}

// resolve gives the links of a row.
func (l *linkFormulas) resolve(row Row) []FormulaLink {
	for _, p := range l.pending {
		target, known := p.target(row)
		if !known {
			target = ""
		}
		row.Links = append(row.Links, FormulaLink{p.at, target})
	}
	l.pending = l.pending[:0]
	return row.Links
}

// target gives what a formula links to: HYPERLINK and nothing else, with a target that is put together
// of texts and of cells of its own row.
func (p placed) target(row Row) (target string, known bool) {
	call := strings.TrimSpace(p.formula)
	if len(call) <= len(linkCall)+2 || !strings.EqualFold(call[:len(linkCall)], string(linkCall)) {
		return "", false
	}
	inside := strings.TrimSpace(call[len(linkCall):])
	if inside[0] != '(' || inside[len(inside)-1] != ')' {
		return "", false
	}
	arguments, ok := split(inside[1:len(inside)-1], ',')
	switch {
	case !ok || len(arguments) > 2:
		return "", false
	case len(arguments) == 1: // what is seen is where it leads
		return row.Cells[p.at].Text, true
	}
	terms, ok := split(arguments[0], '&')
	for _, t := range terms {
		text, known := p.term(strings.TrimSpace(t), row)
		ok = ok && known
		target += text
	}
	return target, ok
}

// term gives the text of a quoted text or of a cell of the row.
func (p placed) term(t string, row Row) (text string, known bool) {
	if len(t) >= 2 && t[0] == '"' && t[len(t)-1] == '"' {
		inner := t[1 : len(t)-1]
		if strings.Contains(strings.ReplaceAll(inner, `""`, ""), `"`) {
			return "", false
		}
		return strings.ReplaceAll(inner, `""`, `"`), true
	}
	fixedColumn := strings.HasPrefix(t, "$")
	name, number, fixedRow := strings.Cut(strings.TrimPrefix(t, "$"), "$")
	if fixedRow {
		name += number
	}
	column, at, ok := reference([]byte(strings.ToUpper(name)))
	if !ok {
		return "", false
	}
	if !fixedColumn {
		column += p.at - p.column
	}
	if !fixedRow {
		at += p.down
	}
	if at != row.Number || column < 0 {
		return "", false
	}
	if column >= len(row.Cells) {
		return "", true
	}
	cell := row.Cells[column]
	if cell.NoValue || cell.Date {
		return "", false
	}
	return cell.Text, true
}

// split parts a formula outside of its quotes and brackets; ok is false where those do not match.
func split(formula string, by byte) (pieces []string, ok bool) {
	depth, from, quoted := 0, 0, false
	for i := range len(formula) {
		switch c := formula[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(' || c == '{' || c == '[':
			depth++
		case c == ')' || c == '}' || c == ']':
			if depth--; depth < 0 {
				return nil, false
			}
		case c == by && depth == 0:
			pieces = append(pieces, formula[from:i])
			from = i + 1
		}
	}
	return append(pieces, formula[from:]), depth == 0 && !quoted
}
