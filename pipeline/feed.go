package pipeline

import "context"

// fed is a row that is due, or why there are no more.
type fed struct {
	job *job
	err error
}

// feed reads a file again and yields the rows that are due, after making sure that each row is the one
// that was checked. The channel is closed at the end, after an error, or when the context ends.
func (p *Plan) feed(ctx context.Context, file int, src Source) <-chan fed {
	out := make(chan fed)
	go func() {
		defer close(out)
		send := func(f fed) bool {
			select {
			case out <- f:
				return true
			case <-ctx.Done():
				return false
			}
		}
		n := 0
		for rows, err := range batches(ctx, src) {
			if err != nil {
				send(fed{err: err})
				return
			}
			for i, it := range p.cfg.Defaults.prepareAll(rows) {
				if err := p.verify(file, n+i, it); err != nil {
					send(fed{err: err})
					return
				}
				if p.due(file, n+i) && !send(fed{job: &job{order: Order{Distribution: it.Distribution, Place: it.place}}}) {
					return
				}
			}
			n += len(rows)
		}
		if err := p.complete(file, n); err != nil {
			send(fed{err: err})
		}
	}()
	return out
}

// due tells whether the row is to be tried: to be sent, or held by another run for now.
func (p *Plan) due(file, n int) bool {
	switch p.kinds[p.entries[p.Files[file].first+n].kind].stage {
	case stageSend, stageInFlight:
		return true
	}
	return false
}
