package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"

	"hppsend/internal/cli"
)

// profiled runs the program within this process, under the CPU profile, so that its allocations and
// where its time goes can be told without a change to it.
func profiled(args []string) (func() (int, error), error) {
	path, rows, err := target(args)
	if err != nil {
		return nil, err
	}
	f, err := os.Create(path)
	return func() (int, error) {
		if err := pprof.StartCPUProfile(f); err != nil {
			return 0, err
		}
		code := cli.Main(cli.Process{Args: args[2:], Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stderr, Stderr: os.Stderr})
		pprof.StopCPUProfile()
		if code != 0 {
			return 0, fmt.Errorf("hppsend %s exits with %d", args[2], code)
		}
		return rows, f.Close()
	}, err
}

// profiledRun is a run under the profile, and the shares of its parts.
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
	s, err := own(ctx, "profiled", append([]string{b.profile, strconv.Itoa(b.sendRows)}, b.runArgs(folder, srv.url, input)...)...)
	srv.stop()
	if err != nil {
		return err
	}
	b.results.add(sendProf, s)
	traces, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", b.profile).Output()
	if err != nil {
		return fmt.Errorf("read the profile: %w", err)
	}
	b.results.figure("send: CPU by profile", "%s", shares(traces))
	return nil
}

// areas are the parts of the program that a stack is counted for: the first that one of its frames
// begins with.
var areas = []struct {
	name   string
	frames []string
}{
	{"ledger", []string{"hppsend/internal/ledger.", "modernc.org/", "database/sql."}},
	{"contact", []string{"hppsend/internal/contact.", "github.com/nyaruka/"}},
	{"HTTP", []string{"hppsend/internal/hpp.", "net/http.", "internal/poll."}},
	{"reading", []string{"hppsend/reader"}},
	{"writing", []string{"hppsend/writer"}},
	{"garbage collection", []string{"runtime.gcBgMarkWorker", "runtime.bgsweep", "runtime.bgscavenge"}},
	{"scheduling", []string{"runtime.mcall", "runtime.schedule", "runtime.findRunnable", "runtime.mstart", "runtime.sysmon"}},
}

// shares adds up the stacks that go tool pprof -traces has printed.
func shares(traces []byte) string {
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
		names[i] = fmt.Sprintf("%s %.0f %%", name, 100*float64(spent[name])/float64(total))
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
