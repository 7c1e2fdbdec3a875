// Command bench measures the program side by side with its bounds, in one run, and prints a table:
//
//	go run ./internal/bench                              everything, at full size: over an hour
//	go run ./internal/bench -only check -rows 100000     one part, smaller
//
// The figures are also written to testdata/bench. Every measurement is a process of its own, so that
// none inherits another's heap or peak: the real binary, built for the occasion, or this command again
// with the name of a task (see tasks). The parts take turns through the repeats, so that a change in
// the machine's load meets all of them alike. The ledger keeps its full durability and has to be on a
// real disk.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// config is what the flags say.
type config struct {
	only        string
	rows        int // of check, report, the largest run and the resume
	sendRows    int
	ledgerRows  int
	filled      int // distributions that a ledger already holds
	repeats     int
	concurrency int
	dir, out    string
	profiles    string
}

// bench is one invocation.
type bench struct {
	config
	folder  string // private, for everything that is made
	hppsend string
	results results
}

// part is a group of measurements. Each measure is taken once in every repeat.
type part struct {
	name     string
	measures func(*bench, context.Context) ([]measure, error) // makes the inputs
}

// measure takes its samples and adds them to the results.
type measure func(context.Context) error

var parts = []part{
	{"send", (*bench).sending},
	{"check", (*bench).checking},
	{"report", (*bench).reporting},
	{"memory", (*bench).memory},
	{"start", (*bench).starting},
	{"ledger", (*bench).ledger},
	{"profile", (*bench).profiling},
}

func main() {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		if err := runTask(os.Args[1], os.Args[2:]); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
			os.Exit(1)
		}
		return
	}
	var c config
	flag.StringVar(&c.only, "only", "send,check,report,memory,start,ledger,profile", "the parts to measure")
	flag.IntVar(&c.rows, "rows", 1_048_575, "rows of check, report, the largest run of memory, and the resume")
	flag.IntVar(&c.sendRows, "send-rows", 200_000, "rows of send")
	flag.IntVar(&c.ledgerRows, "ledger-rows", 200_000, "intents and outcomes of ledger")
	flag.IntVar(&c.filled, "filled", 0, "measure memory again with a ledger that holds so many distributions, such as 10000000")
	flag.IntVar(&c.repeats, "repeats", 3, "how often each is measured; the median is shown")
	flag.IntVar(&c.concurrency, "concurrency", 64, "calls under way at once in send, resume and memory")
	flag.StringVar(&c.dir, "dir", os.TempDir(), "where the temporary folder is made: on a real disk")
	flag.StringVar(&c.out, "o", "", "the file of figures (default testdata/bench/DATE-CPU.txt)")
	flag.StringVar(&c.profiles, "profiles", "", "a folder in which the CPU profiles of profile are kept")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, c, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures, and writes the figures to a file and to out.
func run(ctx context.Context, c config, out, progress io.Writer) error {
	var chosen []part
	for _, name := range strings.Split(c.only, ",") {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if i < 0 {
			return fmt.Errorf("there is no part %q", name)
		}
		chosen = append(chosen, parts[i])
	}
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	module := strings.TrimSpace(string(root))
	b := &bench{config: c}
	if b.folder, err = os.MkdirTemp(c.dir, "hppsend-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.folder)
	m, err := machineOf(b.folder)
	if err != nil {
		return err
	}
	b.hppsend = filepath.Join(b.folder, "hppsend")
	build := exec.CommandContext(ctx, "go", "build", "-buildvcs=auto", "-o", b.hppsend, ".")
	build.Dir = module
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, text)
	}
	version, err := exec.CommandContext(ctx, b.hppsend, "version").Output()
	if err != nil {
		return fmt.Errorf("ask the program for its version: %w", err)
	}
	started := time.Now()
	for _, p := range chosen {
		if err := b.measure(ctx, p, progress); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n%s%s; median of %d, on %s\n\n", m, version, command(), c.repeats, started.Format(time.DateOnly))
	b.results.print(&text)
	printGoals(&text, &b.results, c)
	if c.out == "" {
		c.out = filepath.Join(module, "testdata", "bench", started.Format(time.DateOnly)+"-"+m.slug()+".txt")
	}
	if err := os.MkdirAll(filepath.Dir(c.out), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(c.out, []byte(text.String()), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n%s\n", text.String(), c.out)
	return err
}

// measure takes the measures of a part in turns, and removes what it made.
func (b *bench) measure(ctx context.Context, p part, progress io.Writer) error {
	fmt.Fprintf(progress, "%s %s: making the inputs\n", time.Now().Format(time.TimeOnly), p.name)
	measures, err := p.measures(b, ctx)
	if err != nil {
		return err
	}
	for repeat := range b.repeats {
		fmt.Fprintf(progress, "%s %s: %d of %d\n", time.Now().Format(time.TimeOnly), p.name, repeat+1, b.repeats)
		for _, m := range measures {
			if err := m(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// command is the command line, for people who want to repeat it.
func command() string {
	return strings.Join(append([]string{"go run ./internal/bench"}, os.Args[1:]...), " ")
}
