package ledger_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hppsend/internal/ledger"
	"hppsend/internal/ledger/servertest"
	"hppsend/pipeline"
)

// TestRunsOfPlan keeps who has approved a run as it was told, and finds the runs of a plan by its digest alone.
func TestRunsOfPlan(t *testing.T) {
	for name, place := range map[string]string{"a file": filepath.Join(t.TempDir(), "ledger.db"), "a server": servertest.Shared(t).Database(t)} {
		t.Run(name, func(t *testing.T) {
			l, err := ledger.Open(t.Context(), ledger.Options{Path: place, State: t.TempDir(), Environment: "sandbox", Create: true})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			one, two := strings.Repeat("a1", 32), strings.Repeat("b2", 32)
			approved := func(plan string) string { return `{"plan":"` + plan + `","by":["bo@example.com"]}` }
			var begun []*ledger.Run
			for i, a := range []string{"", approved(one), approved(two), approved(one), `{"plan":"` + one[:62] + `"}`, `{"by":["` + one + `"]}`} {
				r, err := l.Begin(t.Context(), ledger.RunInfo{
					ID: string(rune('a' + i)), Target: "sandbox", SHA256: [32]byte{byte(i)}, Options: []byte("{}"), Started: time.Now(), Approval: []byte(a),
				})
				if err != nil {
					t.Fatal(err)
				}
				begun = append(begun, r)
			}
			if err := begun[1].End(t.Context(), pipeline.Finding{}, []byte(`{"rows":1}`)); err != nil {
				t.Fatal(err)
			}
			runs, err := l.RunsOfPlan(t.Context(), one)
			if err != nil || len(runs) != 2 || runs[0].ID != "d" || runs[1].ID != "b" || !runs[0].Lives || runs[1].Lives || string(runs[1].Approval) != approved(one) {
				t.Errorf("runs %+v, %v", runs, err)
			}
			if runs, err := l.RunsOfPlan(t.Context(), strings.Repeat("c3", 32)); err != nil || len(runs) != 0 {
				t.Errorf("of another: %+v, %v", runs, err)
			}
			if run, ok, err := l.FindRun(t.Context(), "a"); err != nil || !ok || len(run.Approval) != 0 {
				t.Errorf("of nobody: %+v, %v", run, err)
			}
		})
	}
}
