package contact

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

const dots = "•••"

// Mask shows enough of a contact for its owner to know it: "+46 ••• 05", "a•••@e•••.com". Of a phone
// number it shows at most the first three characters and the last two digits; of an address the first
// letter of either side and the top-level domain.
func Mask(contact string) string {
	if at := strings.LastIndexByte(contact, '@'); at >= 0 {
		domain := contact[at+1:]
		top := ""
		if dot := strings.LastIndexByte(domain, '.'); dot >= 0 {
			top = domain[dot:]
		}
		return firstRune(contact[:at]) + dots + "@" + firstRune(domain) + dots + top
	}
	if contact == "" {
		return ""
	}
	var digits []byte
	for _, r := range contact {
		if d, ok := digit(r); ok {
			digits = append(digits, d)
		}
	}
	if len(digits) < 7 { // too little to show any of it
		return dots
	}
	head := string(digits[:3])
	if contact[0] == '+' {
		head = "+" + head[:2]
	}
	return head + " " + dots + " " + string(digits[len(digits)-2:])
}

func firstRune(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError || !unicode.IsPrint(r) {
		return ""
	}
	return s[:n]
}

// MaskIn replaces a contact in a text by its mask, in whatever form it stands there: a phone number with
// or without its prefixes and with characters between its digits, or a part of it of six digits and
// more; an address in any case, with its domain in Unicode or ASCII, or its local part alone as a word
// of four characters and more; each as it is or escaped as URLs, JSON and HTML do. The rest of the
// text stays as it is, byte for byte.
func MaskIn(text, contact string) string {
	if text == "" || contact == "" {
		return text
	}
	find := findDigits
	if strings.Contains(contact, "@") {
		find = findAddress
	}
	text = replaced(text, decode(text), contact, find)
	return replaced(text, glyphsOf(text), contact, find) // what only looked like an escape
}

func replaced(text string, glyphs []glyph, contact string, find func([]glyph, string) []span) string {
	var b strings.Builder
	done := 0
	for _, s := range find(glyphs, contact) {
		b.WriteString(text[done:glyphs[s.from].from])
		b.WriteString(Mask(contact))
		done = glyphs[s.to-1].to
	}
	b.WriteString(text[done:])
	return b.String()
}

// span is a stretch of glyphs, from inclusive, to exclusive.
type span struct{ from, to int }

// findAddress gives the places of an address, in order and apart from each other.
func findAddress(glyphs []glyph, address string) []span {
	at := strings.LastIndexByte(address, '@')
	local, domain := address[:at], address[at+1:]
	forms := [][]rune{folded(address)}
	if wide, err := idna.Lookup.ToUnicode(domain); err == nil && wide != domain {
		forms = append(forms, folded(local+"@"+wide), folded(local+"@"+norm.NFD.String(wide)))
	}
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil && ascii != domain {
		forms = append(forms, folded(local+"@"+ascii))
	}
	name := folded(local)
	var found []span
	for i := 0; i < len(glyphs); {
		n := 0
		for _, f := range forms {
			if startsWith(glyphs[i:], f) {
				n = max(n, len(f))
			}
		}
		if n == 0 && len(name) >= 4 && startsWith(glyphs[i:], name) &&
			!(i > 0 && wordly(glyphs[i-1].r)) && !(i+len(name) < len(glyphs) && wordly(glyphs[i+len(name)].r)) {
			n = len(name)
		}
		if n > 0 {
			found = append(found, span{i, i + n})
		}
		i += max(n, 1)
	}
	return found
}

func wordly(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func folded(s string) []rune { return []rune(strings.ToLower(s)) }

func startsWith(glyphs []glyph, form []rune) bool {
	if len(form) == 0 || len(glyphs) < len(form) {
		return false
	}
	for i, r := range form {
		// A plus in a query string is a space.
		if g := unicode.ToLower(glyphs[i].r); g != r && (r != '+' || g != ' ') {
			return false
		}
	}
	return true
}
