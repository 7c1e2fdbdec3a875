package ledger

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"hppsend/pipeline"
)

// Take gives this process a chunk to work on; ok is false when it is done, or another has it.
func (r *Run) Take(ctx context.Context, n int) (text []byte, ok bool, err error) {
	o := &takeChunk{run: r, n: n}
	if err := r.l.update(ctx, o); err != nil || o.sealed == nil {
		return nil, false, err
	}
	if text, err = r.l.aead().Open(nil, nil, o.sealed, chunkPlace(r.id, n)); err != nil {
		return nil, false, &pipeline.Error{
			Kind: pipeline.NoLedger, Problem: "rows that were handed to the workers cannot be decrypted: they were changed, or belong elsewhere",
			Todo: "cancel the run; the same command sends what is left",
		}
	}
	return text, true, nil
}

type takeChunk struct {
	run    *Run
	n      int
	again  bool // it may be on disk already
	sealed []byte
}

func (o *takeChunk) retried() { o.again = true }

func (o *takeChunk) apply(t *txn) error {
	o.sealed = nil
	err := t.get([]any{&o.sealed}, `UPDATE chunk SET process = ?1 WHERE run = ?2 AND n = ?3 AND released
		AND (process IS NULL OR ?4 AND process = ?1) RETURNING sealed`, o.run.process, o.run.owner, o.n, o.again)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// Finish ends a chunk of which every row has its outcome.
func (r *Run) Finish(ctx context.Context, n int) error {
	return r.l.update(ctx, statement{"DELETE FROM chunk WHERE run = ? AND n = ? AND process = ?", []any{r.owner, n, r.process}})
}

// Defer puts back rows of a chunk that a rule keeps for later: so long nobody is to take it. The other rows of it have their
// outcomes.
func (r *Run) Defer(ctx context.Context, n int, rows []byte, wait time.Duration) error {
	sealed := r.l.aead().Seal(nil, nil, rows, chunkPlace(r.id, n))
	return r.l.update(ctx, statement{`UPDATE chunk SET sealed = ?, due = clock_timestamp() + ? * interval '1 ms', released = FALSE, process = NULL, asked = NULL, job = NULL
		WHERE run = ? AND n = ? AND process = ?`, []any{sealed, wait.Milliseconds(), r.owner, n, r.process}})
}

// Tell leaves word for whoever decides about the run.
func (r *Run) Tell(ctx context.Context, said json.RawMessage) error {
	return r.l.update(ctx, statement{"INSERT INTO answer (run, said, word) SELECT run, ?2, ?3 FROM share WHERE run = ?1 ON CONFLICT DO NOTHING", []any{r.owner, string(said), rand.Text()}})
}

// Wanted is a chunk that lies ready, and about which the queue is to be told.
type Wanted struct {
	Run      string
	N        int
	Priority int
	number   int64
}

// Wanted gives the released chunks of a run that nobody works on and no job in the queue stands for: because there was
// none yet, since it was deleted there or is for later, or since who had taken it died. Whoever asks is to see to it
// within seconds, until when nobody else is told.
func (l *Ledger) Wanted(ctx context.Context, run string) ([]Wanted, error) {
	o := &wanted{run: run}
	err := l.update(ctx, o)
	return o.found, err
}

type wanted struct {
	run   string
	found []Wanted
}

func (o *wanted) apply(t *txn) error {
	o.found = nil
	rows, err := t.query(`UPDATE chunk c SET asked = clock_timestamp(), job = NULL FROM share s JOIN run ON run.number = s.run
		WHERE run.id = ? AND c.run = s.run AND c.released AND c.process IS NULL AND (c.asked IS NULL OR c.asked < clock_timestamp() - interval '5 s'
			AND NOT EXISTS (SELECT FROM river_job j WHERE j.id = c.job AND j.state IN ('available', 'pending', 'scheduled', 'retryable')
				AND j.scheduled_at < clock_timestamp() + interval '1 min'))
		RETURNING run.id, run.number, c.n, s.priority`, o.run)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var w Wanted
		if err := rows.Scan(&w.Run, &w.number, &w.N, &w.Priority); err != nil {
			return err
		}
		o.found = append(o.found, w)
	}
	slices.SortFunc(o.found, func(a, b Wanted) int { return a.N - b.N })
	return rows.Err()
}

// Queued records the jobs that stand for chunks.
func (l *Ledger) Queued(ctx context.Context, all []Wanted, jobs []int64) error {
	if len(all) == 0 {
		return nil
	}
	numbers, ns := make([]int64, len(all)), make([]int64, len(all))
	for i, w := range all {
		numbers[i], ns[i] = w.number, int64(w.N)
	}
	return l.update(ctx, statement{`UPDATE chunk c SET job = j.job FROM unnest(?::bigint[], ?::bigint[], ?::bigint[]) AS j (run, n, job)
		WHERE c.run = j.run AND c.n = j.n`, []any{numbers, ns, jobs}})
}
