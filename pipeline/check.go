package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"

	"hppsend/internal/contact"
)

// CheckConfig is what the check needs beside the sources.
type CheckConfig struct {
	Rules    Rules
	Defaults Defaults
	Records  Records  // nil: without a ledger, as if nothing had ever been sent
	Contacts Contacts // likewise
	// Held is what rules held back when a run was on the only source; then none is applied anew.
	Held  []Hold
	Going Going // by what it is told when rows will go
	Over  bool  // the rules have had their say: Held is all that they hold back
}

// Check reads every row of the sources and judges it. Nothing is sent and nothing is stored.
// It returns an *Error when a source cannot be read as a whole, or would send hidden rows.
func Check(ctx context.Context, cfg CheckConfig, sources ...Source) (*Plan, error) {
	if !cfg.Over && cfg.Contacts != nil && cfg.Rules.Cooldown == 0 { // most often there is nothing to ask of the contacts
		some, err := cfg.Contacts.AnyForgotten(ctx)
		if err != nil {
			return nil, fmt.Errorf("look up who is forgotten: %w", err)
		}
		if !some {
			cfg.Contacts = nil
		}
	}
	b := newPlanner(cfg, sources)
	var err error
	if b.used, err = cfg.used(ctx); err != nil {
		return nil, err
	}
	for i, src := range sources {
		b.Files = append(b.Files, FilePlan{first: b.entries.len()})
		clear(b.sampled)
		for g, err := range ahead(cfg.inspected(ctx, src, !cfg.Over, func(int) contact.Phone { return contact.Phone{} })) {
			if err != nil {
				return nil, err
			}
			for k, it := range g.items {
				b.add(g.rows[k], it, g.records[k])
			}
		}
		b.Files[i].Input = src.Input() // a source may know more once it was read
		b.Files[i].rows = b.entries.len() - b.Files[i].first
	}
	b.finish()
	return b.Plan, cmp.Or(b.refuseHidden(), b.refuseRepeated(), b.refuseUnplaced())
}

// ahead makes the next value of a sequence, beside, while one is used.
func ahead[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	type made struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		out, quit := make(chan made), make(chan struct{})
		go func() {
			defer close(out)
			err := Guarded(func() error {
				for v, err := range seq {
					select {
					case out <- made{v, err}:
					case <-quit:
						return nil
					}
				}
				return nil
			})
			if err == nil {
				return
			}
			select {
			case out <- made{err: err}:
			case <-quit:
			}
		}()
		defer func() { // not before the sequence has ended
			close(quit)
			for range out {
			}
		}()
		for m := range out {
			if !yield(m.value, m.err) {
				return
			}
		}
	}
}

// inspected is a batch of rows, prepared, with what the ledger knows of each.
type inspected struct {
	rows    []Row
	items   []item
	records [][]Record
}

// inspected prepares the rows of a source and looks them up, while the next are being read. phone gives the
// phone numbers that are known; judged asks the rules of the campaign too.
func (c CheckConfig) inspected(ctx context.Context, src Source, judged bool, phone func(n int) contact.Phone) iter.Seq2[inspected, error] {
	return func(yield func(inspected, error) bool) {
		n := 0
		for rows, err := range src.Batches() {
			g := inspected{rows: rows}
			if err = cmp.Or(err, ctx.Err()); err == nil {
				g.items, g.records, err = c.inspect(ctx, rows, func(i int) contact.Phone { return phone(n + i) })
				for i := range g.items {
					var f Finding
					it := &g.items[i]
					if it.expires, f = c.expires(src.Input(), rows[i]); it.session != "" {
						it.find(f)
					}
				}
				if err == nil && judged {
					err = c.restrain(ctx, src.Input(), rows, g.items)
				}
			}
			in := src.Input()
			for i := range g.items {
				in.locate(g.items[i].findings)
			}
			n += len(rows)
			if !yield(g, err) || err != nil {
				return
			}
		}
	}
}

// each does something for every index below n, spread over the cores. A panic is the caller's.
func each(n int, do func(i int)) {
	const stretch = 16 // that a core takes at once
	var taken atomic.Int64
	var wg sync.WaitGroup
	var fault atomic.Pointer[error]
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			if err := Guarded(func() error {
				for from := int(taken.Add(stretch)) - stretch; from < n; from = int(taken.Add(stretch)) - stretch {
					for i := from; i < min(from+stretch, n); i++ {
						do(i)
					}
				}
				return nil
			}); err != nil {
				fault.Store(&err)
			}
		})
	}
	wg.Wait()
	if err := fault.Load(); err != nil {
		panic(*err)
	}
}

// prepareAll prepares rows, less their other contacts.
func (d Defaults) prepareAll(rows []Row, phone func(i int) contact.Phone) []item {
	items := make([]item, len(rows))
	each(len(rows), func(i int) { items[i] = d.prepareKnowing(rows[i], phone(i)) })
	return items
}

// inspect prepares rows and looks their sessions up.
func (c CheckConfig) inspect(ctx context.Context, rows []Row, phone func(i int) contact.Phone) ([]item, [][]Record, error) {
	items := c.Defaults.prepareAll(rows, phone)
	if c.Records == nil {
		return items, make([][]Record, len(rows)), nil
	}
	sessions := make([]string, len(items))
	for i := range items {
		it := &items[i]
		it.contact = c.digest(it.Contact)
		sessions[i] = it.session
	}
	records, err := c.Records.Lookup(ctx, sessions)
	if err != nil {
		return nil, nil, fmt.Errorf("look the sessions up: %w", err)
	}
	each(len(items), func(i int) {
		if it := &items[i]; it.mayShareOther(records[i]) || c.looksAtContacts() || c.Rules.Fallback {
			alt := c.Defaults.alternative(rows[i], it.Distribution)
			if it.Other = alt.Contact; c.Rules.Fallback {
				it.alt = alt
			}
			it.other = c.digest(it.Other)
		}
	})
	return items, records, nil
}

func (c CheckConfig) digest(contact string) Digest {
	if contact == "" {
		return Digest{}
	}
	return c.Records.Digest(contact)
}
