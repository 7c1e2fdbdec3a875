package reader

import (
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

// delimiter finds the delimiter of a text by its first part: the one under which a row has our
// headers, and of several or none, the one whose count is steadiest outside quotes. It gives 0 for
// a text that is no table.
func (f finder) delimiter(sample string) byte {
	var best byte
	var most [3]int
	for _, d := range []byte(delimiters) {
		score := f.score(sample, d)
		if slices.Compare(score[:], most[:]) > 0 {
			best, most = d, score
		}
	}
	return best
}

// score tells how well a delimiter fits: whether there is a header, the share of records with the
// usual number of cells in percent, and that number. All are 0 where there is only one column.
func (f finder) score(sample string, comma byte) [3]int {
	r := newRecords(strings.NewReader(sample), comma)
	counts := map[int]int{}
	header, total := 0, 0
	for total < sampleRecords {
		rec, err := r.next()
		if err != nil {
			break
		}
		if rec.blank() {
			continue
		}
		if total++; header == 0 && total <= headerRows && complete(f.seen(rec.cells)) {
			header = 1
		}
		if len(rec.cells) > 1 {
			counts[len(rec.cells)]++
		}
	}
	usual := 0
	for n, c := range counts {
		if c > counts[usual] || c == counts[usual] && n > usual {
			usual = n
		}
	}
	if usual == 0 {
		return [3]int{}
	}
	return [3]int{header, counts[usual] * 100 / total, usual}
}

// dialect fills in how the text is written, as far as its first part tells.
func (f finder) dialect(sample string) (d pipeline.Dialect, sep bool) {
	first := sample[:max(strings.IndexAny(sample, "\r\n"), 0)]
	if m := sepLine.FindStringSubmatch(first); m != nil {
		sep = true
		d.Delimiter = rune(m[1][0])
	}
	switch {
	case f.options.Delimiter != 0:
		d.Delimiter = f.options.Delimiter
	case d.Delimiter == 0:
		d.Delimiter = rune(f.delimiter(sample))
	}
	return d, sep
}
