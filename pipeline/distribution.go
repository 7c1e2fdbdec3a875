package pipeline

import (
	"strings"

	"github.com/google/uuid"
)

// Method is how the link travels.
type Method string

// The methods of Distribute Session.
const (
	SMS   Method = "sms"
	Email Method = "email"
)

// Distribution is what HPP is asked to do for a session.
type Distribution struct {
	Session string // as it stands in the URL; UUIDs in lower case
	Method  Method
	Contact string // E.164 for SMS; for e-mail the address with its domain in lower-case ASCII
	Country string // ISO 3166 alpha-2 in upper case for SMS; empty for e-mail
	Other   string // the row's other contact, in the same form; not sent
}

// CanonicalSession gives the form in which session ids compare: UUIDs in lower case, others as they are.
func CanonicalSession(id string) string {
	if IsUUID(id) {
		return strings.ToLower(id)
	}
	return id
}

// CanonicalContact gives the form in which contacts compare: e-mail addresses without regard to case,
// since hardly any provider tells Anna@ from anna@, and nobody may get a message twice.
func CanonicalContact(contact string) string { return strings.ToLower(contact) }

// IsUUID tells whether a session id has the form that every documented one has.
func IsUUID(id string) bool {
	if len(id) != 36 {
		return false
	}
	_, err := uuid.Parse(id)
	return err == nil
}
