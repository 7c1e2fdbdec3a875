package pipeline

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"hppsend/internal/contact"
)

// Defaults fill in what a row leaves open.
type Defaults struct {
	Country string // ISO 3166 alpha-2 in upper case; empty for none
	Method  Method // for rows without a method; empty for whichever contact is there
	Prefer  Method // of a row with both contacts and no method; empty for e-mail
	// Sessions says what is taken for a session id; empty for AutoSession.
	Sessions SessionFormat
	// PhonesWithoutPlus says that the phone numbers have their calling codes and lack their plus, in rows that
	// name no country.
	PhonesWithoutPlus bool
	// RefuseUnusual rejects phone numbers that no numbering plan knows.
	RefuseUnusual bool
	// SessionFromURL takes a distribution URL apart; its error says what is wrong with it.
	SessionFromURL func(url string) (session string, err error)
}

// item is a row, prepared: what is to be distributed, or why it cannot be.
type item struct {
	Distribution // as far as it could be read
	place        Place
	session      string // canonical; empty when there is no readable one
	contact      Digest // of Distribution.Contact; zero when there is none readable
	other        Digest
	finding      Finding
	hidden       bool
	struck       bool
	prior        Prior
	phone        contact.Packed // that Contact is
	region       string         // the country that the phone number itself belongs to
	withoutPlus  bool           // it would be a number if Defaults.PhonesWithoutPlus were set
	notices      []Finding      // oddities that do not keep the row from being sent
}

// matches tells whether a record is of exactly this distribution.
func (it item) matches(rec Record) bool {
	return rec.Method == it.Method && rec.Contact == it.contact && rec.Country == it.Country
}

// shares tells whether the row and the record have a contact in common.
func (it item) shares(rec Record) bool {
	for _, d := range []Digest{it.contact, it.other} {
		if d != (Digest{}) && (d == rec.Contact || d == rec.Other) {
			return true
		}
	}
	return false
}

// mayShareOther tells whether it takes the other contact to judge the row by its records.
func (it item) mayShareOther(records []Record) bool {
	for _, rec := range records {
		if rec.Contact != it.contact {
			return true
		}
	}
	return false
}

// prepare is our own check of a row: everything that can be said of it without asking anybody.
func (d Defaults) prepare(row Row) item { return d.prepareKnowing(row, contact.Phone{}) }

// prepareKnowing is prepare for a row whose phone number was read before; the zero Phone was not.
func (d Defaults) prepareKnowing(row Row, known contact.Phone) item {
	it := item{place: row.Place, hidden: row.Hidden, struck: row.Struck, prior: row.Prior}
	if row.Last && row.Fault.Code == "" && row.Fields.total() {
		it.finding = Finding{CodeTotalsRow, "the last row has none of our fields; taken for a totals row"}
		return it
	}
	if row.Fault.Code != "" && row.Fields.Session == "" && row.Fields.URL == "" {
		it.finding = row.Fault
		return it
	}
	session, finding := d.Session(row.Fields)
	if finding.Code != "" {
		it.finding = finding
		return it
	}
	if d.Sessions.nonUUID(session) && row.beside() {
		it.finding = amongUUIDs("another cell of the row")
		return it
	}
	it.session, it.Session = session, session
	it.notices = append(it.notices, row.Notes...)
	if !IsUUID(session) {
		it.notices = append(it.notices, Finding{"unusual_session", "the session id is not a UUID, as every known one is"})
	}
	it.finding = row.Fault
	if f := d.choose(row, &it, known); it.finding.Code == "" {
		it.finding = f
	}
	if it.finding.Code == "" && len(row.Links) > 0 {
		it.finding = d.linked(row, session)
	}
	return it
}

// Session gives the session of a row in its canonical form, or the finding that it has none that is
// readable.
func (d Defaults) Session(f Fields) (string, Finding) {
	id, url := bare(f.Session), bare(f.URL)
	if id == "" && url == "" {
		return "", Finding{CodeMissingSession, "the row has no session id"}
	}
	var finding Finding
	if id != "" {
		if id, finding = d.Sessions.session(id, "the session column"); finding.Code != "" || url == "" {
			return id, finding
		}
	}
	fromURL, err := d.SessionFromURL(url)
	if err != nil {
		return "", Finding{CodeBadURL, "the distribution URL cannot be used: " + contact.MaskAll(err.Error())}
	}
	if fromURL, finding = d.Sessions.session(fromURL, "the distribution URL"); finding.Code != "" {
		return "", Finding{CodeBadURL, finding.Reason}
	}
	if id != "" && id != fromURL {
		return "", Finding{CodeSessionMismatch, "the session id and the distribution URL name different sessions"}
	}
	return fromURL, Finding{}
}

