package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"hppsend/pipeline"
	"hppsend/writer"
)

// hookTime is how long the command of --on-finish may take, and hookTimeStopped how long after a run that
// was asked to stop twice: there is nobody left then who could end the command.
const (
	hookTime        = 5 * time.Minute
	hookTimeStopped = 10 * time.Second
)

// finish tells others how an invocation has ended: monitoring, and a command of the user's. What goes
// wrong there is said, and changes nothing about how the run itself ended.
func (r *invocation) finish(ctx context.Context, code int, err error) {
	s := r.overall(r.codeBeside(code, err))
	if r.s.metricsFile != "" {
		if err := writeMetrics(r.s.metricsFile, s); err != nil {
			r.complain("metrics_failed", fmt.Errorf("metrics file %s: %w", r.s.metricsFile, pipeline.WithoutPath(err)))
		}
	}
	if len(r.s.onFinish) > 0 {
		if err := r.call(ctx, r.s.onFinish, s); err != nil {
			r.complain("on_finish_failed", fmt.Errorf("--on-finish %s: %w", r.s.onFinish[0], err))
		}
	}
}

func (r *invocation) complain(code string, err error) {
	text := fmt.Sprintf("%v; how the run itself ended stays as it is", err)
	r.console.warn("hppsend: "+text, "code", code)
	r.lines.notice(code, text)
}

// overall is the summary over all files.
func (r *invocation) overall(code int) summary {
	if r.one != nil && len(r.result.Files) == 1 && len(r.result.Refused) == 0 && r.one.Exit == code {
		return *r.one
	}
	s := summaryOf("", r.result.Total)
	started, ended := r.started.UTC(), time.Now().UTC()
	s.Files, s.Label, s.Reminder, s.Target = len(r.result.Files), r.opt.Label, r.opt.Reminder, r.opt.Target.Name
	s.Started, s.Ended, s.Exit, s.Approval = &started, &ended, code, r.opt.Approval
	return s
}

// call runs the user's command, without a shell, with what it is to know on its standard input, as JSON. It gets
// no credentials, and what it writes goes to standard error. The next signal ends it.
func (a *app) call(ctx context.Context, command []string, about any) error {
	var in bytes.Buffer
	if err := writer.NewEncoder(&in).Encode(about); err != nil {
		return err
	}
	allowed := hookTime
	switch {
	case ctx.Err() != nil:
		ctx, allowed = context.WithoutCancel(ctx), hookTimeStopped
	case a.caught() == nil:
		var end context.CancelFunc
		ctx, end = a.untilStop(ctx)
		defer end()
	}
	ctx, cancel := context.WithTimeout(ctx, allowed)
	defer cancel()
	hook := exec.CommandContext(ctx, command[0], command[1:]...)
	hook.Stdin = &in
	hook.Stdout, hook.Stderr = a.Stderr, a.Stderr
	hook.WaitDelay = time.Second
	for _, kv := range a.Env {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(strings.ToUpper(name), "KLARNA_") && name != "CREDENTIALS_DIRECTORY" && name != "PGPASSWORD" {
			hook.Env = append(hook.Env, kv)
		}
	}
	err := hook.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("it took longer than %s", allowed)
	case ctx.Err() != nil:
		return errors.New("it was ended by a signal")
	}
	return err
}
