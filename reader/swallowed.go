package reader

import (
	"slices"
	"strings"
	"unicode"

	"hppsend/pipeline"
)

// idLeast is how long a text with digits is that could be an id where the ids of a file have no one form.
const idLeast = 8

// swallows reports whether a quoted cell that spans lines could hold the end of one row and the beginning of
// another: a quote opened in the one and a quote too many in the other, in the same column, make one
// record of them, as wide as a row, with the session of the one and the contact of the other.
func (h header) swallows(cells []string, comma byte) bool {
	if h.width == 0 { // nothing is known of the rows yet
		return false
	}
	apart := func(r rune) bool {
		return unicode.IsSpace(r) || r == rune(comma) || strings.ContainsRune(`"'{}`, r)
	}
	for at, cell := range cells {
		if strings.ContainsAny(cell, "\r\n") &&
			(slices.ContainsFunc(strings.FieldsFunc(cell, apart), h.idLike) || h.holdsEnds(at, cell, string(comma))) {
			return true
		}
	}
	return false
}

// idLike reports whether a text is an id of the kind that the rows have.
func (h header) idLike(text string) bool {
	text = strings.TrimPrefix(text, "urn:uuid:")
	return pipeline.IsUUID(text) || h.looks(text) && (h.id != "" || len(text) >= idLeast)
}

// holdsEnds reports whether the first line of a cell is as wide as the rest of a row from it on, or its last
// line as what a row has before it, with a contact in its place. That is so also of rows without an id.
func (h header) holdsEnds(at int, cell, delimiter string) bool {
	first := strings.Split(cell[:strings.IndexAny(cell, "\r\n")], delimiter)
	last := strings.Split(cell[strings.LastIndexAny(cell, "\r\n")+1:], delimiter)
	return slices.ContainsFunc(h.fields, func(c column) bool {
		switch {
		case c.field != fieldPhone && c.field != fieldEmail:
		case c.at > at && c.at < h.width && len(first) == h.width-at:
			return h.couldHold(c.field, first[c.at-at])
		case c.at < at && len(last) == at+1:
			return h.couldHold(c.field, last[c.at])
		}
		return false
	})
}