// total tells whether the fields could be those of a totals row: none is filled, or only the session's, by
// words such as a label.
func (f Fields) total() bool {
	label := bare(f.Session)
	f.Session = ""
	return f.Empty() && !IsUUID(label) && (!strings.ContainsFunc(label, unicode.IsDigit) || strings.ContainsFunc(label, unicode.IsSpace))
}

// bare is an id or a URL without what people leave round it, and the formula ="…" by which exports keep text.
func bare(text string) string {
	text = strings.TrimFunc(text, unquoted)
	if inner, ok := strings.CutPrefix(text, `="`); ok {
		text = strings.TrimFunc(inner, unquoted)
	}
	return text
}

// unquoted are the runes that people leave round an id: spaces, invisible characters and quotes.
func unquoted(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`"'`+"`\u2018\u2019\u201c\u201d", r)
}

// choose decides which contact is to be used, reads it, and fills the item in. The other one is read where
// it is needed: to read a contact costs more than all else that is done about a row in the check.
func (d Defaults) choose(row Row, it *item, known contact.Phone) Finding {
	f := row.Fields
	method, bad := methodOf(f.Method)
	if bad.Code != "" {
		return bad
	}
	hasPhone, hasEmail := !blank(f.Phone), !blank(f.Email)
	switch {
	case method != "":
	case d.Method != "":
		method = d.Method
	case hasPhone && hasEmail && d.Prefer != "":
		method = d.Prefer
	case hasPhone && !hasEmail:
		method = SMS
	default:
		method = Email
	}
	if !hasPhone && !hasEmail {
		return Finding{CodeMissingContact, "the row has neither a phone number nor an e-mail address"}
	}
	it.Method = method
	if method == SMS {
		if !hasPhone {
			return Finding{CodeMissingContact, "the method is sms and the row has no phone number"}
		}
		phone, country, err := d.phoneKnowing(f, known)
		if err != nil {
			var p *contact.Problem
			it.withoutPlus = errors.As(err, &p) && p.WithoutPlus && blank(f.PhoneCountry)
			return problem(err)
		}
		it.Contact, it.Country, it.region = phone.E164, country, phone.Region
		it.phone = phone.Pack()
		if phone.Notice != "" {
			it.notices = append(it.notices, Finding{"unusual_phone", phone.Notice})
		}
		return Finding{}
	}
	if !hasEmail {
		return Finding{CodeMissingContact, "the method is email and the row has no e-mail address"}
	}
	address, err := row.address()
	if err != nil {
		return problem(err)
	}
	it.Contact = address.Text
	if address.Notice != "" {
		it.notices = append(it.notices, Finding{"unusual_email", address.Notice})
	}
	return Finding{}
}

// other reads the contact that the method of a row does not use; empty when there is none that is readable.
func (d Defaults) other(row Row, used Method) string {
	switch used {
	case SMS:
		if address, err := row.address(); err == nil {
			return address.Text
		}
	case Email:
		if phone, _, err := d.phone(row.Fields); err == nil {
			return phone.E164
		}
	}
	return ""
}

// address reads the e-mail address of a row. A guess at the encoding decides no domain: müller.example is
// another name in every encoding.
func (r Row) address() (contact.Address, error) {
	if r.Guessed && strings.ContainsFunc(r.Fields.Email, func(c rune) bool { return c >= utf8.RuneSelf }) {
		return contact.Address{}, &contact.Problem{
			Code: "bad_email", Reason: "the e-mail address has a character that would be another in another encoding, and the file's was guessed; name it with --encoding, or mend the address (and, in a report, empty hpp_raw)",
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
				Code: "bad_country", Reason: "the country is none that we know; write a code such as SE or a name",
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
		return contact.Phone{}, "", &contact.Problem{Code: "unusual_phone", Reason: phone.Notice + ", and such numbers are to be refused"}
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
	return "", Finding{CodeBadMethod, "the method is neither sms nor email"}
}

func blank(s string) bool { return strings.TrimFunc(s, unquoted) == "" }

func problem(err error) Finding {
	var p *contact.Problem
	if errors.As(err, &p) {
		return Finding{p.Code, p.Reason}
	}
	return Finding{"bad_contact", err.Error()}
}
