package campaign

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hppsend/pipeline"
)

// TestNamesAreBounded looks for a free name where there is none, where none is possible, and where nobody
// waits for it any more.
func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken.csv")
	if err := os.WriteFile(taken, []byte("a stranger's"), 0o600); err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	defer stop()
	for _, tc := range []struct {
		name  string
		ctx   context.Context
		path  string
		asked int // for names
		says  string
	}{
		{"all are taken", t.Context(), taken, maxNames + 1, "is there already"},
		{"a name that cannot be", t.Context(), filepath.Join(dir, strings.Repeat("a", 300)), 1, ""},
		{"a folder that is none", t.Context(), filepath.Join(taken, "x"), 1, ""},
		{"stopped", stopped, taken, 3, "context canceled"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := Outputs{}.places(nil, nil, Program{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			asked := 0
			_, err = p.choose(tc.ctx, pipeline.Input{}, output{name: func(int) string {
				if asked++; asked == 3 && tc.ctx == stopped {
					stop()
				}
				return tc.path
			}})
			if asked != tc.asked {
				t.Errorf("%d names were asked for, want %d", asked, tc.asked)
			}
			if (err != nil) != (tc.says != "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %q", err, tc.says)
			}
			if tc.says == "is there already" && !errors.Is(err, pipeline.Usage) {
				t.Errorf("got %v", err)
			}
		})
	}
}
