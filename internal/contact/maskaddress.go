package contact

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

const (
	shortestName  = 2 // characters of a local part that is masked without its domain
	shortestPiece = 3 // characters of a part of it, and of a part of the domain
	shortestCut   = 4 // characters of one that was cut off
)

// address is what to look for of an address. In all of it a full stop stands for whatever separates.
type address struct {
	locals  [][]rune   // the local part, and what is left of it without its tag
	words   [][]rune   // those and their pieces that are no ordinary words
	domains [][][]rune // by their labels
	label   []rune     // the first of them, when it tells anything
	shown   string     // of the domain
}

func addressFinder(text string) func([]glyph) []span {
	a := newAddress(text)
	return func(glyphs []glyph) (found []span) {
		id := uuids(glyphs)
		for i := 0; i < len(glyphs); {
			end, shown := 0, ""
			if i == 0 || !wordly(glyphs[i-1].r) {
				end, shown = a.at(glyphs, i)
			}
			if end == 0 || id[i] && end-i < 36 {
				i++
				continue
			}
			found = append(found, span{glyphs[i].from, glyphs[end-1].to, shown})
			i = end
		}
		return found
	}
}

func newAddress(text string) address {
	at := strings.LastIndexByte(text, '@')
	local, domain := text[:at], text[at+1:]
	a := address{locals: [][]rune{parted(local)}}
	if untagged, _, ok := strings.Cut(local, "+"); ok && untagged != "" {
		a.locals = append(a.locals, parted(untagged))
	}
	for _, l := range a.locals {
		if telling(l, shortestName) {
			a.words = append(a.words, l)
		}
	}
	for _, piece := range strings.FieldsFunc(string(a.locals[0]), func(r rune) bool { return r == '.' }) {
		if telling([]rune(piece), shortestPiece) {
			a.words = append(a.words, []rune(piece))
		}
	}
	forms := []string{domain}
	if wide, err := idna.Lookup.ToUnicode(domain); err == nil {
		forms = append(forms, wide)
	}
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		forms = append(forms, ascii)
	}
	for _, f := range forms {
		var labels [][]rune
		for label := range strings.SplitSeq(f, ".") {
			labels = append(labels, folded(label))
		}
		if len(labels) > 1 { // else it is the name of a machine, in any text
			a.domains = append(a.domains, labels)
		}
	}
	if len(a.domains) > 0 && telling(a.domains[0][0], shortestCut) {
		a.label = a.domains[0][0]
	}
	_, a.shown, _ = strings.Cut(Mask("x@"+domain), "@")
	return a
}

// parted is a local part with a full stop for each separator.
func parted(local string) []rune {
	out := folded(strings.TrimFunc(local, separates))
	for i, r := range out {
		if separates(r) {
			out[i] = '.'
		}
	}
	return out
}

func separates(r rune) bool { return strings.ContainsRune("._-+~", r) }

// telling reports whether a word says something of a person: it is not too short, and none of those of which
// messages are made.
func telling(word []rune, least int) bool {
	text := strings.ReplaceAll(string(word), ".", "")
	n := len([]rune(text))
	if strings.Trim(text, "0123456789") == "" {
		least = shortestCut
	}
	return n >= least && !ordinary[text]
}

// at gives the end of what begins at i, and 0 where nothing does.
func (a address) at(glyphs []glyph, i int) (end int, shown string) {
	for _, local := range append(a.locals, a.words...) {
		if name := match(glyphs, i, local, true); name > 0 {
			end = max(end, a.whole(glyphs, name))
		}
	}
	if end > 0 {
		return end, ""
	}
	for _, word := range a.words {
		name := match(glyphs, i, word, false)
		if name > end && ends(glyphs, name) {
			end = name
		}
	}
	if end = max(end, a.cutOff(glyphs, i)); end > 0 {
		return end, ""
	}
	if end = a.domain(glyphs, i); end > 0 {
		return end, a.shown
	}
	if name := match(glyphs, i, a.label, false); name > 0 && ends(glyphs, name) {
		return name, firstRune(string(a.label)) + dots
	}
	return 0, ""
}

