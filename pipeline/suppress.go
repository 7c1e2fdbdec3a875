package pipeline

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"hppsend/internal/contact"
)

// KeptList is what a run keeps of a list of contacts that are not messaged.
type KeptList struct {
	Name   string `json:"name"`   // as it was given; it may read as a contact, and is to be masked where it is kept
	SHA256 string `json:"sha256"` // of the file's bytes, in hex
	Count  int    `json:"count"`  // contacts that it names, repeats counted
}

// Suppression is the contacts of several lists, none of them in clear: 24 bytes for each, and a quarter more for
// room to grow. It is made by a [SuppressionBuilder] and safe for concurrent use. The nil Suppression holds nobody.
type Suppression struct {
	lists   []KeptList
	sources []string
	buckets [256][]suppressed // by the first byte, sorted
}

// suppressed is one contact of a list: the first half of its SHA-256, and where it stands.
type suppressed struct {
	digest [16]byte
	line   uint32
	source uint16
}

func (a suppressed) compare(b suppressed) int {
	if c := bytes.Compare(a.digest[:], b.digest[:]); c != 0 {
		return c
	}
	return a.order(b)
}

// order puts the first list, and the first line in it, first.
func (a suppressed) order(b suppressed) int {
	if a.source != b.source {
		return int(a.source) - int(b.source)
	}
	return int(int64(a.line) - int64(b.line))
}

// Lists are those that it was made of, in the order in which they were given.
func (s *Suppression) Lists() []KeptList {
	if s == nil {
		return nil
	}
	return slices.Clone(s.lists)
}

// Lists are the suppression lists that the plan was made by.
func (p *Plan) Lists() []KeptList {
	if s, ok := p.cfg.Rules.Suppressed.(*Suppression); ok {
		return s.Lists()
	}
	return nil
}

// Find looks for contacts in clear, in E.164 or as an e-mail address with its domain in ASCII; empty ones are
// nobody's. Of all that is found it gives the first list, with the sheet of a workbook, and the line there, which is
// the row that a spreadsheet program shows.
func (s *Suppression) Find(contacts ...string) (list string, line int, ok bool) {
	if s == nil {
		return "", 0, false
	}
	var first suppressed
	for _, c := range contacts {
		for _, text := range spelt(c) {
			if hit, found := s.at(listDigest(text)); found && (!ok || hit.order(first) < 0) {
				first, ok = hit, true
			}
		}
	}
	if !ok {
		return "", 0, false
	}
	return s.sources[first.source], int(first.line), true
}

func (s *Suppression) at(digest [16]byte) (suppressed, bool) {
	bucket := s.buckets[digest[0]]
	i, ok := slices.BinarySearchFunc(bucket, digest, func(e suppressed, d [16]byte) int { return bytes.Compare(e.digest[:], d[:]) })
	if !ok {
		return suppressed{}, false
	}
	return bucket[i], true
}

// spelt gives the texts of which a list may have the hash for one contact.
func spelt(c string) []string {
	switch {
	case c == "":
		return nil
	case strings.Contains(c, "@"):
		return contact.Spellings(c)
	}
	return []string{c}
}

func listDigest(text string) [16]byte {
	sum := sha256.Sum256([]byte(text))
	return [16]byte(sum[:16])
}

// hashIn reads a SHA-256 in hex.
func hashIn(text string) (digest [16]byte, ok bool) {
	if len(text) != 2*sha256.Size {
		return digest, false
	}
	all, err := hex.DecodeString(text)
	if err != nil {
		return digest, false
	}
	return [16]byte(all[:16]), true
}

// SuppressionBuilder makes a Suppression, list by list. It is for one goroutine.
type SuppressionBuilder struct {
	made Suppression
}

// Begin begins the next list. Source is what Find calls it.
func (b *SuppressionBuilder) Begin(name, source string) {
	b.made.lists = append(b.made.lists, KeptList{Name: name})
	b.made.sources = append(b.made.sources, source)
}

// From says what Find calls the part of the list that follows, such as a sheet of a workbook. There may be 65,535 of
// all lists.
func (b *SuppressionBuilder) From(source string) {
	b.made.sources = append(b.made.sources, source)
}

// Add takes in the contacts that a line names, less those that a contact.Problem stands for.
func (b *SuppressionBuilder) Add(line int, found Listed) {
	l := &b.made.lists[len(b.made.lists)-1]
	l.Count += found.Contacts
	for _, d := range found.digests {
		b.made.buckets[d[0]] = append(b.made.buckets[d[0]], suppressed{d, uint32(line), uint16(len(b.made.sources) - 1)})
	}
}

// End ends the list, whose file has this hash, and gives what is kept of it.
func (b *SuppressionBuilder) End(sum [sha256.Size]byte) KeptList {
	l := &b.made.lists[len(b.made.lists)-1]
	l.SHA256 = hex.EncodeToString(sum[:])
	return *l
}

// Suppression gives what was made. The builder is of no more use.
func (b *SuppressionBuilder) Suppression() *Suppression {
	for i, bucket := range b.made.buckets {
		slices.SortFunc(bucket, suppressed.compare)
		b.made.buckets[i] = slices.CompactFunc(bucket, func(a, c suppressed) bool { return a.digest == c.digest })
	}
	return &b.made
}
