// Package contact repairs, normalises and masks the phone numbers and e-mail addresses that people
// keep in spreadsheets.
//
// [ParsePhone] and [ParseEmail] give one canonical form, or a *[Problem] that says what is wrong. They
// undo what spreadsheets and typing do to a contact as long as one reading remains, and refuse as soon
// as two do: a message to a stranger is worse than none. [Country] reads the name of a country.
// [Mask] and [MaskIn] are for whatever is logged, shown or stored.
//
// The package asks no network and sends nothing: it cannot report whether a contact is in use. All its
// functions are safe for concurrent use.
package contact

import (
	"strings"
	"unicode"
)

// The codes of problems.
const (
	CodeMissing        = "missing_contact"
	CodeMissingCountry = "missing_country"
	CodeBadPhone       = "bad_phone"
	CodeDigitsLost     = "digits_lost"
	CodeAmbiguous      = "ambiguous_phone"
	CodeBadEmail       = "bad_email"
)

// Problem is why a contact was refused. Code is stable; Reason is for a person and shows a contact
// masked, if at all.
type Problem struct {
	Code, Reason string
	WithoutPlus  bool // the digits are a number with a plus before them: see [ParsePhoneWithoutPlus]
}

func (p *Problem) Error() string { return p.Reason }

// trimmed drops what people and programs leave round a contact: spaces, invisible characters, the apostrophes
// by which spreadsheets mark text, quotation marks, and the formula ="…" by which exports keep digits.
func trimmed(text string) string {
	text = strings.TrimFunc(text, around)
	if inner, ok := strings.CutPrefix(text, `="`); ok {
		return strings.TrimFunc(inner, around)
	}
	return text
}

func around(r rune) bool {
	return unicode.IsSpace(r) || invisible(r) || strings.ContainsRune(`'‘’‚‹›"“”„«»`, r)
}

// invisible tells zero-width, directional and control characters, and the byte order mark.
func invisible(r rune) bool {
	return r != '\n' && r != '\r' && r != '\t' && (unicode.Is(unicode.Cf, r) || unicode.IsControl(r))
}
