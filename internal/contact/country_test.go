package contact_test

import (
	"testing"

	"hppsend/internal/contact"
)

func TestCountry(t *testing.T) {
	for _, tc := range []struct{ why, text, want string }{
		{"alpha-2 in lower case", "se", "SE"},
		{"alpha-2", " SE\u00a0", "SE"},
		{"alpha-3", "SWE", "SE"},
		{"alpha-3 in lower case", "deu", "DE"},
		{"English", "Sweden", "SE"},
		{"its own language", "Sverige", "SE"},
		{"capitals", "SVERIGE", "SE"},
		{"German", "Schweden", "SE"},
		{"Norwegian", "Storbritannia", "GB"},
		{"Danish", "Tyskland", "DE"},
		{"Finnish", "Ruotsi", "SE"},
		{"Dutch", "Zweden", "SE"},
		{"French", "Suède", "SE"},
		{"French without accents", "Suede", "SE"},
		{"Spanish", "Noruega", "NO"},
		{"Italian", "Paesi Bassi", "NL"},
		{"Polish", "Szwecja", "SE"},
		{"Portuguese", "Alemanha", "DE"},
		{"its own language beyond the twelve", "Česko", "CZ"},
		{"its own language in another script", "Ελλάδα", "GR"},
		{"letters that are no accents", "osterreich", "AT"},
		{"accents spelled out", "Oesterreich", "AT"},
		{"accents apart from their letters", "O\u0308sterreich", "AT"},
		{"a Danish letter", "Østrig", "AT"},
		{"UK is not the ISO code", "uk", "GB"},
		{"dots", "U.K.", "GB"},
		{"USA", "USA", "US"},
		{"long", "United States of America", "US"},
		{"an article", "The Netherlands", "NL"},
		{"a part for the whole", "Holland", "NL"},
		{"England", "England", "GB"},
		{"Great Britain", "Great Britain", "GB"},
		{"German for it", "Grossbritannien", "GB"},
		{"and for &", "Bosnia and Herzegovina", "BA"},
		{"the older name", "Czech Republic", "CZ"},
		{"punctuation", "Côte d'Ivoire", "CI"},
		{"not Nigeria", "Niger", "NE"},
		{"a country that is another's state", "Georgia", "GE"},
		{"as the European Union writes Greece", "EL", "GR"},
		{"and Northern Ireland", "xi", "GB"},
		{"a calling code", "+46", "SE"},
		{"after 00, in brackets", " (0046)", "SE"},
		{"of several countries, one of them the main one", "+44", "GB"},
		{"beside a name", "Sweden (+46)", "SE"},
		{"beside a code", "+46 SE", "SE"},
		{"of many countries, beside a name", "Canada +1", "CA"},
		{"typed quotes", "“Sweden”", "SE"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			if got, ok := contact.Country(tc.text); got != tc.want || !ok {
				t.Errorf("%q: got %q, %t; want %q", tc.text, got, ok, tc.want)
			}
		})
	}
	for _, tc := range []struct{ why, text string }{
		{"empty", ""},
		{"nothing to see", " \u200b"},
		{"two of them", "Korea"},
		{"two of them in German", "Kongo"},
		{"a continent", "America"},
		{"no country has it", "XX"},
		{"a language", "EN"},
		{"gone", "YU"},
		{"a union", "EU"},
		{"a number", "752"},
		{"a calling code of many countries", "+1"},
		{"and of two", "+7"},
		{"a calling code that is another's", "Sweden (+47)"},
		{"a calling code of none", "+999"},
		{"a phone number", "+46701740605"},
		{"digits alone", "46"},
		{"no country has it either", "XYZ"},
		{"a city", "Stockholm"},
		{"a typing error", "Sweeden"},
		{"two countries", "SE/NO"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			if got, ok := contact.Country(tc.text); ok || got != "" {
				t.Errorf("%q: got %q, want none", tc.text, got)
			}
		})
	}
}
