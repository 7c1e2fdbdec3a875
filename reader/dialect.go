package reader

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"hppsend/pipeline"
)

// delimiters are those that are found by themselves.
const delimiters = ",;\t|^"

// sampleRecords is how many records tell the delimiter.
const sampleRecords = 200

// sepLine is the first line by which Excel tells the delimiter; it shows no row for it.
var sepLine = regexp.MustCompile(`(?i)^"?sep=([^"[:^ascii:]])"?$`)

// fit tells how well a style fits a text.
type fit struct {
	header bool // a row has our headers
	share  int  // of records with the usual number of cells, in percent
	usual  int  // that number; 0 where there is only one column
	odd    int  // records that are not as wide, or in which the quotes do not work out
	proof  int  // records that are as wide and whose quotes or backslashes mean what the style says
	inner  int  // of these, those with an escaped quote in quotes
	quoted int  // cells in quotes
	listed bool // all cells of the header are in quotes
}

// compare puts the header first, then the steadiest count, then the most columns.
func (a fit) compare(b fit) int {
	rank := func(f fit) []int {
		header := 0
		if f.header {
			header = 1
		}
		return []int{header, f.share, f.usual}
	}
	if b.usual == 0 || a.usual == 0 {
		return a.usual - b.usual
	}
	return slices.Compare(rank(a), rank(b))
}

// fit tries a style on the first part of a text.
func (f finder) fit(sample string, st style) (s fit) {
	r := newRecords(strings.NewReader(sample), st)
	counts, proofs, inner := map[int]int{}, map[int]int{}, map[int]int{} // by the number of cells
	total := 0
	for total < sampleRecords {
		rec, err := r.next()
		if err != nil {
			break
		}
		if rec.blank() {
			continue
		}
		if total++; !s.header && total <= headerRows && f.complete(f.seen(rec.cells)) {
			s.header, s.listed = true, rec.quoted == len(rec.cells)
		}
		s.quoted += rec.quoted
		if len(rec.cells) > 1 {
			counts[len(rec.cells)]++
			if text := []byte(rec.text); r.split.meant(text) {
				proofs[len(rec.cells)]++
				if st.escapes && bytes.Contains(text, []byte{'\\', st.quote}) && rec.quoted > 0 {
					inner[len(rec.cells)]++
				}
			}
		}
	}
	for n, c := range counts {
		if c > counts[s.usual] || c == counts[s.usual] && n > s.usual {
			s.usual = n
		}
	}
	if s.usual == 0 {
		return fit{}
	}
	s.share = counts[s.usual] * 100 / total
	s.odd = total - counts[s.usual]
	s.proof, s.inner = proofs[s.usual], inner[s.usual]
	return s
}

// styleProofs is how many rows it takes to believe in another style than the usual one. One may be a row
// that is broken, or a path with a delimiter too many behind it.
const styleProofs = 2

// style finds out how cells are told apart. A delimiter of 0 means that the text is no table. The
// quote is " unless ' plainly is: no cell is in ", and with ' rows work out that do not with ", or all
// names of the header are quoted. Backslashes escape where rows work out only so. What a row is that does
// not work out says nothing of the others.
func (f finder) style(sample string) (st style, sep bool) {
	st.quote = '"'
	first := sample[:max(strings.IndexAny(sample, "\r\n"), 0)]
	if m := sepLine.FindStringSubmatch(first); m != nil {
		sep, st.comma = true, m[1][0]
	}
	switch {
	case f.options.Delimiter != 0:
		st.comma = byte(f.options.Delimiter)
	case st.comma == 0:
		var best fit
		for _, d := range []byte(delimiters) {
			if s := f.fit(sample, style{comma: d, quote: '"'}); s.compare(best) > 0 {
				st.comma, best = d, s
			}
		}
	}
	if st.comma == 0 {
		return st, sep
	}
	if sep {
		sample = sample[len(first):]
	}
	best := f.fit(sample, st)
	try := func(other style) {
		s := f.fit(sample, other)
		better := best.odd - s.odd
		plain := min(better, s.proof) >= styleProofs || !other.escapes && s.listed ||
			min(better, s.inner) > 0 && s.proof >= styleProofs // hardly anything else is written so
		if plain && (other.quote == st.quote || best.quoted == 0) {
			st, best = other, s
		}
	}
	report := strings.Contains(sample, "hpp_status") // reports of ours are written with " alone
	if !report && strings.Contains(sample, "'") && st.comma != '\'' {
		try(style{comma: st.comma, quote: '\''})
	}
	if !report && strings.Contains(sample, `\`) && st.comma != '\\' {
		for _, q := range []byte{'"', '\''} {
			if q == st.quote || best.quoted == 0 {
				try(style{comma: st.comma, quote: q, escapes: true})
			}
		}
	}
	return st, sep
}

// notices says what of a style is not as usual.
func (s style) notices(sep bool) (notices []string) {
	if sep {
		notices = append(notices, "the first line only names the delimiter (sep=), and is no row")
	}
	if s.quote == '\'' {
		notices = append(notices, "cells are in single quotes (')")
	}
	if s.escapes {
		notices = append(notices, `a backslash takes a quote or a delimiter after it literally (\")`)
	}
	return notices
}

func (s style) dialect() pipeline.Dialect { return pipeline.Dialect{Delimiter: rune(s.comma)} }
