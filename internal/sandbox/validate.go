package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

const bodyMost = 1 << 20 // bytes, as HPP's

// distribution is the body of the call; fields that it does not have are ignored, as HPP does.
type distribution struct {
	Contact struct {
		Phone    string `json:"phone"`
		Country  string `json:"phone_country"`
		Email    string `json:"email"`
		AccessID string `json:"access_id"`
	} `json:"contact_information"`
	Method string `json:"method"`
}

// contact is whom the message is for.
func (d distribution) contact() string {
	if d.Method == "sms" {
		return d.Contact.Phone
	}
	return d.Contact.Email
}

func bad(code, message string) *problem {
	p := newProblem(http.StatusBadRequest, code, message)
	return &p
}

// read reads the body of a call.
func read(r *http.Request) (d distribution, p *problem) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, bodyMost))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		p := newProblem(http.StatusRequestEntityTooLarge, "BAD_VALUE", "The body is larger than 1 MB")
		return d, &p
	}
	if err != nil {
		return d, bad("BAD_VALUE", "The body could not be read")
	}
	if err := json.Unmarshal(body, &d); err != nil {
		return d, bad("BAD_VALUE", "The body is not the JSON that is expected")
	}
	return d, nil
}

var (
	emailForm = regexp.MustCompile(`^[^\s@<>,;"]+@[\pL\pN-]+(\.[\pL\pN-]+)+$`)
	e164Form  = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	phoneForm = regexp.MustCompile(`^\+?[0-9 ()./-]+$`)
)

// validate judges a request as HPP does.
func validate(r *http.Request, d distribution) *problem {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return bad("BAD_VALUE", "The Content-Type has to be application/json")
	}
	switch d.Method {
	case "sms":
		return validatePhone(d.Contact.Phone, strings.ToUpper(d.Contact.Country))
	case "email":
		switch {
		case d.Contact.Email == "":
			return bad("MISSING_CONTACT_DATA", "contact_information.email is missing")
		case !emailForm.MatchString(d.Contact.Email):
			return bad("BAD_VALUE", "contact_information.email is not an e-mail address")
		}
		return nil
	case "token":
		if d.Contact.AccessID == "" {
			return bad("MISSING_CONTACT_DATA", "contact_information.access_id is missing")
		}
		return nil
	case "":
		return bad("CONSTRAINT_VIOLATION", "method is missing")
	}
	return bad("BAD_VALUE", "method has to be sms, email or token")
}

// validatePhone takes E.164 at its word, since that is what a bulk sender sends and a look into the
// numbering plans costs 20 µs; any other form has to be possible in its country.
func validatePhone(phone, country string) *problem {
	switch {
	case phone == "":
		return bad("MISSING_CONTACT_DATA", "contact_information.phone is missing")
	case country != "" && phonenumbers.GetCountryCodeForRegion(country) == 0:
		return bad("UNSUPPORTED_COUNTRY", "contact_information.phone_country is not a supported country")
	case e164Form.MatchString(phone):
		return nil
	case country == "" && !strings.HasPrefix(phone, "+"):
		return bad("UNSUPPORTED_COUNTRY", "contact_information.phone is local, and phone_country is missing")
	}
	if phoneForm.MatchString(phone) { // before letters are taken for the keys they stand on
		if n, err := phonenumbers.Parse(phone, country); err == nil && phonenumbers.IsPossibleNumber(n) {
			return nil
		}
	}
	return bad("BAD_VALUE", "contact_information.phone is not a phone number")
}
