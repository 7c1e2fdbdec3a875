package ledger

// Die lets go of the lock of a run, as the death of its process does.
func (r *Run) Die() { r.hold.(lockFile).Unlock() }

// changeFunc is a change that a test makes.
type changeFunc func(*txn) error

func (f changeFunc) apply(t *txn) error { return f(t) }
