package pipeline

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"hppsend/internal/contact"
)

// SessionFormat says what is taken for a session id.
type SessionFormat string

// The formats of session ids. Every documented one is a UUID.
const (
	// AutoSession takes UUIDs; and in a file without any, other ids that cannot be read as anything else. The
	// zero value too.
	AutoSession SessionFormat = "auto"
	UUIDSession SessionFormat = "uuid" // nothing but a UUID
	AnySession  SessionFormat = "any"  // whatever can stand in the address of the call
)

// CanonicalSession gives the one form of a session id, in which it is sent, kept and compared: a UUID in
// whatever spelling in lower case with hyphens, as HPP writes it; any other id as it is.
func CanonicalSession(id string) string {
	if s, ok := uuidOf(id); ok {
		return s
	}
	return id
}

// IsUUID reports whether a session id is a UUID, in one of the spellings that programs give it.
func IsUUID(id string) bool {
	_, ok := uuidOf(id)
	return ok
}

// uuidOf reads a UUID: with its hyphens or without any, in either case, in braces or parentheses, and as
// a URN.
func uuidOf(id string) (canonical string, ok bool) {
	s := id
	for _, prefix := range []string{"urn:", "uuid:"} {
		if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
			s = s[len(prefix):]
		}
	}
	if n := len(s); n > 2 && (s[0] == '{' && s[n-1] == '}' || s[0] == '(' && s[n-1] == ')') {
		s = s[1 : n-1]
	}
	if len(s) == 32 {
		s = strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
	}
	if len(s) != 36 {
		return "", false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return "", false
			}
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return "", false
		}
	}
	return strings.ToLower(s), true
}

// session reads a session id into its one form. field is where it stands, in words as in "the session
// column". A reason never shows the id, which may be a contact.
func (f SessionFormat) session(id, field, where string) (string, Finding) {
	if s, ok := uuidOf(id); ok {
		return s, Finding{}
	}
	bad := func(why string) Finding {
		return Finding{Code: CodeBadSession, Field: field, Reason: where + " " + why}
	}
	safe := safeSession(id)
	if f == AnySession && safe {
		return id, Finding{}
	}
	switch what := notSession(id); {
	case what != "" && safe:
		return "", bad("holds " + what + ": see that no two columns are swapped; if the session ids look like that, say --session-format any")
	case what != "":
		return "", bad("holds " + what + ": see that no two columns are swapped")
	case !safe:
		return "", bad("holds characters that no session id has")
	case f == UUIDSession:
		return "", bad("holds no UUID, and --session-format is uuid")
	}
	return id, Finding{}
}

// amongUUIDs is what is wrong with an id that is no UUID where others are: the row is shifted, most likely.
func amongUUIDs(where string) Finding {
	return Finding{Code: CodeBadSession, Field: FieldSession, Reason: "the session id is no UUID, and " + where + " is: see that no cells are shifted; " +
		"if the id is right, say --session-format any"}
}

// beside reports whether a cell of the row, other than its session, is a UUID.
func (r Row) beside() bool {
	return slices.ContainsFunc(r.Cells, func(c Cell) bool { return IsUUID(strings.TrimFunc(c.Text, unquoted)) })
}

// nonUUID reports whether an id is taken only in a file that has no UUIDs.
func (f SessionFormat) nonUUID(id string) bool { return f != AnySession && id != "" && !IsUUID(id) }

// ShownSession gives a session id for a list or a message: one that reads as something else, which may be
// a contact, is masked.
func ShownSession(id string) string {
	if IsUUID(id) || notSession(id) == "" {
		return id
	}
	return contact.Mask(id)
}

// safeSession refuses what could change the path of the request. Ids are documented as strings only.
func safeSession(id string) bool {
	if len(id) > 256 {
		return false
	}
	for _, r := range id {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '~', r == ':':
		default:
			return false
		}
	}
	return id != ""
}

// What other columns hold, by its form.
var (
	exponentForm = regexp.MustCompile(`(?i)^[-+]?\d+([.,]\d+)?e[-+]?\d+$`)
	clockForm    = regexp.MustCompile(`(?i)^\d{4}-?\d\d?-?\d\d?t[\d:~]*z?$|^\d\d?:?\d*[ap]m$`)
	monthForm    = regexp.MustCompile(`^(\d{1,4})?[-_:]?([a-z]{3,10})[-_:]?(\d{1,4})?([-_:]\d{1,4})?$`)
	labelledForm = regexp.MustCompile(`^([a-z]*)[-_~:]*(\d[-_~:\d]*)((x|ext)[-_~:]*\d{1,6})?$`)
)

