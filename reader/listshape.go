package reader

import (
	"cmp"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// listRow is a row of a suppression list. Its cells are valid until the next one.
type listRow struct {
	place pipeline.Place
	line  int
	cells []string
	whole string                               // why the row as such cannot be read
	fault func(column int, text string) string // why a cell cannot be; may be nil
}

// How many rows tell which columns hold contacts, and how many cells are read together.
const (
	listSample = 200
	listBatch  = 4096
)

// listNames are headers that stand for contacts in a suppression list, beside those that do in an input.
var listNames = []string{
	"contact", "contacts", "recipient", "recipients", "subscriber", "email or phone", "phone or email", "suppressed",
	"sha256", "sha-256 hash", "hash", "digest", "contact hash", "contact sha256", "hashed contact", "email hash", "email sha256", "sha256 email",
	"hashed email", "email address sha256", "phone hash", "phone sha256", "sha256 phone", "hashed phone",
	"Kontakt", "Kontakte", "Empfänger", "E-Mail oder Telefon", // German
	"Kontakter", "Mottagare", // Swedish
	"Mottaker", "Modtager", // Norwegian, Danish
	"Yhteystieto", "Vastaanottaja", // Finnish
	"Ontvanger", "Contacten", // Dutch
	"Destinataire", "Contacto", "Destinatario", "Contatto", "Contato", "Destinatário", // French, Spanish, Italian, Portuguese
	"Odbiorca", "Kontakty", // Polish
}

var listNamed = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, n := range listNames {
		names[fold(n)] = true
	}
	return names
})

// listShape is which columns of a list hold contacts.
type listShape struct {
	header  []string // folded names; nil where there is none
	names   []string // as written
	row     int      // of the header, or 0
	at      pipeline.Place
	columns []int // that hold contacts
	country int   // -1 for none
}

// table reads the rows of a list, or of a sheet of one. found reports whether it has contacts at all.
func (l *lister) table(rows iter.Seq2[listRow, error]) (found bool, err error) {
	shape, found, err := l.shape(rows)
	if err != nil || !found {
		return false, err
	}
	before := l.known
	for row, err := range rows {
		if err != nil {
			return false, err
		}
		if row.place.Row <= shape.row || row.whole == "" && !filled(row.cells, 0) || shape.again(row.cells) {
			continue
		}
		l.row(shape, row)
		if len(l.cells) >= listBatch {
			if err := l.take(); err != nil {
				return false, err
			}
		}
	}
	if err := l.take(); err != nil {
		return false, err
	}
	l.notices = append(l.notices, fmt.Sprintf("%s: contacts that are not messaged: %d%s", shape.at, l.known-before, shape.told()))
	return true, nil
}

// row finds the contacts of a row.
func (l *lister) row(shape listShape, row listRow) {
	of := listed{place: row.place, line: row.line}
	if row.whole != "" {
		l.doubt(of, row.whole)
		return
	}
	country := l.opt.Country
	if at := shape.country; at >= 0 && at < len(row.cells) && strings.TrimSpace(row.cells[at]) != "" {
		iso, ok := contact.Country(row.cells[at])
		if !ok {
			of.column = shape.names[at]
			l.doubt(of, "the country is none that we know; write a code such as SE or a name")
			of.column = ""
		}
		country = cmp.Or(iso, country)
	}
	any := false
	for i, text := range row.cells {
		text = strings.TrimSpace(text)
		ours := slices.Contains(shape.columns, i)
		if text == "" && (row.fault == nil || row.fault(i, text) == "") || !ours && (shape.header != nil || !sure(text)) {
			continue
		}
		any = true
		if i < len(shape.names) {
			of.column = shape.names[i]
		}
		if row.fault != nil {
			if why := row.fault(i, text); why != "" {
				l.doubt(of, why)
				continue
			}
		}
		l.queue(of, pipeline.ListedCell{Text: text, Country: country, WithoutPlus: l.opt.WithoutPlus})
	}
	if !any {
		l.doubt(listed{place: row.place, line: row.line}, "the line names no contact")
	}
}

// shape finds the header of a list and the columns that hold contacts.
func (l *lister) shape(rows iter.Seq2[listRow, error]) (s listShape, found bool, err error) {
	var sample [][]string
	s.country = -1
	looking := true
	for row, err := range rows {
		if err != nil {
			return s, false, err
		}
		if row.whole != "" || !filled(row.cells, 0) {
			continue
		}
		if s.at == (pipeline.Place{}) {
			s.at = pipeline.Place{File: row.place.File, Sheet: row.place.Sheet}
		}
		if looking && slices.ContainsFunc(row.cells, func(c string) bool { return sure(c) || meant(c) }) {
			looking = false
		}
		if looking && row.place.Row <= headerRows && slices.ContainsFunc(row.cells, ofList) {
			s.headed(row)
			looking, sample = false, nil
			continue
		}
		if sample = append(sample, slices.Clone(row.cells)); len(sample) == listSample {
			break
		}
	}
	s.settle(sample)
	return s, len(s.columns) > 0, nil
}

