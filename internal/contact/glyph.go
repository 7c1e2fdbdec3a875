package contact

import (
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// glyph is a character of a text once its escapes are undone, and the bytes of the text it stands for.
type glyph struct {
	r        rune
	from, to int
}

// escapeLayers is how often a text may have been escaped: a URL within JSON within JSON, and one more.
const escapeLayers = 4

// readings are the ways in which a text may be meant: with all its escapes undone; with those of mail
// undone too; and as it is, since a contact may hold what looks like an escape.
func readings(text string) [][]glyph {
	all := [][]glyph{decode(text)}
	if slices.ContainsFunc(all[0], func(g glyph) bool { return g.r == '=' }) {
		all = append(all, quoted(all[0]))
	}
	if strings.ContainsAny(text, `%\&`) {
		all = append(all, glyphsOf(text))
	}
	return all
}

// decode undoes the escapes of URLs, JSON and HTML, and leaves out what does not show.
func decode(text string) []glyph {
	glyphs := glyphsOf(text)
	for range escapeLayers {
		if !strings.ContainsFunc(text, func(r rune) bool { return r == '%' || r == '\\' || r == '&' }) {
			break
		}
		plain := unescape(glyphs)
		if len(plain) == len(glyphs) {
			break
		}
		glyphs = plain
	}
	shown := glyphs[:0]
	for _, g := range glyphs {
		if !invisible(g.r) {
			shown = append(shown, g)
		}
	}
	return shown
}

func glyphsOf(text string) []glyph {
	glyphs := make([]glyph, 0, len(text))
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		glyphs = append(glyphs, glyph{r, i, i + n})
		i += n
	}
	return glyphs
}

// unescape undoes one layer.
func unescape(glyphs []glyph) []glyph {
	plain := make([]glyph, 0, len(glyphs))
	for i := 0; i < len(glyphs); {
		r, n := glyphs[i].r, 1
		switch r {
		case '%':
			r, n = percent(glyphs[i:])
		case '\\':
			r, n = backslash(glyphs[i:])
		case '&':
			r, n = entity(glyphs[i:])
		}
		plain = append(plain, glyph{r, glyphs[i].from, glyphs[i+n-1].to})
		i += n
	}
	return plain
}

// percent reads one character of a URL, of one to four bytes.
func percent(glyphs []glyph) (rune, int) {
	var bytes []byte
	for n := 0; len(bytes) < utf8.UTFMax && n < len(glyphs) && glyphs[n].r == '%'; n += 3 {
		b, ok := hex(glyphs[n+1:], 2)
		if !ok {
			break
		}
		bytes = append(bytes, byte(b))
	}
	if len(bytes) == 0 {
		return '%', 1
	}
	r, size := utf8.DecodeRune(bytes)
	return r, 3 * size
}

// backslash reads one escape of a JSON string.
func backslash(glyphs []glyph) (rune, int) {
	if len(glyphs) < 2 {
		return '\\', 1
	}
	switch r := glyphs[1].r; r {
	case 'n', 'r', 't', 'b', 'f':
		return ' ', 2
	case '"', '\\', '/':
		return r, 2
	case 'x', 'X':
		if b, ok := hex(glyphs[2:], 2); ok {
			return b, 4
		}
	case 'u', 'U':
		high, ok := hex(glyphs[2:], 4)
		if !ok {
			break
		}
		if utf16.IsSurrogate(high) && len(glyphs) >= 12 && glyphs[6].r == '\\' && unicode.ToLower(glyphs[7].r) == 'u' {
			if low, ok := hex(glyphs[8:], 4); ok {
				return utf16.DecodeRune(high, low), 12
			}
		}
		return high, 6
	}
	return '\\', 1
}

// entity reads one character reference of HTML; those of digits need no semicolon.
func entity(glyphs []glyph) (rune, int) {
	var b strings.Builder
	if n := numeric(glyphs); n > 0 {
		for _, g := range glyphs[:n] {
			b.WriteRune(g.r)
		}
		if s := []rune(html.UnescapeString(b.String() + ";")); len(s) == 1 {
			if n < len(glyphs) && glyphs[n].r == ';' {
				n++
			}
			return s[0], n
		}
		return '&', 1
	}
	for i, g := range glyphs[:min(len(glyphs), 12)] {
		b.WriteRune(g.r)
		if g.r != ';' {
			continue
		}
		if s := []rune(html.UnescapeString(b.String())); len(s) == 1 {
			return s[0], i + 1
		}
		break
	}
	return '&', 1
}

// numeric gives the length of a reference such as &#64 or &#x40, and 0 where there is none.
func numeric(glyphs []glyph) int {
	if len(glyphs) < 3 || glyphs[1].r != '#' {
		return 0
	}
	n, digits := 2, "0123456789"
	if r := glyphs[2].r; r == 'x' || r == 'X' {
		n, digits = 3, "0123456789abcdefABCDEF"
	}
	from := n
	for n < len(glyphs) && n < from+8 && strings.ContainsRune(digits, glyphs[n].r) {
		n++
	}
	if n == from {
		return 0
	}
	return n
}

// quoted undoes the escapes of mail, =40 for @.
func quoted(glyphs []glyph) []glyph {
	plain := make([]glyph, 0, len(glyphs))
	for i := 0; i < len(glyphs); {
		r, n := glyphs[i].r, 1
		if r == '=' {
			if b, ok := hex(glyphs[i+1:], 2); ok {
				r, n = b, 3
			}
		}
		plain = append(plain, glyph{r, glyphs[i].from, glyphs[i+n-1].to})
		i += n
	}
	return plain
}

// base is what a reader sees in a character: in lower case, of usual width, without its accents; 0 where
// it is an accent and nothing else.
func base(r rune) rune {
	switch {
	case r < utf8.RuneSelf:
		return unicode.ToLower(r)
	case r == '…':
		return r // not the three dots that it is made of
	}
	c, _ := utf8.DecodeRuneInString(norm.NFKD.String(string(unicode.ToLower(r))))
	if unicode.Is(unicode.Mn, c) {
		return 0
	}
	return unicode.ToLower(c)
}

// bases gives the characters of a text as base has them.
func bases(glyphs []glyph) []glyph {
	out := make([]glyph, 0, len(glyphs))
	for _, g := range glyphs {
		if r := base(g.r); r != 0 {
			out = append(out, glyph{r, g.from, g.to})
		} else if n := len(out); n > 0 {
			out[n-1].to = g.to
		}
	}
	return out
}

// folded is a text as bases has it.
func folded(s string) []rune {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		if r = base(r); r != 0 {
			out = append(out, r)
		}
	}
	return out
}

func wordly(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func hex(glyphs []glyph, n int) (rune, bool) {
	if len(glyphs) < n {
		return 0, false
	}
	var b strings.Builder
	for _, g := range glyphs[:n] {
		b.WriteRune(g.r)
	}
	v, err := strconv.ParseUint(b.String(), 16, 16)
	return rune(v), err == nil
}
