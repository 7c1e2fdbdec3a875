package writer

import (
	"strings"
	"unicode/utf8"
)

// plainNumber tells whether a cell is ^[+-]?\d+([.,]\d+)?$, which is asked of every phone number.
func plainNumber(cell string) bool {
	if cell != "" && (cell[0] == '+' || cell[0] == '-') {
		cell = cell[1:]
	}
	whole, fraction := cell, "0"
	if i := strings.IndexAny(cell, ".,"); i >= 0 {
		whole, fraction = cell[:i], cell[i+1:]
	}
	return digits(whole) && digits(fraction)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// guard puts an apostrophe before a CSV cell that a spreadsheet program could run as a formula, so
// that it is shown and not run. Plain numbers, such as +46701740605, stay as they are. A cell that
// begins with an apostrophe gets another: taking one off always gives the original back.
func guard(cell string) string {
	switch first, _ := utf8.DecodeRuneInString(cell); first {
	case '\'', '=', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠': // the wide ones begin a formula in Japanese
		return "'" + cell
	case '+', '-':
		if !plainNumber(cell) {
			return "'" + cell
		}
	}
	return cell
}
