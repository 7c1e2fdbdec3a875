package contact

import (
	"encoding/base64"
	hexadecimal "encoding/hex"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	shortestSecret = 4  // characters; what is shorter is found in any text
	ordinarySecret = 8  // characters; a shorter one is masked as a word only
	shortestPart   = 12 // characters of a long secret that are masked when they stand alone
)

// Secrets finds secrets in texts. It is safe for concurrent use.
type Secrets struct {
	mask   string
	pieces map[int]map[string]place // by their length in bytes
}

// place is where a piece stands in the form of a secret.
type place struct {
	form  string
	at    int
	alone bool // it is masked as a word only
}

// NewSecrets makes ready for secrets, of which those shorter than four characters are left out.
func NewSecrets(mask string, secrets ...string) *Secrets {
	s := &Secrets{mask, map[int]map[string]place{}}
	for _, secret := range secrets {
		if utf8.RuneCountInString(secret) < shortestSecret {
			continue
		}
		s.add(string(folded(secret)), len(secret) < ordinarySecret)
		for _, form := range within(secret) {
			s.add(string(folded(form)), false)
		}
	}
	return s
}

func (s *Secrets) add(form string, alone bool) {
	from := 0
	for _, c := range [...]string{"klarna_live_api_", "klarna_test_api_"} { // what all keys begin with is no secret
		if strings.HasPrefix(form, c) && len(form)-len(c) >= ordinarySecret {
			from = len(c)
		}
	}
	length := len(form) - from
	piece := min(shortestPart, max(ordinarySecret, length*3/4), length)
	if s.pieces[piece] == nil {
		s.pieces[piece] = map[string]place{}
	}
	for i := from; i+piece <= len(form); i++ {
		s.pieces[piece][form[i:i+piece]] = place{form, i, alone}
	}
}

// Mask replaces each secret in a text by the mask, in whatever form it stands there: in any case, with
// spaces in it, escaped as URLs, JSON, HTML and mail do, as hexadecimal digits or within base64 of either
// alphabet, padded or not, alone or between other bytes; and what is left of it when it was cut off at
// either end. The rest of the text stays as it is.
func (s *Secrets) Mask(text string) string {
	if len(s.pieces) == 0 {
		return text
	}
	var found []span
	for _, glyphs := range readings(text) {
		found = append(found, s.find(bases(glyphs))...)
	}
	return replaced(text, s.mask, mergeSpans(found))
}

func (s *Secrets) find(glyphs []glyph) (found []span) {
	text, at := solid(glyphs)
	for length, pieces := range s.pieces {
		for i := 0; i+length <= len(text); i++ {
			p, ok := pieces[text[i:i+length]]
			if !ok {
				continue
			}
			from, to := at[i], at[i+length-1]
			if p.alone && (from > 0 && wordly(glyphs[from-1].r) || to+1 < len(glyphs) && wordly(glyphs[to+1].r)) {
				continue
			}
			if strings.HasSuffix(text[:i], p.form[:p.at]) {
				from = at[i-p.at]
			}
			found = append(found, span{from: glyphs[from].from, to: glyphs[to].to})
		}
	}
	return found
}

// solid gives a text without its spaces, and the glyph of each of its bytes.
func solid(glyphs []glyph) (string, []int) {
	var b strings.Builder
	at := make([]int, 0, len(glyphs))
	for i, g := range glyphs {
		if unicode.IsSpace(g.r) || invisible(g.r) {
			continue
		}
		n, _ := b.WriteRune(g.r)
		for range n {
			at = append(at, i)
		}
	}
	return b.String(), at
}

// mergeSpans puts spans in order, and together where they overlap.
func mergeSpans(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.from < out[n-1].to {
			if out[n-1].from != s.from || out[n-1].to != s.to {
				out[n-1].to, out[n-1].shown = max(out[n-1].to, s.to), ""
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// within gives what bytes become within longer base64, and as hexadecimal digits. In base64 the characters
// at either end depend on what stands beside the bytes, and are left off.
func within(s string) (forms []string) {
	forms = append(forms, hexadecimal.EncodeToString([]byte(s)))
	for _, alphabet := range [...]*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := alphabet.EncodeToString([]byte(strings.Repeat("x", before) + s))
			if from, to := (before*8+5)/6, (before+len(s))*8/6; from < to {
				forms = append(forms, text[from:to])
			}
		}
	}
	return forms
}
