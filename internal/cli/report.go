package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
	"hppsend/reader"
)

// report is the report command: the report of a file again, from the file and the ledger.
func (a *app) report(ctx context.Context, s *settings, paths []string) (int, error) {
	ctx, cancel := a.untilStop(ctx)
	defer cancel()
	t, l, err := a.knownLedger(ctx, s)
	if err != nil {
		return exitOK, err
	}
	defer l.Close()
	sum, err := hashFile(paths[0])
	if err != nil {
		return exitOK, err
	}
	run, ok, err := l.LastRun(ctx, sum, t.Name)
	if err != nil {
		return exitOK, err
	}
	if !ok {
		return exitOK, usage(
			fmt.Sprintf("%s: no run on these bytes at %s is known to the ledger %s", paths[0], t.Name, l.Info().Path),
			"was the file changed since? A report is of the very bytes that were sent; hppsend check says what is known of its sessions",
		)
	}
	file, plan, err := recorded(ctx, l, t, run, paths[0])
	if err != nil {
		return exitOK, err
	}
	defer file.Close()
	places, err := a.places(s, l, paths)
	if err != nil {
		return exitOK, err
	}
	out, err := places.find(ctx, plan.Files[0], true)
	if err != nil {
		return exitOK, err
	}
	why := pipeline.Finding{Code: run.Ending, Reason: run.Reason}
	if busy, err := l.Busy(ctx, sum, t.Name); err != nil {
		return exitOK, err
	} else if busy != nil && busy.ID == run.ID { // so that this report, elsewhere, prevents what this run still sends
		why = pipeline.Finding{Code: pipeline.CodeInOtherRun, Reason: fmt.Sprintf("run %s is under way, and has not come to this row yet", run.ID)}
	}
	tally, at, err := places.makeReport(ctx, plan, 0, file, why, out)
	if err != nil {
		return exitBroken, err
	}
	line := summaryOf(paths[0], tally)
	line.Run, line.Label, line.Reminder, line.Target, line.Report = run.ID, run.Label, run.Reminder, t.Name, at.report
	line.Rejects = at.rejects
	line.Exit = a.exitCode(tally, pipeline.Ending{})
	a.tellSummary(line, tally, pipeline.Ending{})
	a.lines.write(line)
	return line.Exit, nil
}

// optionsOf gives the options that a run was made with.
func optionsOf(run ledger.RunInfo) (opt options, err error) {
	if err := json.Unmarshal(run.Options, &opt); err != nil {
		return opt, fmt.Errorf("the options of run %s: %w", run.ID, err)
	}
	if opt.Sessions == "" { // of a time when every id was taken
		opt.Sessions = string(pipeline.AnySession)
	}
	return opt, nil
}

// recorded opens the input of a run and judges its rows as that run did. The caller closes the file.
func recorded(ctx context.Context, l *ledger.Ledger, t hpp.Target, run ledger.RunInfo, path string) (*reader.File, *pipeline.Plan, error) {
	opt, err := optionsOf(run)
	if err != nil {
		return nil, nil, err
	}
	if opt.Hidden == string(pipeline.RefuseHidden) {
		opt.Hidden = string(pipeline.SendHidden) // nothing will be sent
	}
	files, err := open(ctx, []string{path}, opt)
	if err != nil {
		closeAll(files)
		return nil, nil, err
	}
	if files[0].Input().SHA256 != run.SHA256 { // since it was looked up
		closeAll(files)
		return nil, nil, pipeline.Changed(pipeline.Place{File: path})
	}
	plan, err := pipeline.Check(ctx, opt.checking(t, l.View(t.Name)), files[0])
	if err != nil {
		closeAll(files)
		return nil, nil, err
	}
	plan.Files[0].Run = run.ID
	return files[0], plan, nil
}
