package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
	"hppsend/writer"
)

// makeReport writes the report of one file. Where it cannot be written it goes to the state folder; the
// error then says so, and path where it is.
func (a *app) makeReport(ctx context.Context, l *ledger.Ledger, plan *pipeline.Plan, file int, src pipeline.Source,
	why pipeline.Finding, out outputs,
) (t pipeline.Tally, path string, err error) {
	t, err = a.reportTo(ctx, l, plan, file, src, why, out)
	var blocked *writer.Error
	if !errors.As(err, &blocked) || blocked.Path == out.rejects.path {
		return t, out.report.path, err
	}
	dir, derr := a.stateFolder()
	if derr == nil {
		dir = filepath.Join(dir, "reports")
		derr = os.MkdirAll(dir, 0o700)
	}
	elsewhere := outputs{report: output{filepath.Join(dir, plan.Files[file].Run+"."+filepath.Base(out.report.path)), out.report.format}}
	if derr == nil {
		t, derr = a.reportTo(ctx, l, plan, file, src, why, elsewhere)
	}
	if derr != nil {
		return t, "", errors.Join(err, derr)
	}
	return t, elsewhere.report.path, &misplacedError{elsewhere.report.path, err}
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

// reportTo writes the report and, if it is wanted, the file of rejected rows.
func (a *app) reportTo(ctx context.Context, l *ledger.Ledger, plan *pipeline.Plan, file int, src pipeline.Source,
	why pipeline.Finding, out outputs,
) (t pipeline.Tally, err error) {
	f := plan.Files[file]
	if out.report.path == stdout {
		dir, err := os.MkdirTemp("", "hppsend-")
		if err != nil {
			return t, err
		}
		defer os.RemoveAll(dir)
		out.report.path = filepath.Join(dir, "report")
		defer func() {
			if err == nil {
				err = copyTo(a.Stdout, out.report.path)
			}
		}()
	}
	var to sinks
	if a.lines != nil {
		to = append(to, a.lines)
	}
	written := map[string]*writer.Report{}
	for _, o := range []output{out.report, out.rejects} {
		if o.path == "" {
			continue
		}
		r, err := writer.Create(o.path, o.format, f.Input, f.Raw)
		if err != nil {
			return t, err
		}
		defer r.Abort()
		written[o.path] = r
		if o == out.rejects {
			to = append(to, rejects{r})
		} else {
			to = append(to, r)
		}
	}
	if t, err = pipeline.Report(ctx, plan, file, src, why, to); err != nil {
		return t, err
	}
	about := a.aboutRun(ctx, l, f, t, why)
	for path, r := range written {
		r.Summarise(about)
		sum, err := r.Commit()
		if err != nil {
			return t, err
		}
		if l == nil {
			continue
		}
		if err := l.ReportWritten(ctx, sum, f.Input.SHA256, path, f.Run); err != nil {
			return t, fmt.Errorf("record that the report %s was written: %w", path, err)
		}
	}
	return t, nil
}

// aboutRun is what the first sheet of a workbook says of the run that a report is about.
func (a *app) aboutRun(ctx context.Context, l *ledger.Ledger, f pipeline.FilePlan, t pipeline.Tally, why pipeline.Finding) writer.Summary {
	s := writer.Summary{File: filepath.Base(f.Input.Path), SentNow: t.SentNow, Version: "hppsend " + version()}
	if why.Code != pipeline.CodeNotReached {
		s.Ending = why.Reason
	}
	if l == nil || f.Run == "" {
		return s
	}
	if run, ok, err := l.FindRun(ctx, f.Run); err == nil && ok {
		s.Label, s.Reminder, s.Target, s.Run, s.User = run.Label, run.Reminder, run.Target, run.ID, run.UserName
		s.Environment, s.Started, s.Ended = l.Info().Environment, run.Started, run.Ended
		if s.Ended.IsZero() {
			s.Ended = time.Now()
		}
	}
	return s
}

// sinks write every row to several.
type sinks []pipeline.Sink

func (s sinks) Write(row pipeline.Row, out pipeline.Outcome) error {
	for _, sink := range s {
		if err := sink.Write(row, out); err != nil {
			return err
		}
	}
	return nil
}

// rejects passes on the rows that a person has to mend.
type rejects struct{ pipeline.Sink }

func (r rejects) Write(row pipeline.Row, out pipeline.Outcome) error {
	if out.Status != pipeline.Rejected {
		return nil
	}
	return r.Sink.Write(row, out)
}

func copyTo(out io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(out, f)
	return err
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
