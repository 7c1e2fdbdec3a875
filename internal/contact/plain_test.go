package contact

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// TestPlainNumbersAreWhatTheLibrarySays draws numbers of every length, with every beginning, and of
// every kind that the library has an example of.
func TestPlainNumbersAreWhatTheLibrarySays(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	same := func(number string) bool {
		got := parsePlain(number)
		if got == nil {
			return false
		}
		want, err := phonenumbers.Parse(number, "")
		if err != nil {
			t.Errorf("%s is taken, and the library refuses it: %v", Mask(number), err)
		} else if got.GetCountryCode() != want.GetCountryCode() || got.GetNationalNumber() != want.GetNationalNumber() ||
			want.GetItalianLeadingZero() || want.GetNumberOfLeadingZeros() > 1 || want.GetExtension() != "" {
			t.Errorf("%s is %v, and the library says %v", number[:5], got, want)
		}
		return true
	}
	for code := range plainCodes {
		taken := 0
		for length := 7 - len(code); length <= 15-len(code); length++ {
			for range Times(400) {
				number := "+" + code
				for range length {
					number += fmt.Sprint(rng.IntN(10))
				}
				if same(number) {
					taken++
				}
			}
		}
		if taken < Times(2000) {
			t.Errorf("only %d numbers of +%s are taken", taken, code)
		}
	}
	for region := range phonenumbers.GetSupportedRegions() {
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
			if n := phonenumbers.GetExampleNumberForType(region, kind); n != nil {
				same(phonenumbers.Format(n, phonenumbers.E164))
			}
		}
	}
}

func TestLocalNumbersAreWhatTheLibrarySays(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for country, code := range trunkCodes {
		for length := 2; length <= 15-len(code); length++ {
			for range Times(300) {
				number := "0"
				for range length {
					number += fmt.Sprint(rng.IntN(10))
				}
				got, gotErr := parse(number, country)
				want, err := phonenumbers.Parse(number, country)
				if (gotErr == nil) != (err == nil) {
					t.Fatalf("%d digits in %s: %v, and the library says %v", length, country, gotErr, err)
				}
				if err == nil && phonenumbers.Format(got, phonenumbers.E164) != phonenumbers.Format(want, phonenumbers.E164) {
					t.Fatalf("%d digits in %s: %v, and the library says %v", length, country, got, want)
				}
			}
		}
	}
}

func TestNotPlain(t *testing.T) {
	for _, number := range []string{
		"", "+", "+46", "46701740605", "+46 701740605", "+0701740605", "+460701740605", "+467017406051234567", "+4670174060x",
		"+11202555012", "+390612345678", "+5491123456789", "+79261234567", "+999701740605", "＋46701740605",
	} {
		if n := parsePlain(number); n != nil {
			t.Errorf("%q is taken for plain: %v", number, n)
		}
	}
}
