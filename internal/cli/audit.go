package cli

import (
	"context"
	"fmt"

	"hppsend/writer"
)

// verifyAudit is audit verify.
func (a *app) verifyAudit(ctx context.Context, s *settings, _ []string) (int, error) {
	d, _, err := a.pageBooks(ctx, s)
	if err != nil {
		return exitOK, err
	}
	defer d.Close()
	n, last, err := d.VerifyAudit(ctx)
	if err != nil {
		return exitBroken, asUsage(err)
	}
	if s.json {
		return exitOK, writer.NewEncoder(a.Stdout).Encode(map[string]any{"type": "audit", "entries": n, "last": last})
	}
	fmt.Fprintln(a.Stdout, last)
	a.console.sayf("The audit trail is whole: %d entries. Keep the hash of the last one, above, elsewhere: a trail that is cut off later has another.", n)
	return exitOK, nil
}

// exportAudit is audit export.
func (a *app) exportAudit(ctx context.Context, s *settings, _ []string) (int, error) {
	d, _, err := a.pageBooks(ctx, s)
	if err != nil {
		return exitOK, err
	}
	defer d.Close()
	return exitOK, d.ExportAudit(ctx, a.Stdout)
}
