package desk

import "context"

// StartDue starts what is due, as Run does each second.
func (d *Desk) StartDue(ctx context.Context) error { return d.startDue(ctx) }

// Tidy forgets what is kept no longer, as Run does each hour.
func (d *Desk) Tidy(ctx context.Context) error { return d.tidy(ctx) }
