package contact

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Phone is a number that may be sent to. Notice, if any, says what is odd about it; the number in it
// is masked.
type Phone struct {
	E164   string
	Region string // of the number itself, ISO 3166 alpha-2 in upper case
	Mobile bool   // it is, or where the plan does not tell may be, a mobile number
	Known  bool   // the plan has such numbers; else only its length is right
	Area   bool   // its digits tell in which part of its region it is
	Notice string
}

// ParsePhone reads one phone number. Country is the ISO 3166 alpha-2 code, in upper case, that a number
// without calling code belongs to, or "" for none. What is accepted has a possible length for its
// numbering plan; that the plan knows it is not asked, only told. Errors are of type *[Problem].
//
// A number is never another country's unless it says so: by a plus, by 00, or by the prefix that is
// dialled for abroad in the country. Of other digits a spreadsheet may have taken the zero, so all that they
// can mean in the country is tried: as they are, with the zero, with the country's calling code before
// them. Of different readings a valid one beats one that is merely possible, and a mobile one any other; two
// that are left are refused, and so is one that does not beat what the digits would be with a plus.
// Where a prefix or a plus stands before what is a number without it, and is none or one abroad with it, the
// number is refused too, and so is one abroad that no plan knows and whose digits are a number at home: what
// comes out is read as the same number again. Without a country even digits that begin like a calling code are refused:
// they are somebody's local number elsewhere.
func ParsePhone(text, country string) (Phone, error) {
	w, p := readCell(text)
	if p != nil {
		return Phone{}, p
	}
	return w.phone(country)
}

// ParsePhoneWithoutPlus is [ParsePhone] for a file of which it is known that its numbers have their calling
// codes, and not their plus: it is put before digits that do not begin with a zero, whatever the country.
func ParsePhoneWithoutPlus(text, country string) (Phone, error) {
	w, p := readCell(text)
	if p != nil {
		return Phone{}, p
	}
	w.plus = w.plus || w.digits[0] != '0'
	return w.phone(country)
}

func (w written) phone(country string) (Phone, error) {
	h := home{country, phonenumbers.GetCountryCodeForRegion(country)}
	meant := h.local
	switch {
	case w.plus:
		meant = h.afterPlus
	case strings.HasPrefix(w.digits, "00"):
		meant = h.afterZeros
	case w.zero > 0:
		meant = h.beforeZero
	}
	r, p := meant(w)
	if p == nil {
		p = h.claims(r)
	}
	if p != nil {
		return Phone{}, p
	}
	phone := Phone{E164: r.e164, Region: r.region, Mobile: r.mobile(), Known: r.valid(), Area: r.area()}
	phone.Notice = phone.notice()
	return phone, nil
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

func (p Phone) notice() string {
	switch {
	case !p.Known:
		return Mask(p.E164) + ": its length is right, but no such number is known to be in use"
	case !p.Mobile:
		return Mask(p.E164) + ": it is not a mobile number and may not take text messages"
	}
	return ""
}

// read takes a clean number for what it says and nothing else, but for a zero before a number of a country
// that has none there.
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
	r.kind = phonenumbers.GetNumberType(n)
	zero := n.GetItalianLeadingZero() && !r.valid()
	if zero {
		if mended, ok := withoutZero(n); ok {
			return mended, nil
		}
	}
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
	case number[0] == '+' && len(r.e164) > len(number):
		return r, refused(number, "lacks its area code")
	case cutShort(number, r):
		return r, refused(number, "has digits before it that are not of it, such as a carrier's code: write it without")
	case zero:
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

// cutShort reports whether the plan took more off a number than what is dialled before numbers at home, and its
// calling code. The digits of another country's number, or one too many, look like a carrier's code there.
func cutShort(number string, r reading) bool {
	code := strconv.Itoa(r.code)
	before, whole := strings.CutSuffix(strings.TrimPrefix(number, "+"), r.e164[len("+")+len(code):])
	if !whole {
		// An area code was put before it, or Argentina's 15 became a 9 before the area code.
		return len(r.e164)-len("+")-len(code) < len(number) && r.code != 54
	}
	switch strings.TrimPrefix(before, code) {
	case "", "0", phonenumbers.GetNddPrefixForRegion(phonenumbers.GetRegionCodeForCountryCode(r.code), true):
		return false
	case "8", "80": // as it was in the Soviet Union, which the plans of some countries remember
		return false
	}
	return true
}

// withoutZero reads a number that no plan knows with the zero it begins with. Where a zero is dialled before
// numbers at home, one was taken off before, and this is the second.
func withoutZero(n *phonenumbers.PhoneNumber) (r reading, ok bool) {
	code := int(n.GetCountryCode())
	if phonenumbers.GetNddPrefixForRegion(phonenumbers.GetRegionCodeForCountryCode(code), true) == "0" {
		return reading{}, false
	}
	want := "+" + strconv.Itoa(code) + phonenumbers.GetNationalSignificantNumber(n)[1:]
	r, p := read(want, "")
	return r, p == nil && r.valid() && r.e164 == want
}

func refused(number, why string) *Problem {
	return &Problem{Code: CodeBadPhone, Reason: "the number " + Mask(number) + " " + why}
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