// whole gives the end of the address of which the local part ends at i: the sign and any domain where the
// sign is one, this domain where it is a word; 0 where there is none.
func (a address) whole(glyphs []glyph, i int) int {
	i, sure := sign(glyphs, i)
	if i == 0 {
		return 0
	}
	if end := a.domain(glyphs, i); end > 0 || !sure {
		return end
	}
	shows := func(i int) bool { return i < len(glyphs) && (wordly(glyphs[i].r) || glyphs[i].r == '•') }
	for shows(i) || i < len(glyphs) && strings.ContainsRune("-.", glyphs[i].r) && shows(i+1) {
		i++
	}
	return i
}

// signs are the ways to write @, the longest first; the first ones could mean nothing else.
var signs = []struct {
	text string
	sure bool
}{
	{"(at)", true},
	{"[at]", true},
	{"{at}", true},
	{"<at>", true},
	{"(@)", true},
	{"[@]", true},
	{"(a)", true},
	{"@", true},
	{" at ", false},
	{"_at_", false},
	{"-at-", false},
	{".at.", false},
	{"=", false},
	{"#", false},
	{"|", false},
	{"*", false},
	{" ", false},
}

// sign reads what stands between local part and domain, and spaces around it.
func sign(glyphs []glyph, i int) (end int, sure bool) {
	for _, s := range signs {
		j := i
		if s.text[0] != ' ' {
			j = spaces(glyphs, i)
		}
		if startsWith(glyphs[j:], s.text) {
			return spaces(glyphs, j+len(s.text)), s.sure
		}
	}
	return 0, false
}

// space tells white space; in a query string a plus is one.
func space(r rune) bool { return r == '+' || unicode.IsSpace(r) }

func spaces(glyphs []glyph, i int) int {
	for n := 0; n < 3 && i < len(glyphs) && space(glyphs[i].r); n++ {
		i++
	}
	return i
}

// domain gives the end of the address's domain when that begins at i.
func (a address) domain(glyphs []glyph, i int) int {
next:
	for _, labels := range a.domains {
		j := i
		for n, label := range labels {
			if n > 0 {
				if j = stop(glyphs, j); j == 0 {
					continue next
				}
			}
			if j = match(glyphs, j, label, false); j == 0 {
				continue next
			}
		}
		if ends(glyphs, j) {
			return j
		}
	}
	return 0
}

// stops are the ways to write the full stop of a domain.
var stops = []string{".", "(dot)", "[dot]", "{dot}", "<dot>", "(.)", "[.]", "。", "·", "dot "}

// stop passes over the full stop of a domain, and gives 0 where there is none.
func stop(glyphs []glyph, i int) int {
	i = spaces(glyphs, i)
	for _, s := range stops {
		if startsWith(glyphs[i:], s) {
			return spaces(glyphs, i+len([]rune(s)))
		}
	}
	return 0
}

// match gives the end of a form that begins at i, or 0. For a full stop of the form stands any separator,
// a space among them, or none; loosely, separators may also stand where the form has none.
func match(glyphs []glyph, i int, form []rune, loose bool) int {
	if len(form) == 0 {
		return 0
	}
	for k, r := range form {
		separator := k > 0 && i < len(glyphs) && separates(glyphs[i].r)
		if r == '.' {
			if separator || i < len(glyphs) && space(glyphs[i].r) {
				i++
			}
			continue
		}
		if separator && loose && glyphs[i].r != r {
			i++
		}
		if i >= len(glyphs) || glyphs[i].r != r {
			return 0
		}
		i++
	}
	return i
}

// cutOff gives the end of an address that begins at i and was cut off: with an ellipsis, or by the end of the
// text.
func (a address) cutOff(glyphs []glyph, i int) int {
	for _, form := range a.words {
		n := 0
		for n < len(form) && i+n < len(glyphs) && (glyphs[i+n].r == form[n] || form[n] == '.' && separates(glyphs[i+n].r)) {
			n++
		}
		if n < shortestCut || ordinary[strings.ReplaceAll(string(form[:n]), ".", "")] {
			continue
		}
		if rest := glyphs[i+n:]; len(rest) == 0 || startsWith(rest, "…") || startsWith(rest, "...") || startsWith(rest, "*") {
			return i + n
		}
	}
	return 0
}

// ends reports whether a word ends before i.
func ends(glyphs []glyph, i int) bool { return i >= len(glyphs) || !wordly(glyphs[i].r) }

func startsWith(glyphs []glyph, text string) bool {
	i := 0
	for _, r := range text {
		if i >= len(glyphs) || glyphs[i].r != r && !(r == ' ' && space(glyphs[i].r)) {
			return false
		}
		i++
	}
	return true
}
