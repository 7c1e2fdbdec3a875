package contact

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// zoneTable is zone.tab of the time zone database (2026, in the public domain) without its coordinates and remarks: a
// country a line, as an ISO 3166 code and its zones.
//
//go:embed zones.txt
var zoneTable string

// zoneless are territories that have calling codes and stand in the table under another's code or, as Kosovo, not at all.
var zoneless = map[string][]string{
	"AC": {"Atlantic/St_Helena"}, "TA": {"Atlantic/St_Helena"}, "XK": {"Europe/Belgrade"},
}

var countryZones = sync.OnceValue(func() map[string][]string {
	all := make(map[string][]string, 256)
	for line := range strings.Lines(zoneTable) {
		words := strings.Fields(line)
		all[words[0]] = words[1:]
	}
	for country, zones := range zoneless {
		all[country] = zones
	}
	return all
})

// CountryZones gives the IANA names of every time zone that is in use in a country, an ISO 3166 alpha-2 code in upper
// case; none for a country that is not known. All of them are in Go's time/tzdata.
func CountryZones(iso string) []string { return slices.Clone(countryZones()[iso]) }

// Zones gives the IANA names of the time zones that a number may be in, by libphonenumber's own data where its digits
// tell the area. Those of other numbers, as mobile ones in most countries, tell no more than the country, though the data has the
// zone of the capital for some: they may be anywhere in it. None where not even that is known.
//
// Of a country that has one zone the time zone database is asked, which knows its clocks: the data has Paris for Algeria,
// and Chicago for Nicaragua.
func (p Phone) Zones() []string {
	country := CountryZones(p.Region)
	if p.Area && len(country) != 1 {
		zones, err := phonenumbers.GetTimezonesForPrefix(p.E164)
		if err == nil && !slices.Contains(zones, phonenumbers.UNKNOWN_TIMEZONE) && len(zones) <= mostAreaZones {
			return slices.Clone(zones)
		}
	}
	return country
}

// mostAreaZones is how many zones an area has at most. Where the data knows no area it gives all zones of a calling
// code, which several countries may share, as the 42 of +1.
const mostAreaZones = 5

// area reports whether the digits of a number tell in which part of its country it is, as libphonenumber's
// PhoneNumberUtil.isNumberGeographical does. A mobile number's do in the few countries that are named there.
func (r reading) area() bool {
	switch r.kind {
	case phonenumbers.FIXED_LINE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return true
	case phonenumbers.MOBILE:
		return phonenumbers.GEO_MOBILE_COUNTRIES[int32(r.code)] && r.code != 62 // of Indonesia only numbers that are no more
	}
	return false
}
