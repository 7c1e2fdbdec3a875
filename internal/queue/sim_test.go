package queue

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hppsend/pipeline"
)

// simulate has some workers send a run in a world with faults, and gives what is wrong in the end.
func simulate(t *testing.T, seed uint64, planted string) (w *world, wrong []string) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(seed, 14))
		w = &world{t: t, planted: planted, rng: rng, over: make(chan struct{}), chunks: map[int]*chunk{}, known: map[string]*record{}, calls: map[string]*called{}}
		rows := 10 + rng.IntN(60)
		w.spec = Spec{
			Target: "sim", User: "shop", Rules: pipeline.Rules{Target: "sim", Run: "sim"}, Rate: float64(5 + rng.IntN(40)), Headroom: 0.5, Rows: 3 + rng.IntN(10),
			Send: pipeline.SendConfig{MaxAttempts: 3, RetryFor: 10 * time.Minute, Grace: 8 * time.Second, StopAfterIdentical: rng.IntN(2) * 25},
			File: pipeline.FilePlan{Due: rows, Tally: pipeline.Tally{Rows: rows, Status: map[pipeline.Status]int{pipeline.Pending: rows}}},
		}
		if rng.IntN(4) == 0 {
			w.spec.Send.Canary = 1 + rng.IntN(5)
		}
		limit := 20 * time.Minute
		if planted == "" && seed%10 == 3 { // few: the hours that it waits take long
			w.spec.Rules.Allowances = []pipeline.Allowance{{Messages: rows/2 + 1 + rng.IntN(rows/2), Per: pipeline.Hour}}
			limit += time.Hour                                               // what the end of this one was too short for
			time.Sleep(time.Hour - time.Duration(rng.IntN(120))*time.Second) // so that the next hour is not far
		}
		w.run.ID = "sim"
		for i := range rows {
			name := fmt.Sprintf("s%02d", i)
			w.due = append(w.due, pipeline.Due{Distribution: pipeline.Distribution{Session: name, Method: pipeline.Email, Contact: name}})
		}
		if err := Submit(context.Background(), w, w.spec, 2, seqOf(w.due)); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 2 + rng.IntN(2) {
			w.start(&all)
		}
		w.trouble(&all)
		for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(time.Second) {
			w.mu.Lock()
			ended := w.ended
			w.mu.Unlock()
			if ended {
				break
			}
		}
		time.Sleep(10 * time.Second) // for whoever would still call
		wrong = w.judge()
		close(w.over)
		for _, p := range w.procs {
			if !p.leaves {
				close(p.stop)
			}
		}
		all.Wait()
	})
	return w, wrong
}

func seqOf(all []pipeline.Due) iter.Seq2[pipeline.Due, error] {
	return func(yield func(pipeline.Due, error) bool) {
		for _, d := range all {
			if !yield(d, nil) {
				return
			}
		}
	}
}

// trouble has faults happen for a while. In the end everything is well, and somebody is there.
func (w *world) trouble(all *sync.WaitGroup) {
	faults, cancelled := w.n(12), w.n(50)
	for n := range faults {
		time.Sleep(time.Duration(w.n(3000)) * time.Millisecond)
		p := w.procs[w.n(len(w.procs))]
		for_ := time.Duration(w.n(9000)) * time.Millisecond
		kinds := []string{"killed", "frozen", "cut off", "asked to stop", "jobs deleted", "jobs doubled", "paused"}
		what := kinds[w.n(len(kinds))]
		if n == cancelled {
			what = "cancelled"
		}
		w.faults = append(w.faults, what)
		w.strike(p, what, for_, all)
	}
	w.mu.Lock()
	w.calm = true
	w.mu.Unlock()
	w.start(all)
}

func (w *world) strike(p *proc, what string, for_ time.Duration, all *sync.WaitGroup) {
	w.mu.Lock()
	now := time.Now()
	quiet := func() {
		if p.silent.IsZero() {
			p.silent = now
		}
	}
	switch what {
	case "killed":
		p.crashed = true
		quiet()
		w.mu.Unlock()
		time.Sleep(for_ / 3)
		w.start(all)
		return
	case "frozen", "cut off":
		if p.crashed || p.frozen != nil || p.cut {
			break
		}
		quiet()
		if what == "frozen" {
			p.frozen = make(chan struct{})
		} else {
			p.cut = true
		}
		time.AfterFunc(for_, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if p.frozen != nil {
				close(p.frozen)
				p.frozen = nil
			}
			p.cut = false
			p.heardAgain = time.Now().Add(time.Duration(w.rng.IntN(500)) * time.Millisecond)
		})
	case "asked to stop":
		if !p.leaves && !p.crashed {
			p.leaves = true
			close(p.stop)
		}
		w.mu.Unlock()
		w.start(all)
		return
	case "jobs deleted":
		for i, j := range w.jobs {
			if j != nil && j.state == "available" {
				w.jobs[i] = nil
			}
		}
	case "jobs doubled":
		for _, j := range w.jobs {
			if j != nil && j.state != "done" {
				w.jobs = append(w.jobs, &job{j.chunk, "available"})
			}
		}
	case "cancelled":
		w.run.Ordered = pipeline.Ordered{Order: pipeline.Cancel, By: "Ann", Time: now}
	case "paused":
		if w.run.Ordered.Order == pipeline.Cancel {
			break
		}
		w.run.Ordered = pipeline.Ordered{Order: pipeline.Pause, By: "Ann", Time: now}
		time.AfterFunc(for_, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.run.Ordered.Order == pipeline.Pause {
				w.run.Ordered = pipeline.Ordered{}
			}
		})
	}
	w.mu.Unlock()
}

// TestSimulation tries seeds; HPPSEND_SEEDS=n tries n of them, HPPSEND_SEED=n that one alone, SWEEP=whole 10,000.
func TestSimulation(t *testing.T) {
	t.Parallel()
	from, to := uint64(0), uint64(100)
	switch os.Getenv("SWEEP") {
	case "whole":
		to = 10_000
	case "thin": // under the race detector, which makes it ten times slower
		to = 20
	}
	if text := os.Getenv("HPPSEND_SEEDS"); text != "" {
		to = number(t, text)
	}
	if text := os.Getenv("HPPSEND_SEED"); text != "" {
		from = number(t, text)
		to = from + 1
	}
	for first := range uint64(2) { // on two processors
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for seed := from + first; seed < to; seed += 2 {
				if w, wrong := simulate(t, seed, ""); len(wrong) > 0 {
					t.Fatalf("HPPSEND_SEED=%d: %s\nafter %s", seed, strings.Join(wrong, "\n"), w)
				}
			}
		})
	}
}

func number(t *testing.T, text string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPlanted sees that the simulation finds what is done wrong.
func TestPlanted(t *testing.T) {
	t.Parallel()
	all := []string{
		"a call before its claim is on disk", "a call has no fence", "an answer is matched by the session",
		"a claim is given back without its chunk", "a dead worker's claims are free again", "a doubt is taken back",
		"the dead have the last word", "a run ends under who works on it", "a deleted job is believed in", "what is told is lost",
	}
	if os.Getenv("SWEEP") == "thin" {
		all = all[:1]
	}
	for _, planted := range all {
		t.Run(planted, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(1000) {
				if w, wrong := simulate(t, seed, planted); len(wrong) > 0 {
					t.Logf("seed %d, after %s: %s", seed, w, strings.Join(wrong, "; "))
					return
				}
			}
			t.Error("it is not found")
		})
	}
}
