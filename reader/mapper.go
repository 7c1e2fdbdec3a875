package reader

import (
	"fmt"
	"slices"

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

// mapper turns rows as the formats read them into rows of the pipeline. It holds one row back at
// least, so as to know the last.
type mapper struct {
	header header
	yield  func(pipeline.Row, error) bool

	rows    []pipeline.Row
	values  []string        // of all rows, one after the other
	cells   []pipeline.Cell // likewise
	table   table
	out     []fields
	count   int  // rows so far
	lastAt  int  // the number of the last one
	stopped bool // the loop over the rows has ended early
}

func newMapper(h header, yield func(pipeline.Row, error) bool) *mapper {
	m := &mapper{header: h, yield: yield}
	names := make([]string, len(h.fields))
	for i, c := range h.fields {
		names[i] = c.field
	}
	m.table = table{names}
	return m
}

// add takes a row. Its cells are those of all columns, also of a report; values are the texts of our
// fields, in the order of the header's. Both are copied. The result tells whether to go on.
func (m *mapper) add(row pipeline.Row, values []string) bool {
	if len(m.rows) == batchRows && !m.flush(false) {
		return false
	}
	cells := row.Cells
	if m.header.hpp != nil && !wholeRow(row.Fault) {
		row.Prior = prior(m.header.hpp, cells)
		row.Hidden = row.Hidden || row.Prior.Code == pipeline.CodeHiddenRow // a report shows all rows
		if i, ok := m.header.hpp["hpp_raw"]; ok && cells[i].Text != "" {
			row.Raw = joined(cells[i].Text, row.Raw)
			if f := lasting(row.Prior); f.Code != "" {
				row.Fault = f
			}
		}
	}
	if wholeRow(row.Fault) {
		clear(values)
	}
	from := len(m.cells)
	for _, i := range m.header.own {
		m.cells = append(m.cells, cells[i])
	}
	row.Cells = m.cells[from:len(m.cells):len(m.cells)]
	m.values = append(m.values, values...)
	m.rows = append(m.rows, row)
	m.count++
	m.lastAt = row.Row
	return true
}

// flush decodes the rows held back and hands them out.
func (m *mapper) flush(last bool) bool {
	n := len(m.header.fields)
	m.table = m.table[:1]
	for i := range m.rows {
		m.table = append(m.table, m.values[i*n:(i+1)*n])
	}
	if m.out = slices.Grow(m.out[:0], len(m.rows))[:len(m.rows)]; len(m.rows) > 0 {
		if err := gocsv.UnmarshalDecoder(m.table, &m.out); err != nil {
			m.yield(pipeline.Row{}, fmt.Errorf("map the rows up to %d: %w", m.lastAt, err))
			m.stopped = true
			return false
		}
	}
	for i, row := range m.rows {
		row.Fields = pipeline.Fields(m.out[i])
		row.Last = last && i == len(m.rows)-1
		if !m.yield(row, nil) {
			m.stopped = true
			return false
		}
	}
	m.rows, m.values, m.cells = m.rows[:0], m.values[:0], m.cells[:0]
	return true
}
