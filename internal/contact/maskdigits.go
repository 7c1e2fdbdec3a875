package contact

import (
	"regexp"
	"strings"
)

const (
	shortestRun = 6 // digits in a row that give a number away
	widestGap   = 6 // characters between two digits of one number
)

// phoneFinder finds a phone number. Any six digits of it in a row are one, since what was cut off at either
// end is easily guessed; in a UUID only as many as a number has without its calling code. So are the last
// four or five, alone, and three where the text says that they are the last.
func phoneFinder(phone string) func([]glyph) []span {
	var own []byte
	for _, r := range phone {
		if d, ok := digit(r); ok {
			own = append(own, d)
		}
	}
	number := string(own)
	return func(glyphs []glyph) []span {
		if number == "" {
			return nil
		}
		return append(findDigits(glyphs, number), findEnding(glyphs, number)...)
	}
}

// findDigits gives the places of six digits and more.
func findDigits(glyphs []glyph, number string) (found []span) {
	// The digits of the text, and where they stand. A letter or a wide gap is a break, written as a space.
	var digits []byte
	var at []int
	for i, g := range glyphs {
		d, ok := digit(g.r)
		switch {
		case ok:
			if n := len(at); n > 0 && digits[n-1] != ' ' && i-at[n-1] > widestGap+1 {
				digits, at = append(digits, ' '), append(at, i)
			}
			digits, at = append(digits, d), append(at, i)
		case wordly(g.r):
			digits, at = append(digits, ' '), append(at, i)
		}
	}
	id := uuids(glyphs)
	for i, free := 0, 0; i < len(digits); {
		n, k := longestRun(digits[i:], number)
		if n < min(shortestRun, len(number)) || id[at[i]] && id[at[i+n-1]] && n < max(shortestRun+1, len(number)-3) {
			i++
			continue
		}
		from := withPrefix(digits[free:i], number[:k]) + free
		first, last := opened(glyphs, at[from], at[i+n-1])
		found = append(found, span{from: glyphs[first].from, to: glyphs[last].to})
		i += n
		free = i
	}
	return found
}

// lastDigits is how a text says that what follows is the end of a number.
var lastDigits = regexp.MustCompile(`(?:\b(?:end(?:s|ing|ed)?|last|final|suffix|trailing)\b[^0-9]*|[*•…#x_.]{2,}[ -]*|…[ -]*)$`)

// findEnding gives the places of the last digits of a number, where they stand alone.
func findEnding(glyphs []glyph, number string) (found []span) {
	if len(number) <= shortestRun {
		return nil
	}
	for i := 0; i < len(glyphs); {
		if !isDigit(glyphs[i].r) {
			i++
			continue
		}
		least := 4
		said := told(glyphs[max(0, i-24):i])
		if said {
			least = 3
		} else if joins(glyphs, i-1, -1) {
			least = shortestRun
		}
		run, end := digitsFrom(glyphs, i, said)
		if said && !strings.HasSuffix(number, run) { // the gap was the end of it
			run, end = digitsFrom(glyphs, i, false)
		}
		if len(run) >= least && len(run) < shortestRun && !joins(glyphs, end, 1) && strings.HasSuffix(number, run) {
			found = append(found, span{from: glyphs[i].from, to: glyphs[end-1].to})
		}
		i = end
	}
	return found
}

// digitsFrom reads digits in a row, with a space or a hyphen between two of them where gaps are allowed.
func digitsFrom(glyphs []glyph, i int, gaps bool) (string, int) {
	var b strings.Builder
	end := i
	for ; i < len(glyphs); i++ {
		if d, ok := digit(glyphs[i].r); ok {
			b.WriteByte(d)
			end = i + 1
		} else if !gaps || end != i || glyphs[i].r != ' ' && glyphs[i].r != '-' {
			break
		}
	}
	return b.String(), end
}

func told(before []glyph) bool {
	var b strings.Builder
	for _, g := range before {
		b.WriteRune(g.r)
	}
	return lastDigits.MatchString(b.String())
}

// joins reports whether the character at i makes one word of what is on both of its sides, as in a date.
func joins(glyphs []glyph, i, step int) bool {
	if i < 0 || i >= len(glyphs) {
		return false
	}
	if wordly(glyphs[i].r) {
		return true
	}
	next := i + step
	return strings.ContainsRune("-.:/_,", glyphs[i].r) && next >= 0 && next < len(glyphs) && wordly(glyphs[next].r)
}

func isDigit(r rune) bool { _, ok := digit(r); return ok }

// longestRun tells how many of the first digits stand in the number in this order, and where.
func longestRun(digits []byte, number string) (n, k int) {
	for n < len(digits) {
		at := strings.Index(number, string(digits[:n+1]))
		if at < 0 {
			break
		}
		n, k = n+1, at
	}
	return n, k
}

// withPrefix gives where a number begins whose digits beyond the prefixes follow: before may end in a
// trunk zero, the calling code and 00.
func withPrefix(before []byte, code string) int {
	s := string(before)
	if code != "" {
		s = strings.TrimSuffix(s, "0")
		rest, ok := strings.CutSuffix(s, code)
		if !ok {
			return len(s)
		}
		s = rest
	}
	return len(strings.TrimSuffix(s, "00"))
}

// opened takes in the plus and the bracket that belong to a number.
func opened(glyphs []glyph, from, last int) (int, int) {
	closed := false
	for _, g := range glyphs[from : last+1] {
		closed = closed || g.r == ')' || g.r == ']'
	}
	for from > 0 {
		switch r := glyphs[from-1].r; {
		case r == '+':
		case closed && (r == '(' || r == '['):
		default:
			return from, last
		}
		from--
	}
	return from, last
}
