package hpp

import (
	"strings"
	"unicode"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// redact masks the contacts of the row and the credentials. Text is made printable before, since a
// contact could hide behind characters that do not show, and cut after, since a part of a contact
// would not be known for one.
func (c *Client) redact(s string, d pipeline.Distribution) string {
	if s == "" {
		return s
	}
	s = c.secrets.Mask(s)
	for _, known := range [...]string{d.Contact, d.Other} {
		if known != "" {
			s = contact.MaskIn(s, known)
		}
	}
	return s
}

// printable drops what does not show, bidirectional controls among it, and folds white space.
func printable(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)), " ")
}

// ascii keeps printable ASCII without spaces, and the dots of masks.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' && r != '•' {
			return -1
		}
		return r
	}, s)
}

// cut shortens s to at most n characters.
func cut(s string, n int) string {
	seen := 0
	for i := range s {
		if seen++; seen > n {
			return strings.TrimSpace(s[:i]) + "…"
		}
	}
	return s
}
