package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
	"hppsend/reader"
	"hppsend/writer"
)

// output is where a report goes.
type output struct {
	path   string
	format pipeline.Format
}

// outputFor finds the place of a file's report before anything is sent. A report is only replaced
// when it is still as it was written, so that one that somebody has mended is never lost.
func (s *settings) outputFor(ctx context.Context, l *ledger.Ledger, in pipeline.Input, inputs []string) (output, error) {
	input := in.Path
	if input == reader.Stdin {
		input = "stdin"
	}
	switch {
	case s.output == "":
		for n := 1; ; n++ {
			path := writer.Name(input, in.Format, n)
			if free, err := replaceable(ctx, l, path, &in.SHA256); err != nil || free && !isInput(path, inputs) {
				return output{path, in.Format}, err
			}
		}
	case len(inputs) > 1:
		path := filepath.Join(s.output, filepath.Base(writer.Name(input, in.Format, 1)))
		return s.explicit(ctx, l, output{path, in.Format}, inputs)
	}
	format := in.Format
	switch strings.ToLower(filepath.Ext(s.output)) {
	case ".csv":
		format = pipeline.CSV
	case ".xlsx":
		format = pipeline.XLSX
	case ".jsonl":
		format = pipeline.JSONL
	}
	return s.explicit(ctx, l, output{s.output, format}, inputs)
}

func (s *settings) explicit(ctx context.Context, l *ledger.Ledger, out output, inputs []string) (output, error) {
	if isInput(out.path, inputs) {
		return out, &usageError{out.path + " is an input, and would be overwritten by the report", "name another place with -o"}
	}
	free, err := replaceable(ctx, l, out.path, nil)
	if err == nil && !free {
		err = &usageError{
			out.path + " is there already, and is not a report as this program wrote it",
			"somebody may have worked on it: move it away, or name another place with -o",
		}
	}
	return out, err
}

// replaceable tells whether a report may be written to a path: nothing is there, or a report of ours,
// unchanged, of this input if one is given.
func replaceable(ctx context.Context, l *ledger.Ledger, path string, input *[32]byte) (bool, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	sum, err := hashFile(path)
	if err != nil || l == nil {
		return false, nil // a folder, a broken disk: not ours
	}
	of, known, err := l.ReportKnown(ctx, sum)
	return known && (input == nil || of == *input), err
}

func isInput(path string, inputs []string) bool {
	a, err := os.Stat(path)
	if err != nil {
		return false
	}
	for _, in := range inputs {
		if b, err := os.Stat(in); err == nil && os.SameFile(a, b) {
			return true
		}
	}
	return false
}

// makeReport writes the report of one file. Where it cannot be written it goes to the state folder; the
// error then says so, and path where it is.
func (a *app) makeReport(ctx context.Context, l *ledger.Ledger, plan *pipeline.Plan, file int, src pipeline.Source,
	why pipeline.Finding, out output,
) (t pipeline.Tally, path string, err error) {
	t, err = a.reportTo(ctx, l, plan, file, src, why, out)
	var blocked *writer.Error
	if !errors.As(err, &blocked) {
		return t, out.path, err
	}
	dir, derr := a.stateFolder()
	if derr == nil {
		dir = filepath.Join(dir, "reports")
		derr = os.MkdirAll(dir, 0o700)
	}
	elsewhere := output{filepath.Join(dir, plan.Files[file].Run+"."+filepath.Base(out.path)), out.format}
	if derr == nil {
		t, derr = a.reportTo(ctx, l, plan, file, src, why, elsewhere)
	}
	if derr != nil {
		return t, "", errors.Join(err, derr)
	}
	return t, elsewhere.path, &misplacedError{elsewhere.path, err}
}

// misplacedError says that a report is not where it belongs.
type misplacedError struct {
	path string
	err  error
}

func (e *misplacedError) Error() string {
	return fmt.Sprintf("the report lies in %s, since it could not be written where it belongs: %v", e.path, e.err)
}

func (e *misplacedError) Unwrap() error { return e.err }

func (e *misplacedError) Hint() string {
	return "mend what kept it from being written; hppsend report writes it again"
}

func (a *app) reportTo(ctx context.Context, l *ledger.Ledger, plan *pipeline.Plan, file int, src pipeline.Source,
	why pipeline.Finding, out output,
) (t pipeline.Tally, err error) {
	f := plan.Files[file]
	r, err := writer.Create(out.path, out.format, f.Input, f.Raw)
	if err != nil {
		return t, err
	}
	defer r.Abort()
	var sink pipeline.Sink = r
	if a.lines != nil {
		sink = tee{r, a.lines}
	}
	if t, err = pipeline.Report(ctx, plan, file, src, why, sink); err != nil {
		return t, err
	}
	sum, err := r.Commit()
	if err != nil || l == nil {
		return t, err
	}
	return t, l.ReportWritten(ctx, sum, f.Input.SHA256, out.path, f.Run)
}

// tee writes every row to the report and as a JSON line.
type tee struct {
	report *writer.Report
	lines  *lines
}

func (t tee) Write(row pipeline.Row, out pipeline.Outcome) error {
	t.lines.write(writer.Line(row, out.Session, out))
	return t.report.Write(row, out)
}

// hashFile is the SHA-256 of a file's bytes.
func hashFile(path string) (sum [32]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, &pipeline.InputError{Place: pipeline.Place{File: path}, Problem: "it cannot be read", Todo: "is the name right, and may you read it?", Err: unwrapPath(err)}
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, &pipeline.InputError{Place: pipeline.Place{File: path}, Problem: "it cannot be read", Todo: "is it a file, and may you read it?", Err: unwrapPath(err)}
	}
	return [32]byte(h.Sum(nil)), nil
}

// missing tells whether a ledger could not be opened because there is none.
func missing(err error) bool {
	var e *ledger.Error
	return errors.As(err, &e) && e.Missing
}

// passOver leaves out reports of files that are named too, as a pattern like *.csv names them.
func (a *app) passOver(files []*reader.File) []*reader.File {
	named := map[string]bool{}
	for _, f := range files {
		named[stem(f.Input().Path)] = true
	}
	return slices.DeleteFunc(files, func(f *reader.File) bool {
		in := f.Input()
		of := reportOf.ReplaceAllString(stem(in.Path), "")
		if !in.IsReport || of == stem(in.Path) || !named[of] {
			return false
		}
		a.say("notice", "report_passed_over", in.Path+" is passed over: it is the report of a file that is named too")
		f.Close()
		return true
	})
}

var reportOf = regexp.MustCompile(`\.report(-\d+)?$`)

// stem is a path without its ending.
func stem(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) }
