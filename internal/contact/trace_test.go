package contact_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"hppsend/internal/contact"
)

func TestTraces(t *testing.T) {
	traces := contact.NewTraces("+46701740605", "Anna.B@example.com", "bo@xn--bcher-kva.example")
	for text, want := range map[string]bool{
		"+46701740605": true, "0701740605": true, "701740605": true, "070-174 06 05": true, "+46 (0)70-174 06 05": true,
		"0046701740605": true, "46701740605": true, "<v>46701740605</v>": true, "2026-05-01 0701740605,x": true,
		"tel:+46-70-174-06-05;": true, "+46\u00a070\u202f174\u201106 05": true, "011 46 70 174 06 05": true,
		"+4670174060": false, "+467017406055": false, "+45701740605": false, "1701740605": false, "+46701740606": false, "c0000000-0000-4000-8000-701740605000": false,
		"anna.b@EXAMPLE.com": true, "mailto:Anna.B@example.com?x": true, "anna.b%40example.com": true, "'anna.b@example.com": true, "write to anna.b@example.com.": true,
		"joanna.b@example.com": false, "x-anna.b@example.com": false, "anna.b@example.com.au": false, "anna.b@example.community": false, "annaxb@example.com": false,
		"Bo@bücher.example": true, "bo@xn--bcher-kva.example": true, "": false, "nobody": false,
	} {
		if got := traces.In([]byte(text)); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// Every kind of number of every country is found in the ways that people write it, and not in those of its neighbour.
func TestTracesOfEveryCountry(t *testing.T) {
	tried := 0
	for _, region := range slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions())) {
		n := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
		if n == nil {
			continue
		}
		e164 := phonenumbers.Format(n, phonenumbers.E164)
		last := e164[len(e164)-1:]
		other := e164[:len(e164)-1] + string('0'+('9'-last[0]+'0'+1)%10)
		traces, others := contact.NewTraces(e164), contact.NewTraces(other)
		for _, text := range []string{
			e164, e164[1:], "00" + e164[1:], phonenumbers.GetNationalSignificantNumber(n), phonenumbers.Format(n, phonenumbers.INTERNATIONAL),
			phonenumbers.Format(n, phonenumbers.RFC3966), "a," + e164 + "\r\nb,",
		} {
			tried++
			if !traces.In([]byte(text)) {
				t.Errorf("%s: %s is not found in %q", region, e164, text)
			}
			if other != e164 && others.In([]byte(text)) {
				t.Errorf("%s: %s is found in %q", region, other, text)
			}
		}
		if home := phonenumbers.Format(n, phonenumbers.NATIONAL); region != "AR" && region != "MX" && !traces.In([]byte(home)) {
			// Argentina dials a mobile number with another digit at home.
			t.Errorf("%s: %s is not found in %q", region, e164, home)
		}
	}
	if tried < 1000 {
		t.Errorf("only %d texts were tried", tried)
	}
}
