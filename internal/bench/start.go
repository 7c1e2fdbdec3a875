package main

import (
	"context"
	"os"
)

// The names that goals compare.
const (
	startVersion = "start: hppsend version"
	startCall    = "start: to the first call of 100 rows"
)

// startRows is the size of the file that shows how soon the first call comes.
const startRows = 100

// starting is the part start. It is short, so that each repeat is five.
func (b *bench) starting(ctx context.Context) ([]measure, error) {
	input, err := b.input(ctx, csvInput, startRows)
	if err != nil {
		return nil, err
	}
	version := func(ctx context.Context) error {
		s, err := b.program(ctx, "version").timed(1, 0)
		b.results.add(startVersion, s)
		return err
	}
	first := func(ctx context.Context) error {
		folder, err := b.runFolder("")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		wait, err := b.firstCall(ctx, folder, input)
		b.results.add(startCall, sample{Elapsed: wait})
		return err
	}
	var measures []measure
	for range 5 {
		measures = append(measures, version, first)
	}
	return measures, nil
}
