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

// batch is a stretch of rows on their way from the format to the loop over them.
type batch struct {
	rows   []pipeline.Row
	values []string        // of all rows, one after the other
	cells  []pipeline.Cell // likewise
	last   bool            // no row follows
}

// mapper gathers rows as the formats read them and hands them on, in batches, to who makes rows of the
// pipeline of them. It holds one row back at least, so as to know the last.
type mapper struct {
	header  header
	now     *batch
	full    chan *batch
	free    chan *batch
	quit    chan struct{}
	any     bool // a row was taken
	stopped bool // the loop over the rows has ended early
}

// batches is how many batches there are: one is filled while another is used.
const batches = 3

func newMapper(h header) *mapper {
	m := &mapper{header: h, full: make(chan *batch), free: make(chan *batch, batches), quit: make(chan struct{})}
	for range batches - 1 {
		m.free <- &batch{}
	}
	m.now = &batch{}
	return m
}

// add takes a row. Its cells are those of all columns, also of a report; values are the texts of our
// fields, in the order of the header's. Both are copied. The result tells whether to go on.
func (m *mapper) add(row pipeline.Row, values []string) bool {
	if len(m.now.rows) == batchRows && !m.pass(false) {
		return false
	}
	m.any = true
	b, cells := m.now, row.Cells
	if m.header.hpp != nil && !row.Fault().WholeRow() {
		row.Prior = prior(m.header.hpp, cells)
		row.Hidden = row.Hidden || row.Prior.Code == pipeline.CodeHiddenRow // a report shows all rows
		if i, ok := m.header.hpp["hpp_raw"]; ok && cells[i].Text != "" {
			row.Struck = row.Struck || strings.Contains(cells[i].Text, struckOut)
			row.Hidden = row.Hidden || row.Struck
			row.Guessed = row.Guessed || strings.Contains(cells[i].Text, guessedAddress)
			row.Raw = joined(cells[i].Text, row.Raw)
			if f := lasting(row.Prior, cells[i].Text); f.Code != "" {
				row.Faults = []pipeline.Finding{f}
			}
		}
	}
	if row.Fault().WholeRow() {
		clear(values)
	}
	from := len(b.cells)
	for _, i := range m.header.own {
		b.cells = append(b.cells, cells[i])
	}
	row.Cells = b.cells[from:len(b.cells):len(b.cells)]
	b.values = append(b.values, values...)
	b.rows = append(b.rows, row)
	return true
}

// pass hands on what was gathered, and begins anew.
func (m *mapper) pass(last bool) bool {
	m.now.last = last
	select {
	case m.full <- m.now:
	case <-m.quit:
		m.stopped = true
		return false
	}
	if last {
		return true
	}
	select {
	case b := <-m.free:
		*b = batch{b.rows[:0], b.values[:0], b.cells[:0], false}
		m.now = b
		return true
	case <-m.quit:
		m.stopped = true
		return false
	}
}

// decoder makes rows of the pipeline of batches, by the tags of fields.
type decoder struct {
	columns int
	table   table
	out     []fields
}

func newDecoder(h header) *decoder {
	names := make([]string, len(h.fields))
	for i, c := range h.fields {
		names[i] = c.field
	}
	return &decoder{columns: len(names), table: table{names}}
}

// decode fills the fields of the rows of a batch in.
func (d *decoder) decode(b *batch) error {
	d.table = d.table[:1]
	for i := range b.rows {
		d.table = append(d.table, b.values[i*d.columns:(i+1)*d.columns])
	}
	d.out = slices.Grow(d.out[:0], len(b.rows))[:len(b.rows)]
	if len(b.rows) == 0 {
		return nil
	}
	if err := gocsv.UnmarshalDecoder(d.table, &d.out); err != nil {
		return fmt.Errorf("map the rows up to %d: %w", b.rows[len(b.rows)-1].Row, err)
	}
	for i := range b.rows {
		b.rows[i].Fields = pipeline.Fields(d.out[i])
	}
	b.rows[len(b.rows)-1].Last = b.last
	return nil
}
