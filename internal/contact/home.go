package contact

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// home is the country that a number without calling code belongs to.
type home struct {
	country string // ISO 3166 alpha-2
	code    int    // its calling code; 0 for no country
}

// readings gives what digits can mean at home, or the problem of the most literal reading.
func (h home) readings(digits string) ([]reading, *Problem) {
	var found []reading
	var first *Problem
	try := func(number string) (r reading) {
		r, p := read(number, h.country)
		switch {
		case p != nil && first == nil:
			first = p
		case p == nil && r.code == h.code:
			found = append(found, r)
		}
		return r
	}
	code := strconv.Itoa(h.code)
	literal := try(digits)
	if digits[0] != '0' {
		if strings.HasPrefix(digits, code) {
			try("+" + digits)
		}
		if len(found) > 0 && literal.valid() && literal.code == h.code && phonenumbers.GetNddPrefixForRegion(h.country, true) == "0" {
			return found, nil // the zero would be taken off again
		}
		// With its zero, some countries' numbers would lose a carrier's code that was never meant.
		if r, p := read("0"+digits, h.country); p == nil && r.code == h.code && strings.HasSuffix(r.e164, digits) {
			found = append(found, r)
		}
	} else if literal.code != h.code || !literal.valid() {
		// The zero may have been taken for a prefix, or stand before the calling code.
		for _, number := range [...]string{"+" + code + digits, "+" + digits[1:]} {
			if r, p := read(number, ""); p == nil && r.code == h.code && r.valid() {
				found = append(found, r)
			}
		}
	}
	if len(found) == 0 && first == nil {
		first = refused(digits, "is none of "+countryName(h.country))
	}
	return found, first
}

// rival gives a reading of digits at home that is not the one given: a valid one, or, where that will do, one
// of a possible length.
func (h home) rival(digits string, not reading, possible bool) (reading, bool) {
	if h.code == 0 || digits == "" {
		return reading{}, false
	}
	found, _ := h.readings(digits)
	for _, r := range best(found) {
		if (r.valid() || possible) && r.e164 != not.e164 {
			return r, true
		}
	}
	return reading{}, false
}

// best gives the readings that no other beats, each once.
func best(found []reading) []reading {
	var top []reading
	for _, r := range found {
		switch {
		case len(top) == 0 || r.rank() > top[0].rank():
			top = append(top[:0], r)
		case r.rank() == top[0].rank() && r.e164 != top[0].e164:
			top = append(top, r)
		}
	}
	return top
}

// international reads what stands after a plus. Of a zero in brackets the plan decides: Italy's belongs to the
// number, Spain has none.
func international(digits string, zero int) (reading, *Problem) {
	r, p := read("+"+digits, "")
	if zero == 0 {
		return r, p
	}
	without, p2 := read("+"+digits[:zero]+digits[zero+1:], "")
	switch {
	case p2 != nil || p == nil && r.rank() > without.rank():
		return r, p
	case p != nil || without.rank() > r.rank() || without.e164 == r.e164:
		return without, nil
	}
	return reading{}, either(r, without, "write it without the brackets")
}

// afterPlus reads a number with a plus, which means just that, unless nobody has such a number and at home
// somebody has it without the plus.
func (h home) afterPlus(w written) (reading, *Problem) {
	r, p := international(w.digits, w.zero)
	if p == nil && (r.valid() || r.code == h.code) || w.zero > 0 || strings.HasPrefix(w.digits, "00") {
		return r, p
	}
	if at, ok := h.rival(w.digits, r, false); ok {
		return reading{}, ambiguous(fmt.Sprintf(
			"the number is none with its plus, but one of %s without it: put the calling code after the plus, +%d if it is that",
			countryName(at.region), at.code))
	}
	return r, p
}

// claims refuses a number abroad that no plan knows, and whose digits, less what was taken off them, are a
// number at home.
func (h home) claims(r reading) *Problem {
	if r.valid() || r.code == h.code {
		return nil
	}
	if at, ok := h.rival(r.e164[len("+"):], r, false); ok {
		return ambiguous(fmt.Sprintf("%s is no number that is known, and its digits are one of %s: write it with +%d if it is that",
			Mask(r.e164), countryName(at.region), at.code))
	}
	return nil
}

// afterZeros reads a number after 00, which is dialled for abroad in most countries. A zero too many
// before a local number looks the same, so the number abroad has to be better known than the one at home.
func (h home) afterZeros(w written) (reading, *Problem) {
	rest := w.digits[len("00"):]
	r, p := international(rest, max(0, w.zero-len("00")))
	if w.zero > 0 || h.code == 0 || p == nil && r.code == h.code {
		return r, p
	}
	if o, ok := h.dialled(w.digits); ok && o.e164 != r.e164 {
		switch other, near := nearest(rest); {
		case p == nil:
			return reading{}, either(r, o, "write it with + instead of what is dialled for abroad")
		case near:
			return reading{}, either(other, o, "write it with + instead of what is dialled for abroad, and see that no digit is missing")
		default:
			r, p = o, nil
		}
	}
	at, ok := h.rival(strings.TrimLeft(rest, "0"), r, p == nil && !r.valid())
	switch {
	case !ok:
		return r, p
	case p != nil:
		return reading{}, ambiguous(fmt.Sprintf(
			"the number is none with the 00 it begins with, but one of %s without: write it with + and its calling code, +%d if it is that",
			countryName(at.region), at.code))
	}
	return reading{}, either(r, at, fmt.Sprintf("%s, and with +%d instead of the zeros if it is one of %s",
		r.asAbroad(), at.code, countryName(at.region)))
}

