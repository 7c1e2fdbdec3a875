package pipeline

import (
	"errors"
	"strings"
	"testing"
)

func TestLinks(t *testing.T) {
	const mine, other = "a0000000-0000-4000-8000-000000000001", "a0000000-0000-4000-8000-000000000002"
	const base = "https://api.klarna.com/hpp/v1/sessions/"
	d := Defaults{SessionFromURL: func(url string) (string, error) {
		id, begins := strings.CutPrefix(url, base)
		id, ends := strings.CutSuffix(id, "/distribution")
		if !begins || !ends {
			return "", errors.New("not one")
		}
		return id, nil
	}}
	both := Fields{Session: mine, Phone: "070-174 06 05", PhoneCountry: "SE", Email: "Anna@example.com", Method: "email"}
	for _, c := range []struct {
		link    string
		session bool // the cell is one of the session
		same    bool
	}{
		{"mailto:anna@example.com", false, true},
		{"MAILTO:Anna@Example.com?subject=Pay%20now", false, true},
		{"mailto:anna%40example.com", false, true},
		{"mailto:bo@example.com", false, false},
		{"mailto:anna@example.com.test", false, false},
		{"mailto:anna@example.com,bo@example.com", false, false},
		{"mailto:anna@example.com?cc=bo@example.com", false, false},
		{"mailto:Anna <anna@example.com>", false, true},
		{"mailto:", false, true}, // it names nobody
		{"http://anna@example.com", false, true},
		{"https://crm.example.com/find?email=anna%40example.com", false, true},
		{"https://crm.example.com/find?email=bo%40example.com", false, false},
		{"https://crm.example.com/contacts/4711", false, true},
		{"tel:+46701740605", false, true},
		{"tel:0701740605", false, true},
		{"tel:+46-70-174-06-05", false, true},
		{"TEL:+46701740606", false, false},
		{"tel:+4540123456", false, false},
		{"sms:+46701740606", false, false},
		{"sms:+46701740605?body=hello", false, true},
		{"callto:+46701740606", false, false},
		{"https://wa.me/46701740605", false, true},
		{"https://wa.me/46701740606", false, false},
		{"https://api.whatsapp.com/send?phone=46701740606", false, false},
		{base + mine + "/distribution", true, true},
		{base + strings.ToUpper(mine) + "/distribution", true, true},
		{base + other + "/distribution", true, false},
		{base + other + "/distribution", false, false}, // from the cell of the phone, say
		{"https://api.playground.klarna.com/hpp/v1/sessions/" + other, true, false},
		{"https://api.playground.klarna.com/hpp/v1/sessions/" + mine, true, true},
		{"https://crm.example.com/orders/" + other, true, false},
		{"https://crm.example.com/orders/" + other, false, true},
		{"https://crm.example.com/orders/4711", true, true},
		{"file:///C:/list.xlsx", true, true},
		{"", false, false}, // a formula, and who knows what it makes
	} {
		row := Row{Fields: both, Links: []Link{{Column: "C", Session: c.session, Target: c.link}}}
		it := d.prepare(row)
		if same := it.finding().Code == ""; same != c.same || !same && it.finding().Code != CodeLinkDiffers {
			t.Errorf("%s: %+v", c.link, it.finding())
		}
		for _, clear := range []string{"anna@", "bo@", "40606", "40605", "123456", mine, other} {
			if strings.Contains(strings.ToLower(it.finding().Reason), clear) {
				t.Errorf("%s: the reason shows %s: %s", c.link, clear, it.finding().Reason)
			}
		}
	}
	// A number is the row's country's, also in the link.
	row := Row{Fields: Fields{Session: mine, Phone: "40123456", PhoneCountry: "NO"}, Links: []Link{{Target: "tel:+4540123456"}}}
	if it := d.prepare(row); it.finding().Code != CodeLinkDiffers {
		t.Errorf("a link to Denmark from a number of Norway: %+v", it.finding())
	}
	// Of a contact that the row does not have, the link names another.
	row = Row{Fields: Fields{Session: mine, Phone: "+46701740605"}, Links: []Link{{Target: "mailto:anna@example.com"}}}
	if it := d.prepare(row); it.finding().Code != CodeLinkDiffers {
		t.Errorf("a link to an address from a row without one: %+v", it.finding())
	}
	if a, b := (Row{}).fingerprint(), (Row{Links: []Link{{Target: "mailto:bo@example.com"}}}).fingerprint(); a == b {
		t.Error("a changed link is not seen between the check and the send")
	}
}
