package contact

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Traces looks for contacts in texts of any kind: in files of spreadsheets, in what people type. It is made by
// [NewTraces].
type Traces []*regexp.Regexp

// sep is what people and programs put between the digits of a number. What is no ASCII may be a narrow space or a long
// hyphen, in whatever encoding.
const sep = `(?:[-._ ()/~]|[^\x00-\x7f]){0,4}`

// NewTraces takes contacts as [ParsePhone] and [ParseEmail] give them.
func NewTraces(contacts ...string) (t Traces) {
	for _, c := range contacts {
		if strings.HasPrefix(c, "+") {
			t = append(t, tracesOfPhone(c))
			continue
		}
		for _, spelling := range Spellings(c) {
			local, domain, _ := strings.Cut(spelling, "@")
			t = append(t, regexp.MustCompile(`(?i)(?:^|[^a-z0-9._+-])`+regexp.QuoteMeta(local)+
				`(?:@|＠|%40|&#64;)`+regexp.QuoteMeta(domain)+`(?:[^a-z0-9.-]|\.?$|\.[^a-z0-9])`))
		}
	}
	return t
}

// tracesOfPhone finds a number with its calling code, after whatever is dialled for abroad or at home, and bare. The same
// digits after the calling code of another country are another's.
func tracesOfPhone(e164 string) *regexp.Regexp {
	bare, code, home := e164[1:], "", "0"
	if n, err := parse(e164, ""); err == nil {
		code, bare = strconv.Itoa(int(n.GetCountryCode())), phonenumbers.GetNationalSignificantNumber(n)
		home = phonenumbers.GetNddPrefixForRegion(phonenumbers.GetRegionCodeForNumber(n), true)
	}
	spaced := func(digits string) string { return strings.Join(strings.Split(digits, ""), sep) }
	before := []string{"0" + sep}
	if home != "" && home != "0" {
		before = append(before, spaced(home)+sep)
	}
	trunk := "(?:" + strings.Join(before, "|") + ")?"
	abroad := `(?:\+|00` + sep + `|011` + sep + `)?`
	if code != "" {
		code = `(?:` + abroad + sep + spaced(code) + sep + `)?`
	}
	return regexp.MustCompile(`(?:^|[^0-9])` + code + trunk + spaced(bare) + `(?:[^0-9]|$)`)
}

// In reports whether a text holds one of the contacts.
func (t Traces) In(text []byte) bool {
	return slices.ContainsFunc(t, func(r *regexp.Regexp) bool { return r.Match(text) })
}
