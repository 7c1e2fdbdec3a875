package contact

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Address is an e-mail address that may be sent to. Text has the local part as given and the domain in
// lower-case ASCII. Notice, if any, says what is odd about it, without the address.
type Address struct {
	Text   string
	Notice string
}

// RFC 5321, 4.5.3.1, and the longest path less its angle brackets.
const (
	localMost   = 64
	addressMost = 254
	longCell    = 1000 // bytes, beyond which a cell is not looked at closely
)

// ParseEmail reads one bare e-mail address: a dot-atom of RFC 5321 in ASCII, and a domain name with at
// least one dot. Errors are of type *[Problem].
func ParseEmail(text string) (Address, error) {
	text, p := unwrapAddress(text)
	if p != nil {
		return Address{}, p
	}
	local, domain, _ := strings.Cut(text, "@")
	if why := badLocal(local); why != "" {
		return Address{}, badEmail(why)
	}
	domain, why := asciiDomain(domain)
	if why != "" {
		return Address{}, badEmail(why)
	}
	a := Address{Text: local + "@" + domain}
	if len(a.Text) > addressMost {
		return Address{}, badEmail("the e-mail address is longer than 254 characters")
	}
	if meant := mistyped(domain); meant != "" {
		a.Notice = "the domain of the e-mail address looks like a typing error for " + meant
	}
	return a, nil
}

func badEmail(why string) *Problem { return &Problem{Code: CodeBadEmail, Reason: why} }

// unwrapAddress gives what is left of a cell without what surrounds an address, with exactly one @ in it.
func unwrapAddress(text string) (string, *Problem) {
	text = trimmed(text)
	if text == "" {
		return "", &Problem{Code: CodeMissing, Reason: "the e-mail address is missing"}
	}
	if len(text) > longCell {
		return "", badEmail("the cell is too long for an e-mail address")
	}
	const scheme = "mailto:"
	if len(text) >= len(scheme) && strings.EqualFold(text[:len(scheme)], scheme) {
		link, err := url.PathUnescape(text[len(scheme):])
		if err != nil || strings.Contains(link, "?") {
			return "", badEmail("the mail link has more in it than one address: write the address alone")
		}
		text = trimmed(link)
	}
	// In a domain beyond ASCII joiners may be letters' business, and are for IDNA to judge.
	if shown := strings.Map(dropInvisible, text); isASCII(shown) {
		text = shown
	}
	switch at := strings.Count(text, "@"); {
	case at > 1 && (strings.ContainsAny(text, ",;/|&") || strings.ContainsFunc(text, unicode.IsSpace)):
		return "", badEmail("the cell has more than one e-mail address: give each its own row")
	case strings.ContainsAny(text, `<>()`):
		return "", badEmail("the e-mail address has brackets around or in it: write it alone, without a name")
	case strings.Contains(text, `"`):
		return "", badEmail("the e-mail address has quotation marks in it, which hardly any provider accepts")
	case strings.ContainsFunc(text, unicode.IsSpace):
		return "", badEmail("the e-mail address has a space in it: write it alone, without a name")
	case at == 0:
		return "", badEmail("the e-mail address has no @")
	case at > 1:
		return "", badEmail("the e-mail address has more than one @")
	}
	return text, nil
}

func dropInvisible(r rune) rune {
	if invisible(r) {
		return -1
	}
	return r
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

// badLocal says what is wrong with a local part, or nothing.
func badLocal(local string) string {
	switch {
	case local == "":
		return "the e-mail address has nothing before the @"
	case !isASCII(local):
		return "the e-mail address has letters beyond a-z before the @: a payment link might not arrive"
	case len(local) > localMost:
		return "the e-mail address has more than 64 characters before the @"
	case local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, ".."):
		return "the e-mail address has a dot too many before the @"
	}
	for _, r := range local {
		if r != '.' && !atext(r) {
			return "the e-mail address has a character before the @ that none has"
		}
	}
	return ""
}

// atext is what RFC 5322, 3.2.3 allows between dots.
func atext(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
		strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}

// asciiDomain gives a domain in lower-case ASCII, or says what is wrong with it.
func asciiDomain(domain string) (ascii, why string) {
	if domain == "" {
		return "", "the e-mail address has nothing after the @"
	}
	if domain[0] == '[' {
		return "", "the e-mail address has a network address for a domain"
	}
	if strings.ContainsRune(domain, utf8.RuneError) { // idna would encode it
		return "", "the domain of the e-mail address has a letter that was lost in a wrong encoding"
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil || !isASCII(ascii) {
		return "", "the domain of the e-mail address has a character or a form that no domain has"
	}
	labels := strings.Split(ascii, ".")
	if len(labels) < 2 {
		return "", "the domain of the e-mail address has no dot"
	}
	for _, l := range labels {
		if l == "" {
			return "", "the domain of the e-mail address has a dot too many"
		}
		if len(l) > 63 {
			return "", "the domain of the e-mail address has more than 63 characters between dots"
		}
		if mixed(l) {
			return "", "the domain of the e-mail address mixes letters of several alphabets, of which one may only look like another: type it again"
		}
	}
	if top := labels[len(labels)-1]; len(top) < 2 || strings.Trim(top, "0123456789") == "" {
		return "", "the domain of the e-mail address has no valid ending, such as .com"
	}
	return ascii, ""
}

var (
	// Only long names: near short ones there are too many real domains.
	providers = [...]string{
		"gmail.com", "googlemail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com",
		"protonmail.com", "hotmail.se", "hotmail.fr", "hotmail.it", "hotmail.de", "hotmail.es", "telia.com",
	}
	// Real domains that are one letter away from those.
	lookalikes = map[string]bool{
		"mail.com": true, "email.com": true, "ymail.com": true, "cloud.com": true, "hotmail.ee": true,
		"hotmail.ch": true, "hotmail.dk": true, "hotmail.be": true, "hotmail.fi": true, "hotmail.no": true,
		"hotmail.si": true, "hotmail.gr": true, "hotmail.sk": true, "hotmail.rs": true, "hotmail.lt": true,
	}
)

// mistyped gives the well-known domain that was probably meant, or nothing.
func mistyped(domain string) string {
	for _, p := range providers {
		if p == domain {
			return ""
		}
	}
	if lookalikes[domain] {
		return ""
	}
	for _, p := range providers {
		// National domains are near to each other, so only the name before the dot may differ in theirs.
		name, top, _ := strings.Cut(p, ".")
		if top == "com" && oneTypo(domain, p) {
			return p
		}
		if typed, ok := strings.CutSuffix(domain, "."+top); ok && oneTypo(typed, name) {
			return p
		}
	}
	if name, ok := strings.CutSuffix(domain, ".con"); ok { // no such top-level domain
		for _, p := range providers {
			if strings.HasPrefix(p, name+".") {
				return p
			}
		}
		return "one that ends in .com"
	}
	return ""
}

// oneTypo reports whether one letter left out, put in, changed or swapped with the next makes b of a.
func oneTypo(a, b string) bool {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a)+len(b) == 1 || len(a) == 1 && len(b) == 1 ||
		len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}
