package queue

import (
	"context"
	"encoding/json"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// Roll says who is there to work.
type Roll interface {
	// Enlist enters this process among the workers; see [ledger.Ledger.Enlist].
	Enlist(ctx context.Context, w ledger.Worker) (dead func() bool, leave func(), err error)
	Workers(ctx context.Context) ([]ledger.Worker, error)
	// Join makes this process a part of a run; see [ledger.Ledger.Join].
	Join(ctx context.Context, run, version string) (Part, error)
}

// Runs are those that are with the workers.
type Runs interface {
	SharedRuns(ctx context.Context, queue string) ([]ledger.SharedRun, error)
	// Conduct decides about one; see [ledger.Ledger.Conduct].
	Conduct(ctx context.Context, run string, decide func(ledger.Moment) (ledger.Decision, error)) (bool, error)
	EndShared(ctx context.Context, run string, ending pipeline.Finding, counts json.RawMessage) error
}

// Asks are chunks that the queue is to be told of.
type Asks interface {
	Wanted(ctx context.Context, run string) ([]ledger.Wanted, error)
	Queued(ctx context.Context, all []ledger.Wanted, jobs []int64) error
}

// Book is the ledger as the workers need it.
type Book interface {
	Roll
	Runs
	Asks
	Codes(ctx context.Context, run string) ([]ledger.CodeCount, error)
	Pace(target string) pipeline.Pace
}

// Part is what a process does of a run, in the ledger; see [ledger.Run].
type Part interface {
	pipeline.Records
	pipeline.Ledger
	pipeline.Holds
	pipeline.Looks
	Chunks
	Leave(ctx context.Context) error
}

// Caller makes the calls of a worker.
type Caller interface {
	pipeline.Sender
	pipeline.Looker
}

// Chunks are the rows of a run that wait, and what is told of them.
type Chunks interface {
	Take(ctx context.Context, n int) (text []byte, ok bool, err error)
	Finish(ctx context.Context, n int) error
	// Defer puts rows back that a rule keeps for later; see [ledger.Run.Defer].
	Defer(ctx context.Context, n int, rows []byte, wait time.Duration) error
	Tell(ctx context.Context, said json.RawMessage) error
}

// Handing is a run that is about to be handed over; see [ledger.Run].
type Handing interface {
	AddChunk(ctx context.Context, n int, text []byte) error
	HandOver(ctx context.Context, s ledger.Share) error
}

// Inserter puts jobs for chunks into the queue, and gives their ids.
type Inserter interface {
	Insert(ctx context.Context, queue string, all []ledger.Wanted) ([]int64, error)
}

// Source is the queue as a worker needs it: it gives out jobs from Start to Stop.
type Source interface {
	Inserter
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	Close()
}

// BookOf is a ledger as the workers need it.
func BookOf(l *ledger.Ledger) Book { return book{l} }

type book struct{ *ledger.Ledger }

func (b book) Join(ctx context.Context, run, version string) (Part, error) {
	r, err := b.Ledger.Join(ctx, run, version)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (b book) Pace(target string) pipeline.Pace { return b.Ledger.Pace(target) }
