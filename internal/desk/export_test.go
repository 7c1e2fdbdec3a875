package desk

import "context"

// StartDue starts what is due, as Run does each second.
func (d *Desk) StartDue(ctx context.Context) error { return d.startDue(ctx) }
