package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// sample is one measurement.
type sample struct {
	Rows    int
	Elapsed time.Duration
	CPU     time.Duration // 0 for unknown
	Peak    int64         // resident bytes; 0 for unknown
	Allocs  uint64        // 0 for unknown
	Bytes   uint64        // allocated
}

// task is a kind of measurement that this command makes of itself in a process of its own: it prepares,
// and gives the work that is timed, which counts its rows.
type task func(args []string) (work func() (rows int, err error), err error)

func taskOf(name string) task {
	switch name {
	case "make-csv":
		return makeCSV
	case "make-xlsx":
		return makeXLSX
	case "post":
		return post
	case "profiled":
		return underProfile
	case "hppsend":
		return hppsend
	case "encoding-csv":
		return encodingCSV
	case "excelize":
		return excelizeRows
	case "inflate":
		return inflate
	case "scan":
		return inflateAndScan
	case "read":
		return read
	case "contacts":
		return contacts
	case "report":
		return report
	case "write-csv":
		return writeCSV
	case "write-xlsx":
		return writeXLSX
	case "ledger":
		return claimAndConclude
	case "sqlite":
		return bareSQLite
	case "fill":
		return fill
	}
	return nil
}

// runTask does a task and prints its sample as JSON.
func runTask(name string, args []string) error {
	if name == "serve" {
		return serve()
	}
	t := taskOf(name)
	if t == nil {
		return errors.New("there is no such task")
	}
	work, err := t(args)
	if err != nil {
		return err
	}
	runtime.GC() // what the preparation left
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, cpu := time.Now(), cpuTime()
	rows, err := work()
	if err != nil {
		return err
	}
	s := sample{Rows: rows, Elapsed: time.Since(start), CPU: cpuTime() - cpu}
	runtime.ReadMemStats(&after)
	s.Allocs, s.Bytes = after.Mallocs-before.Mallocs, after.TotalAlloc-before.TotalAlloc
	return json.NewEncoder(os.Stdout).Encode(s)
}

// own does a task in a process of its own.
func own(ctx context.Context, name string, args ...string) (s sample, err error) {
	self, err := os.Executable()
	if err != nil {
		return s, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{name}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return s, fmt.Errorf("%s: %w\n%s", name, err, tail(stderr.Bytes()))
	}
	if err := json.Unmarshal(stdout.Bytes(), &s); err != nil {
		return s, fmt.Errorf("%s: read its sample: %w", name, err)
	}
	s.Peak = peakOf(cmd.ProcessState)
	return s, nil
}

// program is the real binary, about to be run.
type program struct {
	*exec.Cmd
	stderr bytes.Buffer
	watch  *watch // sees it run; nil for none
}

// program prepares the real binary, with nothing of this machine's settings.
func (b *bench) program(ctx context.Context, args ...string) *program {
	p := &program{Cmd: exec.CommandContext(ctx, b.hppsend, args...)}
	p.Env = []string{"HOME=" + b.folder, "TMPDIR=" + b.folder}
	p.Stderr = &p.stderr
	return p
}

// timed runs it to its end, which has to have the exit code.
func (p *program) timed(rows, code int) (sample, error) {
	s := sample{Rows: rows}
	start := time.Now()
	if err := p.Start(); err != nil {
		return s, err
	}
	if p.watch != nil {
		go p.watch.follow(p.Process.Pid)
		defer p.watch.end()
	}
	err := p.Wait()
	s.Elapsed = time.Since(start)
	if p.ProcessState.ExitCode() != code {
		return s, fmt.Errorf("hppsend %s: %w, and not exit status %d\n%s", p.Args[1], err, code, tail(p.stderr.Bytes()))
	}
	s.CPU = p.ProcessState.UserTime() + p.ProcessState.SystemTime()
	s.Peak = peakOf(p.ProcessState)
	return s, nil
}

// tail is the end of what a process has said.
func tail(text []byte) []byte { return text[max(0, len(text)-2000):] }
