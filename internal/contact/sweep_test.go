package contact_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"hppsend/internal/contact"
)

// TestEveryCountrysNumbers writes an example of every kind of number of every country in the ways that people
// and spreadsheets do, right and wrong, and reads it as one of the country itself, of others and of none.
func TestEveryCountrysNumbers(t *testing.T) {
	share := 3
	switch os.Getenv("SWEEP") {
	case "whole":
		share = 1
	case "thin":
		share = 30
	}
	tried := 0
	abroad := []string{"", "DE", "NO", "MX", "AU", "IT"}
	read, accepted := 0, 0
	for _, region := range slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions())) {
		seen := map[string]bool{}
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
			n := phonenumbers.GetExampleNumberForType(region, kind)
			if n == nil || seen[n.String()] || len(phonenumbers.Format(n, phonenumbers.E164)) < len("+1234567") {
				continue
			}
			seen[n.String()] = true
			homes := []string{region}
			if kind == phonenumbers.MOBILE {
				homes = append(homes, abroad...)
			}
			for _, w := range writings(n, region) {
				for _, country := range homes {
					for _, withoutPlus := range []bool{false, true} {
						if withoutPlus && (w.text[0] == '+' || w.text[0] == '0') || country != region && strings.Contains(w.how, "a digit") && len(seen)%3 != 0 {
							continue
						}
						if tried++; tried%share != 0 {
							continue
						}
						parse := contact.ParsePhone
						if withoutPlus {
							parse = contact.ParsePhoneWithoutPlus
						}
						got, err := parse(w.text, country)
						read++
						if err != nil {
							continue
						}
						accepted++
						if again, err := contact.ParsePhone(got.E164, country); err != nil || again.E164 != got.E164 {
							t.Errorf("%s of %s in %q: %s is read as %s, and that as %q, %v", w.how, region, country, w.text, got.E164, again.E164, err)
						}
						if why := wrong(w, country, withoutPlus, got); why != "" {
							t.Errorf("%s of %s in %q (without plus: %v): %s is read as %s: %s", w.how, region, country, withoutPlus, w.text, got.E164, why)
						}
					}
				}
			}
		}
	}
	t.Logf("%d read, %d accepted", read, accepted)
	if read < 20_000/share || accepted < read/5 {
		t.Errorf("only %d of %d are accepted", accepted, read)
	}
}

// writing is one way to write a number down.
type writing struct {
	how, text string
	region    string
	right     string // what it is at home, if anything
}

func writings(n *phonenumbers.PhoneNumber, region string) []writing {
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	national := phonenumbers.GetNationalSignificantNumber(n)
	local := phonenumbers.GetNddPrefixForRegion(region, true) + national
	withZero := fmt.Sprintf("+%d0%s", n.GetCountryCode(), national)
	if other, err := phonenumbers.Parse(withZero, ""); err == nil && phonenumbers.IsValidNumber(other) {
		withZero = phonenumbers.Format(other, phonenumbers.E164) // in Italy there are both
	} else {
		withZero = e164
	}
	last := string('0' + (national[len(national)-1]-'0'+5)%10)
	ws := []writing{
		{"international", e164, "", e164},
		{"international, after 00", "00" + e164[1:], "", e164},
		{"international, as it is dialled there", onlyDigits(phonenumbers.FormatOutOfCountryCallingNumber(n, "AU")), "", ""},
		{"without its plus", e164[1:], "", e164},
		{"local", local, "", e164},
		{"local, with one zero", "0" + national, "", withZero},
		{"local, with two zeros", "00" + national, "", ""},
		{"local as usual, with a zero too many", "0" + local, "", ""},
		{"national", national, "", e164},
		{"a plus before it", "+" + national, "", ""},
		{"a plus before the local number", "+" + local, "", ""},
		{"a zero after its calling code", fmt.Sprintf("+%d0%s", n.GetCountryCode(), national), "", withZero},
		{"a zero after 00 and its calling code", fmt.Sprintf("00%d0%s", n.GetCountryCode(), national), "", ""},
		{"a zero in brackets after its calling code", fmt.Sprintf("+%d (0)%s", n.GetCountryCode(), national), "", ""},
		{"a zero before its calling code", "0" + e164[1:], "", ""},
	}
	for i := range ws {
		ws[i].region = region
	}
	for _, w := range slices.Clone(ws[:len(ws)-1]) {
		ws = append(ws, writing{w.how + ", a digit more", w.text + last, region, ""}, writing{w.how + ", a digit less", w.text[:len(w.text)-1], region, ""})
	}
	return ws
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// wrong says what is wrong about a number that was accepted.
func wrong(w writing, country string, withoutPlus bool, got contact.Phone) string {
	if _, err := contact.ParsePhone(got.E164, ""); err != nil {
		return "it cannot be read again"
	}
	n, err := phonenumbers.Parse(got.E164, "")
	if err != nil {
		return err.Error()
	}
	digits := strings.TrimPrefix(w.text, "+")
	code := strconv.Itoa(int(n.GetCountryCode()))
	national := got.E164[len("+")+len(code):]
	home := phonenumbers.GetCountryCodeForRegion(country)
	if int(n.GetCountryCode()) != home {
		switch {
		case strings.HasPrefix(w.text, "+"), withoutPlus && w.text[0] != '0':
		case prefixed(digits, got.E164[1:]), prefixed(digits, code+"0"+national):
		default:
			return "another country"
		}
	}
	if w.right != "" && phonenumbers.GetCountryCodeForRegion(w.region) == home && !withoutPlus && got.E164 != w.right {
		return "it is " + w.right
	}
	if strings.HasSuffix(national, digits) { // with an area code, or the zero that was lost
		return ""
	}
	rest, whole := strings.CutSuffix(digits, strings.TrimLeft(national, "0"))
	if !whole {
		return "other digits"
	}
	switch before := strings.TrimLeft(rest, "0"); {
	case before == "", strings.Contains(rest, code):
	case slices.Contains([]string{"8", "80", "6", phonenumbers.GetNddPrefixForRegion(w.region, true)}, before): // dialled before local numbers
	default:
		return "digits are gone"
	}
	return ""
}

// prefixed reports whether digits are a number after what is dialled for abroad somewhere: two digits at least.
func prefixed(digits, number string) bool {
	prefix, ok := strings.CutSuffix(digits, number)
	return ok && len(prefix) >= 2 && (prefix == "00" || slices.Contains([]string{"011", "0011", "810", "001", "002", "010", "000"}, prefix))
}
