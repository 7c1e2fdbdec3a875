package ledger

// Die lets go of the lock of a run, as the death of its process does.
func (r *Run) Die() { r.lock.Unlock() }
