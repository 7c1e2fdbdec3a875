// Package writer turns outcomes into a report: a CSV file, a workbook or JSON lines.
//
// A report shows every original column as it was, then ours ([Columns]). It appears under its path
// whole or not at all: [Create] begins it in a private folder beside its place, [Report.Commit] moves
// it there. Start from [Create].
//
// A spreadsheet program must not run a cell of a report. In CSV a cell that could be taken for a
// formula has an apostrophe before it; in a workbook all text is string cells.
package writer

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"hppsend/pipeline"
)

// Report is a report in the making; it implements [pipeline.Sink]. It is not safe for concurrent use.
// Whoever created it must call Commit or Abort.
type Report struct {
	draft *draft
	enc   encoder
	err   error // the first error; nothing can be written after it
}

// encoder writes one format.
type encoder interface {
	write(row pipeline.Row, out pipeline.Outcome) error
	close() error // writes what is left; called once, after the last row
}

// Create begins a report on the input. Nothing is visible under path before Commit, which replaces
// what is there. The file will be readable by its owner at most, and by nobody who may not read the
// input. Raw says that some row has text for hpp_raw, which the check pass knows; JSON lines do not
// need it. An error is an *[Error].
func Create(path string, format pipeline.Format, in pipeline.Input, raw bool) (*Report, error) {
	d, err := newDraft(path, in.Path)
	if err != nil {
		return nil, err
	}
	enc, err := newEncoder(d, format, in, raw)
	if err != nil {
		d.discard()
		return nil, d.fault(err)
	}
	return &Report{draft: d, enc: enc}, nil
}

func newEncoder(d *draft, format pipeline.Format, in pipeline.Input, raw bool) (encoder, error) {
	t := table{columns: in.Columns, raw: raw}
	switch format {
	case pipeline.CSV:
		return newCSV(d, t, in.Dialect)
	case pipeline.XLSX:
		return newXLSX(d, d.folder, t, in)
	case pipeline.JSONL:
		return newJSONL(d), nil
	}
	return nil, fmt.Errorf("a report cannot be written as %q", string(format))
}

var errEnded = errors.New("the report has already been committed or given up")

// Write adds one row. After an error the report is gone and every further call returns that error.
func (r *Report) Write(row pipeline.Row, out pipeline.Outcome) error {
	if r.err != nil {
		return r.err
	}
	if err := r.enc.write(row, out); err != nil {
		r.end(r.draft.fault(fmt.Errorf("row %d: %w", row.Row, err)))
		return r.err
	}
	return nil
}

// Commit puts the report, complete and on disk, under its path and gives the SHA-256 of its bytes.
// After an error nothing has changed under the path, unless only the sync of the folder went wrong.
func (r *Report) Commit() (sha256 [32]byte, err error) {
	if r.err != nil {
		return sha256, r.err
	}
	if err = r.enc.close(); err == nil {
		sha256, err = r.draft.commit()
	}
	if err != nil {
		r.end(r.draft.fault(err))
		return [32]byte{}, r.err
	}
	r.end(errEnded)
	return sha256, nil
}

// Abort removes what was written. It does nothing after Commit.
func (r *Report) Abort() {
	if r.err == nil {
		r.end(errEnded)
	}
}

func (r *Report) end(err error) {
	r.err = err
	if c, ok := r.enc.(io.Closer); ok {
		_ = c.Close() // only temporary files, which go with the folder
	}
	r.draft.discard()
}

var (
	extension = regexp.MustCompile(`(?i)(\.(csv|tsv|tab|txt|xlsx|xlsm|xltx|xltm|json|jsonl|ndjson))?(\.gz)?$`)
	ofReport  = regexp.MustCompile(`(?i)\.report(-([1-9]\d{0,7}))?$`)
)

// Name gives the n-th choice (from 1) of a path for the report on an input, beside it: NAME.report.EXT,
// then NAME.report-2.EXT. For an input that is named like a report the count goes on from its own.
func Name(input string, format pipeline.Format, n int) string {
	dir, name := filepath.Split(input)
	name = name[:extension.FindStringIndex(name)[0]]
	if m := ofReport.FindStringSubmatchIndex(name); m != nil {
		own := 1
		if m[4] >= 0 {
			own, _ = strconv.Atoi(name[m[4]:m[5]])
		}
		name, n = name[:m[0]], n+own
	}
	var b strings.Builder
	b.WriteString(dir + name + ".report")
	if n > 1 {
		fmt.Fprintf(&b, "-%d", n)
	}
	return b.String() + "." + string(format)
}
