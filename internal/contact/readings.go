package contact

import (
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/net/idna"
)

// Readings gives every number that a text may be, in E.164, each once, the one that [ParsePhone] takes it for
// first. It is for those who must not be messaged: where [ParsePhone] refuses a text since it can be read in two
// ways, or prefers one of them, all are here. Country is that of local numbers, or "" for none; withoutPlus says
// that digits may have lost their plus, as in [ParsePhoneWithoutPlus]. Its error, of type *[Problem], says why the
// text is no number at all, or cannot be one without a country.
func Readings(text, country string, withoutPlus bool) ([]string, error) {
	w, ok := justDigits(text)
	if !ok {
		var p *Problem
		if w, p = readCell(text); p != nil {
			return nil, p
		}
	}
	h := home{country, phonenumbers.GetCountryCodeForRegion(country)}
	numbers, err := h.numbers(w)
	if bare := !w.plus && w.digits[0] != '0'; withoutPlus && bare {
		w.plus = true
		if more, _ := h.numbers(w); len(more) > 0 {
			numbers, err = append(more, numbers...), nil
		}
	}
	if len(numbers) == 0 {
		return nil, err
	}
	return distinct(numbers), nil
}

// justDigits is readCell for cells of digits and what usually stands between them, in a tenth of the time.
func justDigits(text string) (w written, ok bool) {
	var digits [15]byte
	n, bracket := 0, false
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			if n == len(digits) || bracket && c == '0' {
				return w, false
			}
			digits[n], bracket = c, false
			n++
		case c == '+' && i == 0:
			w.plus = true
		case c == '(' && i+1 < len(text):
			bracket = true
		case (c == ' ' || c == '-' || c == ')') && i > 0:
		default:
			return w, false
		}
	}
	w.digits = string(digits[:n])
	return w, n > 0 && digits[n-1] != '0' // else a spreadsheet may have cut it short
}

// numbers gives the one number that a clean text is beyond doubt, or else every one.
func (h home) numbers(w written) ([]string, error) {
	if number, only := h.obvious(w); only {
		return []string{number}, nil
	}
	return h.every(w)
}

// every gives the numbers that a clean text may be: what it is taken for, and all others that a plan knows. Only
// where there are none of either, those of a possible length.
func (h home) every(w written) ([]string, error) {
	var numbers, possible []string
	chosen, err := w.phone(h.country)
	if err == nil {
		numbers = append(numbers, chosen.E164)
		if w.plus && chosen.Known {
			return numbers, nil
		}
	} else if p, ok := err.(*Problem); h.code == 0 && ok && (p.Code == CodeMissingCountry || p.WithoutPlus) {
		return nil, err // somebody's local number, and nobody knows where
	}
	for _, r := range h.all(w) {
		if r.valid() {
			numbers = append(numbers, r.e164)
		} else {
			possible = append(possible, r.e164)
		}
	}
	if len(numbers) == 0 {
		numbers = possible
	}
	return numbers, err
}

// all gives whatever digits can be: with their plus, without it, after what is dialled for abroad, and at home with
// the zeros that they have, with one, and with none.
func (h home) all(w written) (found []reading) {
	abroad := func(digits string) {
		if digits == "" {
			return
		}
		if r, p := read("+"+digits, ""); p == nil {
			found = append(found, r)
		}
	}
	bare := strings.TrimLeft(w.digits, "0")
	ways := []string{w.digits, bare, "0" + bare}
	if w.zero > 0 {
		without := w.digits[:w.zero] + w.digits[w.zero+1:]
		ways = append(ways, without, strings.TrimLeft(without, "0"))
	}
	for _, digits := range ways {
		if digits[0] != '0' && (w.plus || w.digits[0] != '0' || strings.HasPrefix(w.digits, "00") || w.zero > 0) {
			abroad(digits)
		}
		if h.code != 0 {
			at, _ := h.readings(digits)
			found = append(found, at...)
			abroad(h.afterPrefix(digits))
		}
	}
	return found
}