// months are the beginnings of their names in the languages whose headers are known.
const months = " jan feb fev mar maa apr avr abr maj mai may mei jun jui jul aug ago aou sep set okt oct out " +
	"nov dec dez dic des gen giu lug ott ene mag mrt tam hel huh tou kes hei elo syy lok jou sty lut kwi cze lip sie wrz paz lis gru "

// phoneWords are what people write before a number.
const phoneWords = " tel telephone telefon telefono telefone telefoon telefoonnummer telefonnummer puhelin phone mobile mobil mobiltelefon " +
	"mob movil cell cellphone handy fax sms whatsapp wa p t m f nr no "

// notSession tells what an id that is no UUID reads as, in words that follow "holds"; empty when it could be
// nothing but an id: letters and digits, in no order that means something else.
func notSession(id string) string {
	if strings.ContainsAny(id, "@＠") {
		return "an e-mail address"
	}
	if _, err := contact.ParseEmail(id); err == nil {
		return "an e-mail address"
	}
	text := strings.ToLower(id)
	digits, letters := 0, 0
	for _, r := range text {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			letters++
		}
	}
	switch {
	case digits == 0 && letters == 0:
		return "no letter and no digit"
	case exponentForm.MatchString(text):
		return "a number in exponent form"
	case letters == 0:
		return numberOf(text, digits)
	case digits == 0 && wordsOnly(id):
		return "words without a digit"
	case clockForm.MatchString(text):
		return "a date or a time"
	}
	if m := monthForm.FindStringSubmatch(text); m != nil && (m[1] != "" || m[3] != "") && strings.Contains(months, " "+m[2][:3]+" ") {
		return "a date"
	}
	if readsAsPhone(text, digits) {
		return "a phone number"
	}
	return ""
}

// numberOf names what has digits and no letter.
func numberOf(text string, digits int) string {
	switch {
	case contact.ReadsAsDate(text):
		return "a date"
	case digits >= 7 && digits <= 17, strings.HasPrefix(text, "+"), strings.HasPrefix(text, "00"):
		return "a phone number"
	}
	return "a number"
}

// wordsOnly reports whether an id without a digit is made of words, as names, methods, countries and TRUE are,
// rather than of letters by chance.
func wordsOnly(id string) bool {
	for _, word := range strings.FieldsFunc(id, func(r rune) bool { return !unicode.IsLetter(r) }) {
		tail := strings.TrimLeftFunc(word, unicode.IsUpper)
		if tail != "" && strings.ContainsFunc(tail, unicode.IsUpper) {
			return false
		}
	}
	return true
}

// readsAsPhone reports whether an id with letters is a number as people write it: with a word or a country
// before it, with an extension behind it, or with letters typed for digits.
func readsAsPhone(text string, digits int) bool {
	typed := strings.Map(func(r rune) rune {
		switch r {
		case 'o':
			return '0'
		case 'i', 'l':
			return '1'
		case '-', '_', '~', ':', '+', '.', '(', ')', '/', ' ':
			return -1
		}
		return r
	}, text)
	if digits >= 6 && len(typed) >= 7 && len(typed) <= 17 && !strings.ContainsFunc(typed, func(r rune) bool { return !unicode.IsDigit(r) }) {
		return true
	}
	plain := strings.Map(func(r rune) rune {
		switch r {
		case '+', '.', '(', ')', '/', ' ', '\u00a0':
			return '-'
		}
		return r
	}, text)
	m := labelledForm.FindStringSubmatch(plain)
	if m == nil || digits < 7 {
		return false
	}
	if m[1] == "" || strings.Contains(phoneWords, " "+m[1]+" ") {
		return true
	}
	country, ok := contact.Country(m[1])
	if !ok {
		return false
	}
	_, err := contact.ParsePhone(strings.NewReplacer("-", "", "_", "", "~", "", ":", "").Replace(m[2]), country)
	return err == nil
}
