package xlsx

import (
	"strconv"
	"strings"
)

// trusted is how many significant digits of a number a spreadsheet program keeps.
const trusted = 15

// number writes a stored number in full digits, never in exponents: as it is stored, and as a spreadsheet
// program shows it. A double has digits beyond those that one keeps, so a fraction is rounded to them;
// a whole number that needs more has lost its last digits already, and is given as it is. ok is false
// when it is no number.
func number(stored string) (full, digits string, lost, ok bool) {
	if n := len(stored); n > 0 && n <= trusted && stored[0] >= '1' && strings.Trim(stored, "0123456789") == "" {
		return stored, stored, false, true // as nearly always
	}
	sign := ""
	mantissa := stored
	if s, cut := strings.CutPrefix(stored, "-"); cut {
		sign, mantissa = "-", s
	} else {
		mantissa = strings.TrimPrefix(stored, "+")
	}
	shift := 0
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		var err error
		if shift, err = strconv.Atoi(mantissa[i+1:]); err != nil || shift > 400 || shift < -400 {
			return "", "", false, false
		}
		mantissa = mantissa[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return "", "", false, false
	}
	all := whole + fraction
	point := len(whole) + shift // where the decimal point stands in all
	trimmed := strings.TrimLeft(all, "0")
	point -= len(all) - len(trimmed)
	all = strings.TrimRight(trimmed, "0")
	if all == "" {
		return "0", "0", false, true
	}
	full = pointed(sign, all, point)
	if len(all) > trusted && point < len(all) {
		all, point = rounded(all, point)
		return full, pointed(sign, all, point), point > trusted, true
	}
	return full, full, point > trusted, true
}

// pointed puts a decimal point among the significant digits of a number, or zeros beside them.
func pointed(sign, all string, point int) string {
	switch {
	case point <= 0:
		return sign + "0." + strings.Repeat("0", -point) + all
	case point >= len(all):
		return sign + all + strings.Repeat("0", point-len(all))
	}
	return sign + all[:point] + "." + all[point:]
}

// rounded keeps the trusted digits of a number, half away from zero.
func rounded(all string, point int) (string, int) {
	b := []byte(all[:trusted])
	if all[trusted] >= '5' {
		i := len(b) - 1
		for ; i >= 0 && b[i] == '9'; i-- {
			b[i] = '0'
		}
		if i >= 0 {
			b[i]++
		} else {
			b = append([]byte{'1'}, b...)
			point++
		}
	}
	return strings.TrimRight(string(b), "0"), point
}
