package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"

	"hppsend/internal/cli"
	"hppsend/pipeline"
)

// profiling is the part profile: where the processor time of the larger measures goes, by a profile of
// each.
func (b *bench) profiling(ctx context.Context) ([]measure, error) {
	if b.profiles == "" {
		b.profiles = b.folder
	}
	run, err := b.input(ctx, csvInput, b.sendRows)
	if err != nil {
		return nil, err
	}
	measures := []measure{func(ctx context.Context) error { return b.profiledRun(ctx, run) }}
	add := func(name, task string, args ...string) {
		measures = append(measures, func(ctx context.Context) error { return b.profiled(ctx, name, task, args...) })
	}
	rows := strconv.Itoa(b.rows)
	for _, kind := range []string{csvInput, inlineInput, sharedInput} {
		input, err := b.input(ctx, kind, b.rows)
		if err != nil {
			return nil, err
		}
		add(checkName("hppsend check", kind), "hppsend", rows, "check", input)
		add(checkName("read", kind), "read", input)
	}
	add(reportCSV, "report", filepath.Join(b.folder, "out.csv"), rows, string(pipeline.CSV))
	add(reportXLSX, "report", filepath.Join(b.folder, "out.xlsx"), rows, string(pipeline.XLSX))
	return measures, nil
}

// profiledRun takes the profile of a whole run.
func (b *bench) profiledRun(ctx context.Context, input string) error {
	folder, err := b.runFolder("")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	srv, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer srv.stop()
	return b.profiled(ctx, sendAll, "hppsend", append([]string{strconv.Itoa(b.sendRows)}, b.runArgs(folder, srv.url, input)...)...)
}

// profiled does a task under the profile, and adds what its parts take.
func (b *bench) profiled(ctx context.Context, name, task string, args ...string) error {
	file := filepath.Join(b.profiles, strings.ReplaceAll(strings.ReplaceAll(name, "/", "-"), " ", "-")+".prof")
	s, err := own(ctx, "profiled", append([]string{file, task}, args...)...)
	if err != nil {
		return err
	}
	traces, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", file).Output()
	if err != nil {
		return fmt.Errorf("read the profile: %w", err)
	}
	b.results.add("profile: "+name, s)
	b.results.figure("profile: "+name+", CPU a row", "%s", shares(traces, s.CPU/time.Duration(max(1, s.Rows))))
	return nil
}

// underProfile does another task under the CPU profile: args are the file of the profile, the task, and
// the arguments of that.
func underProfile(args []string) (func() (int, error), error) {
	work, err := taskOf(args[1])(args[2:])
	if err != nil {
		return nil, err
	}
	f, err := os.Create(args[0])
	return func() (rows int, err error) {
		if err := pprof.StartCPUProfile(f); err != nil {
			return 0, err
		}
		rows, err = work()
		pprof.StopCPUProfile()
		return rows, errors.Join(err, f.Close())
	}, err
}

// hppsend runs the program within this process: args are the rows of its input, and its own.
func hppsend(args []string) (func() (int, error), error) {
	rows, err := strconv.Atoi(args[0])
	return func() (int, error) {
		code := cli.Main(cli.Process{Args: args[1:], Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stderr, Stderr: os.Stderr})
		if code != 0 {
			return 0, fmt.Errorf("hppsend %s exits with %d", args[1], code)
		}
		return rows, nil
	}, err
}

// areas are the parts of the program that a stack is counted for: the first that one of its frames
// begins with.
var areas = []struct {
	name   string
	frames []string
}{
	{"ledger", []string{"hppsend/internal/ledger.", "modernc.org/", "database/sql."}},
	{"contacts", []string{"hppsend/internal/contact.", "github.com/nyaruka/"}},
	{"HTTP", []string{"hppsend/internal/hpp.", "net/http.", "net."}},
	{"inflating", []string{"archive/zip.(*checksumReader)", "compress/flate.(*decompressor)"}},
	{"the string table", []string{"hppsend/reader/xlsx.readTable"}},
	{"the scan", []string{"hppsend/reader/xlsx."}},
	{"mapping by gocsv", []string{"github.com/gocarina/gocsv.readTo"}},
	{"reading", []string{"hppsend/reader"}},
	{"compressing", []string{"compress/flate.(*compressor)"}},
	{"hashing", []string{"crypto/"}},
	{"files", []string{"os.(*File)"}},
	{"encoding/csv", []string{"encoding/csv."}},
	{"excelize", []string{"github.com/xuri/"}},
	{"writing", []string{"hppsend/writer"}},
	{"garbage collection", []string{"runtime.gcBgMarkWorker", "runtime.bgsweep", "runtime.bgscavenge"}},
	{"scheduling", []string{"runtime.mcall", "runtime.schedule", "runtime.findRunnable", "runtime.mstart", "runtime.sysmon"}},
}

// shares adds up the stacks that go tool pprof -traces has printed, and gives what each area takes of the
// processor time of a row.
func shares(traces []byte, row time.Duration) string {
	spent := map[string]time.Duration{}
	var total, value time.Duration
	var stack []string
	take := func() {
		if value > 0 {
			spent[areaOf(stack)] += value
			total += value
		}
		value, stack = 0, nil
	}
	for lines := bufio.NewScanner(bytes.NewReader(traces)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch {
		case strings.HasPrefix(lines.Text(), "-----"):
			take()
		case len(fields) == 0:
		case len(stack) == 0 && len(fields) > 1:
			if d, err := time.ParseDuration(fields[0]); err == nil {
				value, stack = d, fields[1:]
			}
		case value > 0:
			stack = append(stack, fields[0])
		}
	}
	take()
	var names []string
	for name := range spent {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return int(spent[b] - spent[a]) })
	for i, name := range names {
		share := float64(spent[name]) / float64(total)
		names[i] = fmt.Sprintf("%s %.1f µs (%.0f %%)", name, share*float64(row)/1e3, 100*share)
	}
	return strings.Join(names, ", ")
}

func areaOf(stack []string) string {
	for _, a := range areas {
		for _, frame := range stack {
			if slices.ContainsFunc(a.frames, func(prefix string) bool { return strings.HasPrefix(frame, prefix) }) {
				return a.name
			}
		}
	}
	return "the rest"
}
