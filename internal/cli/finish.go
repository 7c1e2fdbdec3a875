package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"hppsend/pipeline"
	"hppsend/reader"
	"hppsend/writer"
)

// hookTime is how long the command of --on-finish may take.
const hookTime = 5 * time.Minute

// finish tells others how an invocation has ended: monitoring, and a command of the user's. What goes
// wrong there is said, and changes nothing about how the run itself ended.
func (c *campaign) finish(code int, err error) {
	s := c.overall(c.codeBeside(code, err))
	if c.s.metricsFile != "" {
		if err := writeMetrics(c.s.metricsFile, s); err != nil {
			c.complain("metrics_failed", fmt.Errorf("metrics file %s: %w", c.s.metricsFile, unwrapPath(err)))
		}
	}
	if len(c.s.onFinish) > 0 {
		if err := c.call(c.s.onFinish, s); err != nil {
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
// credentials, and what it writes goes to standard error.
func (c *campaign) call(command []string, s summary) error {
	if len(command) == 1 {
		command = strings.Fields(command[0])
	}
	if len(command) == 0 {
		return errors.New("it names no program")
	}
	in, err := json.Marshal(s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), hookTime)
	defer cancel()
	hook := exec.CommandContext(ctx, command[0], command[1:]...)
	hook.Stdin = bytes.NewReader(append(in, '\n'))
	hook.Stdout, hook.Stderr = c.Stderr, c.Stderr
	hook.WaitDelay = time.Second
	for _, kv := range c.Env {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(strings.ToUpper(name), "KLARNA_") && name != "CREDENTIALS_DIRECTORY" {
			hook.Env = append(hook.Env, kv)
		}
	}
	if err := hook.Run(); ctx.Err() != nil {
		return fmt.Errorf("it took longer than %s", hookTime)
	} else if err != nil {
		return err
	}
	return nil
}

// archived moves an input that needs nobody any more, and its report, into the archive, and gives the
// new place of the report.
func (c *campaign) archived(file int, s summary) (report string, err error) {
	in := c.plan.Files[file].Input
	if c.s.archive == "" || in.Path == reader.Stdin || s.Exit != exitOK && s.Exit != exitRejected {
		return s.Report, nil
	}
	refuse := func(err error) (string, error) {
		return s.Report, &archiveError{in.Path, c.s.archive, unwrapPath(err)}
	}
	if err := os.MkdirAll(c.s.archive, 0o700); err != nil {
		return refuse(err)
	}
	ext := filepath.Ext(in.Path)
	base := strings.TrimSuffix(filepath.Base(in.Path), ext)
	if strings.EqualFold(ext, ".gz") {
		ext = filepath.Ext(base) + ext
		base = strings.TrimSuffix(base, filepath.Ext(base))
	}
	name := filepath.Join(c.s.archive, base+"-"+c.started.UTC().Format("20060102T150405Z"))
	for n := 2; taken(name + ext); n++ {
		name = fmt.Sprintf("%s-%d", strings.TrimSuffix(name, fmt.Sprintf("-%d", n-1)), n)
	}
	c.files[file].Close() // Windows moves no file that is open
	if err := move(in.Path, name+ext); err != nil {
		return refuse(err)
	}
	if s.Report == "" || s.Report == stdout {
		return s.Report, nil
	}
	report = writer.Name(name+ext, pipeline.Format(strings.TrimPrefix(filepath.Ext(s.Report), ".")), 1)
	if err := move(s.Report, report); err != nil {
		return refuse(err)
	}
	return report, nil
}

func taken(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// move renames a file, or copies it to another disk. It never takes the place of another file.
func move(from, to string) error {
	if taken(to) {
		return fmt.Errorf("%s is there already", to)
	}
	if os.Rename(from, to) == nil {
		return nil
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		os.Remove(to)
		return err
	}
	return os.Remove(from)
}

// archiveError says that an input could not be moved away.
type archiveError struct {
	path, archive string
	err           error
}

func (e *archiveError) Error() string {
	return fmt.Sprintf("move %s to the archive %s: %v", e.path, e.archive, e.err)
}

func (e *archiveError) Unwrap() error { return e.err }

func (e *archiveError) Hint() string {
	return "the run itself is complete: move the file by hand, or leave it, since a further run sends nothing twice"
}
