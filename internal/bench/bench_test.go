//go:build unix

package bench

import (
	"context"
	"flag"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"hppsend/internal/cli"
	"hppsend/internal/contact"
)

// BenchmarkRun runs the program without a limit, and a bare net/http loop that posts the same bodies to
// the same kind of server. The shares are of the bare loop's rate: of the send pass, from first call to
// last, and of the whole run.
func BenchmarkRun(b *testing.B) {
	in := input(b, writeCSV, "in.csv", *rows)
	n := float64(*rows)
	s := samples{}
	for b.Loop() {
		srv := startServer(b)
		out, err := exec.Command(os.Args[0], "post", srv.url, strconv.Itoa(*rows), strconv.Itoa(*concurrency)).Output()
		if err != nil {
			b.Fatal(err)
		}
		srv.stop(b, *rows)
		took, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		bare := n / time.Duration(took).Seconds()

		folder := b.TempDir()
		srv = startServer(b)
		wall, cpu, peak := process(b, hppsend(b, b.Context(), folder, runArgs(folder, srv.url, in)...), 0)
		send, run := n/srv.stop(b, *rows).elapsed().Seconds(), n/wall.Seconds()
		s.add("bare-rows/s", bare)
		s.add("send-rows/s", send)
		s.add("send-share", send/bare)
		s.add("run-rows/s", run)
		s.add("run-share", run/bare)
		s.add("cpu-µs/row", cpu.Seconds()*1e6/n)
		s.add("peak-MB", float64(peak)/1e6)
	}
	s.report(b)
}

// BenchmarkInProcess is the run alone, within this process, for -cpuprofile and -benchmem.
func BenchmarkInProcess(b *testing.B) {
	in := input(b, writeCSV, "in.csv", *rows)
	b.ReportAllocs()
	for b.Loop() {
		srv, folder := startServer(b), b.TempDir()
		code := cli.Main(cli.Process{
			Args: runArgs(folder, srv.url, in, "--quiet"), Env: []string{"HOME=" + folder},
			Signals: make(chan os.Signal), Stdin: os.Stdin, Stdout: os.Stderr, Stderr: os.Stderr,
		})
		if srv.stop(b, *rows); code != 0 {
			b.Fatalf("the run ended with %d", code)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N**rows), "µs/row")
}

func BenchmarkCheckCSV(b *testing.B)  { benchmarkCheck(b, writeCSV, "in.csv") }
func BenchmarkCheckXLSX(b *testing.B) { benchmarkCheck(b, writeBook, "in.xlsx") }

func benchmarkCheck(b *testing.B, make func(io.Writer, int) error, name string) {
	in := input(b, make, name, *checkRows)
	s := samples{}
	for b.Loop() {
		wall, cpu, peak := process(b, hppsend(b, b.Context(), b.TempDir(), "check", in), 0)
		s.add("rows/s", float64(*checkRows)/wall.Seconds())
		s.add("cpu-µs/row", cpu.Seconds()*1e6/float64(*checkRows))
		s.add("peak-MB", float64(peak)/1e6)
	}
	s.report(b)
}

// The peak of a whole run, at a tenth of the rows and at all of them, so that it is seen how it grows.
func BenchmarkMemoryCSV(b *testing.B)  { benchmarkMemory(b, writeCSV, "in.csv") }
func BenchmarkMemoryXLSX(b *testing.B) { benchmarkMemory(b, writeBook, "in.xlsx") }

func benchmarkMemory(b *testing.B, make func(io.Writer, int) error, name string) {
	small, large := *checkRows/10, *checkRows
	inSmall, inLarge := input(b, make, name, small), input(b, make, name, large)
	peak := func(in string, rows int) float64 {
		srv, folder := startServer(b), b.TempDir()
		_, _, peak := process(b, hppsend(b, b.Context(), folder, runArgs(folder, srv.url, in)...), 0)
		srv.stop(b, rows)
		return float64(peak)
	}
	s := samples{}
	for b.Loop() {
		less, more := peak(inSmall, small), peak(inLarge, large)
		s.add("tenth-MB", less/1e6)
		s.add("peak-MB", more/1e6)
		s.add("B/further-row", (more-less)/float64(large-small))
	}
	s.report(b)
}

