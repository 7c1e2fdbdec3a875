package pipeline

import (
	"context"
	"iter"
)

// Look looks at sessions, each at most once, at the pace of everything else and with the same patience: an outage is
// waited for, and ends it when it lasts. The distributor has no sender and no ledger, and its rules say how old what is
// known may be. The progress counts sessions that were seen as delivered, and those that could not be as failed.
func (s *Sending) Look(ctx context.Context, sessions iter.Seq[string], due int, d *Distributor) Ending {
	return s.send(ctx, d, nil, due, nil, func(ctx context.Context) <-chan feedItem {
		out := make(chan feedItem)
		go func() {
			defer close(out)
			err := Guarded(func() error {
				for session := range sessions {
					select {
					case out <- feedItem{job: &job{attempt: Attempt{Distribution: Distribution{Session: session}}}}:
					case <-ctx.Done():
						return nil
					}
				}
				return nil
			})
			if err != nil {
				select {
				case out <- feedItem{err: err}:
				case <-ctx.Done():
				}
			}
		}()
		return out
	})
}
