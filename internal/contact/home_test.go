package contact_test

import (
	"errors"
	"strings"
	"testing"

	"hppsend/internal/contact"
)

// TestNoOtherCountry has digits that are a number of another country than the one they are said to be of.
func TestNoOtherCountry(t *testing.T) {
	for _, tc := range []struct{ why, text, country, want, says string }{
		{"New Jersey", "15512345678", "MX", "", "write it with + if it is a number of the United States"},
		{"Kazakhstan", "77009001234", "GB", "", "write it with + if it is a number of Kazakhstan"},
		{"Australia", "6123456789", "FR", "", "write it with + if it is a number of Australia"},
		{"Austria", "431234567", "NO", "", "write it with + if it is a number of Austria"},
		{"Egypt", "20255501234", "US", "", "write it with + if it is a number of Egypt"},
		{"Sweden", "46701740605", "NO", "", "write it with + if it is a number of Sweden"},
		{"France, and possible only", "33712345678", "SE", "", "write it with + if it is a number of France"},
		{"Peru, without any country", "51912345678", "", "", "write it with + if it is a number of Peru"},
		{"a fixed line at home, a mobile number abroad", "84612345", "SE", "+4684612345", ""},
		{"with a zero in brackets", "46 (0)70-1740605", "NO", "", "write it with + if it is a number of Sweden"},
		{"with a zero in brackets, without any country", "46 (0)70-1740605", "", "", "write it with + if it is a number of Sweden"},
		{"a shared calling code is home", "2045551234", "US", "+12045551234", ""},

		{"Texas", "0015123456789", "DE", "", "with +49 instead of the zeros if it is one of Germany"},
		{"Chicago", "0013123456789", "CN", "", "write it with + if it is a number of the United States, and with +86"},
		{"Japan", "008123456789", "IN", "", "write it with + if it is a number of Japan"},
		{"Australia by 00", "00612345678", "FR", "", "with +33"},
		{"Romania by 00", "0040612345", "NO", "", "with +47"},
		{"a zero too many, and abroad nothing", "00701740605", "SE", "", "none with the 00 it begins with, but one of Sweden"},
		{"three zeros", "000701740605", "SE", "", "one of Sweden"},
		{"00 abroad", "0046701740605", "NO", "+46701740605", ""},
		{"00 home", "0046701740605", "SE", "+46701740605", ""},
		{"00 home, with a carrier's number that is a country's", "0055 31 98765-4321", "BR", "+5531987654321", ""},
		{"00 before what nobody can have there, and may have here", "0033712345", "DE", "", "one of Germany without"},
		{"00 before what nobody is known to have there, and cannot here", "0033712345678", "SE", "+33712345678", ""},
		{"a plus before the country's own code", "+46 571 52 74", "SE", "+465715274", ""},
		{"00 before the country's own code", "0046 571 52 74", "SE", "+465715274", ""},
		{"a plus before what is Australian at most", "+612345678", "FR", "", "one of France"},
		{"a plus before what is Romanian at most", "+40612345", "NO", "", "one of Norway"},
		{"a plus before a local number", "+701740605", "SE", "", "one of Sweden"},
		{"a plus before a local number with its zero", "+0701740605", "SE", "", "one of Sweden"},
		{"a plus before what is valid in both", "+15123456789", "DE", "+15123456789", ""},

		{"Poland has no zero", "0512345678", "PL", "+48512345678", ""},
		{"nor after its code", "+48 0512345678", "", "+48512345678", ""},
		{"nor after 00", "0048 0512345678", "", "+48512345678", ""},
		{"Greece", "06912345678", "GR", "+306912345678", ""},
		{"Czechia", "0601123456", "CZ", "+420601123456", ""},
		{"Norway", "040612345", "NO", "+4740612345", ""},
		{"America", "02125550123", "US", "+12125550123", ""},
		{"where the zero looks like a prefix", "09911234", "CV", "+2389911234", ""},
		{"a zero before the calling code", "04740612345", "NO", "+4740612345", ""},
		{"a zero before what nobody has", "0112345678", "PL", "", "zero too many"},
		{"nor with a plus", "+48 0112345678", "PL", "", "zero too many"},
		{"two zeros after the code", "+48 00512345678", "", "", "too long"},
		{"Italy's stays", "0612345678", "IT", "+390612345678", ""},
		{"but not before a mobile number", "+39 03381234567", "", "+393381234567", ""},

		{"Australia's prefix", "0011 46 70 174 06 05", "AU", "+46701740605", ""},
		{"Russia's", "810 46 70 174 06 05", "RU", "+46701740605", ""},
		{"Russia's, as it is dialled", "8~10 46 70 174 06 05", "RU", "+46701740605", ""},
		{"America's", "011 46 70 174 06 05", "US", "+46701740605", ""},
		{"Japan's", "010 46 70 174 06 05", "JP", "+46701740605", ""},
		{"Korea's", "001 46 70 174 06 05", "KR", "+46701740605", ""},
		{"Kenya's", "000 46 70 174 06 05", "KE", "+46701740605", ""},
		{"one zero is no prefix", "046701740605", "CV", "", ""},
		{"Australia's, in Germany", "0011 46 70 174 06 05", "DE", "", ""},
		{"Russia's, in Germany", "810 46 70 174 06 05", "DE", "", "write it with +"},

		{"dashes are typed", "82-10-2000-0000", "KR", "+821020000000", ""},
		{"typed quotes", "“+46701740605”", "", "+46701740605", ""},
		{"quotes of another kind", "„0701740605“", "SE", "+46701740605", ""},
		{"and another", "«\"0701740605\"»", "SE", "+46701740605", ""},
		{"no plan knows it", "15-2345-6789", "AR", "+541523456789", ""},
		{"nor this one", "96123-4567", "BR", "+55961234567", ""},
	} {
		t.Run(tc.why, func(t *testing.T) {
			got, err := contact.ParsePhone(tc.text, tc.country)
			if got.E164 != tc.want || (err == nil) != (tc.want != "") {
				t.Fatalf("got %q, %v; want %q", got.E164, err, tc.want)
			}
			if err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v; want …%s…", err, tc.says)
			}
			t.Log(err, got.Notice)
		})
	}
}

func TestPhonesWithoutPlus(t *testing.T) {
	for _, tc := range []struct{ why, text, country, want, code string }{
		{"no country", "46701740605", "", "+46701740605", ""},
		{"the default is not asked", "46701740605", "NO", "+46701740605", ""},
		{"even where it would do", "51912345678", "BR", "+51912345678", ""},
		{"a local number is one", "0701740605", "SE", "+46701740605", ""},
		{"00 is 00", "0046701740605", "SE", "+46701740605", ""},
		{"a local number without its zero", "701740605", "SE", "", "ambiguous_phone"},
		{"digits that a spreadsheet lost stay lost", "46700000000", "", "", "digits_lost"},
		{"none", "999701740605", "", "", "bad_phone"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			got, err := contact.ParsePhoneWithoutPlus(tc.text, tc.country)
			var p *contact.Problem
			if errors.As(err, &p); got.E164 != tc.want || p != nil && p.Code != tc.code {
				t.Errorf("got %q, %v", got.E164, err)
			}
		})
	}
	_, err := contact.ParsePhone("46701740605", "NO")
	var p *contact.Problem
	if !errors.As(err, &p) || !p.WithoutPlus {
		t.Errorf("that a plus would do is not said: %v", err)
	}
	if _, err = contact.ParsePhone("701740605123456", "NO"); errors.As(err, &p) && p.WithoutPlus {
		t.Errorf("that a plus would do is said of what is no number: %v", err)
	}
}
