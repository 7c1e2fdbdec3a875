package pipeline

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"hppsend/internal/contact"
)

// choose decides which contact is to be used, reads it, and fills the item in. The other one is read where
// it is needed: to read a contact costs more than all else that is done about a row in the check. It is also
// looked at when the one to be used is found wanting, since a person may mend either.
func (d Defaults) choose(row Row, it *item, known contact.Phone) {
	if row.faulty("") { // no cell can be relied on
		return
	}
	f := row.Fields
	method, bad := methodOf(f.Method)
	it.find(bad)
	hasPhone, hasEmail := !blank(f.Phone), !blank(f.Email)
	noPhone, noEmail := !hasPhone && !row.faulty(FieldPhone), !hasEmail && !row.faulty(FieldEmail)
	switch {
	case method != "":
	case bad.Code != "":
	case d.Method != "":
		method = d.Method
	case hasPhone && hasEmail && d.Prefer != "":
		method = d.Prefer
	case hasPhone && !hasEmail:
		method = SMS
	default:
		method = Email
	}
	if bad.Code == "" {
		it.Method = method
	}
	sound := len(it.findings)
	switch {
	case !hasPhone && !hasEmail:
		it.Method = ""
		if noPhone && noEmail {
			it.find(Finding{Code: CodeMissingContact, Reason: "the row has neither a phone number nor an e-mail address"})
		}
		return
	case method == SMS && noPhone:
		it.find(Finding{Code: CodeMissingContact, Field: FieldPhone, Reason: "the method is sms and the row has no phone number"})
	case method == SMS && hasPhone:
		d.choosePhone(f, it, known)
	case method == Email && noEmail:
		it.find(Finding{Code: CodeMissingContact, Field: FieldEmail, Reason: "the method is email and the row has no e-mail address"})
	case method == Email && hasEmail:
		row.chooseAddress(it)
	}
	if len(it.findings) == sound && method != "" && !row.faulty(fieldOf(method)) {
		return
	}
	scratch := item{}
	if hasPhone && method != SMS {
		d.choosePhone(f, &scratch, contact.Phone{})
	}
	if hasEmail && method != Email {
		row.chooseAddress(&scratch)
	}
	it.findings = append(it.findings, scratch.findings...)
}

// fieldOf is where the contact of a method stands.
func fieldOf(m Method) string {
	if m == SMS {
		return FieldPhone
	}
	return FieldEmail
}

func (d Defaults) choosePhone(f Fields, it *item, known contact.Phone) {
	phone, country, err := d.phoneKnowing(f, known)
	if err != nil {
		var p *contact.Problem
		it.withoutPlus = errors.As(err, &p) && p.WithoutPlus && blank(f.PhoneCountry)
		finding := problem(err, FieldPhone)
		if it.find(finding); finding.Code == CodeBadCountry {
			it.findings[len(it.findings)-1].Field = FieldPhoneCountry
			it.find(d.apart(f.Phone))
		}
		return
	}
	it.Contact, it.Country, it.region = phone.E164, country, phone.Region
	it.phone = phone.Pack()
	if phone.Notice != "" {
		it.notices = append(it.notices, Finding{Code: CodeUnusualPhone, Field: FieldPhone, Reason: phone.Notice})
	}
}

// apart finds what is wrong with a number whatever its country, which is not known.
func (d Defaults) apart(text string) Finding {
	_, err := contact.ParsePhone(text, "")
	if f := problem(err, FieldPhone); f.Code == CodeBadPhone || f.Code == CodeDigitsLost {
		return f
	}
	return Finding{}
}

func (r Row) chooseAddress(it *item) {
	address, err := r.address()
	if err != nil {
		it.find(problem(err, FieldEmail))
		return
	}
	it.Contact = address.Text
	if address.Notice != "" {
		it.notices = append(it.notices, Finding{Code: CodeUnusualEmail, Field: FieldEmail, Reason: address.Notice})
	}
}

// other reads the contact that the method of a row does not use; empty when there is none that is readable.
func (d Defaults) other(row Row, used Method) string {
	return d.alternative(row, Distribution{Method: used}).Contact
}

// address reads the e-mail address of a row. A guess at the encoding decides no domain: müller.example is
// another name in every encoding.
func (r Row) address() (contact.Address, error) {
	if r.Guessed && strings.ContainsFunc(r.Fields.Email, func(c rune) bool { return c >= utf8.RuneSelf }) {
		return contact.Address{}, &contact.Problem{
			Code: CodeBadEmail, Reason: "the e-mail address has a character that would be another in another encoding, and the file's was guessed; name it with --encoding, or mend the address (and, in a report, empty hpp_raw)",
		}
	}
	return contact.ParseEmail(r.Fields.Email)
}

// phone gives the number and the country that goes with it on the wire: the row's, else the default,
// else the number's own.
func (d Defaults) phone(f Fields) (contact.Phone, string, error) {
	return d.phoneKnowing(f, contact.Phone{})
}

func (d Defaults) phoneKnowing(f Fields, known contact.Phone) (contact.Phone, string, error) {
	country := d.Country
	if !blank(f.PhoneCountry) {
		iso, ok := contact.Country(f.PhoneCountry)
		if !ok {
			return contact.Phone{}, "", &contact.Problem{
				Code: CodeBadCountry, Reason: "the country is none that we know; write a code such as SE or a name",
			}
		}
		country = iso
	}
	parse := contact.ParsePhone
	if d.PhonesWithoutPlus && blank(f.PhoneCountry) {
		parse = contact.ParsePhoneWithoutPlus
	}
	phone, err := known, error(nil)
	if known == (contact.Phone{}) {
		phone, err = parse(f.Phone, country)
	}
	if country == "" {
		country = phone.Region
	}
	if err == nil && d.RefuseUnusual && !phone.Known {
		return contact.Phone{}, "", &contact.Problem{Code: CodeUnusualPhone, Reason: phone.Notice + ", and such numbers are to be refused"}
	}
	return phone, country, err
}

func methodOf(text string) (Method, Finding) {
	switch strings.Map(func(r rune) rune {
		if unquoted(r) || r == '-' || r == '_' {
			return -1
		}
		return unicode.ToLower(r)
	}, text) {
	case "":
		return "", Finding{}
	case "sms", "text", "textmessage", "phone", "mobile":
		return SMS, Finding{}
	case "email", "mail":
		return Email, Finding{}
	}
	return "", Finding{Code: CodeBadMethod, Field: FieldMethod, Reason: "the method is neither sms nor email"}
}

func blank(s string) bool { return strings.TrimFunc(s, unquoted) == "" }

// problem is what is wrong with the contact of a field; the zero Finding for no error.
func problem(err error, field string) Finding {
	if err == nil {
		return Finding{}
	}
	f := Finding{Code: CodeBadEmail, Field: field, Reason: err.Error()}
	if p := (*contact.Problem)(nil); errors.As(err, &p) {
		f.Code = p.Code
	}
	return f
}
