package cli_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hppsend/internal/sandbox"
)

// lateness is how long a machine that has little else to do may hold back a call that had its permit, so that
// calls arrive in bunches.
const lateness = 250 * time.Millisecond

// late is how long this machine may have held a call back until it arrived.
func late(arrivals []time.Time) time.Duration {
	return lateness + 3*thePulse().heldBack(arrivals[0].Add(-5*time.Second), arrivals[len(arrivals)-1])
}

// keptTo asserts that no stretch of time saw more calls than the rate and the twentieth that is granted
// beside it.
func (p *place) keptTo(rate int) {
	p.t.Helper()
	arrivals := slices.SortedFunc(slices.Values(p.box.Stats().Arrivals), time.Time.Compare)
	late := late(arrivals)
	for i := range arrivals {
		for j := i; j < len(arrivals); j++ {
			took := arrivals[j].Sub(arrivals[i])
			if most := 1.05*float64(rate)*(took+late).Seconds() + 1; float64(j-i+1) > most {
				p.t.Fatalf("%d calls arrived within %s, want %.0f at most", j-i+1, took, most)
			}
		}
	}
}

// fleet is processes at work on one ledger.
type fleet struct {
	*place
	runs []*exec.Cmd
}

func (f *fleet) start(args ...string) {
	f.t.Helper()
	c := f.run(args...)
	c.Stderr = new(bytes.Buffer)
	if err := c.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.runs = append(f.runs, c)
}

// wait waits for all of them; each is to have delivered every row.
func (f *fleet) wait() {
	f.t.Helper()
	for _, c := range f.runs {
		if err := c.Wait(); err != nil {
			f.t.Errorf("%s: %v\n%s", c.Args[len(c.Args)-1], err, c.Stderr)
		}
	}
}

func TestFleetSharesOneRate(t *testing.T) {
	t.Parallel()
	const size, rows, rate = 4, 40, 50
	f := &fleet{place: newPlace(t, sandbox.Config{})}
	for i := range size {
		name := fmt.Sprintf("part%d.csv", i)
		f.contacts(name, i*rows, rows)
		f.start("--rate", fmt.Sprintf("%d/s", rate), name)
	}
	f.wait()
	if calls := f.box.Stats().Calls; calls != size*rows || f.once() != size*rows {
		t.Errorf("%d calls were made, want one for each of %d sessions", calls, size*rows)
	}
	f.keptTo(rate)
}

func TestFleetPausesTogether(t *testing.T) {
	t.Parallel()
	const size, rows, rate = 6, 25, 50
	const pause = 2 * time.Second
	f := &fleet{place: newPlace(t, sandbox.Config{})}
	var calls atomic.Int32
	var here sync.WaitGroup // all of them: each makes one call at a time, and the first waits for the others
	here.Add(size)
	var at time.Time // of the answer that asks for the pause, at a call by which no part can be over
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := calls.Add(1)
		if n <= size {
			here.Done()
			here.Wait()
		}
		if n == rows-1 {
			at = time.Now()
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		f.box.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	for i := range size {
		name := fmt.Sprintf("part%d.csv", i)
		f.contacts(name, i*rows, rows)
		f.start("--rate", fmt.Sprintf("%d/s", rate), "--concurrency", "1", name)
	}
	f.wait()
	stats := f.box.Stats()
	if stats.Calls != size*rows || f.once() != size*rows {
		t.Fatalf("%d calls were answered, want one for each of %d sessions", stats.Calls, size*rows)
	}
	notice := late(stats.Arrivals) + 50*time.Millisecond
	for _, arrival := range stats.Arrivals {
		if d := arrival.Sub(at); d > notice && d < pause {
			t.Errorf("a call arrived %s after the one that was answered with a pause of %s", d, pause)
		}
	}
	for i := range size {
		if last := stats.Sessions[sessionID((i+1)*rows-1)].Arrivals[0]; last.Sub(at) < pause {
			t.Errorf("part %d was over before the pause was, and shows nothing", i)
		}
	}
}

// One process, with answers on the way that make it wait and come again.
func TestPaceWithPausesAndRetries(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{5, 50, 1000} {
		t.Run(fmt.Sprintf("%d a second", rate), func(t *testing.T) {
			t.Parallel()
			rows := 3 * rate
			script := map[string][]sandbox.Step{}
			for n := 1; n < rows; n += max(7, rows/20) {
				script[sessionID(n)] = []sandbox.Step{{Action: "unavailable"}, {Action: "accept"}}
			}
			script[sessionID(rows/2)] = []sandbox.Step{{Action: "throttled", RetryAfter: "1"}, {Action: "accept"}}
			p := newPlace(t, sandbox.Config{Script: sandbox.Script{Sessions: script}})
			p.contacts("may.csv", 0, rows)
			p.must(0, p.run("--rate", fmt.Sprintf("%d/s", rate), "--concurrency", "64", "may.csv"))
			if calls := p.box.Stats().Calls; calls != rows+len(script) || p.once() != rows {
				t.Errorf("%d calls were made, want %d for the rows and %d more", calls, rows, len(script))
			}
			p.keptTo(rate)
		})
	}
}

// BenchmarkPace tells how much of the rate that is allowed is used, at the server.
func BenchmarkPace(b *testing.B) {
	for _, rate := range []int{5, 50, 1000} {
		b.Run(fmt.Sprintf("%d a second", rate), func(b *testing.B) {
			var span time.Duration
			var calls int
			for b.Loop() {
				arrivals := paced(b, rate, 5*rate)
				span += arrivals[len(arrivals)-1].Sub(arrivals[0])
				calls += len(arrivals) - 1
			}
			b.ReportMetric(100*float64(calls)/span.Seconds()/float64(rate), "%used")
		})
	}
}

// paced sends rows at a rate, with a ledger of their own, and tells when the calls arrived.
func paced(b *testing.B, rate, rows int) []time.Time {
	b.Helper()
	box := sandbox.New(sandbox.Config{})
	url, err := box.Start("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer box.Close()
	table := [][]string{{"session_id", "email"}}
	for n := range rows {
		table = append(table, []string{sessionID(n), fmt.Sprintf("person%d@example.com", n)})
	}
	dir := b.TempDir()
	var text bytes.Buffer
	csv.NewWriter(&text).WriteAll(table)
	if err := os.WriteFile(filepath.Join(dir, "may.csv"), text.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	c := exec.Command("hppsend", "run", "--endpoint", url, "--rate", fmt.Sprintf("%d/s", rate), "--concurrency", "64", "may.csv")
	c.Dir, c.Env = dir, append(os.Environ(), "XDG_STATE_HOME="+dir)
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	arrivals := box.Stats().Arrivals
	if len(arrivals) != rows {
		b.Fatalf("%d calls arrived, want %d", len(arrivals), rows)
	}
	return arrivals
}
