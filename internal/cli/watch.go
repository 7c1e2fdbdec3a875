package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"hppsend/internal/ledger"
	"hppsend/internal/queue"
	"hppsend/pipeline"
)

// withWorkers is how far workers are with a run.
type withWorkers struct {
	ledger.SharedRun
	progress pipeline.Progress
	workers  int // that could send it
}

// sharedNow gives how far the workers are, by the run.
func (a *app) sharedNow(ctx context.Context, l *ledger.Ledger) (map[string]*withWorkers, error) {
	if l.Shareable() != nil {
		return nil, nil
	}
	runs, err := l.SharedRuns(ctx, "")
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	workers, err := l.Workers(ctx)
	if err != nil {
		return nil, err
	}
	all := map[string]*withWorkers{}
	for _, r := range runs {
		w := &withWorkers{SharedRun: r}
		if w.progress, _, err = queue.Progress(r); err != nil {
			return nil, err
		}
		for _, one := range workers {
			if one.Queue == r.Queue {
				w.workers++
			}
		}
		all[r.ID] = w
	}
	return all, nil
}

// String says in a line how far they are.
func (w *withWorkers) String() string {
	p := w.progress
	text := fmt.Sprintf("with the workers: %d of %s", min(p.Done(), p.Due), rows(p.Due))
	for _, part := range []struct {
		count int
		name  string
	}{{p.Rejected, "rejected"}, {p.Failed, "failed"}, {p.Uncertain, "uncertain"}} {
		if part.count > 0 {
			text += fmt.Sprintf(", %d %s", part.count, part.name)
		}
	}
	switch {
	case p.Waiting != "":
		text += "; " + p.Waiting
	case w.workers == 0:
		text += fmt.Sprintf("; nobody can send it: there is no worker for %s at %s", w.UserName, w.Target)
	case w.workers == 1:
		text += "; 1 worker"
	default:
		text += fmt.Sprintf("; %d workers", w.workers)
	}
	return text
}

// line is what machines are told of it; nil of a run that no workers send.
func (w *withWorkers) line() any {
	if w == nil {
		return nil
	}
	return struct {
		There   int    `json:"there"`
		Due     int    `json:"due"`
		Done    int    `json:"done"`
		Waiting string `json:"waiting"`
	}{w.workers, w.progress.Due, min(w.progress.Done(), w.progress.Due), w.progress.Waiting}
}

// watchEvery is how often is told how far runs are, when that has changed.
const watchEvery = time.Second

// watch tells how far runs are, all or the one that is named, until none goes on.
func (a *app) watch(ctx context.Context, l *ledger.Ledger, args []string) error {
	every := time.NewTicker(watchEvery)
	defer every.Stop()
	told := map[string]string{}
	for {
		runs, err := l.Runs(ctx, 100)
		if err != nil {
			return err
		}
		shared, err := a.sharedNow(ctx, l)
		if err != nil {
			return err
		}
		on := false
		for _, r := range runs {
			if !r.Lives || len(args) == 1 && !strings.HasPrefix(r.ID, strings.ToLower(args[0])) {
				continue
			}
			on = true
			line := runLine{RunState: r, with: shared[r.ID]}
			if text := fmt.Sprintf("%s  %s: %s", r.ID, r.Path, line.describe(line.summary())); told[r.ID] != text {
				told[r.ID] = text
				a.console.say(text, "type", "progress", "run", r.ID)
				a.lines.write(line)
			}
		}
		if !on {
			return nil
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return nil
		}
	}
}
