package writer

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"hppsend/pipeline"
)

// csvReport writes CSV in UTF-8, in the dialect of the input.
type csvReport struct {
	table
	out       *bufio.Writer
	delimiter rune
	lineEnd   string
	special   string // what a cell without quotes does not hold
	record    []string
}

func newCSV(w io.Writer, t table, d pipeline.Dialect) (*csvReport, error) {
	c := &csvReport{table: t, out: bufio.NewWriter(w), delimiter: ',', lineEnd: "\n"}
	if d.Delimiter != 0 {
		c.delimiter = d.Delimiter
	}
	if strings.ContainsRune("\"'\r\n\ufffd", c.delimiter) {
		return nil, fmt.Errorf("no CSV can be written with %q between its cells", c.delimiter)
	}
	c.special = separators + `"` + string(c.delimiter)
	if d.CRLF {
		c.lineEnd = "\r\n"
	}
	if d.BOM {
		_, _ = c.out.WriteString("\ufeff") // an error stays with the writer, as in put
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

// put writes one record. The line ends inside cells stay as they are.
func (c *csvReport) put(record []string) error {
	for i, cell := range record {
		if i > 0 {
			_, _ = c.out.WriteRune(c.delimiter)
		}
		c.cell(guard(cell))
	}
	_, err := c.out.WriteString(c.lineEnd)
	return err
}

// cell writes one cell, in quotes where any program could take a part of it for another cell: programs
// split at the separator of their country, whatever the file's is.
func (c *csvReport) cell(text string) {
	if first, _ := utf8.DecodeRuneInString(text); !strings.ContainsAny(text, c.special) && !unicode.IsSpace(first) {
		_, _ = c.out.WriteString(text)
		return
	}
	_ = c.out.WriteByte('"')
	for {
		before, after, more := strings.Cut(text, `"`)
		_, _ = c.out.WriteString(before)
		if !more {
			break
		}
		_, _ = c.out.WriteString(`""`)
		text = after
	}
	_ = c.out.WriteByte('"')
}

func (c *csvReport) close() error { return c.out.Flush() }
