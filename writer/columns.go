package writer

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"hppsend/pipeline"
)

// The places of our columns after the original ones.
const (
	colRow = iota
	colStatus
	colCode
	colReason
	colMethod
	colSentTo
	colHTTPStatus
	colAttempts
	colCorrelationID
	colTime
	colTarget
	colRun
	colNote
	colRaw // only when needed
)

var ourColumns = []string{
	"hpp_row", "hpp_status", "hpp_code", "hpp_reason", "hpp_method", "hpp_sent_to", "hpp_http_status",
	"hpp_attempts", "hpp_correlation_id", "hpp_time", "hpp_target", "hpp_run", "hpp_note",
	"hpp_raw",
}

// Columns gives the names of our columns in their order. The last, hpp_raw, is not in every report.
func Columns() []string { return slices.Clone(ourColumns) }

// table is what a report of rows and columns is made of.
type table struct {
	columns []string // the original ones
	raw     bool     // hpp_raw is there

	cells []string // of ours, in the row at hand
	clock clock
}

// ours gives the names of our columns in this table.
func (t table) ours() []string {
	if t.raw {
		return ourColumns
	}
	return ourColumns[:colRaw]
}

// header gives the names of all columns.
func (t table) header() []string { return slices.Concat(t.columns, t.ours()) }

// values gives the cells of our columns. It refuses a row that does not fit under the header: a cell
// that shifted or fell off would be seen by nobody.
//
// They are valid until the next call.
func (t *table) values(row pipeline.Row, out pipeline.Outcome) ([]string, error) {
	if len(row.Cells) != len(t.columns) {
		return nil, fmt.Errorf("it has %d cells and the header %d", len(row.Cells), len(t.columns))
	}
	if row.Raw != "" && !t.raw {
		return nil, errors.New("it has text under no header, and the report was begun without hpp_raw")
	}
	v := append(t.cells[:0], make([]string, colRaw)...)
	v[colRow] = number(row.Row)
	v[colStatus] = string(out.Status)
	v[colCode] = out.Code
	v[colReason] = out.Reason
	v[colMethod] = string(out.Method)
	v[colSentTo] = out.SentTo
	v[colHTTPStatus] = number(out.HTTPStatus)
	v[colAttempts] = strconv.Itoa(out.Attempts)
	v[colCorrelationID] = out.CorrelationID
	v[colTime] = t.clock.text(out.Time)
	v[colTarget] = out.Target
	v[colRun] = out.Run
	v[colNote] = out.Note
	if t.raw {
		v = append(v, row.Raw)
	}
	t.cells = v
	return v, nil
}

// number leaves the cell of an unknown number empty.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// clock writes timestamps; many rows in a row have the same one.
type clock struct {
	second int64
	last   string
}

func (c *clock) text(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if s := t.Unix(); s != c.second || c.last == "" {
		c.second, c.last = s, timestamp(t)
	}
	return c.last
}
