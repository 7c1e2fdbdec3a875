package pipeline

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"hppsend/internal/contact"
)

// suppressing makes lists of cells, one a line.
func suppressing(t *testing.T, country string, lists ...[]string) *Suppression {
	t.Helper()
	var b SuppressionBuilder
	for i, cells := range lists {
		b.Begin(fmt.Sprintf("/lists/%d.csv", i), fmt.Sprintf("%d.csv", i))
		for n, text := range cells {
			found, err := ListedCell{Text: text, Country: country}.Read()
			if err != nil {
				t.Fatalf("line %d: %v", n+1, err)
			}
			b.Add(n+1, found)
		}
		b.End(sha256.Sum256([]byte(fmt.Sprint(i))))
	}
	return b.Suppression()
}

// TestContactsOfARow puts one contact on a list, and has rows that name it anywhere, in whatever form.
func TestContactsOfARow(t *testing.T) {
	const phone, email = "+46701740605", "anna@example.com"
	tests := []struct {
		why             string
		listed          string
		row             Row
		sentTo, country string
		held            bool
	}{
		{"it is sent to", phone, Row{}, phone, "", true},
		{"the other one is an address", email, Row{Fields: Fields{Phone: phone, Email: " Anna@Example.com "}}, phone, "", true},
		{"the other one is a phone", phone, Row{Fields: Fields{Phone: "070-174 06 05", Email: email, PhoneCountry: "Sverige"}}, email, "NO", true},
		{"of another country", phone, Row{Fields: Fields{Phone: "070-174 06 05", Email: email, PhoneCountry: "DE"}}, email, "SE", false},
		{"the other one may be two numbers", "+13125551234", Row{Fields: Fields{Phone: "+3125551234", Email: email}}, email, "US", true},
		{"it is among words", phone, Row{Fields: Fields{Phone: "home: 070-174 06 05 (after six)", Email: email}}, email, "SE", true},
		{"it is one of two", phone, Row{Fields: Fields{Phone: "+46701740699 / +46701740605", Email: email}}, email, "", true},
		{"an address stands in the phone's place", "bo@example.com", Row{Fields: Fields{Phone: "bo@example.com", Email: email}}, email, "", true},
		{"one of two addresses", "bo@example.com", Row{Fields: Fields{Phone: phone, Email: "anna@example.com; Bo@example.com"}}, phone, "", true},
		{"it is left out by --map", phone, Row{Fields: Fields{Email: email}, Also: []Contact{{FieldPhone, "0701740605"}}}, email, "SE", true},
		{"an address is left out", email, Row{Fields: Fields{Phone: phone}, Also: []Contact{{FieldEmail, "Anna <anna@example.com>"}}}, phone, "", true},
		{"a link leads to it", email, Row{Fields: Fields{Phone: phone}, Links: []Link{{Target: "mailto:anna@example.com?subject=x"}}}, phone, "", true},
		{"a link leads to a number", phone, Row{Fields: Fields{Email: email}, Links: []Link{{Target: "https://wa.me/46701740605"}}}, email, "", true},
		{"nobody on the list", "bo@example.com", Row{Fields: Fields{Phone: phone, Email: email}, Also: []Contact{{FieldPhone, "+46701740606"}}}, email, "", false},
		{"nothing can be read", phone, Row{Fields: Fields{Phone: "call me", Email: email}}, email, "SE", false},
	}
	for _, tc := range tests {
		s := suppressing(t, "", []string{tc.listed})
		d := Defaults{Country: tc.country}
		if _, _, held := s.Find(d.Contacts(tc.row, tc.sentTo, "")...); held != tc.held {
			t.Errorf("%s: held %v, of %d contacts", tc.why, held, len(d.Contacts(tc.row, tc.sentTo, "")))
		}
	}
}

