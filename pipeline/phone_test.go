package pipeline

import "testing"

// TestWhoseNumber has the country of a number from its row, from the default and from nowhere, with and
// without the word that the pluses are missing.
func TestWhoseNumber(t *testing.T) {
	type setting struct {
		country       string
		international bool
	}
	for _, test := range []struct {
		why, phone, row string
		setting
		want, country, code string
		offered             bool
	}{
		{"the row's country", "15512345678", "MX", setting{}, "", "", "ambiguous_phone", false},
		{"the default", "15512345678", "", setting{"MX", false}, "", "", "ambiguous_phone", true},
		{"no country", "15512345678", "", setting{}, "", "", "ambiguous_phone", true},
		{"the pluses are missing", "15512345678", "", setting{"MX", true}, "+15512345678", "MX", "", false},
		{"the pluses are missing, and no country", "15512345678", "", setting{"", true}, "+15512345678", "US", "", false},
		{"the row is stronger", "15512345678", "MX", setting{"", true}, "", "", "ambiguous_phone", false},
		{"the row is stronger than both", "40612345", "Norway", setting{"RO", true}, "+4740612345", "NO", "", false},
		{"the row is stronger than the default", "0701740605", "SE", setting{"NO", false}, "+46701740605", "SE", "", false},
		{"a local number by default", "0701740605", "", setting{"SE", true}, "+46701740605", "SE", "", false},
		{"00 before a local number", "0015123456789", "", setting{"DE", false}, "", "", "ambiguous_phone", false},
		{"00 without a country", "0015123456789", "", setting{}, "+15123456789", "US", "", false},
		{"a country by its calling code", "0701740605", "+46", setting{}, "+46701740605", "SE", "", false},
	} {
		t.Run(test.why, func(t *testing.T) {
			d := testDefaults
			d.Country, d.PhonesWithoutPlus = test.setting.country, test.international
			it := d.prepare(Row{Fields: Fields{Session: id(1), Phone: test.phone, PhoneCountry: test.row}})
			if it.Contact != test.want || it.finding().Code != test.code || it.Country != test.country || it.withoutPlus != test.offered {
				t.Errorf("got %q in %q, %q: %s (offered: %v)", it.Contact, it.Country, it.finding().Code, it.finding().Reason, it.withoutPlus)
			}
		})
	}
}

func TestUnusualPhones(t *testing.T) {
	row := Row{Fields: Fields{Session: id(1), Phone: "15-2345-6789", PhoneCountry: "AR"}}
	it := testDefaults.prepare(row)
	if it.Contact != "+541523456789" || it.finding().Code != "" || len(it.notices) != 1 || it.notices[0].Code != "unusual_phone" {
		t.Errorf("got %q, %v, %v", it.Contact, it.finding(), it.notices)
	}
	d := testDefaults
	d.RefuseUnusual = true
	if it := d.prepare(row); it.Contact != "" || it.finding().Code != "unusual_phone" || len(it.notices) != 0 {
		t.Errorf("got %q, %v, %v", it.Contact, it.finding(), it.notices)
	}
	row.Fields.Phone, row.Fields.PhoneCountry = "+46846500405", ""
	if it := d.prepare(row); it.Contact != "+46846500405" || it.finding().Code != "" {
		t.Errorf("a landline is refused: %v", it.finding())
	}
}

func TestMissingPlusesAreCounted(t *testing.T) {
	plan := checked(t, sheet(
		Row{Fields: Fields{Session: id(1), Phone: "46701740605"}},
		Row{Fields: Fields{Session: id(2), Phone: "46701740606"}},
		Row{Fields: Fields{Session: id(3), Phone: "+46701740607"}},
		Row{Fields: Fields{Session: id(4), Email: "user@example.com"}},
	))
	if plan.Phones != 3 || plan.WithoutPlus != 2 {
		t.Errorf("%d of %d", plan.WithoutPlus, plan.Phones)
	}
}
