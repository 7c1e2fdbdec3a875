package contact

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"
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

// span is a stretch of a text in bytes, from inclusive, to exclusive. What is shown in its place may differ
// from the mask of the whole.
type span struct {
	from, to int
	shown    string
}

func replaced(text, mask string, spans []span) string {
	if len(spans) == 0 {
		return text
	}
	var b strings.Builder
	done := 0
	for _, s := range spans {
		b.WriteString(text[done:s.from])
		b.WriteString(cmp.Or(s.shown, mask))
		done = s.to
	}
	b.WriteString(text[done:])
	return b.String()
}

// MaskIn replaces a contact in a text by its mask, in whatever form it stands there. Of a phone number:
// with or without its prefixes and with characters between its digits, six digits and more of it in a row,
// and its last four or five as a word. Of an address: in any case, with or without its accents, its dots and
// its tag, with (at), spaces and the like for the sign; its local part alone or a piece of that, unless it is
// one of the words of which messages are made; its domain alone, of which the first letter and the end stay.
// Each as it is, or escaped as URLs, JSON, HTML and mail do, or in base64 or hexadecimal digits. A UUID stays
// unless a whole number is in it, and so does the rest of the text, byte for byte.
func MaskIn(text, contact string) string {
	if text == "" || contact == "" || plainID(text, contact) {
		return text
	}
	find := phoneFinder(contact)
	if strings.Contains(contact, "@") {
		find = addressFinder(contact)
	}
	var found []span
	for _, glyphs := range readings(text) {
		glyphs = bases(glyphs)
		found = append(append(found, find(glyphs)...), encoded(glyphs, contact)...)
	}
	return replaced(text, Mask(contact), mergeSpans(found))
}

// plainID reports whether a text is a UUID in which nothing of a contact is found. Most texts are: the name of
// a call, of which there is one for each row.
func plainID(text, contact string) bool {
	if len(text) != 36 {
		return false
	}
	var digits [36]byte
	n := 0
	for i := range len(text) {
		switch c := text[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9':
			digits[n] = c
			n++
			if n > shortestRun && strings.Contains(contact, string(digits[n-shortestRun-1:n])) {
				return false
			}
		case c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F':
			n = 0
		default:
			return false
		}
	}
	return len(contact) < 36 || !strings.Contains(strings.ToLower(contact), strings.ToLower(text))
}

// encoded finds a contact in base64 and hexadecimal digits. Of a number it looks for what comes after any
// calling code.
func encoded(glyphs []glyph, contact string) (found []span) {
	text, at := solid(glyphs)
	core := contact
	if !strings.Contains(contact, "@") {
		core = strings.TrimPrefix(contact, "+")
		core = core[min(3, len(core)):]
	}
	if len(core) < 6 || len(text) < len(core) {
		return nil
	}
	for _, form := range append(within(core), within(strings.ToLower(core))...) {
		form = strings.ToLower(form)
		for from := 0; ; {
			i := strings.Index(text[from:], form)
			if i < 0 {
				break
			}
			i += from
			from = i + len(form)
			found = append(found, span{from: glyphs[at[i]].from, to: glyphs[at[from-1]].to})
		}
	}
	return found
}

// uuids marks the glyphs that belong to a UUID.
func uuids(glyphs []glyph) []bool {
	marked := make([]bool, len(glyphs))
	for i := 0; i+36 <= len(glyphs); i++ {
		if (i > 0 && wordly(glyphs[i-1].r)) || (i+36 < len(glyphs) && wordly(glyphs[i+36].r)) || !isUUID(glyphs[i:i+36]) {
			continue
		}
		for k := range 36 {
			marked[i+k] = true
		}
	}
	return marked
}

func isUUID(glyphs []glyph) bool {
	for i, g := range glyphs {
		switch hyphen := i == 8 || i == 13 || i == 18 || i == 23; {
		case hyphen && g.r != '-':
			return false
		case !hyphen && !strings.ContainsRune("0123456789abcdef", g.r):
			return false
		}
	}
	return true
}
