package reader

import (
	"slices"
	"strings"
	"unicode"

	"hppsend/pipeline"
)

// lists watches for a second list under the first: a line of words, such as "do not send", and rows behind
// it. What the words say nobody here knows, so that the file is refused. A footnote or a total under the
// list has no rows behind it.
type lists struct {
	header      header
	last        int            // the row before
	title       pipeline.Place // of the line of words that no row has followed yet
	alone       bool           // it is a title whatever follows: it has a place of its own, or a blank line before it
	titled, odd bool           // there is such a line; a row behind it is none of the list
}

// next takes a row that is not blank, by its number and its place. Its cells are asked for only where it has no id in its
// place. headed tells that the row is the header once more.
func (l *lists) next(row int, at pipeline.Place, id string, cells func() []string) (headed bool, err error) {
	gap := row > l.last+1
	l.last = row
	if strings.ContainsAny(id, "0123456789") && !strings.ContainsFunc(strings.TrimSpace(id), unicode.IsSpace) {
		if l.titled && (l.alone || l.odd || gap) {
			return false, &pipeline.Error{
				Kind:  pipeline.BadInput,
				Place: l.title, Problem: "this reads like the title of another list, and rows follow it",
				Todo: "put each list into a file of its own, or take the line out",
			}
		}
		l.titled = false
		return false, nil
	}
	texts := cells()
	switch {
	case l.header.again(texts):
		l.odd = true
		return true, nil
	case l.header.another(texts):
		return false, &pipeline.Error{Kind: pipeline.BadInput, Place: at, Problem: "this is the header of another table", Todo: "put each table into a file of its own"}
	}
	i, words := title(texts)
	if !words {
		l.odd = true
		return false, nil
	}
	ours := slices.ContainsFunc(l.header.fields, func(c column) bool { return c.at == i && (c.field == fieldSession || c.field == fieldURL) })
	if !l.titled {
		l.title, l.odd = at, false
	}
	l.alone = l.titled && l.alone || gap || len(texts) > 1 && (i == 0 || ours)
	l.titled = true
	return false, nil
}

// title reports whether a row has words in one cell, and nothing else, and in which.
func title(cells []string) (at int, ok bool) {
	at = -1
	for i, c := range cells {
		if strings.TrimSpace(c) == "" {
			continue
		}
		if at >= 0 {
			return 0, false
		}
		at = i
	}
	if at < 0 {
		return 0, false
	}
	c := strings.TrimSpace(cells[at])
	return at, strings.ContainsFunc(c, unicode.IsLetter) && !strings.Contains(c, "@") && !pipeline.IsUUID(c) &&
		(strings.ContainsFunc(c, unicode.IsSpace) || !strings.ContainsFunc(c, unicode.IsDigit))
}
