package queue

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"iter"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// Of a chunk: how many rows it has at most and at least, and how long it takes at the rate of its run, so that it keeps no
// other waiting for long.
const (
	maxRows   = 200
	minRows   = 5
	chunkTime = 5 * time.Second
)

// rows is how many rows a chunk has.
func (s Spec) rows() int {
	if s.Rate == 0 {
		return maxRows
	}
	return min(max(minRows, int(s.Rate*chunkTime.Seconds())), maxRows)
}

// Spec is what the workers go by in a run that they send.
type Spec struct {
	Target string
	User   string // of the credentials
	Rules  pipeline.Rules
	Rate   float64 `json:",omitempty"` // calls a second, of all together; 0 for no limit
	// Headroom is the share of HPP's limit, 0 to 1, that is left to others.
	Headroom float64
	Send     pipeline.SendConfig
	Ask      bool // somebody is asked whether the rest may follow the canary
	File     pipeline.FilePlan
	Rows     int `json:",omitempty"` // that are handed out at once; 0 for as many as its rate makes
}

// counted is what is needed of a file's plan to count what its run has come to: nothing that a name or a cell says.
func counted(f pipeline.FilePlan) pipeline.FilePlan {
	t := pipeline.Tally{Rows: f.Tally.Rows, SentNow: f.Tally.SentNow, Left: f.Tally.Left, Status: f.Tally.Status, Doubts: f.Tally.Doubts}
	for _, g := range f.Tally.Groups {
		t.Groups = append(t.Groups, pipeline.Group{Status: g.Status, Code: g.Code, Rows: g.Rows})
	}
	return pipeline.FilePlan{Tally: t, Due: f.Due, Run: f.Run}
}

// Name is the queue of the workers that can send a run: those that have the credentials of a user at a target.
func Name(target, user string) string {
	sum := sha256.Sum256([]byte(target + "\n" + user))
	return "hpp_" + hex.EncodeToString(sum[:10])
}

// Submit hands a run over, with the rows that it is to send, in their order. From its return on the run goes on without
// the caller; before, it is one that the caller has begun and ends.
func Submit(ctx context.Context, run Handing, spec Spec, priority int, rows iter.Seq2[pipeline.Due, error]) error {
	st := state{Passed: spec.Send.Canary == 0}
	usual := cmp.Or(spec.Rows, spec.rows())
	size, handed, n := usual, 0, 0
	if !st.Passed {
		size = spec.Send.Canary // the chunk 0 is the canary
	}
	var chunk []pipeline.Due
	keep := func() error {
		text, err := json.Marshal(chunk)
		if err == nil {
			err = run.AddChunk(ctx, n, text)
		}
		chunk, size, n = chunk[:0], usual, n+1
		return err
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		if limit := spec.Send.Limit; limit > 0 && handed == limit {
			st.Beyond = true
			break
		}
		chunk = append(chunk, row)
		if handed++; len(chunk) == size {
			if err := keep(); err != nil {
				return err
			}
		}
	}
	if len(chunk) > 0 {
		if err := keep(); err != nil {
			return err
		}
	}
	spec.File = counted(spec.File)
	share := ledger.Share{Queue: Name(spec.Target, spec.User), Priority: priority}
	var err error
	if share.Spec, err = json.Marshal(spec); err != nil {
		return err
	}
	if share.State, err = json.Marshal(st); err != nil {
		return err
	}
	return run.HandOver(ctx, share)
}
