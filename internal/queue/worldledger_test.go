package queue

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// link is the ledger as one process has it.
type link struct {
	*world
	proc *proc
}

func (l link) begin() *life {
	if l.proc.life == nil || l.proc.life.dead {
		l.proc.life = &life{proc: l.proc}
		if l.proc.frozen == nil && !l.proc.cut {
			l.proc.silent = time.Time{}
		}
	}
	return l.proc.life
}

func (l link) Enlist(context.Context, ledger.Worker) (dead func() bool, leave func(), err error) {
	var mine *life
	err = l.do(l.proc, func(bool) error {
		mine = l.begin()
		l.proc.enlisted = true
		return nil
	})
	return func() bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			return mine.dead
		}, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.proc.enlisted = false
		}, err
}

func (l link) Workers(context.Context) (all []ledger.Worker, err error) {
	err = l.do(l.proc, func(bool) error {
		all = nil
		for _, p := range l.procs {
			if p.enlisted && p.life != nil && p.life.lives(time.Now()) {
				all = append(all, ledger.Worker{Queue: l.run.Queue})
			}
		}
		return nil
	})
	return all, err
}

func (l link) SharedRuns(context.Context, string) (all []ledger.SharedRun, err error) {
	err = l.do(l.proc, func(bool) error {
		all = nil
		if !l.ended {
			r := l.run
			r.Left, r.Out, r.Taken, _ = l.count()
			all = append(all, r)
		}
		return nil
	})
	return all, err
}

func (w *world) count() (left, out, taken int, first bool) {
	for n, c := range w.chunks {
		left++
		if c.released {
			out++
		}
		if c.life != nil {
			taken++
		}
		first = first || n == 0
	}
	return left, out, taken, first
}

func (l link) Conduct(_ context.Context, _ string, decide func(ledger.Moment) (ledger.Decision, error)) (done bool, err error) {
	err = l.do(l.proc, func(bool) error {
		if done = !l.ended; !done {
			return nil
		}
		for _, c := range l.chunks {
			if c.life != nil && !c.life.lives(time.Now()) {
				if l.planted != "a doubt is taken back" { // by whom the chunk was taken from
					l.bury(c.life)
				}
				c.life, c.asked = nil, time.Time{}
			}
		}
		m := ledger.Moment{Now: time.Now(), State: l.run.State, Said: l.said, Ordered: l.run.Ordered}
		m.Left, m.Out, m.Taken, m.First = l.count()
		if l.planted == "a run ends under who works on it" {
			m.Taken = 0
		}
		d, err := decide(m)
		if err != nil {
			return err
		}
		l.said = nil
		for _, v := range d.Revise {
			for _, r := range l.known {
				if r.ticket == v.Ticket && r.status == pipeline.Rejected {
					if r.binding = v.Bind; !v.Bind {
						r.status = ""
					}
					r.version++
				}
			}
		}
		for _, n := range slices.Sorted(maps.Keys(l.chunks)) {
			if c := l.chunks[n]; d.Release > 0 && !c.released && !c.due.After(time.Now()) && (n == 0 || !d.First) {
				c.released = true
				d.Release--
			}
		}
		l.run.State = d.State
		return nil
	})
	return done, err
}

func (l link) EndShared(_ context.Context, _ string, ending pipeline.Finding, _ json.RawMessage) error {
	return l.do(l.proc, func(bool) error {
		if !l.ended {
			l.ended, l.ending, l.endAt = true, ending, time.Now()
			clear(l.chunks)
		}
		return nil
	})
}

func (l link) Wanted(context.Context, string) (all []ledger.Wanted, err error) {
	err = l.do(l.proc, func(bool) error {
		all = nil
		for _, n := range slices.Sorted(maps.Keys(l.chunks)) {
			c := l.chunks[n]
			if !c.released || c.life != nil || !c.asked.IsZero() && (time.Since(c.asked) < 5*time.Second || l.waits(c.job)) {
				continue
			}
			c.asked, c.job = time.Now(), -1
			all = append(all, ledger.Wanted{Run: l.run.ID, N: n})
		}
		return nil
	})
	return all, err
}

func (w *world) waits(id int) bool {
	if w.planted == "a deleted job is believed in" && id >= 0 {
		return true
	}
	return id >= 0 && w.jobs[id] != nil && w.jobs[id].state == "available"
}

func (l link) Queued(_ context.Context, all []ledger.Wanted, jobs []int64) error {
	return l.do(l.proc, func(bool) error {
		for i, w := range all {
			if c := l.chunks[w.N]; c != nil {
				c.job = int(jobs[i])
			}
		}
		return nil
	})
}

func (l link) Codes(context.Context, string) (all []ledger.CodeCount, err error) { return nil, nil }

// Pace gives slots one after another.
func (l link) Pace(string) pipeline.Pace { return l }

func (l link) Reserve(_ context.Context, slots int, rate float64, from time.Time) (s pipeline.Slice, err error) {
	err = l.do(l.proc, func(bool) error {
		gap := time.Duration(float64(time.Second) / rate)
		l.next = latest(l.next, time.Now(), from)
		s = pipeline.Slice{Start: l.next, Slots: slots, End: l.next.Add(time.Duration(slots) * gap)}
		l.next = s.End
		return nil
	})
	return s, err
}

func latest(all ...time.Time) (t time.Time) {
	for _, one := range all {
		if one.After(t) {
			t = one
		}
	}
	return t
}

func (l link) GiveBack(context.Context, pipeline.Slice) error { return nil }
func (l link) Pause(context.Context, time.Time) error         { return nil }
func (l link) Slow(context.Context, time.Duration) error      { return nil }
func (l link) Insert(_ context.Context, _ string, all []ledger.Wanted) (ids []int64, err error) {
	err = l.do(l.proc, func(bool) error {
		ids = nil
		for _, w := range all {
			ids = append(ids, int64(len(l.jobs)))
			l.jobs = append(l.jobs, &job{w.N, "available"})
		}
		return nil
	})
	return ids, err
}
