//go:build unix

package bench

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

var (
	rows        = flag.Int("rows", 200_000, "rows of a run")
	checkRows   = flag.Int("check-rows", 1_048_575, "rows of a check, of the memory measures, and of a run that goes on")
	concurrency = flag.Int("concurrency", 64, "calls under way at once")
)

// TestMain lets the test binary be the server and the bare loop, each in a process of its own.
func TestMain(m *testing.M) {
	switch role, args := os.Args[min(1, len(os.Args)-1)], os.Args; role {
	case "serve":
		exit(serve())
	case "post":
		exit(post(args[2], args[3], args[4]))
	}
	flag.Parse()
	code := m.Run()
	if binaryFolder != "" {
		os.RemoveAll(binaryFolder)
	}
	os.Exit(code)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

var binaryFolder string

// binary builds the program, once.
var binary = sync.OnceValues(func() (string, error) {
	var err error
	if binaryFolder, err = os.MkdirTemp("", "hppsend-bench-"); err != nil {
		return "", err
	}
	path := filepath.Join(binaryFolder, "hppsend")
	if out, err := exec.Command("go", "build", "-o", path, "hppsend").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})

// process starts a command and gives what it took.
func process(b *testing.B, cmd *exec.Cmd, code int) (wall, cpu time.Duration, peak int64) {
	b.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != code {
		text := stderr.Bytes()
		b.Fatalf("%s: %v, and not exit status %d\n%s", cmd.Args[1], err, code, text[max(0, len(text)-2000):])
	}
	p := cmd.ProcessState
	return time.Since(start), p.UserTime() + p.SystemTime(), peakOf(p)
}

// peakOf is the peak of the resident bytes of a process that has ended; 0 where the system does not
// tell. It is never below that of this process when it started the other.
func peakOf(p *os.ProcessState) int64 {
	u, ok := p.SysUsage().(*syscall.Rusage)
	switch {
	case !ok:
		return 0
	case runtime.GOOS == "darwin":
		return int64(u.Maxrss)
	}
	return int64(u.Maxrss) << 10
}

// hppsend prepares the real binary, with nothing of this machine's settings.
func hppsend(b *testing.B, ctx context.Context, folder string, args ...string) *exec.Cmd {
	b.Helper()
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"HOME=" + folder, "TMPDIR=" + folder}
	return cmd
}

// runArgs are the arguments of a run without a limit, its ledger and report in a folder.
func runArgs(folder, url, input string, more ...string) []string {
	return append([]string{
		"run", "--endpoint", url, "--rate", "unlimited", "--concurrency", strconv.Itoa(*concurrency),
		"--ledger", filepath.Join(folder, "ledger.db"), "-o", filepath.Join(folder, "report"+filepath.Ext(input)), input,
	}, more...)
}

// server is a minimal HPP in a process of its own: it reads each call and answers 204.
type server struct {
	url   string
	cmd   *exec.Cmd
	stdin io.Closer
	lines *json.Decoder
}

// tally is what a server has seen so far. Times are Unix nanoseconds.
type tally struct {
	Calls       int
	First, Last int64
}

func (t tally) elapsed() time.Duration { return time.Duration(t.Last - t.First) }

func startServer(b *testing.B) *server {
	b.Helper()
	s := &server{cmd: exec.Command(os.Args[0], "serve")}
	s.cmd.Stderr = os.Stderr
	stdin, err := s.cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	s.stdin, s.lines = stdin, json.NewDecoder(stdout)
	if err := s.lines.Decode(&s.url); err != nil {
		b.Fatalf("start the server: %v", err)
	}
	return s
}

// next gives the tally at the first call, and then, once the server was told to stop, the last one.
func (s *server) next(b *testing.B) (t tally) {
	b.Helper()
	if err := s.lines.Decode(&t); err != nil {
		b.Fatalf("the server ended early: %v", err)
	}
	return t
}

// stop ends a server that was called so many times, and gives what it has seen.
func (s *server) stop(b *testing.B, calls int) (t tally) {
	b.Helper()
	s.stdin.Close()
	for s.lines.Decode(&t) == nil {
	}
	s.cmd.Wait()
	if t.Calls != calls {
		b.Fatalf("the server has seen %d calls of %d", t.Calls, calls)
	}
	return t
}

// serve is the server's side: it serves until its standard input ends.
func serve() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode("http://" + l.Addr().String()); err != nil {
		return err
	}
	var calls, first, last atomic.Int64
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			first.Store(time.Now().UnixNano())
			out.Encode(tally{Calls: 1, First: first.Load()})
		}
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Klarna-Correlation-Id", "0f9c2d6e-1b7a-4f3e-9d58-6a4b8c2e7f10")
		w.WriteHeader(http.StatusNoContent)
		last.Store(time.Now().UnixNano())
	})}
	go srv.Serve(l)
	io.Copy(io.Discard, os.Stdin)
	srv.Close()
	return out.Encode(tally{int(calls.Load()), first.Load(), last.Load()})
}

// post is the bare loop: the bodies of so many rows, made before, to the paths of their sessions. It
// prints how long the calls took.
func post(url, rows, concurrency string) error {
	n, err := strconv.Atoi(rows)
	if err != nil {
		return err
	}
	workers, err := strconv.Atoi(concurrency)
	if err != nil {
		return err
	}
	paths, bodies := make([]string, n), make([]string, n)
	for i := range n {
		p := personAt(i)
		paths[i], bodies[i] = url+"/hpp/v1/sessions/"+p.session+"/distribution", p.body()
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	start := time.Now()
	for range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && failed.Load() == nil; i = next.Add(1) - 1 {
				if err := postOne(client, paths[i], bodies[i]); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	_, err = fmt.Println(int64(time.Since(start)))
	return err
}

func postOne(client *http.Client, path, body string) error {
	req, err := http.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Cache-Control", "no-cache")
	req.SetBasicAuth("sandbox", "sandbox")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("the server answered %s", resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// samples are the figures of the iterations, by unit.
type samples map[string][]float64

func (s samples) add(unit string, value float64) { s[unit] = append(s[unit], value) }

// report shows the median of each figure.
func (s samples) report(b *testing.B) {
	for unit, values := range s {
		b.ReportMetric(median(values), unit)
	}
}

func median[T cmp.Ordered](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}
