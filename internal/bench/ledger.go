package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// The names that goals compare.
const (
	ledgerRate = "ledger: an intent and an outcome each, 32 senders"
	bareLedger = "ledger: SQLite alone, an INSERT and an UPDATE each, 32 to a commit (bound)"
	ledgerSize = "ledger: size of a million distributions"
)

// resumed is what going on with half of so many rows is called.
func resumed(rows int) string {
	return fmt.Sprintf("ledger: going on with half of %s rows of CSV, to the first call", count(rows))
}

// ledger is the part ledger: its own speed and size, and how long it takes to go on.
func (b *bench) ledger(ctx context.Context) ([]measure, error) {
	input, err := b.input(ctx, csvInput, b.rows)
	if err != nil {
		return nil, err
	}
	speed := func(ctx context.Context) error {
		folder, err := b.runFolder("")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		path := filepath.Join(folder, "ledger.db")
		s, err := own(ctx, "ledger", path, strconv.Itoa(b.ledgerRows))
		if err != nil {
			return err
		}
		b.results.add(ledgerRate, s)
		info, err := os.Stat(path)
		if err == nil {
			b.results.figure(ledgerSize, "%.0f MB", float64(info.Size())/float64(b.ledgerRows))
		}
		return err
	}
	bare := func(ctx context.Context) error {
		folder, err := b.runFolder("")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		s, err := own(ctx, "sqlite", filepath.Join(folder, "bare.db"), strconv.Itoa(b.ledgerRows))
		b.results.add(bareLedger, s)
		return err
	}
	return []measure{speed, bare, func(ctx context.Context) error { return b.resume(ctx, input) }}, nil
}

// resume sends half of an input, and then measures how long it takes until the other half begins.
func (b *bench) resume(ctx context.Context, input string) error {
	folder, err := b.runFolder("")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	srv, err := startServer(ctx)
	if err != nil {
		return err
	}
	half := b.rows / 2
	_, err = b.program(ctx, append(b.runArgs(folder, srv.url, input), "--limit", strconv.Itoa(half))...).timed(half, 5)
	if srv.stop(); err != nil {
		return err
	}
	wait, err := b.firstCall(ctx, folder, input)
	b.results.add(resumed(b.rows), sample{Elapsed: wait})
	return err
}

// firstCall starts a run, waits for its first call, and ends it.
func (b *bench) firstCall(ctx context.Context, folder, input string) (time.Duration, error) {
	srv, err := startServer(ctx)
	if err != nil {
		return 0, err
	}
	defer srv.stop()
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	p := b.program(ctx, b.runArgs(folder, srv.url, input)...)
	start := time.Now()
	if err := p.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Wait() }()
	select {
	case first, ok := <-srv.first:
		kill()
		<-ended
		if !ok {
			return 0, errors.New("the server ended before the first call")
		}
		return first.Sub(start), nil
	case err := <-ended:
		return 0, fmt.Errorf("hppsend run ended before its first call: %w\n%s", err, tail(p.stderr.Bytes()))
	}
}

func beginRun(ctx context.Context, l *ledger.Ledger) (*ledger.Run, error) {
	return l.Begin(ctx, ledger.RunInfo{ID: "bench", Target: "sandbox", Path: "bench.csv", Options: []byte("{}"), Started: time.Now()})
}

// claimAndConclude writes an intent and an outcome for each row, by 32 senders that wait for each.
func claimAndConclude(args []string) (func() (int, error), error) {
	path, rows, err := target(args)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	l, err := ledger.Open(ctx, ledger.Options{Path: path, Environment: "sandbox", Create: true})
	if err != nil {
		return nil, err
	}
	run, err := beginRun(ctx, l)
	return func() (int, error) {
		const senders = 32
		var next atomic.Int64
		errs := make([]error, senders)
		var wg sync.WaitGroup
		for w := range senders {
			wg.Go(func() {
				for i := next.Add(1) - 1; i < int64(rows) && errs[w] == nil; i = next.Add(1) - 1 {
					errs[w] = writeOne(ctx, run, int(i))
				}
			})
		}
		wg.Wait()
		return rows, errors.Join(errors.Join(errs...), run.End(ctx, pipeline.Finding{}, []byte("{}")), l.Close())
	}, err
}

func writeOne(ctx context.Context, run *ledger.Run, i int) error {
	p := personAt(i)
	d := pipeline.Distribution{Session: p.session, Method: pipeline.Method(p.method)}
	d.Contact, d.Other = p.contacts()
	if d.Method == pipeline.SMS {
		d.Country = p.country
	}
	ticket, err := run.Claim(ctx, pipeline.Claim{
		Distribution: d, Place: pipeline.Place{Row: i + 2}, Due: func(known []pipeline.Record) bool { return len(known) == 0 },
	})
	if err != nil {
		return err
	}
	if ticket == 0 {
		return fmt.Errorf("session %s was not claimed", p.session)
	}
	return run.Conclude(ctx, ticket, pipeline.Conclusion{
		Status: pipeline.Delivered, Called: true, HTTPStatus: 204, CorrelationID: p.session, Time: time.Now(),
	})
}
