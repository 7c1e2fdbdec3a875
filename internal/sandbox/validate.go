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
		Phone   string `json:"phone"`
		Country string `json:"phone_country"`
		Email   string `json:"email"`
	} `json:"contact_information"`
	Method string `json:"method"`
}

func bad(code, message string) *problem {
	return &problem{status: http.StatusBadRequest, code: code, message: message}
}

// read reads the body of a call.
func read(r *http.Request) (d distribution, p *problem) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, bodyMost))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return d, &problem{status: http.StatusRequestEntityTooLarge, code: "BAD_VALUE", message: "The body is larger than 1 MB"}
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
	emailForm = regexp.MustCompile(`^[^\s@<>,;"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
	e164Form  = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

// validate judges a request as HPP does.
func validate(r *http.Request, d distribution) *problem {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return &problem{status: http.StatusUnsupportedMediaType, code: "BAD_VALUE", message: "The Content-Type has to be application/json"}
	}
	switch strings.ToLower(d.Method) {
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
	case "":
		return bad("CONSTRAINT_VIOLATION", "method is missing")
	}
	return bad("BAD_VALUE", "method has to be sms or email")
}

// validatePhone takes what is written in full at its word, since that is what a bulk sender sends;
// a local number has to be possible in its country.
func validatePhone(phone, country string) *problem {
	switch {
	case phone == "":
		return bad("MISSING_CONTACT_DATA", "contact_information.phone is missing")
	case country != "" && phonenumbers.GetCountryCodeForRegion(country) == 0:
		return bad("UNSUPPORTED_COUNTRY", "contact_information.phone_country is not a supported country")
	case e164Form.MatchString(phone):
		return nil
	case country == "":
		return bad("UNSUPPORTED_COUNTRY", "contact_information.phone is local, and phone_country is missing")
	}
	if n, err := phonenumbers.Parse(phone, country); err != nil || !phonenumbers.IsPossibleNumber(n) {
		return bad("BAD_VALUE", "contact_information.phone is not a phone number")
	}
	return nil
}
