package writer

import (
	"bytes"
	"encoding/csv"
	"io"

	"github.com/gocarina/gocsv"

	"hppsend/pipeline"
)

// csvReport writes CSV in UTF-8, in the dialect of the input.
type csvReport struct {
	table
	out    io.Writer
	crlf   bool
	line   bytes.Buffer // of a file with CRLF
	csv    *gocsv.SafeCSVWriter
	record []string
}

func newCSV(w io.Writer, t table, d pipeline.Dialect) (*csvReport, error) {
	c := &csvReport{table: t, out: w, crlf: d.CRLF}
	enc := csv.NewWriter(w)
	if d.CRLF {
		enc = csv.NewWriter(&c.line)
	}
	if d.Delimiter != 0 {
		enc.Comma = d.Delimiter
	}
	c.csv = gocsv.NewSafeCSVWriter(enc)
	if d.BOM {
		if _, err := io.WriteString(w, "\ufeff"); err != nil {
			return nil, err
		}
	}
	return c, c.put(t.header())
}

func (c *csvReport) write(row pipeline.Row, out pipeline.Outcome) error {
	ours, err := c.values(row, out)
	if err != nil {
		return err
	}
	c.record = c.record[:0]
	for _, cell := range row.Cells {
		text := cell.Text
		if cell.Shown != "" { // CSV has no formats, and without one it might be another's number
			text = cell.Shown
		}
		c.record = append(c.record, text)
	}
	c.record = append(c.record, ours...)
	return c.put(c.record)
}

// put writes one record. CRLF is our own: with UseCRLF, encoding/csv would also rewrite the line ends
// inside cells.
func (c *csvReport) put(record []string) error {
	for i, cell := range record {
		record[i] = guard(cell)
	}
	c.line.Reset()
	if err := c.csv.Write(record); err != nil || !c.crlf {
		return err
	}
	c.csv.Flush()
	if err := c.csv.Error(); err != nil {
		return err
	}
	c.line.Truncate(c.line.Len() - len("\n"))
	c.line.WriteString("\r\n")
	_, err := c.line.WriteTo(c.out)
	return err
}

func (c *csvReport) close() error {
	c.csv.Flush()
	return c.csv.Error()
}
