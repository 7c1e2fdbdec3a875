package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

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
func (c *campaign) finish(ctx context.Context, code int, err error) {
	s := c.overall(c.codeBeside(code, err))
	if c.s.metricsFile != "" {
		if err := writeMetrics(c.s.metricsFile, s); err != nil {
			c.complain("metrics_failed", fmt.Errorf("metrics file %s: %w", c.s.metricsFile, unwrapPath(err)))
		}
	}
	if len(c.s.onFinish) > 0 {
		if err := c.call(ctx, c.s.onFinish, s); err != nil {
			c.complain("on_finish_failed", fmt.Errorf("--on-finish %s: %w", c.s.onFinish[0], err))
		}
	}
}

func (c *campaign) complain(code string, err error) {
	text := fmt.Sprintf("%v; how the run itself ended stays as it is", err)
	c.console.warn("hppsend: "+text, "code", code)
	c.lines.notice(code, text)
}

// overall is the summary over all files.
func (c *campaign) overall(code int) summary {
	if c.one != nil && len(c.skipped) == 0 && c.one.Exit == code {
		return *c.one
	}
	s := summaryOf("", c.total)
	started, ended := c.started.UTC(), time.Now().UTC()
	s.Files, s.Label, s.Reminder, s.Target = len(c.runs), c.opt.Label, c.opt.Reminder, c.target.Name
	s.Started, s.Ended, s.Exit = &started, &ended, code
	return s
}

// call runs the user's command, without a shell, with the summary on its standard input. It gets no
// credentials, and what it writes goes to standard error. The next signal ends it.
func (c *campaign) call(ctx context.Context, command []string, s summary) error {
	var in bytes.Buffer
	if err := writer.NewEncoder(&in).Encode(s); err != nil {
		return err
	}
	allowed := hookTime
	switch {
	case ctx.Err() != nil:
		ctx, allowed = context.WithoutCancel(ctx), hookTimeStopped
	case c.caught() == nil:
		var end context.CancelFunc
		ctx, end = c.untilStop(ctx)
		defer end()
	}
	ctx, cancel := context.WithTimeout(ctx, allowed)
	defer cancel()
	hook := exec.CommandContext(ctx, command[0], command[1:]...)
	hook.Stdin = &in
	hook.Stdout, hook.Stderr = c.Stderr, c.Stderr
	hook.WaitDelay = time.Second
	for _, kv := range c.Env {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(strings.ToUpper(name), "KLARNA_") && name != "CREDENTIALS_DIRECTORY" {
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
