package pipeline_test

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

func init() { pipeline.OpenLedger = openLedger }

// openLedger opens a ledger in memory, where the system has a file system there: these tests are of what is
// written and when, and not of whether it survives.
func openLedger(t testing.TB) pipeline.TestLedger {
	t.Helper()
	folder := t.TempDir()
	if dir, err := os.MkdirTemp("/dev/shm", "hppsend-"); err == nil {
		folder = dir
		t.Cleanup(func() { os.RemoveAll(dir) })
	}
	l, err := ledger.Open(context.Background(), ledger.Options{
		Path: filepath.Join(folder, "ledger.db"), Environment: "sandbox", Create: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return testLedger{l, t}
}

type testLedger struct {
	ledger *ledger.Ledger
	t      testing.TB
}

func (l testLedger) View() pipeline.Records { return l.ledger.View("sandbox") }

func (l testLedger) Held(run string, late bool) ([]pipeline.Hold, error) {
	return l.ledger.Held(context.Background(), run, late)
}

func (l testLedger) NeverAgain(contact string) error {
	_, err := l.ledger.NeverAgain(context.Background(), "Ann", l.View().Digest(contact))
	return err
}

func (l testLedger) Begin(ctx context.Context, run string) (pipeline.TestRun, error) {
	content, reminder := run, ""
	if _, of, ok := strings.Cut(run, " of "); ok { // a run of content that others have too
		content, reminder, _ = strings.Cut(of, " in ")
	}
	r, err := l.ledger.Begin(ctx, ledger.RunInfo{ID: run, Target: "sandbox", SHA256: sha256.Sum256([]byte(content)), Reminder: reminder, Started: time.Now()})
	if err != nil {
		return nil, err
	}
	l.t.Cleanup(func() { r.End(context.Background(), pipeline.Finding{}, nil) })
	return r, nil
}
