package xlsx

import (
	"slices"
	"strings"
)

// section is one section of a format code.
type section struct {
	when     *condition // nil where there is none
	marks    []mark
	general  bool // it has the word General, for which no mark stands among the places
	places   int  // how many digits have a place
	least    int  // how many digits it shows at the least
	last     byte // the last place
	loose    int  // the first place, from the last one, that shows nothing or a space where a digit lacks, behind one that shows a zero
	point    bool // it shows decimals
	power    bool // it shows an exponent
	adds     bool // it has characters of its own
	currency bool // some of them are those of a currency
	date     bool // it shows numbers as dates or times
	unclear  bool // what it shows is not known, or programs differ on it
	strange  bool // because something in it is not known at all
	system   bool // it shows numbers as the system writes dates
}

// mark is a place for a digit ('0', '#' or '?'), for all digits ('G') or for a text ('@'), or a literal
// character.
type mark struct {
	place   byte // 0 for a literal
	literal rune
}

func (s *section) count(place byte) (n int) {
	for _, m := range s.marks {
		if m.place == place {
			n++
		}
	}
	return n
}

func (s *section) has(place byte) bool { return s.count(place) > 0 }

// plain reports whether it shows every number in its own digits.
func (s *section) plain() bool {
	return s.when == nil && (s.general || s.least > 0) && s.least <= 1 && !s.adds && !s.date && !s.unclear
}

// colours are the words in brackets that only colour. White is not among them: what is written in it
// is not seen.
var colours = []string{"black", "blue", "cyan", "green", "magenta", "red", "yellow"}

// readSection reads a section. What it does not know it calls unclear, and so what Excel and LibreOffice
// show differently, such as a digit from 1 to 9 that is not quoted.
func readSection(code string) section {
	s := section{}
	runes := []rune(code)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; r {
		case '"':
			end := slices.Index(runes[i+1:], '"')
			if end < 0 {
				s.unclear, s.strange = true, true
				return s
			}
			s.literals(runes[i+1 : i+1+end]...)
			i += 1 + end
		case '\\', '_', '*':
			i++
			switch {
			case i == len(runes):
				s.strange = true
			case s.power: // LibreOffice then shows no exponent
				s.unclear = true
			case r == '\\':
				s.literals(runes[i])
			case r == '*' && runes[i] != ' ': // it fills the cell up with this
				s.unclear = true
			}
		case '[':
			end := slices.Index(runes[i:], ']')
			if end < 0 {
				s.unclear, s.strange = true, true
				return s
			}
			s.bracket(string(runes[i+1 : i+end]))
			i += end
		case '0', '#', '?':
			if !s.point && !s.power { // of decimals and exponents it is enough to know that they are there
				s.marks = append(s.marks, mark{place: byte(r)})
			}
		case '@':
			s.marks = append(s.marks, mark{place: '@'})
		case ' ', '\u00a0', '-', '(', ')', '+':
			s.literals(r)
		case '.':
			s.unclear = s.unclear || s.point
			s.point = true
		case ',':
			isPlace := func(at int) bool { return at >= 0 && at < len(runes) && strings.ContainsRune("0#?", runes[at]) }
			s.unclear = s.unclear || s.point || !isPlace(i-1) || !isPlace(i+1) // it may divide by a thousand
		default:
			rest := string(runes[i:])
			switch {
			case len(rest) >= len("General") && strings.EqualFold(rest[:len("General")], "General"):
				s.marks = append(s.marks, mark{place: 'G'})
				s.general = true
				i += len("General") - 1
			case r == 'E' && i+1 < len(runes) && (runes[i+1] == '+' || runes[i+1] == '-') && s.has('0'):
				s.power = true
				i++
			case strings.ContainsRune("yYmMdDhHsS", r):
				s.date = true
			default: // a digit from 1 to 9 among them
				s.strange = true
			}
		}
	}
	s.finish()
	return s
}

func (s *section) literals(runes ...rune) {
	for _, r := range runes {
		s.marks = append(s.marks, mark{literal: r})
		s.adds = true
	}
}

