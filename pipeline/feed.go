package pipeline

import (
	"cmp"
	"context"

	"hppsend/internal/contact"
)

// feedItem is a row that is due, or why there are no more.
type feedItem struct {
	job *job
	err error
}

// feed reads a file again and yields the rows that are due, after making sure that each row is the one
// that was checked. The channel is closed at the end, after an error, or when the context ends.
func (p *Plan) feed(ctx context.Context, file int, src Source) <-chan feedItem {
	out := make(chan feedItem)
	go func() {
		defer close(out)
		send := func(f feedItem) bool {
			select {
			case out <- f:
				return true
			case <-ctx.Done():
				return false
			}
		}
		err := Guarded(func() error { return p.feedTo(ctx, file, src, func(j *job) bool { return send(feedItem{job: j}) }) })
		if err != nil && ctx.Err() == nil { // else the reading was broken off, and nothing is wrong with the input
			send(feedItem{err: err})
		}
	}()
	return out
}

// feedTo gives the rows that are due to a function, until it wants no more.
func (p *Plan) feedTo(ctx context.Context, file int, src Source, send func(*job) bool) error {
	n := 0
	for rows, err := range ahead(src.Batches()) {
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		due, at, changed := p.mayBeDue(file, n, rows)
		items := p.cfg.Defaults.prepareAll(due, func(i int) contact.Phone { return p.phoneOf(file, at[i]) })
		each(len(items), func(i int) { items[i].Other = p.cfg.Defaults.other(due[i], items[i].Method) })
		for _, it := range items {
			if p.due(it) && !send(&job{attempt: Attempt{Distribution: it.Distribution, Place: it.place}}) {
				return nil
			}
		}
		if changed != nil {
			return changed
		}
		n += len(rows)
	}
	return p.complete(file, n)
}

// mayBeDue gives the rows that the plan has down as due, or as held by another run, and which of the file's
// they are, up to one that is not as it was checked. Of a half-done file most rows are settled, and cost no more than their reading.
func (p *Plan) mayBeDue(file, n int, rows []Row) (due []Row, at []int, changed error) {
	for i, row := range rows {
		if err := p.verify(file, n+i, row); err != nil {
			return due, at, err
		}
		ordinal := p.Files[file].first + n + i
		switch p.classes[p.entries.at(ordinal).class].stage {
		case stageSend, stageInFlight:
			if !p.shifted(ordinal) {
				due, at = append(due, row), append(at, n+i)
			}
		}
	}
	return due, at, nil
}

// due reports whether a row that may be due is to be tried. One whose session another run holds comes
// before our own check and the rules, so they are asked here.
func (p *Plan) due(it item) bool {
	return len(it.findings) == 0 && (!it.hidden || p.cfg.Rules.Hidden == SendHidden)
}
