package xlsx

import (
	"slices"
	"strconv"
	"strings"
)

// format is what the number format of a cell makes a person see. The sections are those of the format
// code, which it parts by semicolons.
type format struct {
	code    string // empty for General
	numbers []section
	text    *section // nil where texts are shown as they are
	asIs    bool     // every number is shown in its own digits
	muddled bool     // programs may take the whole code for another one
}

// sight is what a person sees of a number or a text.
type sight uint8

const (
	seenAsIs      sight = iota // itself, but for what only parts its digits or leaves some out
	seenOtherwise              // another text, which is known
	seenAsDate
	seenUnclear // what is not known, or what programs do not agree on
)

// builtIn are the formats that a book does not write out, by their numbers (ECMA-376, 18.8.30).
var builtIn = map[int]string{
	1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
	14: "mm-dd-yy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm",
	21: "h:mm:ss", 22: "m/d/yy hh:mm", 37: "#,##0 ;(#,##0)", 38: "#,##0 ;[Red](#,##0)", 39: "#,##0.00;(#,##0.00)",
	40: "#,##0.00;[Red](#,##0.00)", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
	67: "0%", 68: "0.00%", 69: "# ?/?", 70: "# ??/??", // in Thai digits
}

// formatOf gives the number format that a book writes out under a number, whatever is built in under it;
// where the book has none, the one that is built in.
func formatOf(id int, own map[int]string) *format {
	code, written := own[id]
	if !written {
		code = builtIn[id]
	}
	if code == "" && !written && (id >= 27 && id <= 36 || id >= 50 && id <= 58 || id >= 71 && id <= 81) { // dates of Asian editions
		code = "yyyy-mm-dd"
	}
	return readFormat(code)
}

// readFormat reads a format code.
func readFormat(code string) *format {
	if strings.EqualFold(code, "general") {
		code = ""
	}
	f := &format{code: code, asIs: code == ""}
	if code == "" {
		return f
	}
	for part := range sectionsOf(code) {
		f.numbers = append(f.numbers, readSection(part))
	}
	if n := len(f.numbers); n == maxSections || n < maxSections && f.numbers[n-1].has('@') {
		f.text, f.numbers = &f.numbers[n-1], f.numbers[:n-1]
	}
	if f.text != nil && len(f.numbers) == 0 {
		// Programs differ on what a format of nothing but a text makes of a number, where it adds something.
		f.numbers = []section{{general: true, unclear: f.text.unclear || f.text.adds || f.text.count('@') != 1}}
	}
	for i := range f.numbers {
		f.muddled = f.muddled || f.numbers[i].strange || f.numbers[i].has('@')
	}
	f.asIs = len(f.numbers) == 1 && f.numbers[0].plain() && !f.muddled
	return f
}

// maxSections is how many sections a code has at the most: for numbers above, below and at zero, and for text.
const maxSections = 4

// number tells what a person sees of a number, which is given in full digits; shown only where that
// is seenOtherwise.
func (f *format) number(digits string) (what sight, shown string) {
	if f.asIs {
		return seenAsIs, ""
	}
	s := f.section(digits)
	switch {
	case s == nil || s.unclear || f.muddled && !s.date:
		return seenUnclear, ""
	case s.date:
		return seenAsDate, ""
	case digits[0] == '-' && len(f.numbers) > 1: // its sign may be left out
		return seenUnclear, ""
	}
	return s.number(digits)
}

// words tells what a person sees of a text.
func (f *format) words(text string) (what sight, shown string) {
	switch s := f.text; {
	case len(f.numbers) > maxSections-1: // of more sections than there are no two programs think alike
		return seenUnclear, ""
	case s == nil && !f.stray():
		return seenAsIs, ""
	case s == nil || s.unclear || !s.has('@') || f.stray():
		return seenUnclear, ""
	case !s.adds && s.count('@') == 1:
		return seenAsIs, ""
	case f.muddled:
		return seenUnclear, ""
	default:
		return seenOtherwise, s.words(text)
	}
}

// stray reports whether there is a place for a text where numbers have theirs.
func (f *format) stray() bool {
	return f.muddled && slices.ContainsFunc(f.numbers, func(s section) bool { return s.has('@') })
}

// section gives the section for a number; nil where programs do not agree which one it is.
func (f *format) section(digits string) *section {
	n := f.numbers
	if len(n) == 1 && n[0].when == nil {
		return &n[0]
	}
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || len(n) == 0 || len(n) > maxSections-1 {
		return nil
	}
	conditions := 0
	for _, s := range n {
		if s.when != nil {
			conditions++
		}
	}
	switch {
	case conditions == 0:
		at := 0
		switch {
		case v < 0 && len(n) > 1:
			at = 1
		case v == 0 && len(n) > 2:
			at = 2
		}
		return &n[at]
	case v <= 0 || n[0].when == nil: // LibreOffice takes [>0] for >=0
		return nil
	case n[0].when.holds(v):
		return &n[0]
	case len(n) == 2 && (conditions == 1 || n[1].when.holds(v)):
		return &n[1]
	case len(n) == 3 && conditions == 2 && n[1].when != nil && n[1].when.holds(v):
		return &n[1]
	case len(n) == 3 && conditions == 2 && n[1].when != nil:
		return &n[2]
	}
	return nil
}

// sectionsOf are the sections of a code, which semicolons part.
func sectionsOf(code string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		from := 0
		for i := 0; i < len(code); i++ {
			switch code[i] {
			case '\\', '_', '*':
				i++
			case '"':
				i += past(code[i+1:], '"')
			case '[':
				i += past(code[i+1:], ']')
			case ';':
				if !yield(code[from:i]) {
					return
				}
				from = i + 1
			}
		}
		yield(code[from:])
	}
}

// past counts the bytes up to a closing one, with it; all of them where there is none.
func past(s string, closing byte) int {
	if i := strings.IndexByte(s, closing); i >= 0 {
		return i + 1
	}
	return len(s)
}

// condition is what a number has to be for a section to apply.
type condition struct {
	operator string
	bound    float64
}

func (c *condition) holds(v float64) bool {
	switch c.operator {
	case "<":
		return v < c.bound
	case "<=":
		return v <= c.bound
	case ">":
		return v > c.bound
	case ">=":
		return v >= c.bound
	case "=":
		return v == c.bound
	}
	return v != c.bound
}

// conditionOf reads what stands in brackets as a condition.
func conditionOf(inside string) (c *condition, ok bool) {
	for _, op := range []string{"<=", ">=", "<>", "<", ">", "="} {
		if number, cut := strings.CutPrefix(inside, op); cut {
			bound, err := strconv.ParseFloat(number, 64)
			return &condition{op, bound}, err == nil
		}
	}
	return nil, false
}
