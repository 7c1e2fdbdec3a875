package xlsx

import (
	"slices"
	"strings"
)

// format is what the number format of a cell says of its numbers.
type format struct {
	code  string // empty for General
	date  bool   // they are shown as dates or times
	mask  []mark // digit places and literals, when that is all there is; else nil
	least int    // how many digits it shows at the least
	adds  bool   // it has a plus or a digit of its own
}

// mark is a place for a digit ('0', '#' or '?') or a literal character.
type mark struct {
	place   byte // 0 for a literal
	literal rune
}

// builtIn are the formats that a book does not write out, by their numbers (ECMA-376, 18.8.30).
var builtIn = map[int]string{
	1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
	14: "mm-dd-yy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm",
	21: "h:mm:ss", 22: "m/d/yy hh:mm", 37: "#,##0 ;(#,##0)", 38: "#,##0 ;[Red](#,##0)", 39: "#,##0.00;(#,##0.00)",
	40: "#,##0.00;[Red](#,##0.00)", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
}

// formatOf reads a number format: its number, or its code where the book writes it out.
func formatOf(id int, custom *string) format {
	code := builtIn[id]
	if custom != nil {
		code = *custom
	}
	if code == "" && (id >= 27 && id <= 36 || id >= 50 && id <= 58 || id >= 71 && id <= 81) { // dates of Asian editions
		return format{code: "yyyy-mm-dd", date: true}
	}
	if strings.EqualFold(code, "general") {
		code = ""
	}
	f := format{code: code}
	f.mask, f.date = marks(code)
	places := 0
	for _, m := range slices.Backward(f.mask) {
		if m.place != 0 {
			places++
		}
		if m.place == '0' {
			f.least = places
		}
		f.adds = f.adds || m.literal == '+' || m.literal >= '0' && m.literal <= '9'
	}
	return f
}

// marks reads the first section of a format code.
func marks(code string) (mask []mark, date bool) {
	plain := true
	runes := []rune(code)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; r {
		case ';':
			i = len(runes)
		case '"':
			for i++; i < len(runes) && runes[i] != '"'; i++ {
				mask = append(mask, mark{literal: runes[i]})
			}
		case '\\', '_', '*':
			if i++; i < len(runes) && r == '\\' {
				mask = append(mask, mark{literal: runes[i]})
			}
		case '[':
			end := i
			for end < len(runes) && runes[end] != ']' {
				end++
			}
			inside := strings.ToLower(string(runes[i+1 : end]))
			date = date || inside != "" && strings.Trim(inside, "hms") == ""
			plain = plain && !strings.ContainsAny(inside, "<>=") // a condition: it holds for some numbers only
			i = end
		case '0', '#', '?':
			mask = append(mask, mark{place: byte(r)})
		case ' ', '-', '(', ')', '+':
			mask = append(mask, mark{literal: r})
		case 'y', 'Y', 'm', 'M', 'd', 'D', 'h', 'H', 's', 'S':
			date = true
			plain = false
		default:
			plain = false
		}
	}
	if !plain || date {
		return nil, date
	}
	return mask, false
}

// shown gives a whole number as a person sees it, when the format carries a plus or a digit that the
// number itself does not have; else nothing.
func (f format) shown(digits string) string {
	if !f.adds && len(digits) >= f.least || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	first := slices.IndexFunc(f.mask, func(m mark) bool { return m.place != 0 })
	if first < 0 {
		return ""
	}
	var back []rune // from the last character to the first
	rest := digits
	for i, m := range slices.Backward(f.mask) {
		switch {
		case m.place == 0:
			back = append(back, m.literal)
		case rest != "":
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
	return strings.TrimSpace(string(back))
}
