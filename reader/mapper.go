package reader

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gocarina/gocsv"

	"hppsend/pipeline"
)

// batchRows is how many rows go through gocsv together; it spreads the cost of its reflection.
const batchRows = 512

// fields has the tags by which gocsv knows the fields of ours.
type fields struct {
	Session      string `csv:"session_id"`
	URL          string `csv:"distribution_url"`
	Method       string `csv:"method"`
	Phone        string `csv:"phone"`
	PhoneCountry string `csv:"phone_country"`
	Email        string `csv:"email"`
}

// table is what gocsv decodes: a header of our field names and values that are already split. It
// implements gocsv.Decoder; gocsv never reads the file itself.
type table [][]string

func (t table) GetCSVRows() ([][]string, error) { return t, nil }

// mapper gathers rows as the formats read them, makes rows of the pipeline of them by the tags of fields, and
// hands these on in batches. It holds one row back at least, so as to know the last.
type mapper struct {
	header header
	out    chan []pipeline.Row
	quit   chan struct{}

	rows   []pipeline.Row  // of the batch at hand
	cells  []pipeline.Cell // of these rows, one after the other
	values []string        // of our fields, likewise
	table  table
	fields []fields

	any     bool // a row was taken
	mended  int  // rows that were
	unclear unclear
	stopped bool  // the loop over the rows has ended early
	err     error // the fields could not be filled in
}

func newMapper(h header) *mapper {
	names := make([]string, len(h.fields))
	for i, c := range h.fields {
		names[i] = c.field
	}
	return &mapper{header: h, out: make(chan []pipeline.Row), quit: make(chan struct{}), table: table{names}}
}

// add takes a row. Its cells are those of all columns, also of a report; values are the texts of our
// fields, in the order of the header's. Both are copied. The result reports whether to go on.
func (m *mapper) add(row pipeline.Row, values []string) bool {
	if len(m.rows) == batchRows && !m.pass(false) {
		return false
	}
	m.any = true
	cells := row.Cells
	if m.header.hpp != nil && !row.Fault().WholeRow() {
		row.Prior = prior(m.header.hpp, cells)
		row.Hidden = row.Hidden || row.Prior.Code == pipeline.CodeHiddenRow // a report shows all rows
		if i, ok := m.header.hpp["hpp_raw"]; ok && cells[i].Text != "" {
			row.Struck = row.Struck || strings.Contains(cells[i].Text, struckOut)
			row.Hidden = row.Hidden || row.Struck
			row.Guessed = row.Guessed || strings.Contains(cells[i].Text, guessedAddress)
			row.Raw = joinRaw(cells[i].Text, row.Raw)
			if f := faultOfReport(row.Prior, cells[i].Text); f.Code != "" {
				row.Faults = []pipeline.Finding{f}
			}
		}
	}
	if row.Fault().WholeRow() {
		clear(values)
	} else if m.header.mends.at(row.Place) != nil {
		m.mended++
	}
	from := len(m.cells)
	for _, i := range m.header.inputColumns {
		m.cells = append(m.cells, cells[i])
	}
	row.Cells = m.cells[from:len(m.cells):len(m.cells)]
	m.values = append(m.values, values...)
	m.rows = append(m.rows, row)
	return true
}

// pass hands on the batch at hand, of which the last row may be the last of all, and begins the next.
func (m *mapper) pass(last bool) bool {
	rows := m.rows
	if m.err = m.decode(rows); m.err != nil {
		return false
	}
	if len(rows) > 0 {
		rows[len(rows)-1].Last = last
	}
	select {
	case m.out <- rows:
	case <-m.quit:
		m.stopped = true
		return false
	}
	if !last { // the rows are another's now, and their cells
		m.rows = make([]pipeline.Row, 0, batchRows)
		m.cells = make([]pipeline.Cell, 0, len(m.cells)+len(m.cells)/8)
		m.values = m.values[:0]
	}
	return true
}

// decode fills in the fields of rows.
func (m *mapper) decode(rows []pipeline.Row) error {
	if len(rows) == 0 {
		return nil
	}
	columns := len(m.header.fields)
	m.table = m.table[:1]
	for i := range rows {
		m.table = append(m.table, m.values[i*columns:(i+1)*columns])
	}
	m.fields = slices.Grow(m.fields[:0], len(rows))[:len(rows)]
	if err := gocsv.UnmarshalDecoder(m.table, &m.fields); err != nil {
		return fmt.Errorf("map the rows up to %d: %w", rows[len(rows)-1].Row, err)
	}
	for i := range rows {
		rows[i].Fields = pipeline.Fields(m.fields[i])
	}
	return nil
}
