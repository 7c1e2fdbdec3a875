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
		for rows, err := range ahead(batches(ctx, src)) {
			if err != nil {
				if ctx.Err() == nil { // else the reading was broken off, and nothing is wrong with the input
					send(fed{err: err})
				}
				return
			}
			for i, it := range p.cfg.Defaults.prepareAll(rows) {
				if err := p.verify(file, n+i, it); err != nil {
					send(fed{err: err})
					return
				}
				if p.due(file, n+i, it) && !send(fed{job: &job{order: Order{Distribution: it.Distribution, Place: it.place}}}) {
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

// due tells whether the row is to be tried: to be sent, or to be sent unless the run that holds its
// session for now does it. That run comes before our own check and the rules, so they are asked here.
func (p *Plan) due(file, n int, it item) bool {
	switch p.kinds[p.entries[p.Files[file].first+n].kind].stage {
	case stageSend:
		return true
	case stageInFlight:
		return it.finding.Code == "" && (!it.hidden || p.cfg.Rules.Hidden == SendHidden)
	}
	return false
}
