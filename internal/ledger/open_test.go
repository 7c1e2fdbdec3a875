package ledger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"hppsend/pipeline"
)

func TestLedgersThatAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name string
		harm func(t *testing.T, path string)
		opt  Options
		want string
	}{
		{"missing", func(t *testing.T, path string) { removeAll(t, path, path+".secret") }, Options{Environment: "sandbox"}, "there is none"},
		{"lost, but for its secret", func(t *testing.T, path string) { removeAll(t, path) }, Options{Environment: "sandbox", Create: true}, "it was lost"},
		{"emptied", func(t *testing.T, path string) { write(t, path, "") }, Options{Environment: "sandbox", Create: true}, "it was lost"},
		{"of another environment", nil, Options{Environment: "production"}, "of the environment sandbox"},
		{"without its secret", func(t *testing.T, path string) { removeAll(t, path+".secret") }, Options{Environment: "sandbox", Create: true}, "its secret"},
		{"with another's secret", func(t *testing.T, path string) {
			write(t, path+".secret", strings.Repeat("ab", 32))
		}, Options{Environment: "sandbox", Create: true}, "of another ledger"},
		{"with a damaged secret", func(t *testing.T, path string) { write(t, path+".secret", "ab") }, Options{Environment: "sandbox"}, "secret"},
		{"no database", func(t *testing.T, path string) { write(t, path, strings.Repeat("order,amount\n", 100)) }, Options{Environment: "sandbox", Create: true}, "damaged"},
		{"a folder", func(t *testing.T, path string) {
			removeAll(t, path)
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, Options{Environment: "sandbox", Create: true}, "a folder"},
		{"of a later version", func(t *testing.T, path string) {
			l, err := Open(t.Context(), Options{Path: path, Environment: "sandbox"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.conn.ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
				t.Fatal(err)
			}
			l.Close()
		}, Options{Environment: "sandbox"}, "version 99"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.opt.Path = filepath.Join(t.TempDir(), "ledger.db")
			l, err := Open(t.Context(), Options{Path: tc.opt.Path, Environment: "sandbox", Create: true})
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
			if tc.harm != nil {
				tc.harm(t, tc.opt.Path)
			}
			_, err = Open(t.Context(), tc.opt)
			var known *pipeline.Error
			if !errors.As(err, &known) || !strings.Contains(err.Error(), tc.want) || known.Hint() == "" {
				t.Errorf("got %v; want one with %q and a hint", err, tc.want)
			}
		})
	}
}

func removeAll(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAfterClose(t *testing.T) {
	l, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "ledger.db"), Environment: "sandbox", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.update(context.Background(), changeFunc(func(*txn) error { return nil })); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}

// TestOpeningIsNotWaitedForForEver has another process in the midst of opening the ledger.
func TestOpeningIsNotWaitedForForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandbox.db")
	other := flock.New(path + ".lock")
	if ok, err := other.TryLock(); err != nil || !ok {
		t.Fatal(ok, err)
	}
	defer other.Unlock()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := Open(t.Context(), Options{Path: path, Environment: "sandbox", Create: true})
		var known *pipeline.Error
		if !errors.As(err, &known) || !strings.Contains(known.Problem, "another process") || time.Since(began) != opening {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		stop()
		if _, err := Open(ctx, Options{Path: path, Environment: "sandbox", Create: true}); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped: %v", err)
		}
	})
}