// obvious reads the digits that can be one number only, by their length and how they begin; most are. It takes a
// hundredth of the time: that a plan knows the number is not asked. Its number is what every gives, and all of it.
func (h home) obvious(w written) (number string, only bool) {
	digits, plan := w.digits, h.code == 0 || plainCodes[strconv.Itoa(h.code)] != "" && h.afterPrefix(w.digits) == ""
	if w.zero > 0 || !plan {
		return "", false
	}
	switch {
	case w.plus && digits[0] != '0':
		return "+" + digits, plainAbroad(digits) && !h.possible(digits)
	case w.plus:
		return "", false
	case strings.HasPrefix(digits, "00"):
		rest := digits[len("00"):]
		return "+" + rest, rest != "" && h.code != 1 && plainAbroad(rest) && !h.possible(strings.TrimLeft(rest, "0")) && !h.possible(digits[1:])
	case h.code == 0:
		return "", false
	case digits[0] == '0':
		_, dialled := trunkCodes[h.country]
		rest := digits[1:]
		return "+" + strconv.Itoa(h.code) + rest, dialled && h.possible(rest) && !possibleAbroad(rest)
	case h.possible(digits):
		number = strconv.Itoa(h.code) + digits
		return "+" + number, plainAbroad(number) && (!possibleAbroad(digits) || plainAbroad(digits) && !known(digits) && known(number))
	}
	return "+" + digits, h.code != 1 && strings.HasPrefix(digits, strconv.Itoa(h.code)) && plainAbroad(digits)
}

// possible reports whether digits have the length of a number at home, less its zero.
func (h home) possible(digits string) bool {
	return h.code != 0 && digits != "" && lengths(h.code, len(digits))
}

// plainAbroad reports whether digits after a plus mean just what they say, and have a possible length.
func plainAbroad(digits string) bool {
	if len(digits) < 7 || len(digits) > 15 {
		return false
	}
	for n := 1; n <= 3; n++ {
		if not, ok := plainCodes[digits[:n]]; ok {
			code, err := strconv.Atoi(digits[:n])
			return err == nil && strings.IndexByte(not, digits[n]) < 0 && lengths(code, len(digits)-n)
		}
	}
	return false
}

// known reports whether a plan has the number that plainAbroad takes digits for.
func known(digits string) bool {
	n := parsePlain("+" + digits)
	return n != nil && phonenumbers.GetNumberType(n) != phonenumbers.UNKNOWN
}

// possibleAbroad reports whether digits could be a number after a plus, by their length.
func possibleAbroad(digits string) bool {
	for n := 1; n <= 3 && n < len(digits); n++ {
		code, err := strconv.Atoi(digits[:n])
		if err == nil && phonenumbers.GetRegionCodeForCountryCode(code) != phonenumbers.UNKNOWN_REGION && lengths(code, len(digits)-n) {
			return true
		}
	}
	return false
}

// knownLengths remembers which lengths the numbers of a calling code have: 1 for no, 2 for yes.
var knownLengths [1000][18]atomic.Uint32

// lengths reports whether numbers of a calling code may have so many digits after it.
func lengths(code, digits int) bool {
	if code >= len(knownLengths) || digits < 1 || digits >= len(knownLengths[0]) {
		return false
	}
	at := &knownLengths[code][digits]
	known := at.Load()
	if known == 0 {
		number, err := strconv.ParseUint(strings.Repeat("2", digits), 10, 64)
		small := int32(code)
		known = 1
		if err == nil && phonenumbers.IsPossibleNumberWithReason(
			&phonenumbers.PhoneNumber{CountryCode: &small, NationalNumber: &number}) == phonenumbers.IS_POSSIBLE {
			known = 2
		}
		at.Store(known)
	}
	return known == 2
}

// distinct gives each text once, in order.
func distinct(texts []string) []string {
	var out []string
	for _, t := range texts {
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// Spellings gives the forms in which an address, as [ParseEmail] gives it, may have been hashed: in lower case with
// its domain in ASCII, and with its domain as people write it where that is another.
func Spellings(address string) []string {
	address = strings.ToLower(address)
	local, domain, ok := strings.Cut(address, "@")
	if !ok || !strings.Contains(domain, "xn--") {
		return []string{address}
	}
	if shown, err := idna.Lookup.ToUnicode(domain); err == nil && shown != domain {
		if ascii, why := asciiDomain(shown); why == "" && ascii == domain {
			return []string{address, local + "@" + shown}
		}
	}
	return []string{address}
}