// bracket reads what stands in brackets.
func (s *section) bracket(inside string) {
	low := strings.ToLower(inside)
	c, isCondition := conditionOf(inside)
	switch currency, isCurrency := strings.CutPrefix(inside, "$"); {
	case isCurrency:
		symbol, locale, _ := strings.Cut(currency, "-")
		s.literals([]rune(symbol)...)
		s.currency = s.currency || symbol != ""
		s.system = s.system || strings.EqualFold(locale, "F800") || strings.EqualFold(locale, "F400")
		s.unclear = s.unclear || symbol != "" && strings.Contains(locale, "-")
	case isCondition:
		s.unclear = s.unclear || s.when != nil
		s.when = c
	case low != "" && strings.Trim(low, "hms") == "":
		s.date = true
	case slices.Contains(colours, low):
	case strings.HasPrefix(low, "color") && len(low) > len("color") && strings.Trim(low[len("color"):], "0123456789 ") == "":
	default: // such as [DBNum1], which writes the digits in another script
		s.strange = true
	}
}

// finish counts the places, and finds what does not go together.
func (s *section) finish() {
	if s.date { // whatever else it has
		s.marks, s.unclear, s.strange = nil, false, false
		return
	}
	s.strange = s.strange || s.system
	s.unclear = s.unclear || s.strange
	if s.has('@') {
		s.unclear = s.unclear || s.general || s.point || s.has('0') || s.has('#') || s.has('?') || s.currency
		return
	}
	for _, m := range slices.Backward(s.marks) {
		switch m.place {
		case '0', '#', '?':
			if s.places++; s.places == 1 {
				s.last = m.place
			}
		}
		if m.place == '0' {
			s.least = s.places
		}
	}
	left, zero := s.places, false
	for _, m := range s.marks {
		switch m.place {
		case '0':
			zero = true
			left--
		case '#', '?':
			if zero && s.loose == 0 {
				s.loose = left
			}
			left--
		}
	}
	if s.power {
		s.least = min(s.least, 1)
	}
	more := s.point || s.power
	s.unclear = s.unclear || s.general == (s.places > 0) || s.count('G') > 1 || more && (s.adds || s.general)
}

// generalDigits is how many digits Excel shows of a number under General before it shortens it.
const generalDigits = 11

// number tells what is seen of a number in its full digits.
func (s *section) number(digits string) (what sight, shown string) {
	whole, fraction, _ := strings.Cut(digits, ".")
	switch {
	case digits == "0" && !s.general && s.last != '0': // some programs show nothing
		return seenUnclear, ""
	case !s.adds && s.least <= len(strings.TrimPrefix(whole, "-")):
		return seenAsIs, "" // but for the decimals that it may leave out
	case fraction != "" || whole[0] == '-':
		return seenUnclear, ""
	case s.general && len(whole) > generalDigits:
		return seenUnclear, ""
	case s.point || len(whole) < s.loose: // some programs fill all places with zeros
		return seenUnclear, ""
	}
	return seenOtherwise, strings.TrimSpace(s.fill(whole))
}

// fill puts the digits of a whole number into their places, from the last one; the first place takes
// all that are left. Digits are not grouped: how that is done differs from country to country.
func (s *section) fill(rest string) string {
	first := slices.IndexFunc(s.marks, func(m mark) bool { return m.place != 0 })
	var back []rune // from the last character to the first
	for i, m := range slices.Backward(s.marks) {
		switch {
		case m.place == 0:
			back = append(back, m.literal)
		case rest != "" && m.place != 'G':
			back = append(back, rune(rest[len(rest)-1]))
			rest = rest[:len(rest)-1]
		case m.place == '0':
			back = append(back, '0')
		case m.place == '?':
			back = append(back, ' ')
		}
		if i == first {
			for ; rest != ""; rest = rest[:len(rest)-1] {
				back = append(back, rune(rest[len(rest)-1]))
			}
		}
	}
	slices.Reverse(back)
	return string(back)
}

// words puts a text into its places.
func (s *section) words(text string) string {
	var b strings.Builder
	for _, m := range s.marks {
		if m.place == '@' {
			b.WriteString(text)
		} else {
			b.WriteRune(m.literal)
		}
	}
	return b.String()
}
