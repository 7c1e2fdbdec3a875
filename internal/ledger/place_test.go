package ledger

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hppsend/pipeline"
)

// TestOneLedgerUnderManyNames opens one ledger by every name that leads to it, before it is there and
// after. Each finds the same secret and the same locks: a run that lives under one is seen under all.
func TestOneLedgerUnderManyNames(t *testing.T) {
	names := map[string]string{
		"its own":                     "state/l.db",
		"by way of its folder":        "state/../state/./l.db",
		"a link to it":                "link.db",
		"a link to a link":            "far/again.db",
		"a link to its folder":        "here/l.db",
		"a link and back":             "deep/../l.db", // deep is a link to state/runs
		"a folder with a separator":   "state//l.db",
		"a link with an own relation": "far/up.db",
	}
	lay := func(t *testing.T) string {
		dir := t.TempDir()
		for _, folder := range []string{"state/runs", "far"} {
			if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for name, target := range map[string]string{
			"link.db": "state/l.db", "far/again.db": filepath.Join(dir, "link.db"), "here": "state",
			"deep": "state/runs", "far/up.db": "../state/l.db",
		} {
			if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
				t.Skip(err)
			}
		}
		return dir
	}
	for title, name := range names {
		t.Run(title, func(t *testing.T) {
			dir := lay(t)
			for _, first := range []string{"", "state/l.db"} { // made under this name, and then under its own
				if first != "" {
					os.RemoveAll(filepath.Join(dir, "state"))
					os.MkdirAll(filepath.Join(dir, "state/runs"), 0o700)
				}
				a, err := Open(t.Context(), Options{Path: dir + "/" + cmp.Or(first, name), Environment: "sandbox", Create: true})
				if err != nil {
					t.Fatal(err)
				}
				run, err := a.Begin(t.Context(), RunInfo{ID: "one", Target: "sandbox", SHA256: [32]byte{1}, Started: time.Now()})
				if err != nil {
					t.Fatal(err)
				}
				for other, path := range names {
					t.Chdir(dir)
					for _, path := range []string{path, dir + "/" + path} {
						b, err := Open(t.Context(), Options{Path: path, Environment: "sandbox"})
						if err != nil {
							t.Fatalf("%s: %v", other, err)
						}
						if _, err := b.Begin(t.Context(), RunInfo{ID: "two", Target: "sandbox", SHA256: [32]byte{1}, Started: time.Now()}); !errors.Is(err, pipeline.Busy) {
							t.Errorf("%s: a second run gets %v", other, err)
						}
						if b.Digest("+46701740605") != a.Digest("+46701740605") || b.Info().Path != a.Info().Path {
							t.Errorf("%s: it is another ledger, %s", other, b.Info().Path)
						}
						b.Close()
					}
				}
				if got, err := filepath.EvalSymlinks(filepath.Join(dir, "state", "l.db")); err != nil || a.Info().Path != got {
					t.Errorf("it lies in %s, want %s, %v", a.Info().Path, got, err)
				}
				if err := run.End(context.Background(), pipeline.Finding{}, nil); err != nil {
					t.Fatal(err)
				}
				a.Close()
			}
		})
	}
}

func TestLedgerWithTwoNamesOfItsOwnIsRefused(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.db"), filepath.Join(dir, "two.db")
	l, err := Open(t.Context(), Options{Path: one, Environment: "sandbox", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, ext := range []string{"", ".secret"} {
		if err := os.Link(one+ext, two+ext); err != nil {
			t.Skip(err)
		}
	}
	for _, path := range []string{one, two} {
		if l, err := Open(t.Context(), Options{Path: path, Environment: "sandbox"}); !errors.Is(err, pipeline.Usage) || pipeline.Hint(err) == "" {
			t.Errorf("%s is opened: %v, %v", path, l, err)
		}
	}
}

func TestNoPlace(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("b", filepath.Join(dir, "a")); err != nil {
		t.Skip(err)
	}
	os.Symlink("a", filepath.Join(dir, "b"))
	for _, name := range []string{"a", "none/../l.db"} {
		if l, err := Open(t.Context(), Options{Path: dir + "/" + name, Environment: "sandbox", Create: true}); err == nil {
			t.Errorf("%s is opened as %s", name, l.Info().Path)
			l.Close()
		}
	}
}
