package pipeline

import (
	"errors"
	"slices"
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
	findings     []Finding // why it cannot be sent as it stands; the first gives the code
	hidden       bool
	struck       bool
	prior        Prior
	phone        contact.Packed // that Contact is
	region       string         // the country that the phone number itself belongs to
	withoutPlus  bool           // it would be a number if Defaults.PhonesWithoutPlus were set
	notices      []Finding      // oddities that do not keep the row from being sent
}

// find adds a finding, unless it is none.
func (it *item) find(f Finding) {
	if f.Code != "" {
		it.findings = append(it.findings, f)
	}
}

// finding gives the first finding; the zero Finding when nothing was found.
func (it item) finding() Finding { return firstFinding(it.findings) }

func firstFinding(all []Finding) Finding {
	if len(all) == 0 {
		return Finding{}
	}
	return all[0]
}

// matches reports whether a record is of exactly this distribution.
func (it item) matches(rec Record) bool {
	return rec.Method == it.Method && rec.Contact == it.contact && rec.Country == it.Country
}

// shares reports whether the row and the record have a contact in common.
func (it item) shares(rec Record) bool {
	for _, d := range []Digest{it.contact, it.other} {
		if d != (Digest{}) && (d == rec.Contact || d == rec.Other) {
			return true
		}
	}
	return false
}

// mayShareOther reports whether it takes the other contact to judge the row by its records.
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
//
// All that is wrong with the row is found. The first finding gives its code: that of the session, what the
// reader could not prove, then method and contact, then links.
func (d Defaults) prepareKnowing(row Row, known contact.Phone) item {
	it := item{place: row.Place, hidden: row.Hidden, struck: row.Struck, prior: row.Prior}
	if row.Last && len(row.Faults) == 0 && row.Fields.total() {
		it.find(Finding{Code: CodeTotalsRow, Reason: "the last row has none of our fields; taken for a totals row"})
		return it
	}
	session, finding := d.sessionOf(row)
	it.find(finding)
	it.findings = append(it.findings, row.Faults...)
	if session == "" && finding.Code == "" && !row.faulty("", FieldSession, FieldURL) {
		it.find(missingSession)
	}
	if session == "" {
		rest := it // of which nothing but what is wrong is of use
		d.choose(row, &rest, known)
		it.findings = rest.findings
		return it
	}
	it.session, it.Session = session, session
	it.notices = append(it.notices, row.Notes...)
	if !IsUUID(session) {
		it.notices = append(it.notices, Finding{Code: CodeUnusualSession, Field: FieldSession, Reason: "the session id is not a UUID, as every known one is"})
	}
	d.choose(row, &it, known)
	if len(row.Faults) == 0 {
		it.findings = append(it.findings, d.linked(row, session)...)
	}
	return it
}

var missingSession = Finding{Code: CodeMissingSession, Field: FieldSession, Reason: "the row has no session id"}

// sessionOf gives the session of a row, or the finding that there is none that is readable; neither where the
// reader has found why.
func (d Defaults) sessionOf(row Row) (string, Finding) {
	if len(row.Faults) > 0 && row.Fields.Session == "" && row.Fields.URL == "" {
		return "", Finding{}
	}
	session, finding := d.Session(row.Fields)
	if finding.Code == "" && d.Sessions.nonUUID(session) && row.beside() {
		return "", amongUUIDs("another cell of the row")
	}
	return session, finding
}

// faulty reports whether the reader found fault with one of the fields; "" is the whole row.
func (r Row) faulty(fields ...string) bool {
	return slices.ContainsFunc(r.Faults, func(f Finding) bool { return slices.Contains(fields, f.Field) })
}

// Session gives the session of a row in its canonical form, or the finding that it has none that is
// readable.
func (d Defaults) Session(f Fields) (string, Finding) {
	id, url := unwrapID(f.Session), unwrapID(f.URL)
	if id == "" && url == "" {
		return "", missingSession
	}
	var finding Finding
	if id != "" {
		if id, finding = d.Sessions.session(id, FieldSession, "the session column"); finding.Code != "" || url == "" {
			return id, finding
		}
	}
	fromURL, err := d.SessionFromURL(url)
	if err != nil {
		return "", Finding{Code: CodeBadURL, Field: FieldURL, Reason: "the distribution URL cannot be used: " + contact.MaskAll(err.Error())}
	}
	if fromURL, finding = d.Sessions.session(fromURL, FieldURL, "the distribution URL"); finding.Code != "" {
		return "", Finding{Code: CodeBadURL, Field: FieldURL, Reason: finding.Reason}
	}
	if id != "" && id != fromURL {
		return "", Finding{Code: CodeSessionMismatch, Field: FieldURL, Reason: "the session id and the distribution URL name different sessions"}
	}
	return fromURL, Finding{}
}

// total reports whether the fields could be those of a totals row: none is filled, or only the session's, by
// words such as a label.
func (f Fields) total() bool {
	label := unwrapID(f.Session)
	f.Session = ""
	return f.Empty() && !IsUUID(label) && (!strings.ContainsFunc(label, unicode.IsDigit) || strings.ContainsFunc(label, unicode.IsSpace))
}

// unwrapID gives an id or a URL without what people leave round it, and the formula ="…" by which exports keep text.
func unwrapID(text string) string {
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
