package contact

import "strings"

const (
	shortestRun = 6 // digits in a row that give a number away
	widestGap   = 6 // characters between two digits of one number
)

// findDigits gives the places of a phone number, in order and apart from each other. Any six digits of
// it in a row are one, since what was cut off at either end is easily guessed.
func findDigits(glyphs []glyph, phone string) []span {
	var own []byte
	for _, r := range phone {
		if d, ok := digit(r); ok {
			own = append(own, d)
		}
	}
	number := string(own)
	if number == "" {
		return nil
	}
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
	var found []span
	for i, free := 0, 0; i < len(digits); {
		n, k := longestRun(digits[i:], number)
		if n < min(shortestRun, len(number)) {
			i++
			continue
		}
		from := withPrefix(digits[free:i], number[:k]) + free
		s := span{at[from], at[i+n-1] + 1}
		found = append(found, opened(glyphs, s))
		i += n
		free = i
	}
	return found
}

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
func opened(glyphs []glyph, s span) span {
	closed := false
	for _, g := range glyphs[s.from:s.to] {
		closed = closed || g.r == ')' || g.r == ']'
	}
	for s.from > 0 {
		switch r := glyphs[s.from-1].r; {
		case r == '+' || r == '＋':
		case closed && (r == '(' || r == '['):
		default:
			return s
		}
		s.from--
	}
	return s
}
