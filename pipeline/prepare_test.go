package pipeline

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPrepare(t *testing.T) {
	const url = "https://api.example.com/hpp/v1/sessions/"
	withDefaults := func(country string, method, prefer Method) Defaults {
		d := testDefaults
		d.Country, d.Method, d.Prefer = country, method, prefer
		return d
	}
	none := testDefaults
	tests := []struct {
		name     string
		defaults Defaults
		fields   Fields
		want     Distribution
		code     string // of the finding
	}{
		{"a local number and its country", none, Fields{Session: id(1), Phone: "0712345678", PhoneCountry: "se", Method: "sms"}, Distribution{Session: id(1), Method: SMS, Contact: "+46712345678", Country: "SE"}, ""},
		{"the country only says what local means", none, Fields{Session: id(1), Phone: "+33712345678", PhoneCountry: "se"}, Distribution{Session: id(1), Method: SMS, Contact: "+33712345678", Country: "SE"}, ""},
		{"an e-mail address", none, Fields{Session: id(1), Email: "user@example.com", Method: "email"}, Distribution{Session: id(1), Method: Email, Contact: "user@example.com"}, ""},
		{"the default country", withDefaults("SE", "", ""), Fields{Session: id(1), Phone: "0701740605"}, Distribution{Session: id(1), Method: SMS, Contact: "+46701740605", Country: "SE"}, ""},
		{"the number's own country", none, Fields{Session: id(1), Phone: "+46701740605"}, Distribution{Session: id(1), Method: SMS, Contact: "+46701740605", Country: "SE"}, ""},
		{"a country by name", none, Fields{Session: id(1), Phone: "0701740605", PhoneCountry: "Sweden"}, Distribution{Session: id(1), Method: SMS, Contact: "+46701740605", Country: "SE"}, ""},
		{"no such country", none, Fields{Session: id(1), Phone: "0701740605", PhoneCountry: "Atlantis"}, Distribution{Session: id(1), Method: SMS}, "bad_country"},

		{"both contacts: e-mail", none, Fields{Session: id(1), Phone: "+46701740605", Email: "user@example.com"}, Distribution{Session: id(1), Method: Email, Contact: "user@example.com", Other: "+46701740605"}, ""},
		{"both contacts: what is preferred", withDefaults("", "", SMS), Fields{Session: id(1), Phone: "+46701740605", Email: "user@example.com"}, Distribution{Session: id(1), Method: SMS, Contact: "+46701740605", Country: "SE", Other: "user@example.com"}, ""},
		{"both contacts: the row's method", withDefaults("", SMS, SMS), Fields{Session: id(1), Method: "E-Mail", Phone: "+46701740605", Email: "user@example.com"}, Distribution{Session: id(1), Method: Email, Contact: "user@example.com", Other: "+46701740605"}, ""},
		{"a preference is no order", withDefaults("", "", SMS), Fields{Session: id(1), Email: "user@example.com"}, Distribution{Session: id(1), Method: Email, Contact: "user@example.com"}, ""},
		{"a method for all, and the row has the other contact", withDefaults("", SMS, ""), Fields{Session: id(1), Email: "user@example.com"}, Distribution{Session: id(1), Method: SMS, Other: "user@example.com"}, CodeMissingContact},
		{"the other contact cannot be read", none, Fields{Session: id(1), Phone: "call me", Email: "user@example.com"}, Distribution{Session: id(1), Method: Email, Contact: "user@example.com"}, ""},
		{"no contact", none, Fields{Session: id(1), Phone: " ", Email: "\u200b"}, Distribution{Session: id(1)}, CodeMissingContact},
		{"an address that is none", none, Fields{Session: id(1), Email: "user at example"}, Distribution{Session: id(1), Method: Email}, "bad_email"},
		{"a method that is none", none, Fields{Session: id(1), Email: "user@example.com", Method: "pigeon"}, Distribution{Session: id(1)}, CodeBadMethod},

		{"from the URL", none, Fields{URL: url + id(1), Email: "user@example.com"}, Distribution{Session: id(1), Method: Email, Contact: "user@example.com"}, ""},
		{"the URL agrees but for capitals", none, Fields{Session: "ABCDEF00-0000-4000-8000-000000000001", URL: url + "abcdef00-0000-4000-8000-000000000001", Email: "user@example.com"}, Distribution{Session: "abcdef00-0000-4000-8000-000000000001", Method: Email, Contact: "user@example.com"}, ""},
		{"the URL names another", none, Fields{Session: id(1), URL: url + id(2), Email: "user@example.com"}, Distribution{}, CodeSessionMismatch},
		{"the URL is of another host", none, Fields{URL: "https://example.org/" + id(1), Email: "user@example.com"}, Distribution{}, CodeBadURL},
		{"the URL hides a path", none, Fields{URL: url + "a/../b", Email: "user@example.com"}, Distribution{}, CodeBadURL},
		{"quotes and spaces round the id", none, Fields{Session: " \u201c" + id(1) + "\u201d\u00a0", Email: "user@example.com"}, Distribution{Session: id(1), Method: Email, Contact: "user@example.com"}, ""},
		{"an id that is no UUID keeps its capitals", none, Fields{Session: "Abc_1", Email: "user@example.com"}, Distribution{Session: "Abc_1", Method: Email, Contact: "user@example.com"}, ""},
		{"no id", none, Fields{Email: "user@example.com"}, Distribution{}, CodeMissingSession},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			it := test.defaults.prepare(Row{Fields: test.fields})
			it.Other = test.defaults.other(Row{Fields: test.fields}, it.Method)
			if it.finding().Code != test.code {
				t.Errorf("found %q (%s), want %q", it.finding().Code, it.finding().Reason, test.code)
			}
			if diff := cmp.Diff(test.want, it.Distribution); diff != "" {
				t.Error(diff)
			}
			if it.session != it.Session {
				t.Errorf("session %q and %q", it.session, it.Session)
			}
		})
	}
}

