package contact

import (
	"testing"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

func TestEveryCountryHasItsEnglishNameAndCodes(t *testing.T) {
	english := display.Regions(language.English)
	for iso := range phonenumbers.GetSupportedRegions() {
		r, err := language.ParseRegion(iso)
		if err != nil {
			t.Errorf("%s: %v", iso, err)
			continue
		}
		for _, text := range []string{iso, english.Name(r)} {
			if got, ok := Country(text); got != iso || !ok {
				t.Errorf("%q: got %q, want %s", text, got, iso)
			}
		}
	}
}

// Go 1.26.8, linux/amd64 (AMD EPYC), two cores shared with other work: 8 ms, once a process.
func BenchmarkCountryNames(b *testing.B) {
	for b.Loop() {
		if len(makeCountryNames()) < 1000 {
			b.Fatal("names are missing")
		}
	}
}
