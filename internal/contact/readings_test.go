package contact_test

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"hppsend/internal/contact"
)

// TestReadingsOfEveryCountry writes an example of every kind of number of every country in the ways that people and
// spreadsheets do, and reads it at home, abroad and in no country. What a row with that cell would be sent to is
// among the readings; and what the writing was made of is, wherever nothing was added or lost. Every reading is a
// number as it is kept, which a row may have.
func TestReadingsOfEveryCountry(t *testing.T) {
	share := 31
	switch os.Getenv("SWEEP") {
	case "whole":
		share = 7
	case "thin":
		share = 1009
	}
	tried, read, ambiguous, more := 0, 0, 0, 0
	for _, region := range slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions())) {
		seen := map[string]bool{}
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
			n := phonenumbers.GetExampleNumberForType(region, kind)
			if n == nil || seen[n.String()] || len(phonenumbers.Format(n, phonenumbers.E164)) < len("+1234567") {
				continue
			}
			seen[n.String()] = true
			e164 := phonenumbers.Format(n, phonenumbers.E164)
			homes := []string{region}
			if kind == phonenumbers.MOBILE {
				homes = append(homes, "", "SE", "DE", "US", "NO", "IT")
			}
			for _, w := range writings(n, region) {
				for _, country := range homes {
					for _, bare := range []bool{false, true} {
						if tried++; tried%share != 0 {
							continue
						}
						got, err := contact.Readings(w.text, country, bare)
						if err == nil {
							read++
						}
						if len(got) > 1 {
							more++
						}
						taken, refusal := contact.ParsePhone(w.text, country)
						if refusal == nil && !slices.Contains(got, taken.E164) {
							t.Errorf("%s of %s in %q: %s is read as %s, and its readings are %q, %v", w.how, region, country, w.text, taken.E164, got, err)
						}
						if refusal == nil && !bare && got[0] != taken.E164 {
							t.Errorf("%s of %s in %q: %s is read as %s, and the first of its readings is %s", w.how, region, country, w.text, taken.E164, got[0])
						}
						if bare {
							if plus, refused := contact.ParsePhoneWithoutPlus(w.text, country); refused == nil && !slices.Contains(got, plus.E164) {
								t.Errorf("%s of %s in %q: %s is read as %s without a plus, and its readings are %q, %v", w.how, region, country, w.text, plus.E164, got, err)
							}
						}
						if p, ok := refusal.(*contact.Problem); ok && p.Code == contact.CodeAmbiguous && country != "" {
							ambiguous++
							if len(got) == 0 {
								t.Errorf("%s of %s in %q: %s may be two numbers, and there is no reading: %v", w.how, region, country, w.text, err)
							}
						}
						if whole := w.right == e164 && country == region; whole && err == nil && !slices.Contains(got, e164) {
							t.Errorf("%s of %s: %s is %s, and its readings are %q", w.how, region, w.text, e164, got)
						}
						for _, number := range got {
							again, err := contact.Readings(number, "", false)
							if err != nil && country != "" { // too short to be dialled from abroad: then it is a number at home, as it is dialled there
								code := strconv.Itoa(phonenumbers.GetCountryCodeForRegion(country))
								again, err = contact.Readings("0"+strings.TrimPrefix(number, "+"+code), country, false)
							}
							if err != nil || !slices.Contains(again, number) {
								t.Errorf("%s of %s in %q: %s has the reading %s, which is read as %q, %v", w.how, region, country, w.text, number, again, err)
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d read, %d of them in several ways, %d ambiguous in a row", read, more, ambiguous)
	if read < 20_000/share || more < 1000/share || ambiguous < 1000/share {
		t.Errorf("%d read, %d in several ways, %d ambiguous: the sweep has lost its rows", read, more, ambiguous)
	}
}

func TestReadings(t *testing.T) {
	tests := []struct {
		why, text, country string
		bare               bool
		want               string // empty: refused
	}{
		{"as it is kept", "+46701740605", "", false, "+46701740605"},
		{"separators", "+46 (0)70-174 06 05", "", false, "+46701740605"},
		{"local", "070-174 06 05", "SE", false, "+46701740605"},
		{"its zero is lost", "701740605", "SE", false, "+46701740605"},
		{"its plus is lost", "46701740605", "SE", false, "+46701740605"},
		{"its plus is lost, abroad", "46701740605", "NO", false, "+46701740605"},
		{"a plus instead of the zero's country", "+0701740605", "SE", false, "+46701740605"},
		{"as the spreadsheet shows it", "46701740605.0", "SE", false, "+46701740605"},
		{"after 00", "0046701740605", "DE", false, "+46701740605"},
		{"two countries", "4155552671", "US", false, "+14155552671"},
		{"a plus that is none, and a number at home", "+3125551234", "US", false, "+13125551234"},
		{"local, and no country", "0701740605", "", false, ""},
		{"without a plus, and no country", "46701740605", "", false, ""},
		{"without a plus, as the command says", "46701740605", "", true, "+46701740605"},
		{"digits are lost", "4.67E+10", "SE", false, ""},
		{"too short", "0701", "SE", false, ""},
		{"a name", "Anna", "SE", false, ""},
		{"nothing", " ", "SE", false, ""},
	}
	for _, tc := range tests {
		got, err := contact.Readings(tc.text, tc.country, tc.bare)
		if tc.want == "" {
			if err == nil {
				t.Errorf("%s: %q is read as %q", tc.why, tc.text, got)
			}
			continue
		}
		if !slices.Contains(got, tc.want) {
			t.Errorf("%s: %q is read as %q, %v, not as %s", tc.why, tc.text, got, err, tc.want)
		}
	}
}

func TestSpellings(t *testing.T) {
	for address, want := range map[string]string{
		"Anna@Example.com":             "anna@example.com",
		"anna@xn--bcher-kva.example":   "anna@xn--bcher-kva.example anna@bücher.example",
		"anna@xn--.example":            "anna@xn--.example",
		"anna@xn--mller-kva.xn--p1ai":  "anna@xn--mller-kva.xn--p1ai anna@müller.рф",
		"anna@shop.xn--mller-kva.com":  "anna@shop.xn--mller-kva.com anna@shop.müller.com",
		"not-an-address.xn--bcher-kva": "not-an-address.xn--bcher-kva",
	} {
		if got := strings.Join(contact.Spellings(address), " "); got != want {
			t.Errorf("%s is spelt %q, want %q", address, got, want)
		}
	}
}

func BenchmarkReadings(b *testing.B) {
	for name, tc := range map[string][2]string{
		"international": {"+46701740605", "SE"}, "local": {"070-174 06 05", "SE"}, "bare": {"46701740605", "SE"}, "US": {"(415) 555-2671", "US"}, "Finland": {"0401234567", "FI"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := contact.Readings(tc[0], tc[1], false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
