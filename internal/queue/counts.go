package queue

import (
	"maps"
	"sync"

	"hppsend/pipeline"
)

// counts are what a worker has done since it began.
type counts struct {
	mu    sync.Mutex
	calls map[pipeline.Verdict]int
	rows  map[pipeline.Status]int
}

// Counts is what a worker has done since it began.
type Counts struct {
	Calls map[pipeline.Verdict]int
	Rows  map[pipeline.Status]int // that it brought to an outcome
	Runs  int                     // that it works on now
}

func (c *counts) call(v pipeline.Verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = map[pipeline.Verdict]int{}
	}
	c.calls[v]++
}

func (c *counts) row(s pipeline.Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rows == nil {
		c.rows = map[pipeline.Status]int{}
	}
	c.rows[s]++
}

// Counts gives what the worker has done so far.
func (w *Worker) Counts() Counts {
	w.mu.Lock()
	runs := len(w.of)
	w.mu.Unlock()
	w.counts.mu.Lock()
	defer w.counts.mu.Unlock()
	return Counts{maps.Clone(w.counts.calls), maps.Clone(w.counts.rows), runs}
}
