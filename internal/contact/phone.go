package contact

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Phone is a number that may be sent to. Notice, if any, says what is odd about it; the number in it
// is masked.
type Phone struct {
	E164   string
	Region string // of the number itself, ISO 3166 alpha-2 in upper case
	Mobile bool   // it is, or where the plan does not tell may be, a mobile number
	Notice string
}

// ParsePhone reads one phone number. Country is the ISO 3166 alpha-2 code, in upper case, that a number
// without calling code belongs to, or "" for none. What is accepted has a possible length for its
// numbering plan; that it is assigned is not asked, only noticed. Errors are of type *[Problem].
//
// A number with a plus or 00 means just that. Of any other, a spreadsheet may have taken the plus or
// the zero, so all readings are tried: as it is, with a plus, with a zero. Of different ones a valid one
// beats one that is merely possible, and a mobile one any other; two that are left are refused.
// Without a country even a number that begins like an international one is refused: the same digits are
// somebody else's local number elsewhere.
func ParsePhone(text, country string) (Phone, error) {
	w, p := readCell(text)
	if p != nil {
		return Phone{}, p
	}
	found, p := w.readings(country)
	if p != nil {
		return Phone{}, p
	}
	best := found[:0]
	for _, r := range found {
		switch {
		case len(best) == 0 || r.rank() > best[0].rank():
			best = append(best[:0], r)
		case r.rank() == best[0].rank() && r.e164 != best[0].e164:
			best = append(best, r)
		}
	}
	r := best[0]
	if len(best) > 1 {
		return Phone{}, &Problem{codeAmbiguous, fmt.Sprintf(
			"the number can be read as %s and as %s: write it with its plus or its leading zero",
			Mask(r.e164), Mask(best[1].e164))}
	}
	return Phone{E164: r.e164, Region: r.region, Mobile: r.mobile(), Notice: r.notice(w, country)}, nil
}

// reading is one thing that the digits of a cell can mean.
type reading struct {
	e164   string
	code   int // calling code
	region string
	kind   phonenumbers.PhoneNumberType // UNKNOWN: possible, but not valid
}

func (r reading) valid() bool { return r.kind != phonenumbers.UNKNOWN }

func (r reading) mobile() bool {
	return r.kind == phonenumbers.MOBILE || r.kind == phonenumbers.FIXED_LINE_OR_MOBILE
}

func (r reading) rank() int {
	switch {
	case r.mobile():
		return 2
	case r.valid():
		return 1
	}
	return 0
}

func (r reading) notice(w written, country string) string {
	var odd []string
	if !w.international && r.code != phonenumbers.GetCountryCodeForRegion(country) {
		odd = append(odd, "the number has no plus and was read as that of another country")
	}
	switch {
	case !r.valid():
		odd = append(odd, "its length is right, but no such number is known to be in use")
	case !r.mobile():
		odd = append(odd, "it is not a mobile number and may not take text messages")
	}
	if odd == nil {
		return ""
	}
	return Mask(r.e164) + ": " + strings.Join(odd, "; ")
}

// readings gives at least one possible reading, or the problem of the most literal one.
func (w written) readings(country string) ([]reading, *Problem) {
	var candidates []string
	switch {
	case w.international:
		country = ""
		candidates = []string{"+" + w.digits}
		if w.zero > 0 { // Italy's zero belongs to the number, Spain has none: the plan decides
			candidates = append(candidates, "+"+w.digits[:w.zero]+w.digits[w.zero+1:])
		}
	case phonenumbers.GetCountryCodeForRegion(country) == 0:
		return nil, &Problem{codeMissingCountry, fmt.Sprintf(
			"%s has no calling code, and without a country it cannot be told whose it is: write it with a plus, or give the country",
			Mask(w.digits))}
	case w.digits[0] == '0':
		candidates = []string{w.digits}
	default:
		candidates = []string{w.digits, "+" + w.digits, "0" + w.digits}
	}
	var found []reading
	var first *Problem
	for _, c := range candidates {
		r, p := read(c, country)
		if p == nil {
			found = append(found, r)
		} else if first == nil {
			first = p
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, first
}

// read takes a clean number for what it says and nothing else.
func read(number, country string) (reading, *Problem) {
	if number[0] == '+' {
		country = "" // else a bad calling code would make it a local number
	}
	n, err := parse(number, country)
	if err != nil {
		return reading{}, refused(number, whyNot(err))
	}
	r := reading{code: int(n.GetCountryCode()), e164: phonenumbers.Format(n, phonenumbers.E164)}
	main := phonenumbers.GetRegionCodeForCountryCode(r.code)
	switch phonenumbers.IsPossibleNumberWithReason(n) {
	case phonenumbers.IS_POSSIBLE:
	case phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		return r, refused(number, "lacks its area code")
	case phonenumbers.TOO_SHORT:
		return r, refused(number, fmt.Sprintf("is too short for a number of +%d", r.code))
	case phonenumbers.TOO_LONG:
		return r, refused(number, fmt.Sprintf("is too long for a number of +%d", r.code))
	case phonenumbers.INVALID_COUNTRY_CODE:
		return r, refused(number, "has an unknown calling code")
	default:
		return r, refused(number, fmt.Sprintf("has a number of digits that no number of +%d has", r.code))
	}
	switch length := len(r.e164) - len("+"); {
	case length < 7:
		return r, refused(number, "is too short for a phone number")
	case length > 15: // E.164; some plans of the library go beyond
		return r, refused(number, "is too long for a phone number")
	case main == "001":
		return r, refused(number, fmt.Sprintf("has the calling code +%d, which belongs to no country", r.code))
	}
	if r.kind = phonenumbers.GetNumberType(n); !r.valid() && n.GetItalianLeadingZero() &&
		phonenumbers.GetNddPrefixForRegion(main, true) == "0" {
		return r, refused(number, fmt.Sprintf("has a zero too many for a number of +%d", r.code))
	}
	if r.e164 != number { // a form that would be read differently next time is none to keep
		again, err := parse(r.e164, "")
		if err != nil || phonenumbers.Format(again, phonenumbers.E164) != r.e164 {
			return r, refused(number, fmt.Sprintf("has a prefix too many for a number of +%d", r.code))
		}
	}
	if r.region = phonenumbers.GetRegionCodeForNumber(n); r.region == "" {
		if r.region = main; phonenumbers.GetCountryCodeForRegion(country) == r.code {
			r.region = country
		}
	}
	return r, nil
}

func refused(number, why string) *Problem {
	return &Problem{codeBadPhone, "the number " + Mask(number) + " " + why}
}

func whyNot(err error) string {
	switch {
	case errors.Is(err, phonenumbers.ErrInvalidCountryCode):
		return "has an unknown calling code"
	case errors.Is(err, phonenumbers.ErrNumTooLong):
		return "is too long for a phone number"
	}
	return "is too short for a phone number"
}
