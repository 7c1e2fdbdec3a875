package contact

import (
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/nyaruka/phonenumbers"
)

// TestZones names numbers of real plans, all of them examples, with the zones they may be in.
func TestZones(t *testing.T) {
	tests := []struct{ number, country, zones, why string }{
		{"0701740605", "SE", "Europe/Stockholm", "a country of one zone"},
		{"+447700900123", "", "Europe/London", "reserved for drama, and Guernsey is a country of its own"},
		{"+12025550123", "", "America/New_York", "an area code of one zone"},
		{"+13035550123", "", "America/Denver", "another"},
		{"+18085550123", "", "Pacific/Honolulu", "an island's"},
		{"+61491570156", "", "Australia/Perth Australia/Sydney Australia/Adelaide", "a mobile number may be anywhere in Australia"},
		{"+61261234567", "", "Australia/Sydney", "a fixed one is where it is"},
		{"+34612345678", "", "Europe/Madrid Atlantic/Canary", "so may one of Spain"},
		{"+351912345678", "", "Europe/Lisbon Atlantic/Azores", "and of Portugal"},
		{"+79123456789", "", "Europe/Kaliningrad Asia/Kamchatka", "and of Russia"},
		{"+77710009998", "", "Asia/Almaty", "whose calling code Kazakhstan shares"},
		{"+18005550199", "", "America/New_York Pacific/Honolulu", "a free number is nowhere"},
		{"+358412345678", "", "Europe/Helsinki", "one zone"},
		{"+5511961234567", "", "America/Sao_Paulo", "a mobile number with an area code"},
		{"+62812345678", "", "Asia/Jakarta Asia/Jayapura", "Indonesia's had them once"},
		{"+383 43 201 234", "", "Europe/Belgrade", "a country that the table lacks"},
	}
	for _, test := range tests {
		p, err := ParsePhone(test.number, test.country)
		if err != nil {
			t.Errorf("%s: %v", test.number, err)
			continue
		}
		zones := p.Zones()
		for want := range strings.FieldsSeq(test.zones) {
			if !slices.Contains(zones, want) {
				t.Errorf("%s, %s: %v lacks %s", test.number, test.why, zones, want)
			}
		}
		if one := len(strings.Fields(test.zones)) == 1; one && p.Region != "KZ" && len(zones) != 1 {
			t.Errorf("%s, %s: it may be in %v", test.number, test.why, zones)
		}
		if packed := p.Pack().Phone(p.Region); !slices.Equal(packed.Zones(), zones) {
			t.Errorf("%s: packed it may be in %v", test.number, packed.Zones())
		}
	}
}

// TestEveryNumberHasZones goes over every country and kind of number that the plans have an example of: it has zones,
// the program has all of them, and they are the country's by their clocks, in winter and in summer.
func TestEveryNumberHasZones(t *testing.T) {
	t.Parallel()
	clocks := func(names []string) (all []string) {
		for _, name := range names {
			zone, err := time.LoadLocation(name)
			if err != nil {
				t.Error(err)
				continue
			}
			var shown []string
			for _, month := range []time.Month{time.January, time.July} {
				shown = append(shown, time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC).In(zone).Format("15:04"))
			}
			all = append(all, strings.Join(shown, " "))
		}
		return all
	}
	tried := 0
	for region := range phonenumbers.GetSupportedRegions() {
		own := clocks(CountryZones(region))
		if len(own) == 0 {
			t.Errorf("%s has no zone", region)
		}
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.UAN; kind++ {
			n := phonenumbers.GetExampleNumberForType(region, kind)
			if n == nil {
				continue
			}
			p, err := ParsePhone(phonenumbers.Format(n, phonenumbers.E164), "")
			if err != nil {
				continue
			}
			tried++
			zones := p.Zones()
			if len(zones) == 0 {
				t.Errorf("%s, kind %d: no zone", region, kind)
			}
			if p.Region != region {
				continue
			}
			for i, clock := range clocks(zones) {
				if !slices.Contains(own, clock) {
					t.Errorf("%s, kind %d: %s shows %s, which no zone of the country does", region, kind, zones[i], clock)
				}
			}
		}
	}
	if tried < 1000 {
		t.Errorf("only %d numbers were tried", tried)
	}
	if CountryZones("ZZ") != nil || (Phone{}).Zones() != nil {
		t.Error("there are zones of nowhere")
	}
}
