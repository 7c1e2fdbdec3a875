package pipeline

import "strings"

// Method is how the link travels.
type Method string

// The methods of Distribute Session.
const (
	SMS   Method = "sms"
	Email Method = "email"
)

// Distribution is what HPP is asked to do for a session.
type Distribution struct {
	Session string // in its one form, as it stands in the URL
	Method  Method
	Contact string // E.164 for SMS; for e-mail the address with its domain in lower-case ASCII
	Country string // ISO 3166 alpha-2 in upper case for SMS; empty for e-mail
	Other   string // the row's other contact, in the same form; not sent
}

// CanonicalContact gives the form in which contacts compare: e-mail addresses without regard to case,
// since hardly any provider tells Anna@ from anna@, and nobody may get a message twice.
func CanonicalContact(contact string) string { return strings.ToLower(contact) }
