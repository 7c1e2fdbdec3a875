package queue

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"hppsend/internal/ledger"
)

// slots is how many chunks a worker works on at once.
const slots = 4

// chunkJob wakes somebody who is to take a chunk.
type chunkJob struct {
	Run   string `json:"run"`
	Chunk int    `json:"chunk"`
}

// Kind names the job in River.
func (chunkJob) Kind() string { return "chunk" }

// Jobs is the queue.
type Jobs struct {
	pool   *pgxpool.Pool
	client *river.Client[pgx.Tx]
}

// OpenJobs connects to the queue beside a ledger, for who puts jobs in. The caller closes it.
func OpenJobs(ctx context.Context, l *ledger.Ledger) (*Jobs, error) {
	return openJobs(ctx, l, &river.Config{})
}

// TakeJobs connects to the queue of the workers for a user at a target, for a worker.
func TakeJobs(ctx context.Context, l *ledger.Ledger, queue string, work func(ctx context.Context, run string, chunk int)) (*Jobs, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[chunkJob]) error {
		work(ctx, job.Args.Run, job.Args.Chunk)
		return nil // what is left of the chunk lies ready, and is asked for anew
	}))
	return openJobs(ctx, l, &river.Config{
		Queues: map[string]river.QueueConfig{queue: {MaxWorkers: slots}}, Workers: workers,
		JobTimeout: -1, FetchCooldown: 20 * time.Millisecond, FetchPollInterval: 500 * time.Millisecond,
		CompletedJobRetentionPeriod: time.Hour, CancelledJobRetentionPeriod: time.Hour, DiscardedJobRetentionPeriod: time.Hour,
		ReindexerIndexNames: []string{}, // which takes the right to change tables
	})
}

func openJobs(ctx context.Context, l *ledger.Ledger, config *river.Config) (*Jobs, error) {
	pool, err := l.Pool(ctx)
	if err != nil {
		return nil, err
	}
	config.Logger = slog.New(slog.DiscardHandler) // what goes wrong there costs time at most
	client, err := river.NewClient(riverpgxv5.New(pool), config)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &Jobs{pool, client}, nil
}

// Close lets go of the queue.
func (j *Jobs) Close() { j.pool.Close() }

// Start begins to give out jobs.
func (j *Jobs) Start(ctx context.Context) error { return j.client.Start(ctx) }

// Stop gives out no more jobs, and waits for those that are worked on.
func (j *Jobs) Stop(ctx context.Context) error { return j.client.Stop(ctx) }

// Insert puts in a job for each chunk, and gives their ids.
func (j *Jobs) Insert(ctx context.Context, queue string, all []ledger.Wanted) ([]int64, error) {
	params := make([]river.InsertManyParams, len(all))
	for i, w := range all {
		params[i] = river.InsertManyParams{Args: chunkJob{w.Run, w.N}, InsertOpts: &river.InsertOpts{Queue: queue, Priority: w.Priority}}
	}
	inserted, err := j.client.InsertMany(ctx, params)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(inserted))
	for i, res := range inserted {
		ids[i] = res.Job.ID
	}
	return ids, nil
}
