package campaign

import (
	"context"
	"fmt"

	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
	"hppsend/reader"
)

// Again reports on the last run of a file's bytes at a target once more, out of the file and the ledger. It
// may be used while that run goes on, and sends nothing.
func Again(ctx context.Context, l *ledger.Ledger, t hpp.Target, path string, to Outputs, obs pipeline.Observer, by Program) (FileResult, ledger.RunInfo, error) {
	fail := func(err error) (FileResult, ledger.RunInfo, error) { return FileResult{}, ledger.RunInfo{}, err }
	sum, err := HashFile(path)
	if err != nil {
		return fail(err)
	}
	run, ok, err := l.LastRun(ctx, sum, t.Name)
	if err != nil {
		return fail(err)
	}
	if !ok {
		if run, ok, err = l.LastRunOfUpload(ctx, sum, t.Name); err != nil {
			return fail(err)
		} else if ok {
			return fail(mended(path, run))
		}
		return fail(usage(
			fmt.Sprintf("%s: no run on these bytes at %s is known to the ledger %s", path, t.Name, l.Info().Path),
			"was the file changed since? A report is of the very bytes that were sent; hppsend check says what is known of its sessions",
		))
	}
	res, err := Remade(ctx, l, t, run, path, nil, to, obs, by)
	return res, run, err
}

// mended refuses to report on a file that was sent with other cells than it has.
func mended(path string, run ledger.RunInfo) error {
	upload := ""
	if reading, err := ReadingOf(run); err == nil && reading.Upload != nil {
		upload = reading.Upload.ID
	}
	return usage(
		fmt.Sprintf("%s was sent from the upload page (run %s), with cells that were changed there", path, run.ID),
		fmt.Sprintf("its report is on that page, at /uploads/%s/report.xlsx; the file as it was sent at /uploads/%[1]s/checked.xlsx", upload),
	)
}

// Remade reports on a run of a file once more, as Again does, with what came in by the page as it was sent; nil:
// the file lies under its path.
func Remade(ctx context.Context, l *ledger.Ledger, t hpp.Target, run ledger.RunInfo, path string, up *Upload, to Outputs, obs pipeline.Observer,
	by Program,
) (FileResult, error) {
	fail := func(err error) (FileResult, error) { return FileResult{}, err }
	file, plan, err := Recorded(ctx, l, t, run, path, up)
	if err != nil {
		return fail(err)
	}
	defer file.Close()
	places, err := to.places(l, obs, by, []string{path})
	if err != nil {
		return fail(err)
	}
	out, err := places.find(ctx, plan.Files[0], !to.None)
	if err != nil {
		return fail(err)
	}
	why := pipeline.Finding{Code: run.Ending, Reason: run.Reason}
	if busy, err := l.Busy(ctx, run.SHA256, t.Name); err != nil {
		return fail(err)
	} else if busy != nil && busy.ID == run.ID { // so that this report, elsewhere, prevents what this run still sends
		why = pipeline.Finding{Code: pipeline.CodeInOtherRun, Reason: fmt.Sprintf("run %s is under way, and has not come to this row yet", run.ID)}
	}
	res := FileResult{Path: path, Run: run.ID}
	var at made
	res.Tally, at, res.Err = places.makeReport(ctx, plan, 0, file, why, out)
	res.Report, res.Rejects = at.report, at.rejects
	return res, nil
}

// Recorded opens the input of a run and judges its rows as that run did. The caller closes the file.
func Recorded(ctx context.Context, l *ledger.Ledger, t hpp.Target, run ledger.RunInfo, path string, up *Upload) (_ *reader.File, _ *pipeline.Plan, err error) {
	reading, err := ReadingOf(run)
	if err != nil {
		return nil, nil, err
	}
	reading.Upload = up
	reading.AnyOptOut = true // it was sent when nobody asked about them, or what was said is recorded
	if reading.Hidden == string(pipeline.RefuseHidden) {
		reading.Hidden = string(pipeline.SendHidden) // nothing will be sent
	}
	file, err := reading.open(ctx, path, nil)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	if file.Input().SHA256 != run.SHA256 { // since it was looked up
		return nil, nil, pipeline.Changed(pipeline.Place{File: path})
	}
	cfg := reading.Rules(t, l.View(t.Name))
	if cfg.Held, err = l.Held(ctx, run.ID, false); err != nil {
		return nil, nil, err
	}
	cfg.Over = true
	plan, err := pipeline.Check(ctx, cfg, file)
	if err != nil {
		return nil, nil, err
	}
	plan.Files[0].Run = run.ID
	return file, plan, nil
}
