package writer

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"hppsend/pipeline"
)

func TestDraftsOfKilledProcessesGo(t *testing.T) {
	dir := t.TempDir()
	draft := func(name string, age time.Duration) string {
		folder := filepath.Join(dir, name)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		report := filepath.Join(folder, "may.report.csv")
		if err := os.WriteFile(report, []byte("a contact"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(report, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	old, young, theirs := draft(".hppsend-1", 2*staleAfter), draft(".hppsend-2", staleAfter/2), draft("hppsend-3", 2*staleAfter)
	aside := filepath.Join(dir, ".hppsend-4-old") // a report that a killed process had moved out of its way
	ok(t, os.WriteFile(aside, []byte("perhaps mended"), 0o600))
	ok(t, os.Chtimes(aside, time.Time{}, time.Now().Add(-2*staleAfter)))
	r, err := Create(filepath.Join(dir, "may.report.csv"), pipeline.CSV, pipeline.Input{}, false)
	if err != nil {
		t.Fatal(err)
	}
	r.Abort()
	for folder, want := range map[string]bool{old: false, young: true, theirs: true, aside: true} {
		if _, err := os.Stat(folder); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", filepath.Base(folder), err == nil, want)
		}
	}
}
