package sandbox

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestValidation(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"SMS in full", sms, 204, ""},
		{"SMS as the API's examples have it", `{"contact_information":{"phone":"0712345678","phone_country":"se"},"method":"sms"}`, 204, ""},
		{"SMS in full without a country", `{"contact_information":{"phone":"+46701740605"},"method":"sms"}`, 204, ""},
		{"SMS in full for another country's number", `{"contact_information":{"phone":"+33639980012","phone_country":"se"},"method":"sms"}`, 204, ""},
		{"SMS in full with spaces", `{"contact_information":{"phone":"+46 70-174 06 05"},"method":"sms"}`, 204, ""},
		{"e-mail", email, 204, ""},
		{"e-mail at a domain beyond ASCII", `{"contact_information":{"email":"anna@bücher.example"},"method":"email"}`, 204, ""},
		{"token", `{"contact_information":{"access_id":"x"},"method":"token"}`, 204, ""},
		{"unknown fields", `{"contact_information":{"email":"anna@example.com","fax":"1"},"method":"email","template":"x"}`, 204, ""},
		{"no JSON", `method=sms`, 400, "BAD_VALUE"},
		{"nothing", ``, 400, "BAD_VALUE"},
		{"JSON and more", email + `x`, 400, "BAD_VALUE"},
		{"a phone that is a number", `{"contact_information":{"phone":46701740605},"method":"sms"}`, 400, "BAD_VALUE"},
		{"no method", `{"contact_information":{"email":"anna@example.com"}}`, 400, "CONSTRAINT_VIOLATION"},
		{"another method", `{"contact_information":{"email":"anna@example.com"},"method":"fax"}`, 400, "BAD_VALUE"},
		{"no contact", `{"method":"sms"}`, 400, "MISSING_CONTACT_DATA"},
		{"no phone", `{"contact_information":{"email":"anna@example.com"},"method":"sms"}`, 400, "MISSING_CONTACT_DATA"},
		{"no address", `{"contact_information":{"phone":"+46701740605"},"method":"email"}`, 400, "MISSING_CONTACT_DATA"},
		{"no access id", `{"method":"token"}`, 400, "MISSING_CONTACT_DATA"},
		{"an address without a domain", `{"contact_information":{"email":"anna@"},"method":"email"}`, 400, "BAD_VALUE"},
		{"two addresses", `{"contact_information":{"email":"a@example.com,b@example.com"},"method":"email"}`, 400, "BAD_VALUE"},
		{"a phone that is too short", `{"contact_information":{"phone":"0712","phone_country":"SE"},"method":"sms"}`, 400, "BAD_VALUE"},
		{"a phone that is too long", `{"contact_information":{"phone":"+4670174060512345"},"method":"sms"}`, 400, "BAD_VALUE"},
		{"a phone of letters", `{"contact_information":{"phone":"070 CALL ME","phone_country":"SE"},"method":"sms"}`, 400, "BAD_VALUE"},
		{"an unknown country", `{"contact_information":{"phone":"+46701740605","phone_country":"XX"},"method":"sms"}`, 400, "UNSUPPORTED_COUNTRY"},
		{"local without a country", `{"contact_information":{"phone":"0701740605"},"method":"sms"}`, 400, "UNSUPPORTED_COUNTRY"},
		{"over 1 MB", `{"x":"` + strings.Repeat("x", bodyMost) + `"}`, 413, "BAD_VALUE"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := New(Config{})
			w := post(s, id, tc.body)
			if w.Code != tc.status || errorCode(w) != tc.code {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, tc.status, tc.code)
			}
			if err := uuid.Validate(w.Header().Get(correlationID)); err != nil {
				t.Errorf("the correlation id: %v", err)
			}
			if tc.status == 204 && w.Body.Len() > 0 {
				t.Errorf("a body beside 204: %s", w.Body)
			}
			if accepted := s.Stats().Accepted[id] == 1; accepted != (tc.status == 204) {
				t.Errorf("accepted: %v after a %d", accepted, w.Code)
			}
		})
	}
}

func TestBodiesAreJSON(t *testing.T) {
	for kind, want := range map[string]int{"application/json; charset=utf-8": 204, "text/plain": 400, "": 400} {
		r := request("POST", "/hpp/v1/sessions/"+id+"/distribution", email)
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		if New(Config{}).ServeHTTP(w, r); w.Code != want {
			t.Errorf("Content-Type %q is answered %d, want %d", kind, w.Code, want)
		}
	}
}
