package writer

import "unicode/utf8"

// plainNumber tells whether a cell is ^[+-]?\d+([.,]\d+)?$, which is asked of every phone number.
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
