package ledger

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hppsend/pipeline"
)

// TestNamesAreKeptMasked gives names with contacts wherever people give names, and looks for them in every
// byte of the ledger.
func TestNamesAreKeptMasked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := reopened(t, path)
	sum := [32]byte{1}
	named := func(s string) string { return s + " anna@example.com, 070-174 06 05" }
	run, err := l.Begin(t.Context(), RunInfo{
		ID: "run1", Target: target, Label: named("label"), Path: named("path") + ".xlsx", Sheet: named("sheet"), SHA256: sum,
		Options: []byte(`{"sheet":"for anna@example.com","map":{"phone":"070-174 06 05"},"hidden":"refuse","rows":12345678901}`), Started: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		c := claimOf(n+1, "+46701740605")
		if c.Place.Sheet = named("sheet"); n == 2 {
			c.Place.Sheet = "May"
		}
		run.mustConclude(t, run.mustClaim(t, c), pipeline.Conclusion{Status: pipeline.Uncertain, Called: true, Code: "x", Time: time.Now()})
	}
	if err := l.ReportWritten(t.Context(), [32]byte{2}, sum, named("report")+".csv", "run1"); err != nil {
		t.Fatal(err)
	}
	if err := run.End(t.Context(), pipeline.Finding{Code: "x", Reason: named("it stopped at")}, json.RawMessage(`{"file":"for anna@example.com","rows":3,"ended":"2026-11-26T13:01:23.123456789Z"}`)); err != nil {
		t.Fatal(err)
	}

	got, ok, err := l.LastRun(t.Context(), sum, target)
	if err != nil || !ok {
		t.Fatalf("the run is not found by its input: %v", err)
	}
	const mask = "a•••@e•••.com"
	for what, text := range map[string]string{
		"label": got.Label, "path": got.Path, "sheet": got.Sheet, "it stopped at": got.Reason, "sheet\"": string(got.Options), "file": string(got.Counts),
	} {
		if !strings.Contains(text, strings.TrimSuffix(what, `"`)) || !strings.Contains(text, mask) {
			t.Errorf("%s is %q", what, text)
		}
	}
	if !strings.Contains(string(got.Options), `"rows":12345678901`) {
		t.Errorf("a number became a contact: %s", got.Options)
	}
	if !strings.Contains(string(got.Counts), "23.123456789Z") {
		t.Errorf("a time became a contact: %s", got.Counts)
	}
	doubts, err := l.Doubts(t.Context(), "run1")
	if err != nil || len(doubts) != 3 || doubts[0].Place.Sheet != got.Sheet || doubts[1].Place.Sheet != got.Sheet || doubts[2].Place.Sheet != "May" {
		t.Errorf("doubts %+v, %v", doubts, err)
	}
	for _, name := range []string{path, path + "-wal"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, clear := range []string{"anna", "@example.com", "1740605", "174 06 05"} {
			if strings.Contains(string(b), clear) {
				t.Errorf("%s stands in %s", clear, filepath.Base(name))
			}
		}
	}
}
