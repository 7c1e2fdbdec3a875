package pipeline

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"hppsend/internal/contact"
)

// Link is where a click on a cell of one of our fields leads.
type Link struct {
	Column  string // the header of the cell's column
	Session bool   // which is one of the session's
	Target  string // such as mailto:anna@example.com; empty where the file does not tell
}

// named is what a link names: none or several of each kind.
type named struct {
	addresses, numbers []string
	sessions           []string // canonical
}

var (
	inAddress = regexp.MustCompile(`[^\s/?&=:;,<>()"']+@[^\s/?&=:;,<>()"'#]+`)
	inUUID    = regexp.MustCompile(`[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}`)
	inNumber  = regexp.MustCompile(`\+?[0-9][0-9 ().\-]{5,}`)
)

// read takes apart what a link leads to. Of a web address it looks at whatever could be an address, at
// the numbers of messaging services, and at sessions.
func (d Defaults) read(l Link) (n named) {
	text, err := url.PathUnescape(l.Target)
	if err != nil {
		text = l.Target
	}
	scheme, rest, _ := strings.Cut(strings.TrimSpace(text), ":")
	switch strings.ToLower(scheme) {
	case "mailto":
		n.addresses = inAddress.FindAllString(rest, -1)
	case "tel", "sms", "smsto", "callto", "fax", "facetime", "skype", "whatsapp", "viber", "sip":
		n.numbers = inNumber.FindAllString(rest, 1)
		if n.numbers == nil {
			n.addresses = inAddress.FindAllString(rest, -1)
		}
	default:
		n.addresses = inAddress.FindAllString(text, -1)
		if host, path, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(rest, "//"), "www."), "/"); messaging[strings.ToLower(host)] {
			for _, number := range inNumber.FindAllString(path, 1) {
				n.numbers = append(n.numbers, "+"+strings.TrimPrefix(number, "+"))
			}
		}
		if d.SessionFromURL != nil {
			if session, err := d.SessionFromURL(strings.TrimSpace(l.Target)); err == nil {
				n.sessions = []string{CanonicalSession(session)}
			}
		}
		if n.sessions == nil && (l.Session || strings.Contains(strings.ToLower(text), "/sessions/")) { // of another target
			for _, id := range inUUID.FindAllString(text, -1) {
				n.sessions = append(n.sessions, CanonicalSession(id))
			}
		}
	}
	return n
}

// messaging are the hosts whose addresses are telephone numbers.
var messaging = map[string]bool{"wa.me": true, "api.whatsapp.com": true, "web.whatsapp.com": true, "t.me": true, "signal.me": true}

// linked finds the links that name something else than the row says.
func (d Defaults) linked(row Row, session string) (found []Finding) {
	for _, l := range row.Links {
		if l.Target == "" {
			found = append(found, Finding{Code: CodeLinkDiffers, Column: l.Column, Reason: fmt.Sprintf(
				"the cell in column %q is a link made by a formula, and the file does not tell where it leads; type the value as text", l.Column)})
			continue
		}
		if says, leads, ok := d.disagree(d.read(l), row.Fields, session); ok {
			found = append(found, differs(l, says, leads))
		}
	}
	return found
}

// disagree finds what is named by a link and not said by the row, both as they may be shown.
func (d Defaults) disagree(n named, f Fields, session string) (says, leads string, ok bool) {
	for _, a := range n.addresses {
		if !sameAddress(a, f.Email) {
			return contact.Mask(shownContact(f.Email)), contact.Mask(a), true
		}
	}
	for _, number := range n.numbers {
		if !d.sameNumber(number, f) {
			return contact.Mask(shownContact(f.Phone)), contact.Mask(strings.TrimSpace(number)), true
		}
	}
	for _, id := range n.sessions {
		if id != session {
			return maskedSession(session), maskedSession(id), true
		}
	}
	return "", "", false
}

func shownContact(text string) string { return strings.TrimFunc(text, unquoted) }

func differs(l Link, says, leads string) Finding {
	if says == "" {
		says = "nothing of the kind"
	}
	return Finding{Code: CodeLinkDiffers, Column: l.Column, Reason: fmt.Sprintf(
		"the cell in column %q is a link to %s, and the row says %s; type anew what is meant, without a link", l.Column, leads, says)}
}

// maskedSession shows enough of a session to find it.
func maskedSession(id string) string {
	const most = 8
	if len(id) > most {
		id = id[:most] + "…"
	}
	return id
}

func sameAddress(link, cell string) bool {
	a, err := contact.ParseEmail(link)
	b, err2 := contact.ParseEmail(cell)
	if err != nil || err2 != nil {
		return strings.EqualFold(shownContact(link), shownContact(cell))
	}
	return strings.EqualFold(a.Text, b.Text)
}

// sameNumber reads both as numbers of the row's country.
func (d Defaults) sameNumber(link string, f Fields) bool {
	mine, _, err := d.phone(f)
	f.Phone = link
	theirs, _, err2 := d.phone(f)
	if err == nil && err2 == nil {
		return mine.E164 == theirs.E164
	}
	return false
}
