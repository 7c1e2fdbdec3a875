package contact

import (
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestPackedPhones(t *testing.T) {
	seen := 0
	for region := range phonenumbers.GetSupportedRegions() {
		for _, kind := range []phonenumbers.PhoneNumberType{phonenumbers.MOBILE, phonenumbers.FIXED_LINE, phonenumbers.TOLL_FREE} {
			n := phonenumbers.GetExampleNumberForType(region, kind)
			if n == nil {
				continue
			}
			number := phonenumbers.Format(n, phonenumbers.E164)
			for _, text := range []string{number, number[:len(number)-1] + "7", number[:len(number)-3] + "999"} {
				p, err := ParsePhone(text, region)
				if err != nil {
					continue
				}
				seen++
				if got := p.Pack().Phone(p.Region); got != p || p.Pack() == 0 {
					t.Errorf("%+v is packed as %d, which is %+v", p, p.Pack(), got)
				}
			}
		}
	}
	if seen < 500 {
		t.Errorf("only %d numbers were packed", seen)
	}
	for _, e164 := range []string{"", "+", "+0123", "+9999999999999999999", "+4x", "++46", "+-46"} {
		if p := (Phone{E164: e164, Known: true}); p.Pack() != 0 {
			t.Errorf("%q is packed as %d", e164, p.Pack())
		}
	}
	if p := Packed(0).Phone("SE"); p != (Phone{}) {
		t.Errorf("nothing is %+v", p)
	}
}
