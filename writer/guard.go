package writer

import (
	"strings"
	"unicode/utf8"
)

// plainNumber reports whether a cell is ^[+-]?\d+([.,]\d+)?$, which is asked of every phone number.
func plainNumber(cell string) bool {
	if cell != "" && (cell[0] == '+' || cell[0] == '-') {
		cell = cell[1:]
	}
	digits, mark := 0, false // since the mark of the fraction, if there was one
	for i := range len(cell) {
		switch c := cell[i]; {
		case c >= '0' && c <= '9':
			digits++
		case (c == '.' || c == ',') && digits > 0 && !mark:
			digits, mark = 0, true
		default:
			return false
		}
	}
	return digits > 0
}

// separators are the characters at which some program ends a cell.
const separators = ",;\t|^\r\n"

// guard puts an apostrophe before a CSV cell that a spreadsheet program could run as a formula, so
// that it is shown and not run. Plain numbers, such as +46701740605, stay as they are. A cell that
// begins with an apostrophe gets another: taking one off always gives the original back.
//
// So does what follows a separator inside a cell. Quotes do not hold a cell together for a program that
// splits at another separator than the file's: in x;"a,=1+1,b" a comma ends a cell that began with x.
func guard(cell string) string {
	switch first, _ := utf8.DecodeRuneInString(cell); first {
	case '\'', '=', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠': // the wide ones begin a formula in Japanese
		cell = "'" + cell
	case '+', '-':
		if !plainNumber(cell) {
			cell = "'" + cell
		}
	}
	if strings.ContainsAny(cell, separators) {
		return guardInside(cell)
	}
	return cell
}

// guardInside guards what follows each separator, numbers too: what comes behind them is not known. A quote
// at the beginning does not hide a formula.
func guardInside(cell string) string {
	var b strings.Builder
	for {
		at := strings.IndexAny(cell, separators) + 1
		if at == 0 {
			b.WriteString(cell)
			return b.String()
		}
		b.WriteString(cell[:at])
		cell = cell[at:]
		switch first, _ := utf8.DecodeRuneInString(strings.TrimLeft(cell, `"`)); first {
		case '\'', '=', '@', '+', '-', '＝', '＋', '－', '＠':
			b.WriteByte('\'')
		}
	}
}
