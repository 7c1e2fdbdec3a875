package cli

import (
	"context"

	"hppsend/internal/campaign"
	"hppsend/pipeline"
)

// report is the report command: the report of a file again, from the file and the ledger.
func (a *app) report(ctx context.Context, s *settings, paths []string) (int, error) {
	ctx, cancel := a.untilStop(ctx)
	defer cancel()
	to, err := a.outputs(s)
	if err != nil {
		return exitOK, err
	}
	t, l, err := a.knownLedger(ctx, s)
	if err != nil {
		return exitOK, err
	}
	defer l.Close()
	res, run, err := campaign.Again(ctx, l, t, paths[0], to, teller{a}, program())
	if err != nil {
		return exitOK, err
	}
	if res.Err != nil {
		return exitBroken, res.Err
	}
	line := summaryOf(res.Path, res.Tally)
	line.Run, line.Label, line.Reminder, line.Target = run.ID, run.Label, run.Reminder, t.Name
	line.Report, line.Rejects, line.Exit = res.Report, res.Rejects, a.exitCode(res.Tally, pipeline.Ending{})
	line.Overrides = overridesOf(run)
	a.tellSummary(line, res.Tally, pipeline.Ending{})
	a.lines.write(line)
	return line.Exit, nil
}

// teller tells what is worth a line, of a command that sends nothing.
type teller struct{ *app }

func (teller) Progress(pipeline.Progress) {}
func (t teller) Notice(n pipeline.Notice) { t.say("notice", n.Code, n.Text) }
