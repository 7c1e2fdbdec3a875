//go:build unix

package bench

import (
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hppsend/internal/ledger/servertest"
	"hppsend/internal/sandbox"
)

var (
	workers = flag.Int("workers", 2, "workers of a run that is handed over")
	rate    = flag.Float64("rate", 0, "calls a second of such a run; 0 for no limit")
)

// BenchmarkWorkers has workers send a run that is handed over, with the database and the server on the same machine:
// rows a second from the first call to the last, the processor time of the workers and of the database for each row,
// the most calls that arrived in any second, and how much of the rate was used.
func BenchmarkWorkers(b *testing.B) {
	in := input(b, writeCSV, "in.csv", *rows)
	n := float64(*rows)
	s := samples{}
	for b.Loop() {
		db, folder := servertest.Own(b), b.TempDir()
		place := db.Database(b)
		box := sandbox.New(sandbox.Config{})
		url, err := box.Start("127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		cmd := func(args ...string) *exec.Cmd {
			c := hppsend(b, b.Context(), folder, args...)
			c.Env = append(c.Env, "HPPSEND_LEDGER="+place, "HPPSEND_ENDPOINT="+url)
			return c
		}
		process(b, cmd("ledger", "create"), 0)
		var all []*exec.Cmd
		for range *workers {
			w := cmd("worker", "--concurrency", strconv.Itoa(*concurrency))
			if err := w.Start(); err != nil {
				b.Fatal(err)
			}
			all = append(all, w)
		}
		limit := "unlimited"
		if *rate > 0 {
			limit = fmt.Sprintf("%g/s", *rate)
		}
		before := cpuOf(b, db)
		wall, submit, peak := process(b, cmd("run", "--shared", "--rate", limit, "--headroom", "0%", "-o", filepath.Join(folder, "out.csv"), in), 0)
		database := cpuOf(b, db) - before
		var work time.Duration
		var most int64
		for _, w := range all {
			w.Process.Signal(syscall.SIGTERM)
			w.Wait()
			work += w.ProcessState.UserTime() + w.ProcessState.SystemTime()
			most = max(most, peakOf(w.ProcessState))
		}
		arrivals := slices.SortedFunc(slices.Values(box.Stats().Arrivals), time.Time.Compare)
		if len(arrivals) != *rows {
			b.Fatalf("%d calls arrived", len(arrivals))
		}
		box.Close()
		took := arrivals[len(arrivals)-1].Sub(arrivals[0]).Seconds()
		s.add("run-rows/s", n/wall.Seconds())
		s.add("send-rows/s", n/took)
		s.add("workers-µs/row", work.Seconds()*1e6/n)
		s.add("database-µs/row", database.Seconds()*1e6/n)
		s.add("submit-µs/row", submit.Seconds()*1e6/n)
		s.add("worker-peak-MB", float64(most)/1e6)
		s.add("submit-peak-MB", float64(peak)/1e6)
		if *rate > 0 {
			s.add("worst-second", float64(worst(arrivals, time.Second)))
			s.add("used-%", 100*(n-1)/took / *rate)
		}
	}
	s.report(b)
}

// worst is how many moments there are at most within any stretch of time.
func worst(all []time.Time, within time.Duration) (most int) {
	first := 0
	for i, t := range all {
		for t.Sub(all[first]) >= within {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// cpuOf is the processor time that a server has taken, with all of its processes; 0 where the system does not tell.
func cpuOf(b *testing.B, p *servertest.Postgres) time.Duration {
	b.Helper()
	text, err := os.ReadFile(filepath.Join(p.Data(), "postmaster.pid"))
	if err != nil {
		b.Fatal(err)
	}
	main, _, _ := strings.Cut(string(text), "\n")
	ticks := math.NaN()
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		_, after, _ := strings.Cut(string(text), ") ")
		f := strings.Fields(after) // from the state on, the third field
		if mine := filepath.Base(filepath.Dir(name)) == main; mine || f[1] == main {
			if math.IsNaN(ticks) {
				ticks = 0
			}
			for i := 11; i < 15; i++ { // its own, and that of its processes which have ended
				if n, err := strconv.ParseFloat(f[i], 64); err == nil && (i < 13 || mine) {
					ticks += n
				}
			}
		}
	}
	if math.IsNaN(ticks) {
		return 0
	}
	return time.Duration(ticks * float64(time.Second) / 100)
}