// TestListedMeetsRows writes the example of every country's mobile number on a list in several ways, and looks for what a
// row that has it in any other way is sent to.
func TestListedMeetsRows(t *testing.T) {
	met := 0
	for region := range phonenumbers.GetSupportedRegions() {
		n := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
		if n == nil {
			continue
		}
		e164, national := phonenumbers.Format(n, phonenumbers.E164), phonenumbers.Format(n, phonenumbers.NATIONAL)
		forms := []string{e164, national, phonenumbers.Format(n, phonenumbers.INTERNATIONAL), "00" + e164[1:], e164[1:], phonenumbers.GetNationalSignificantNumber(n)}
		for _, listed := range forms {
			if p, err := contact.ParsePhone(listed, region); err == nil && p.E164 != e164 {
				continue // the library writes Argentina's with an area code that is none
			}
			found, err := ListedCell{Text: listed, Country: region}.Read()
			if err != nil {
				continue // the list is refused, and nothing is sent
			}
			var b SuppressionBuilder
			b.Begin("list", "list")
			b.Add(1, found)
			s := b.Suppression()
			for _, written := range forms {
				p, err := contact.ParsePhone(written, region)
				if err != nil || p.E164 != e164 {
					continue
				}
				met++
				if _, _, ok := s.Find(p.E164); !ok {
					t.Errorf("%s: on the list as %s, and sent to as %s", region, listed, written)
				}
			}
		}
	}
	if met < 3000 {
		t.Errorf("only %d pairs have met", met)
	}
}

func TestSuppression(t *testing.T) {
	var none *Suppression
	if _, _, ok := none.Find("+46701740605"); ok || none.Lists() != nil {
		t.Error("no list holds somebody back")
	}
	s := suppressing(t, "", []string{"bo@example.com", "+46701740605"}, []string{"x@example.com", "bo@example.com", "anna@bücher.example"})
	for _, tc := range []struct {
		contacts []string
		want     string
	}{
		{[]string{"BO@example.com"}, "0.csv 1"},
		{[]string{"x@example.com", "+46701740605"}, "0.csv 2"},
		{[]string{"", "x@example.com"}, "1.csv 1"},
		{[]string{"Anna@xn--bcher-kva.example"}, "1.csv 3"},
		{[]string{"", "y@example.com"}, " 0"},
		{nil, " 0"},
	} {
		if list, line, _ := s.Find(tc.contacts...); fmt.Sprint(list, " ", line) != tc.want {
			t.Errorf("%d contacts: %s %d, want %s", len(tc.contacts), list, line, tc.want)
		}
	}
	lists := s.Lists()
	if len(lists) != 2 || lists[0].Count != 2 || lists[1].Count != 3 || lists[0].Name != "/lists/0.csv" || len(lists[1].SHA256) != 64 {
		t.Errorf("kept is %+v", lists)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			Guarded(func() error {
				for range 1000 {
					if _, _, ok := s.Find("bo@example.com"); !ok {
						t.Error("not found")
					}
				}
				return nil
			})
		})
	}
	wg.Wait()
}

// TestListedCells: nothing of a cell that is refused is in the error.
func TestListedCells(t *testing.T) {
	for text, contacts := range map[string]int{
		"+46701740605": 1, "anna@example.com": 1, strings.Repeat("aB", 32): 1, "anna@example.com, bo@example.com": 2,
		"+46701740605\n+46701740606": 2, "0701740605 / 0701740606": 2, "Anna <anna@example.com>": 1,
		"anna": 0, "anna@example.com, Bo": 0, strings.Repeat("g", 64): 0, strings.Repeat("0", 63): 0, "": 0, ";": 0, "07": 0, "anna@example": 0,
	} {
		got, err := ListedCell{Text: text, Country: "SE"}.Read()
		if got.Contacts != contacts || (err == nil) != (contacts > 0) {
			t.Errorf("%q: %d contacts, %v", text, got.Contacts, err)
		}
	}
}

// TestFingerprintHasTheRules: a cell that is only read for the rules, changed between check and send, is another row.
func TestFingerprintHasTheRules(t *testing.T) {
	row := Row{Fields: Fields{Session: "a", Email: "anna@example.com"}}
	prints := []hash{row.fingerprint()}
	for _, other := range []Row{
		{Fields: row.Fields, Also: []Contact{{FieldPhone, "+46701740605"}}},
		{Fields: row.Fields, Also: []Contact{{FieldPhone, "+46701740606"}}},
		{Fields: row.Fields, Also: []Contact{{FieldEmail, "+46701740606"}}},
		{Fields: row.Fields, OptedOut: "DNC"},
		{Fields: row.Fields, OptedOut: "Consent"},
	} {
		if p := other.fingerprint(); slices.Contains(prints, p) {
			t.Errorf("%+v is taken for another", other)
		} else {
			prints = append(prints, p)
		}
	}
}