// BenchmarkFirstCall is the time from the start to the first call of a hundred rows.
func BenchmarkFirstCall(b *testing.B) {
	in := input(b, writeCSV, "in.csv", 100)
	s := samples{}
	for b.Loop() {
		s.add("first-call-ms", firstCall(b, b.TempDir(), in).Seconds()*1e3)
	}
	s.report(b)
}

// BenchmarkGoOn sends half of the rows, and measures how long it takes until the other half begins.
func BenchmarkGoOn(b *testing.B) {
	in := input(b, writeCSV, "in.csv", *checkRows)
	half := *checkRows / 2
	s := samples{}
	for b.Loop() {
		srv, folder := startServer(b), b.TempDir()
		process(b, hppsend(b, b.Context(), folder, runArgs(folder, srv.url, in, "--limit", strconv.Itoa(half))...), 5)
		srv.stop(b, half)
		s.add("first-call-s", firstCall(b, folder, in).Seconds())
	}
	s.report(b)
}

// firstCall starts a run, waits for its first call, and kills it.
func firstCall(b *testing.B, folder, in string) time.Duration {
	b.Helper()
	srv := startServer(b)
	defer srv.cmd.Wait()
	defer srv.stdin.Close()
	ctx, kill := context.WithCancel(b.Context())
	defer kill()
	p := hppsend(b, ctx, folder, runArgs(folder, srv.url, in)...)
	start := time.Now()
	if err := p.Start(); err != nil {
		b.Fatal(err)
	}
	defer p.Wait()
	defer kill()
	return time.Unix(0, srv.next(b).First).Sub(start)
}

// The benchmarks run, at a small size, and show each of their figures.
func TestBenchmarksRun(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // of each of the many processes
	for name, value := range map[string]string{"rows": "60", "check-rows": "100", "concurrency": "4", "test.benchtime": "1x"} {
		setFlag(t, name, value)
	}
	for name, bench := range map[string]struct {
		run   func(*testing.B)
		units []string
	}{
		"run":        {BenchmarkRun, []string{"bare-rows/s", "send-share", "run-share", "cpu-µs/row", "peak-MB"}},
		"in process": {BenchmarkInProcess, []string{"µs/row"}},
		"check":      {BenchmarkCheckXLSX, []string{"rows/s", "peak-MB"}},
		"memory":     {BenchmarkMemoryXLSX, []string{"tenth-MB", "peak-MB", "B/further-row"}},
		"first call": {BenchmarkFirstCall, []string{"first-call-ms"}},
		"go on":      {BenchmarkGoOn, []string{"first-call-s"}},
		"upload":     {BenchmarkUpload, []string{"MB/s", "grows-MB"}},
	} {
		result := testing.Benchmark(bench.run)
		for _, unit := range bench.units {
			if _, shown := result.Extra[unit]; !shown {
				t.Errorf("%s: no %s in %v", name, unit, result.Extra)
			}
		}
	}
}

func setFlag(t *testing.T, name, value string) {
	t.Helper()
	f := flag.Lookup(name)
	before := f.Value.String()
	if err := f.Value.Set(value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Value.Set(before) })
}

// The bare loop has to send what the program sends.
func TestPeopleAreSound(t *testing.T) {
	seen := map[string]bool{}
	for i := range 2000 {
		p := personAt(i)
		if seen[p.session] {
			t.Errorf("row %d: its session comes twice", i)
		}
		seen[p.session] = true
		if phone, err := contact.ParsePhone(p.phone, p.country); p.phone != "" && (err != nil || phone.E164 != p.e164) {
			t.Errorf("row %d, %s: the number is not the E.164 beside it: %v", i, p.country, err)
		}
		if strings.Contains(p.body(), `""`) {
			t.Errorf("row %d has no contact for its method %s", i, p.method)
		}
	}
}