// ofList reports whether a header stands for contacts.
func ofList(name string) bool {
	field := fieldOf()[fold(name)]
	return field == fieldPhone || field == fieldEmail || listNamed()[fold(name)]
}

// headed takes a row for the header.
func (s *listShape) headed(row listRow) {
	s.row, s.names, s.header = row.place.Row, slices.Clone(row.cells), nil
	for _, n := range s.names {
		s.header = append(s.header, fold(n))
	}
	s.country = slices.IndexFunc(s.header, func(n string) bool { return fieldOf()[n] == fieldCountry })
}

// settle tells the columns that hold contacts: those whose header says so, and those of whose cells in the first
// rows half are contacts beyond doubt; without a header, half that look like one, and the only column.
func (s *listShape) settle(sample [][]string) {
	width := len(s.header)
	for _, cells := range sample {
		width = max(width, len(cells))
	}
	for i := range width {
		all, certain, like := 0, 0, 0
		for _, cells := range sample {
			if i >= len(cells) || strings.TrimSpace(cells[i]) == "" {
				continue
			}
			all++
			if sure(cells[i]) {
				certain++
			}
			if sure(cells[i]) || meant(cells[i]) {
				like++
			}
		}
		ours := all > 0 && 2*certain >= all
		switch {
		case i < len(s.header) && listNamed()[s.header[i]]:
			ours = like > 0
		case i < len(s.header) && ofList(s.header[i]):
			ours = true
		case s.header == nil:
			ours = all > 0 && (2*like >= all || width == 1 && like > 0)
		}
		if ours && i != s.country {
			s.columns = append(s.columns, i)
		}
	}
}

// again reports whether cells are the header once more.
func (s listShape) again(cells []string) bool {
	return s.header != nil && slices.ContainsFunc(cells, ofList) &&
		slices.EqualFunc(cells, s.header, func(a, b string) bool { return fold(a) == b })
}

// told says which columns are read.
func (s listShape) told() string {
	if s.header == nil {
		return ""
	}
	var names []string
	for _, i := range s.columns {
		if i < len(s.names) && strings.TrimSpace(s.names[i]) != "" {
			names = append(names, s.names[i])
		} else {
			names = append(names, letters(i))
		}
	}
	return ", of " + quoted(names)
}

// sure reports whether a cell is a contact, whatever the country.
func sure(text string) bool {
	if !strings.ContainsAny(text, "@+0123456789abcdefABCDEF") {
		return false
	}
	_, err := pipeline.ListedCell{Text: text}.Read()
	return err == nil
}

var (
	listPhone = regexp.MustCompile(`^['"(=\s]*\+?[\d\s().\-/]+["']?$|^\d[.,]\d+[eE]\+\d+$`)
	listDate  = regexp.MustCompile(`^\d{4}-\d\d?-\d\d?$|^\d\d?[./]\d\d?[./]\d{2,4}$|^\d\d?-\d\d?-\d{4}$`)
)

// meant reports whether a cell looks like a contact, though maybe one that cannot be read: as many digits as a
// phone number has and nothing else, or an @.
func meant(text string) bool {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "@") && !strings.ContainsFunc(text, unicode.IsSpace) {
		return true
	}
	digits := 0
	for _, r := range text {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	return digits >= 5 && listPhone.MatchString(text) && !listDate.MatchString(text)
}

// style finds out how cells of a list are told apart: by what makes contacts of most of them.
func (l *lister) style(sample string) (st style, sep bool) {
	first := sample[:max(strings.IndexAny(sample, "\r\n"), 0)]
	if m := sepLine.FindStringSubmatch(first); m != nil {
		return style{comma: m[1][0], quote: '"'}, true
	}
	const none = '\x1f' // no text has it
	best, most := style{comma: none, quote: '"'}, 0
	for _, d := range []byte(string(none) + delimiters) {
		if n := contactsIn(sample, style{comma: d, quote: '"'}); n > most {
			best, most = style{comma: d, quote: '"'}, n
		}
	}
	if best.comma != none {
		best, _ = finder{options: Options{Delimiter: rune(best.comma)}}.style(sample)
	}
	return best, false
}

// contactsIn counts the cells in the first part of a list that are contacts, or headers over them.
func contactsIn(sample string, st style) (n int) {
	r := newRecords(strings.NewReader(sample), st)
	for range listSample {
		rec, err := r.next()
		if err != nil {
			break
		}
		for _, c := range rec.cells {
			if ofList(c) || sure(c) || meant(c) && !strings.Contains(c, "@") {
				n++
			}
		}
	}
	return n
}