func TestSessionsThatCouldChangeTheRequest(t *testing.T) {
	for _, session := range []string{"a/b", "..", "a?b", "a#b", "a%2fb", "a b", "a\nb", "å", strings.Repeat("a", 257)} {
		it := testDefaults.prepare(Row{Fields: Fields{Session: session, Email: "user@example.com"}})
		if it.finding().Code != CodeBadSession || it.Session != "" {
			t.Errorf("%.20q was found %q", session, it.finding().Code)
		}
	}
}

func TestMethods(t *testing.T) {
	for text, want := range map[string]Method{
		"": "", " ": "", "sms": SMS, "SMS": SMS, "Text message": SMS, "phone": SMS, "'sms'": SMS,
		"email": Email, "E-Mail": Email, "e_mail": Email, "mail": Email,
	} {
		if got, f := methodOf(text); got != want || f.Code != "" {
			t.Errorf("%q is %q (%s), want %q", text, got, f.Code, want)
		}
	}
	for _, text := range []string{"token", "both", "sms, email"} {
		if got, f := methodOf(text); f.Code != CodeBadMethod || got != "" {
			t.Errorf("%q is %q", text, got)
		}
	}
}

func TestFaultOfTheReader(t *testing.T) {
	row := byMail(1)
	row.Faults = []Finding{{Code: "ragged_row", Reason: "more cells than headers"}}
	if it := testDefaults.prepare(row); it.finding() != row.Fault() || it.session != id(1) {
		t.Errorf("found %q for session %q", it.finding().Code, it.session)
	}
	row.Fields = Fields{}
	row.Last = true
	if it := testDefaults.prepare(row); it.finding() != row.Fault() {
		t.Errorf("a stretch that cannot be read was taken for %q", it.finding().Code)
	}
}

func TestOddities(t *testing.T) {
	it := testDefaults.prepare(Row{Fields: Fields{Session: "no-uuid-0815", Email: "user@example.com"}})
	if !slices.ContainsFunc(it.notices, func(f Finding) bool { return f.Code == "unusual_session" }) || it.finding().Code != "" {
		t.Errorf("notices %v, finding %q", it.notices, it.finding().Code)
	}
	if it := testDefaults.prepare(byMail(1)); len(it.notices) > 0 {
		t.Errorf("notices %v", it.notices)
	}
}

func TestReasonsShowNoContact(t *testing.T) {
	const phone, address = "0701740605999999", "first.last(at)example.com"
	for _, f := range []Fields{
		{Session: id(1), Phone: phone, PhoneCountry: "SE"},
		{Session: id(1), Email: address},
		{Session: id(1), Email: "user@example.com", Method: address},
		{Session: address, Email: "user@example.com"},
	} {
		it := testDefaults.prepare(Row{Fields: f})
		if it.finding().Code == "" {
			t.Errorf("%q was taken as it is", it.Contact)
		}
		for _, secret := range []string{phone, address, "first.last"} {
			if strings.Contains(it.finding().Reason, secret) {
				t.Errorf("the reason of %s shows the contact", it.finding().Code)
			}
		}
	}
}

func FuzzPrepare(f *testing.F) {
	f.Add("00000000-0000-4000-8000-000000000001", "", "sms", "0712345678", "se", "")
	f.Add("", "https://api.example.com/hpp/v1/sessions/x", "", "", "", "user@example.com")
	f.Fuzz(func(t *testing.T, session, url, method, phone, country, email string) {
		it := testDefaults.prepare(Row{Fields: Fields{session, url, method, phone, country, email}})
		if it.finding().Code == "" && (it.Session == "" || it.Contact == "" || it.Method == "") {
			t.Errorf("to be sent, with session %q, method %q and a contact of %d bytes", it.Session, it.Method, len(it.Contact))
		}
		if it.Session != "" && !safeSession(it.Session) {
			t.Errorf("session %q", it.Session)
		}
	})
}

// A guess at the encoding decides no address; it is the address only that hangs on it.
func TestGuessedEncoding(t *testing.T) {
	for _, test := range []struct {
		fields  Fields
		guessed bool
		code    string
		other   string
	}{
		{Fields{Email: "zoe@müller.example"}, true, "bad_email", ""},
		{Fields{Email: "zoe@müller.example"}, false, "", ""},
		{Fields{Email: "zoé@example.com"}, true, "bad_email", ""},
		{Fields{Email: "zoe@example.com\u00a0"}, true, "bad_email", ""},
		{Fields{Email: "zoe@example.com", Phone: "+46701740605"}, true, "", "+46701740605"},
		{Fields{Email: "zoe@müller.example", Phone: "+46701740605"}, true, "bad_email", "+46701740605"},
		{Fields{Email: "zoe@müller.example", Phone: "+46701740605", Method: "sms"}, true, "", ""},
		{Fields{Email: "zoe@müller.example", Phone: "+46701740605", Method: "sms"}, false, "", "zoe@xn--mller-kva.example"},
		{Fields{Phone: "0101740605", PhoneCountry: "España"}, true, "bad_phone", ""},
	} {
		row := Row{Fields: test.fields, Guessed: test.guessed}
		row.Fields.Session = id(1)
		it := testDefaults.prepare(row)
		if other := testDefaults.other(row, it.Method); it.finding().Code != test.code || other != test.other {
			t.Errorf("%+v: %q, %q", row.Fields, it.finding().Code, other)
		}
	}
}
