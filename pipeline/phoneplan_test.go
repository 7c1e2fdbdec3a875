package pipeline

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nyaruka/phonenumbers"

	"hppsend/internal/contact"
)

// The later passes take a phone number from the plan. What they make of a row must be what reading it gives:
// for every region's numbers, as they are written at home and abroad, with and without the row's country.
func TestPhonesFromThePlan(t *testing.T) {
	var rows []Row
	for region := range phonenumbers.GetSupportedRegions() {
		for _, kind := range []phonenumbers.PhoneNumberType{phonenumbers.MOBILE, phonenumbers.FIXED_LINE, phonenumbers.TOLL_FREE} {
			n := phonenumbers.GetExampleNumberForType(region, kind)
			if n == nil {
				continue
			}
			for _, format := range []phonenumbers.PhoneNumberFormat{phonenumbers.E164, phonenumbers.NATIONAL} {
				text := phonenumbers.Format(n, format)
				for _, f := range []Fields{
					{Phone: text, PhoneCountry: region},
					{Phone: text, PhoneCountry: "SE"},
					{Phone: text},
					{Phone: text[:len(text)-1] + "7", PhoneCountry: region}, // often a number that no plan knows
					{Phone: text, PhoneCountry: region, Email: mail(1)},
				} {
					f.Session = id(len(rows))
					rows = append(rows, Row{Fields: f})
				}
			}
		}
	}
	for _, d := range []Defaults{{PhonesWithoutPlus: true}, {Country: "DE", RefuseUnusual: true, Method: SMS}} {
		d.SessionFromURL = testDefaults.SessionFromURL
		plan, err := Check(t.Context(), CheckConfig{Defaults: d, Rules: Rules{Target: "sandbox"}}, sheet(rows...))
		if err != nil {
			t.Fatal(err)
		}
		known := 0
		for i, row := range rows {
			phone := plan.phoneOf(0, i)
			if phone != (contact.Phone{}) {
				known++
			}
			got, want := d.prepareKnowing(row, phone), d.prepare(row)
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(item{}, cause{}, Distribution{}, Finding{})); diff != "" {
				t.Errorf("row %d, %s in %q (-read +from the plan):\n%s", i, row.Fields.Phone, row.Fields.PhoneCountry, diff)
			}
		}
		if known < 2000 || plan.phoneOf(0, len(rows)) != (contact.Phone{}) {
			t.Errorf("of %d rows %d have their number in the plan", len(rows), known)
		}
	}
}
