package reader

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// charset is an encoding of one byte a character, by the name that --encoding takes.
type charset struct {
	name string
	*charmap.Charmap
}

// charsets are those that spreadsheet programs, databases and tills write, the guess first.
var charsets = []charset{
	{"windows-1252", charmap.Windows1252},
	{"windows-1250", charmap.Windows1250},
	{"windows-1251", charmap.Windows1251},
	{"windows-1253", charmap.Windows1253},
	{"windows-1254", charmap.Windows1254},
	{"windows-1257", charmap.Windows1257},
	{"iso-8859-2", charmap.ISO8859_2},
	{"iso-8859-15", charmap.ISO8859_15},
	{"macintosh", charmap.Macintosh},
	{"cp850", charmap.CodePage850},
	{"cp852", charmap.CodePage852},
	{"cp437", charmap.CodePage437},
	{"cp866", charmap.CodePage866},
	{"koi8-r", charmap.KOI8R},
}

// maxWord bounds, in bytes, what is shown of a cell.
const maxWord = 24

// highBytes are the bytes beyond ASCII that a text has, and where each stood first.
type highBytes [utf8.RuneSelf]sighting

// sighting is a word and its line; nil for a byte that was not seen.
type sighting struct {
	word []byte
	line int
}

// add takes in the byte at i. A word ends where the text does that was read so far.
func (h *highBytes) add(text []byte, i, line int) {
	seen := &h[text[i]-utf8.RuneSelf]
	if seen.word != nil {
		return
	}
	letter := func(b byte) bool { return b >= utf8.RuneSelf || b|0x20 >= 'a' && b|0x20 <= 'z' }
	from, to := i, i+1
	for from > 0 && i-from < maxWord/2 && letter(text[from-1]) {
		from--
	}
	for to < len(text) && to-i < maxWord/2 && letter(text[to]) {
		to++
	}
	seen.word, seen.line = bytes.Clone(text[from:to]), line
}

// lacking gives the first word, by its line, with a byte that the guess does not have.
func (h *highBytes) lacking() (word []byte, line int) {
	for b, seen := range h {
		if seen.word != nil && !defined(charsets[0].DecodeByte(byte(b+utf8.RuneSelf))) && (line == 0 || seen.line < line) {
			word, line = seen.word, seen.line
		}
	}
	return word, line
}

// allowed gives the encodings that have all the bytes, and in whose letters the words could be written.
func (h *highBytes) allowed() []charset {
	return slices.DeleteFunc(slices.Clone(charsets), func(c charset) bool {
		return slices.ContainsFunc(h[:], func(s sighting) bool { return s.word != nil && !wordlike(c.text(s.word)) })
	})
}

func (c charset) text(word []byte) string {
	var b strings.Builder
	for _, x := range word {
		b.WriteRune(c.DecodeByte(x))
	}
	return b.String()
}

// defined reports whether an encoding has a character for a byte that stands in texts, and not a control.
func defined(r rune) bool { return r != utf8.RuneError && !unicode.IsControl(r) }

// wordlike reports whether a word could be one: of characters that texts have, without a symbol among its
// letters (but °C, n°), and in the letters of one script.
func wordlike(word string) bool {
	var script *unicode.RangeTable
	runes := []rune(word)
	for i, r := range runes {
		inside := i < len(runes)-1 && unicode.IsLetter(runes[i+1]) && unicode.IsLetter(runes[max(i-1, 0)]) ||
			i == 0 && len(runes) > 2 && unicode.IsLetter(runes[1]) && unicode.IsLetter(runes[2])
		switch {
		case !defined(r), '\u2500' <= r && r <= '\u25ff', inside && (unicode.IsSymbol(r) || unicode.IsNumber(r)):
			return false
		}
		for _, s := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek} {
			switch {
			case !unicode.Is(s, r) || r == 'ª' || r == 'º' || r == 'µ':
			case script != nil && script != s:
				return false
			default:
				script = s
			}
		}
	}
	return true
}

// readings says how a word reads in each of some encodings: "Müller" as windows-1252, windows-1254.
func readings(word []byte, in []charset) string {
	var texts []string
	names := map[string][]string{}
	for _, c := range in {
		text := c.text(word)
		if names[text] == nil {
			texts = append(texts, text)
		}
		names[text] = append(names[text], c.name)
	}
	for i, text := range texts {
		texts[i] = fmt.Sprintf("%q as %s", text, strings.Join(names[text], ", "))
	}
	return strings.Join(texts, "; ")
}

// telling gives the word that reads in the most ways.
func (h *highBytes) telling(in []charset) (word []byte) {
	most := 0
	for _, seen := range h {
		ways := map[string]bool{}
		for _, c := range in {
			ways[c.text(seen.word)] = true
		}
		if seen.word != nil && len(ways) > most {
			word, most = seen.word, len(ways)
		}
	}
	return word
}

// guessed takes a text that is not UTF-8 for Windows-1252, unless it has a byte that this has not.
func (h *highBytes) guessed() (decoding, problem) {
	may := h.allowed()
	if word, line := h.lacking(); line > 0 {
		what := fmt.Sprintf("the encoding cannot be told: the text is neither UTF-8 nor, on line %d, Windows-1252", line)
		if len(may) > 0 {
			what += "; it could be " + readings(word, may)
		}
		return decoding{}, problem{what, "name the encoding with --encoding, or save the file again as UTF-8"}
	}
	d := decoding{name: charsets[0].name, encoding: charsets[0].Charmap}
	d.notice = "read as Windows-1252, since it is not UTF-8"
	others := slices.DeleteFunc(may, func(c charset) bool { return c.Charmap == charsets[0].Charmap })
	if len(others) > 0 {
		all := append([]charset{charsets[0]}, others...)
		d.notice += fmt.Sprintf(", though its bytes could be of %d other encodings: %s", len(others), readings(h.telling(all), all))
	}
	d.notice += "; see that names look right, or name the encoding with --encoding"
	d.guess = &guess{}
	for b := range h {
		r := charsets[0].DecodeByte(byte(b + utf8.RuneSelf))
		d.guess.open = append(d.guess.open, slices.ContainsFunc(others, func(c charset) bool {
			return c.DecodeByte(byte(b+utf8.RuneSelf)) != r
		}))
	}
	return d, problem{}
}

// guess is what is not proved of an encoding.
type guess struct {
	open []bool // whether the byte, less 128, is another character in an encoding that the bytes allow
}

// beyond reports whether a text that was read so has bytes beyond ASCII, and one that could be another character.
func (g *guess) beyond(text string) (some, open bool) {
	for _, r := range text {
		if r >= utf8.RuneSelf {
			some = true
			b, ok := charsets[0].EncodeRune(r)
			if open = !ok || g.open[b-utf8.RuneSelf]; open {
				break
			}
		}
	}
	return some, open
}

// encodingNamed gives an encoding by a name of the web's, or of the registry of IANA, which has those of DOS.
func encodingNamed(name string) (enc encoding.Encoding, known string) {
	name = strings.TrimSpace(name)
	for _, c := range charsets {
		if strings.EqualFold(c.name, name) {
			return c.Charmap, c.name
		}
	}
	if enc, err := htmlindex.Get(name); err == nil {
		if known, err = htmlindex.Name(enc); err == nil {
			return enc, known
		}
	}
	enc, err := ianaindex.IANA.Encoding(name)
	if err != nil || enc == nil {
		return nil, ""
	}
	return enc, strings.ToLower(name)
}