// nearest gives a valid number that international digits would be with a digit more or less.
func nearest(digits string) (reading, bool) {
	for _, near := range [...]string{digits[:len(digits)-1], digits + "0", digits + "5"} {
		if r, p := read("+"+near, ""); p == nil && r.valid() {
			return r, true
		}
	}
	return reading{}, false
}

// beforeZero reads a number without plus that has a zero in brackets after what should be a calling code.
func (h home) beforeZero(w written) (reading, *Problem) {
	r, p := international(w.digits, w.zero)
	switch {
	case p != nil || r.code == h.code:
		return r, p
	}
	return reading{}, withoutPlus(r, h)
}

// local reads digits without plus.
func (h home) local(w written) (reading, *Problem) {
	var plus reading // what a plus would make of them
	possible := false
	if w.digits[0] != '0' {
		r, p := read("+"+w.digits, "")
		plus, possible = r, p == nil
	}
	abroad := possible && plus.code != h.code
	switch {
	case h.code == 0 && abroad:
		return reading{}, withoutPlus(plus, h)
	case h.code == 0:
		return reading{}, &Problem{Code: CodeMissingCountry, Reason: fmt.Sprintf(
			"%s has no calling code, and without a country it cannot be told whose it is: write it with a plus, or give the country",
			Mask(w.digits))}
	}
	found, p := h.readings(w.digits)
	if r, ok := h.dialled(w.digits); ok {
		if abroad && plus.valid() {
			found = append(found, plus)
		}
		if len(found) > 0 {
			return reading{}, either(r, found[0], r.asAbroad())
		}
		return r, nil
	}
	top := best(found)
	switch {
	case len(top) == 0 && abroad:
		return reading{}, withoutPlus(plus, h)
	case len(top) == 0:
		return reading{}, p
	case len(top) > 1:
		return reading{}, either(top[0], top[1], "write it with its plus or its leading zero")
	case abroad && plus.rank() >= top[0].rank():
		return reading{}, either(top[0], plus, fmt.Sprintf("%s, and with +%d if it is one of %s",
			plus.asAbroad(), top[0].code, countryName(top[0].region)))
	case possible && !abroad && plus.valid() && plus.e164 != top[0].e164: // Italy's 390: a mobile number, or a landline's code
		return reading{}, either(top[0], plus, "write it with +")
	}
	return top[0], nil
}

// dialled reads digits after the prefix that is dialled for abroad in the country, if it is not 00.
func (h home) dialled(digits string) (reading, bool) {
	rest := h.afterPrefix(digits)
	if rest == "" {
		return reading{}, false
	}
	r, p := read("+"+rest, "")
	return r, p == nil && r.valid() && r.code != h.code
}

// afterPrefix gives what is left of digits without the prefix that is dialled for abroad in the country, or
// nothing. One digit or two, but for 00, could as well be how a local number begins.
func (h home) afterPrefix(digits string) string {
	prefix := ownPrefixes()[h.country]
	if prefix == nil {
		return ""
	}
	n := len(prefix.FindString(digits))
	if n < len("001") || n == len(digits) || digits[n] == '0' {
		return ""
	}
	return digits[n:]
}

// ownPrefixes are what is dialled for abroad, by country, where it is not 00 alone.
var ownPrefixes = sync.OnceValue(func() map[string]*regexp.Regexp {
	prefixes := make(map[string]*regexp.Regexp)
	plans, err := phonenumbers.MetadataCollection() // parsed when the program starts
	if err != nil {
		return prefixes
	}
	for _, m := range plans.GetMetadata() {
		if p := m.GetInternationalPrefix(); p != "" && p != "00" {
			prefixes[m.GetId()] = regexp.MustCompile("^(?:" + p + ")")
		}
	}
	return prefixes
})

func ambiguous(reason string) *Problem { return &Problem{Code: CodeAmbiguous, Reason: reason} }

// either refuses a number with two readings.
func either(a, b reading, todo string) *Problem {
	return ambiguous(fmt.Sprintf("the number can be read as %s and as %s: %s", Mask(a.e164), Mask(b.e164), todo))
}

// withoutPlus refuses digits that are a number only with a plus.
func withoutPlus(r reading, h home) *Problem {
	p := ambiguous(fmt.Sprintf("the number has no plus and no country: %s, or give its country", r.asAbroad()))
	if h.code != 0 {
		p = ambiguous(fmt.Sprintf("the number has no plus, and is none of %s: %s", countryName(h.country), r.asAbroad()))
	}
	p.WithoutPlus = true
	return p
}

func (r reading) asAbroad() string {
	return "write it with + if it is a number of " + countryName(r.region)
}

// countryName is the country's name in English, as it stands after "of".
func countryName(iso string) string {
	region, err := language.ParseRegion(iso)
	if err != nil {
		return iso
	}
	name := display.English.Regions().Name(region)
	if strings.HasPrefix(name, "United ") {
		return "the " + name
	}
	return name
}
