package contact

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/unicode/norm"
)

// Country gives the ISO 3166 alpha-2 code, in upper case, of a country that has telephones. It takes
// alpha-2 and alpha-3 codes, names in twelve European languages and in the country's own, without
// regard to case, accents and punctuation, and calling codes with a plus or 00, alone or beside one of
// these: "+46", "Sweden (+46)". A name or a calling code that fits several countries is none.
func Country(text string) (iso string, ok bool) {
	text = trimmed(text)
	if strings.ContainsAny(text, "+0") {
		if m := callingCode.FindStringSubmatch(text); m != nil {
			return byCallingCode(m[2], m[1]+m[3])
		}
	}
	if iso, ok := byCode(strings.ToUpper(strings.ReplaceAll(text, ".", ""))); ok {
		return iso, true
	}
	key := nameKey(text)
	if len(key) < 3 {
		return "", false
	}
	iso = countryNames()[key]
	return iso, iso != ""
}

// callingCode is a calling code as it stands for a country, and what stands before and after it.
var callingCode = regexp.MustCompile(`^([^0-9+]*?)[\s(\[]*(?:\+|00)\s?([1-9][0-9]{0,2})[\s)\]]*([^0-9+]*)$`)

// byCallingCode gives the country that a calling code and what is beside it name. Several countries are
// at +1 and at +7; elsewhere a code is its main country's.
func byCallingCode(digits, beside string) (string, bool) {
	code, err := strconv.Atoi(digits)
	if err != nil {
		return "", false
	}
	if strings.ContainsFunc(beside, unicode.IsLetter) {
		iso, _ := Country(strings.Trim(beside, " ,;:/-"))
		if phonenumbers.GetCountryCodeForRegion(iso) != code {
			return "", false
		}
		return iso, true
	}
	iso := phonenumbers.GetRegionCodeForCountryCode(code)
	if code == 1 || code == 7 || !phonenumbers.GetSupportedRegions()[iso] {
		return "", false
	}
	return iso, true
}

func byCode(code string) (string, bool) {
	switch code { // as the European Union writes them, and the last one in VAT numbers only
	case "EL":
		return "GR", true
	case "UK", "XI":
		return "GB", true
	}
	if len(code) == 2 {
		return code, phonenumbers.GetSupportedRegions()[code]
	}
	if len(code) != 3 || strings.ContainsAny(code, "0123456789") { // 752 is Sweden too, but not to people
		return "", false
	}
	r, err := language.ParseRegion(code)
	if err != nil || r.ISO3() != code {
		return "", false
	}
	return r.String(), phonenumbers.GetSupportedRegions()[r.String()]
}

// nameKey is the form in which names compare: letters and digits, without accents.
func nameKey(name string) string {
	words := strings.FieldsFunc(strings.ToLower(norm.NFKD.String(name)), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	var b strings.Builder
	for _, w := range words {
		if w == "the" || w == "and" { // the tables write "&"
			continue
		}
		for _, r := range w {
			switch {
			case unicode.Is(unicode.Mn, r):
			case plainLetters[r] != "":
				b.WriteString(plainLetters[r])
			default:
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// Letters that have no accent to drop.
var plainLetters = map[rune]string{
	'ø': "o", 'ł': "l", 'ß': "ss", 'æ': "ae", 'œ': "oe", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i",
}

// How the accents are written where a keyboard lacks them.
var spelledOut = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "å", "aa", "ø", "oe",
	"Ä", "Ae", "Ö", "Oe", "Ü", "Ue", "Å", "Aa", "Ø", "Oe")

// Names that the tables lack, by country.
var moreNames = map[string]string{
	"AE": "UAE, Emirates, VAE", "BA": "Bosnia, Bosnien", "CI": "Ivory Coast, Elfenbeinküste, Costa de Marfil",
	"CZ": "Czech Republic, Tschechische Republik, Tjeckiska republiken, República Checa, " +
		"Repubblica Ceca, République tchèque",
	"GB": "Great Britain, Britain, England, Scotland, Wales, Northern Ireland, Großbritannien, Storbritannien, Engeland, " +
		"Grande-Bretagne, Angleterre, Gran Bretaña, Inglaterra, Gran Bretagna, Inghilterra, Grã-Bretanha, " +
		"Groot-Brittannië, Anglia, Englanti",
	"HK": "Hong Kong, Hongkong", "IE": "Republic of Ireland, Éire", "KR": "South Korea, Republic of Korea",
	"MK": "North Macedonia, Nordmazedonien, Nordmakedonien", "MM": "Burma, Myanmar", "MO": "Macau, Macao",
	"NL": "Holland, Hollanda, Hollande, Olanda, Holanda, Holandia, Hollanti, Nederland, Netherlands",
	"PS": "Palestine", "RU": "Russian Federation, Russland", "SK": "Slovak Republic", "SZ": "Eswatini",
	"TL": "East Timor, Osttimor", "TR": "Türkiye", "US": "USA, United States of America, Vereinigte Staaten von Amerika, EUA, EE.UU.",
	"VA": "Vatican",
}

// Names that mean more than one country, though a table may give them to one.
const manyCountries = "America, Amerika, Congo, Kongo, Korea, Corea, Corée, Coreia, Virgin Islands"

// countryNames takes some milliseconds, once, when the first name is asked for.
var countryNames = sync.OnceValue(makeCountryNames)

// makeCountryNames gives the country of a name, or "" where several have it.
func makeCountryNames() map[string]string {
	names := make(map[string]string, 4096)
	add := func(name, iso string) {
		for _, key := range [...]string{nameKey(name), nameKey(spelledOut.Replace(name))} {
			if other, taken := names[key]; taken && other != iso {
				names[key] = ""
			} else if key != "" {
				names[key] = iso
			}
		}
	}
	var tables []display.Namer
	for _, l := range [...]string{"en", "de", "sv", "no", "da", "fi", "nl", "fr", "es", "it", "pl", "pt"} {
		tables = append(tables, display.Regions(language.MustParse(l)))
	}
	for iso := range phonenumbers.GetSupportedRegions() {
		region, err := language.ParseRegion(iso)
		if err != nil {
			continue
		}
		for _, t := range tables {
			add(t.Name(region), iso)
		}
		own, err := language.Compose(language.Und, region)
		if err != nil {
			continue
		}
		base, _ := own.Base()
		if t := display.Regions(language.Make(base.String())); t != nil {
			add(t.Name(region), iso)
		}
	}
	for iso, list := range moreNames {
		for name := range strings.SplitSeq(list, ", ") {
			add(name, iso)
		}
	}
	for name := range strings.SplitSeq(manyCountries, ", ") {
		names[nameKey(name)] = ""
	}
	return names
}
