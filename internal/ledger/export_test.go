package ledger

import "context"

// Die lets go of what keeps a run alive, as the death of its process does. On a server that takes some seconds to be
// believed, which are taken to have passed.
func (r *Run) Die() {
	if h, ok := r.hold.(lockFile); ok {
		h.Unlock()
		return
	}
	h := r.hold.(*share)
	h.life.mu.Lock()
	alive := h.life.process == h.process && h.life.stop != nil
	if alive {
		h.life.stop()
		h.life.runs = 0 // another process would begin anew
	}
	h.life.mu.Unlock()
	if alive {
		h.life.beats.Wait()
	}
	r.l.db.ExecContext(context.Background(), "DELETE FROM beat WHERE process = $1", h.process)
}

// changeFunc is a change that a test makes.
type changeFunc func(*txn) error

func (f changeFunc) apply(t *txn) error { return f(t) }
