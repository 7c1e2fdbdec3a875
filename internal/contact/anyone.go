package contact

import (
	"regexp"
	"strings"
)

var (
	anySign    = regexp.MustCompile(`(?i)[@＠]|%40| ?[(\[{]at[)\]}] ?| @ ?`)
	anyAddress = regexp.MustCompile(`[^\s"'<>()\[\]{},;:/\\=&?#|]+(?:` + anySign.String() + `)[^\s"'<>()\[\]{},;:/\\=&?#|]+`)
	anyNumber  = regexp.MustCompile(`\+?\(?\d(?:[-._ ()\x{a0}~]{0,3}\d){6,}`)
	anyUUID    = regexp.MustCompile(`(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}`)
	anyHost    = regexp.MustCompile(`^(?:(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])(?:\.|$)){4}$`)
	dateForm   = regexp.MustCompile(`^(?:(?:19|20)\d\d[-._ /]?(?:0?[1-9]|1[0-2])[-._ /]?(?:3[01]|[12]\d|0?[1-9])` +
		`|(?:3[01]|[12]\d|0?[1-9])[-._/](?:3[01]|[12]\d|0?[1-9])[-._/](?:19|20)?\d\d)` +
		`(?:[-._ t~]*(?:[01]\d|2[0-3])[-._: ]?[0-5]\d(?:[-._: ]?[0-5]\d(?:[.,]\d{1,9})?)?)?$`)
)

// ReadsAsDate reports whether a text of digits and what separates them is a day, or a day and a time of it.
func ReadsAsDate(text string) bool { return dateForm.MatchString(strings.ToLower(text)) }

// MaskAll masks whatever in a text could be a contact, without knowing whose: each e-mail address, and each
// stretch of seven digits and more that is no date, no address of a machine and not of a UUID. It is for names
// that people give, to files and sheets for instance; where the contact is known, [MaskIn] finds more of its
// forms.
func MaskAll(text string) string {
	if !anySign.MatchString(text) && !anyNumber.MatchString(text) {
		return text
	}
	text = anyAddress.ReplaceAllStringFunc(text, func(s string) string {
		return Mask(anySign.ReplaceAllString(s, "@"))
	})
	var b strings.Builder
	done := 0
	for _, uuid := range anyUUID.FindAllStringIndex(text, -1) {
		b.WriteString(maskNumbers(text[done:uuid[0]]))
		b.WriteString(text[uuid[0]:uuid[1]])
		done = uuid[1]
	}
	b.WriteString(maskNumbers(text[done:]))
	return b.String()
}

func maskNumbers(text string) string {
	return anyNumber.ReplaceAllStringFunc(text, func(s string) string {
		if ReadsAsDate(s) || anyHost.MatchString(s) {
			return s
		}
		return Mask(s)
	})
}
