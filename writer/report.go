// Package writer turns outcomes into a report: a CSV file, a workbook or JSON lines.
//
// A report shows every original column as it was, then ours ([Columns]). It appears under its path
// whole or not at all: [Create] begins it in a private folder beside its place, [Report.Finish] completes
// it, and [Report.Place] moves it there. Start from [Create].
//
// A spreadsheet program must not run a cell of a report. In CSV a cell that could be taken for a
// formula has an apostrophe before it; in a workbook all text is string cells.
package writer

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"hppsend/pipeline"
)

// Report is a report in the making; it implements [pipeline.Sink]. It is not safe for concurrent use.
// Whoever created it must call Abort in the end.
type Report struct {
	draft    *draft
	enc      encoder
	finished bool
	err      error // the first error; nothing can be done after it
}

// encoder writes one format.
type encoder interface {
	write(row pipeline.Row, out pipeline.Outcome) error
	close() error // writes what is left; called once, after the last row
}

// Create begins a report on the input, in the folder of path and as if it were to have its name. Nothing
// is visible there before Place. The file will be readable by its owner at most, and by nobody who may not
// read the input, where the file system keeps such things ([Report.Loose]). Raw says that some row has text for hpp_raw, which the check pass knows; JSON lines do not
// need it. An error is a *[pipeline.Error].
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

var (
	errEnded      = errors.New("the report has already been finished or given up")
	errUnfinished = errors.New("the report is not finished")
)

// ErrColumns says that a report has more columns than its format holds.
var ErrColumns = errors.New("too many for a sheet of a workbook")

// Write adds one row. After an error the report is gone and every further call returns that error.
func (r *Report) Write(row pipeline.Row, out pipeline.Outcome) error {
	if err := r.open(); err != nil {
		return err
	}
	if err := r.enc.write(row, out); err != nil {
		r.end(r.draft.fault(fmt.Errorf("row %d: %w", row.Row, err)))
		return r.err
	}
	return nil
}

// open gives why no row can be added any more.
func (r *Report) open() error {
	if r.err == nil && r.finished {
		return errEnded
	}
	return r.err
}

// Finish completes the report, on the disk and still unseen, and gives the SHA-256 of its bytes.
func (r *Report) Finish() (sha256 [32]byte, err error) {
	if err := r.open(); err != nil {
		return sha256, err
	}
	if err = r.enc.close(); err == nil {
		sha256, err = r.draft.finish()
	}
	if err != nil {
		r.end(r.draft.fault(err))
		return [32]byte{}, r.err
	}
	r.finished = true
	return sha256, nil
}

// Place puts a finished report under a path in the folder that it was created for. What is there already
// is replaced only if mayReplace says so of that file, where it lies and again out of everybody's reach;
// nil allows nothing. An error that is [fs.ErrExist] says that it may not: nothing has changed, and another
// path may be tried. After any other error nothing has changed under the path, unless only the sync of the
// folder went wrong.
func (r *Report) Place(path string, mayReplace func(path string) (bool, error)) error {
	if r.err != nil || !r.finished {
		return cmp.Or(r.err, errUnfinished)
	}
	if err := r.draft.place(path, mayReplace); err != nil {
		return r.draft.faultAt(path, err)
	}
	r.end(errEnded)
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return r.draft.faultAt(path, err)
	}
	return nil
}

// CopyTo writes a finished report to what is no file, such as standard output.
func (r *Report) CopyTo(w io.Writer) error {
	if r.err != nil || !r.finished {
		return cmp.Or(r.err, errUnfinished)
	}
	f, err := os.Open(r.draft.file.Name())
	if err != nil {
		return r.draft.fault(err)
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// Loose reports whether a finished report may be readable by others, since its file system does not keep
// the modes of files.
func (r *Report) Loose() bool { return r.draft.loose }

// Abort removes what was written and not placed.
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
