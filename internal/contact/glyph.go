package contact

import (
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// glyph is a character of a text once its escapes are undone, and the bytes of the text it stands for.
type glyph struct {
	r        rune
	from, to int
}

// escapeLayers is how often a text may have been escaped: a URL within JSON within JSON, and one more.
const escapeLayers = 4

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

// entity reads one character reference of HTML.
func entity(glyphs []glyph) (rune, int) {
	var b strings.Builder
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
