package campaign

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hppsend/pipeline"
	"hppsend/reader"
	"hppsend/writer"
)

// reporting is the report pass of one file.
type reporting struct {
	*places
	plan *pipeline.Plan
	file int
	src  pipeline.Source
	why  pipeline.Finding // of rows that were not reached
	rows rowSink
}

// made says where the files of a report lie. What is not there has no path.
type made struct{ report, rejects string }

// makeReport writes the report of a file. Where it cannot be written it goes to the state folder; the error
// then says so.
func (p *places) makeReport(ctx context.Context, plan *pipeline.Plan, file int, src pipeline.Source, why pipeline.Finding,
	out outputs,
) (pipeline.Tally, made, error) {
	r := &reporting{p, plan, file, src, why, rowSink{to: p.Rows}}
	t, at, err, rejectsErr := r.write(ctx, out)
	if !errors.Is(err, pipeline.Unwritten) {
		return t, at, errors.Join(err, rejectsErr)
	}
	elsewhere := outputs{rejects: out.rejects}
	var again error
	if elsewhere.report, again = r.elsewhere(out.report.format); again == nil {
		t, at, again, rejectsErr = r.write(ctx, elsewhere)
	}
	if again != nil {
		return t, at, errors.Join(err, again, rejectsErr)
	}
	return t, at, errors.Join(&pipeline.Error{
		Problem: fmt.Sprintf("the report lies in %s, since it could not be written where it belongs", at.report), Err: err,
		Todo: "mend what kept it from being written; hppsend report writes it again",
	}, rejectsErr)
}

// elsewhere is a place in the state folder for a report that cannot lie where it belongs.
func (r *reporting) elsewhere(format pipeline.Format) (output, error) {
	dir, err := r.Lost()
	if err != nil {
		return output{}, err
	}
	path := filepath.Join(dir, r.plan.Files[r.file].Run+".report."+string(format))
	return output{path: path, format: format, n: 1, name: func(n int) string { return numbered(path, n) }}, os.MkdirAll(dir, 0o700)
}

// write writes the report and the file of rejected rows, as far as they are wanted. Without the report
// there is no file of rejected rows; a fault of that file does no harm to the report.
func (r *reporting) write(ctx context.Context, out outputs) (t pipeline.Tally, at made, err, rejectsErr error) {
	f := r.plan.Files[r.file]
	var report, rejected *writer.Report
	var to sinks
	if r.Rows != nil {
		r.rows.at = 0
		to = append(to, &r.rows)
	}
	if out.report.path != "" {
		if report, err = begin(out.report, f); err != nil {
			return t, at, err, nil
		}
		defer report.Abort()
		to = append(to, report)
	}
	if out.rejects.path != "" {
		if rejected, rejectsErr = begin(out.rejects, f); rejectsErr == nil {
			defer rejected.Abort()
			to = append(to, rejects{rejected})
		}
	}
	if t, err = pipeline.Report(ctx, r.plan, r.file, r.src, r.why, to); err != nil {
		return t, at, err, rejectsErr
	}
	about := r.aboutRun(ctx, f, t, r.why)
	if report != nil {
		if at.report, err = r.put(ctx, report, out.report, about); err != nil {
			return t, at, err, rejectsErr
		}
	}
	if rejected != nil && rejectsErr == nil {
		at.rejects, rejectsErr = r.put(ctx, rejected, out.rejects, about)
	}
	return t, at, nil, rejectsErr
}

// put completes an output and puts it under the first of its names that is free by now: somebody may have
// mended what lies there while the run went on. The ledger knows its bytes before anybody can see them.
func (r *reporting) put(ctx context.Context, report *writer.Report, out output, about writer.Summary) (path string, err error) {
	report.Summarise(about)
	sum, err := report.Finish()
	if err != nil {
		return "", err
	}
	f := r.plan.Files[r.file]
	var unknown error
	if r.ledger != nil {
		if err := r.ledger.ReportWritten(ctx, sum, f.Input.SHA256, out.path, f.Run); err != nil {
			unknown = fmt.Errorf("record that the report %s was written: %w", out.path, err)
		}
	}
	if out.path == stdout {
		return stdout, errors.Join(report.CopyTo(r.Stdout), unknown)
	}
	for n := out.n; n < out.n+maxNames; n++ {
		path = out.name(n)
		if err = report.Place(path, r.mayReplace(ctx, f.Input)); !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return "", err
	}
	r.written[placeOf(path)] = true
	if path != out.path {
		say(r.obs, "report_kept", fmt.Sprintf("%s was changed while the run went on, and is kept as it is; what is new is %s.", out.path, path))
	}
	if report.Loose() && !r.loose {
		r.loose = true
		say(r.obs, "report_loose", path+" shows contacts, and its file system does not keep the modes of files: others may be able to read it.")
	}
	return path, unknown
}

// aboutRun is what the first sheet of a workbook says of the run that a report is about.
func (p *places) aboutRun(ctx context.Context, f pipeline.FilePlan, t pipeline.Tally, why pipeline.Finding) writer.Summary {
	s := writer.Summary{File: filepath.Base(f.Input.Path), SentNow: t.SentNow, Version: "hppsend " + p.program.Version}
	if why.Code != pipeline.CodeNotReached {
		s.Ending = why.Reason
	}
	if p.ledger == nil || f.Run == "" {
		return s
	}
	if run, ok, err := p.ledger.FindRun(ctx, f.Run); err == nil && ok {
		s.Label, s.Reminder, s.Target, s.Run, s.User = run.Label, run.Reminder, run.Target, run.ID, run.UserName
		s.Approved = ApprovalOf(run).String()
		s.Environment, s.Started, s.Ended = p.ledger.Info().Environment, run.Started, run.Ended
		if s.Ended.IsZero() {
			s.Ended = time.Now()
		}
		if reading, err := ReadingOf(run); err == nil {
			for _, o := range reading.Overrides {
				s.Overridden = append(s.Overridden, o.String())
			}
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

// rejects passes on the rows that a person has to mend. That they could not be written is told by Finish,
// and keeps no report from being written.
type rejects struct{ *writer.Report }

func (r rejects) Write(row pipeline.Row, out pipeline.Outcome) error {
	if out.Status == pipeline.Rejected {
		_ = r.Report.Write(row, out)
	}
	return nil
}

// rowSink passes each row on once, however often a report is begun.
type rowSink struct {
	to       pipeline.Sink
	at, told int
}

func (s *rowSink) Write(row pipeline.Row, out pipeline.Outcome) error {
	if s.at++; s.at <= s.told {
		return nil
	}
	s.told = s.at
	return s.to.Write(row, out)
}

// HashFile is the SHA-256 of a file's bytes.
func HashFile(path string) (sum [32]byte, err error) {
	f, err := reader.OpenRegular(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, unreadable(path, err)
	}
	return [32]byte(h.Sum(nil)), nil
}

func unreadable(path string, err error) error {
	return &pipeline.Error{
		Kind:  pipeline.BadInput,
		Place: pipeline.Place{File: path}, Problem: "it cannot be read", Todo: "is the name right, and may you read it?", Err: pipeline.WithoutPath(err),
	}
}
