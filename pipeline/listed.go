package pipeline

import (
	"errors"
	"regexp"
	"strings"

	"hppsend/internal/contact"
)

// Listed is what a cell of a suppression list names: whole contacts, each in all its readings.
type Listed struct {
	Contacts int
	digests  [][16]byte
}

// ListedCell is a cell of a suppression list.
type ListedCell struct {
	Text    string
	Country string // of local phone numbers, ISO 3166 alpha-2 in upper case; empty for none
	// WithoutPlus says that phone numbers in it may have lost their plus, as Defaults.PhonesWithoutPlus does.
	WithoutPlus bool
}

// mayPart is what stands between several contacts in a cell.
var mayPart = regexp.MustCompile(`[;,|&\n\r]+|\s/\s|\s{2,}`)

// Read gives the contacts that a cell names: phone numbers in any form, e-mail addresses, or SHA-256 in hex, each in
// all its readings. Several in one cell are all meant. The error, a *contact.Problem, says why the cell, or a part
// of it, cannot be read; it shows no contact.
func (c ListedCell) Read() (Listed, error) {
	found, err := c.one(c.Text)
	if err == nil {
		return found, nil
	}
	parts := mayPart.Split(c.Text, -1)
	all, named := Listed{}, 0
	for _, part := range parts {
		if strings.TrimSpace(part) == "" {
			continue
		}
		one, refused := c.one(part)
		if refused != nil {
			return Listed{}, err
		}
		all.Contacts += one.Contacts
		all.digests = append(all.digests, one.digests...)
		named++
	}
	if named < 2 {
		return Listed{}, err
	}
	return all, nil
}

// one reads a cell that names one contact.
func (c ListedCell) one(text string) (Listed, error) {
	text = shownContact(text)
	if d, ok := hashIn(text); ok {
		return Listed{1, [][16]byte{d}}, nil
	}
	if strings.Contains(text, "@") {
		if _, inner, ok := strings.Cut(text, "<"); ok && strings.HasSuffix(inner, ">") && strings.Count(text, "@") == 1 {
			text = strings.TrimSuffix(inner, ">") // Anna Example <anna@example.com>
		}
		a, err := contact.ParseEmail(text)
		if err != nil {
			return Listed{}, err
		}
		return Listed{1, [][16]byte{listDigest(CanonicalContact(a.Text))}}, nil
	}
	numbers, err := contact.Readings(text, c.Country, c.WithoutPlus)
	if err != nil {
		return Listed{}, err
	}
	l := Listed{Contacts: 1}
	for _, n := range numbers {
		l.digests = append(l.digests, listDigest(n))
	}
	return l, nil
}

// LacksCountry reports whether it is for want of a country that a cell of a list cannot be read.
func LacksCountry(err error) bool {
	var p *contact.Problem
	return errors.As(err, &p) && (p.Code == contact.CodeMissingCountry || p.WithoutPlus)
}

// ReadListed reads cells of a list, spread over the cores. Errors are those of Read.
func ReadListed(cells []ListedCell) ([]Listed, []error) {
	found, errs := make([]Listed, len(cells)), make([]error, len(cells))
	each(len(cells), func(i int) { found[i], errs[i] = cells[i].Read() })
	return found, errs
}

// Contact is a contact of a row that is read for the rules, and not sent to.
type Contact struct {
	Field string // FieldPhone or FieldEmail
	Text  string // the cell, not yet judged
}

// Contacts gives everybody whom a row may be meant for, for the rules: the contact that it is sent to, the other one,
// those of columns that are not sent to, and those that its links name; phone numbers in every reading that they may
// have, in E.164, and addresses with their domain in ASCII. sentTo and other are what is known of the first two, or
// empty. What cannot be read is passed over.
func (d Defaults) Contacts(row Row, sentTo, other string) []string {
	all := make([]string, 0, 2)
	phone, email := false, false
	for _, c := range []string{sentTo, other} {
		if c != "" {
			all = append(all, c)
			address := strings.Contains(c, "@")
			phone, email = phone || !address, email || address
		}
	}
	if !phone {
		all = d.numbers(all, row.Fields, row.Fields.Phone)
	}
	if !email {
		all = addresses(all, row.Fields.Email)
	}
	for _, c := range row.Also {
		if c.Field == FieldPhone {
			all = d.numbers(all, row.Fields, c.Text)
		} else {
			all = addresses(all, c.Text)
		}
	}
	for _, l := range row.Links {
		n := d.read(l)
		for _, number := range n.numbers {
			all = d.numbers(all, row.Fields, number)
		}
		for _, a := range n.addresses {
			all = addresses(all, a)
		}
	}
	return all
}

// numbers adds the readings of a cell with a phone number, or of the numbers in it.
func (d Defaults) numbers(all []string, f Fields, text string) []string {
	if blank(text) {
		return all
	}
	country := d.Country
	if iso, ok := contact.Country(f.PhoneCountry); ok {
		country = iso
	}
	if found, err := contact.Readings(text, country, d.PhonesWithoutPlus); err == nil {
		return append(all, found...)
	}
	for _, part := range inCell.FindAllString(text, -1) {
		if found, err := contact.Readings(part, country, d.PhonesWithoutPlus); err == nil {
			all = append(all, found...)
		}
	}
	return addresses(all, text)
}

// inCell is a number among other text.
var inCell = regexp.MustCompile(`\+?[0-9(][0-9 ().\-]{4,}[0-9]`)

// addresses adds the address that a cell is, or those in it.
func addresses(all []string, text string) []string {
	if !strings.Contains(text, "@") {
		return all
	}
	if a, err := contact.ParseEmail(text); err == nil {
		return append(all, a.Text)
	}
	for _, part := range inAddress.FindAllString(text, -1) {
		if a, err := contact.ParseEmail(part); err == nil {
			all = append(all, a.Text)
		}
	}
	return all
}
