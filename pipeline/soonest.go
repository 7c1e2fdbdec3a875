package pipeline

import (
	"cmp"
	"context"
	"slices"
)

// soonestAtOnce is how many rows are put in order in memory.
const soonestAtOnce = 50_000

// expiry tells in which order rows go: by when they expire, and then as they stand in the file.
type expiry uint64

func expiryOf(expires int64, n int) expiry { return expiry(expires)<<32 | expiry(uint32(n)) }

// inOrder is feedTo in the order of the plan: that of the file, or the soonest to expire first. The file is read again for
// each so many rows that are put in order, and for those of which it is not known when they expire, which go last.
func (p *Plan) inOrder(ctx context.Context, file int, src Source, may func(n int, e *entry) bool, send func(*job) bool) error {
	if !p.cfg.Going.BySoonest || p.expires.len() == 0 {
		return p.feedTo(ctx, file, src, may, send)
	}
	bounds, rest := p.soonest(file)
	first := p.Files[file].first
	from := expiry(0)
	for _, to := range bounds {
		var jobs []*job
		within := func(n int, e *entry) bool {
			at := p.expiresAt(first + n)
			k := expiryOf(at, n)
			return at != 0 && from <= k && k < to && may(n, e)
		}
		if err := p.feedTo(ctx, file, src, within, func(j *job) bool { jobs = append(jobs, j); return true }); err != nil {
			return err
		}
		slices.SortFunc(jobs, func(a, b *job) int {
			return cmp.Compare(expiryOf(a.attempt.Expires, a.attempt.N), expiryOf(b.attempt.Expires, b.attempt.N))
		})
		for _, j := range jobs {
			if !send(j) {
				return nil
			}
		}
		from = to
	}
	if !rest {
		return nil
	}
	return p.feedTo(ctx, file, src, func(n int, e *entry) bool { return p.expiresAt(first+n) == 0 && may(n, e) }, send)
}

// soonest gives where each of the stretches ends that are put in order at once, and whether there are rows of which it is not
// known when they expire.
func (p *Plan) soonest(file int) (bounds []expiry, rest bool) {
	f := p.Files[file]
	var all []expiry
	for n := range f.rows {
		switch p.classes[p.entries.at(f.first+n).class].stage {
		case stageSend, stageInFlight:
			if at := p.expiresAt(f.first + n); at != 0 {
				all = append(all, expiryOf(at, n))
			} else {
				rest = true
			}
		}
	}
	slices.Sort(all)
	for i := soonestAtOnce; i < len(all); i += soonestAtOnce {
		bounds = append(bounds, all[i])
	}
	return append(bounds, 1<<64-1), rest
}
