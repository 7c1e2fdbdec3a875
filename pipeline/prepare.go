package pipeline

import (
	"slices"
	"strings"
	"unicode"

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
	Expires           Expiry // of sessions whose rows do not say when they expire
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
	expires      int64 // Unix seconds at which the session expires; 0 where it is not known
	prior        Prior
	phone        contact.Packed // that Contact is
	region       string         // the country that the phone number itself belongs to
	withoutPlus  bool           // it would be a number if Defaults.PhonesWithoutPlus were set
	notices      []Finding      // oddities that do not keep the row from being sent
	alt          Distribution   // to its other contact, where that may be tried too
	cause        cause          // the rule that holds it back; the zero cause for none
	causeArg     uint32         // what differs from row to row in it
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
