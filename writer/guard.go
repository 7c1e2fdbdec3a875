package writer

import (
	"regexp"
	"unicode/utf8"
)

var plainNumber = regexp.MustCompile(`^[+-]?\d+([.,]\d+)?$`)

// guard puts an apostrophe before a CSV cell that a spreadsheet program could run as a formula, so
// that it is shown and not run. Plain numbers, such as +46701740605, stay as they are. A cell that
// begins with an apostrophe gets another: taking one off always gives the original back.
func guard(cell string) string {
	switch first, _ := utf8.DecodeRuneInString(cell); first {
	case '\'', '=', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠': // the wide ones begin a formula in Japanese
		return "'" + cell
	case '+', '-':
		if !plainNumber.MatchString(cell) {
			return "'" + cell
		}
	}
	return cell
}
