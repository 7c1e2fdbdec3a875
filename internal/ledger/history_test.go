package ledger

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

func TestRuns(t *testing.T) {
	l := opened(t)
	first := begun(t, l, "a")
	for n, s := range []pipeline.Status{pipeline.Delivered, pipeline.Delivered, pipeline.Uncertain} {
		first.mustConclude(t, first.mustClaim(t, claimOf(n, "anna@example.com")),
			pipeline.Conclusion{Status: s, Called: true, Code: map[pipeline.Status]string{pipeline.Uncertain: "x"}[s], Time: time.Now()})
	}
	if err := first.End(t.Context(), pipeline.Finding{Code: "stopped", Reason: "by hand"}, []byte(`{"rows":3}`)); err != nil {
		t.Fatal(err)
	}
	begun(t, l, "b")
	runs, err := l.Runs(t.Context(), 0)
	if err != nil || len(runs) != 2 || runs[0].ID != "b" || !runs[0].Lives || runs[1].Lives || runs[1].Ending != "stopped" || runs[1].Uncertain != 1 {
		t.Errorf("runs %+v, %v", runs, err)
	}
	if runs, err := l.Runs(t.Context(), 1); err != nil || len(runs) != 1 || runs[0].ID != "b" {
		t.Errorf("the last run is %+v, %v", runs, err)
	}
	codes, err := l.Codes(t.Context(), "a")
	if diff := cmp.Diff([]CodeCount{{pipeline.Delivered, "", 2}, {pipeline.Uncertain, "x", 1}}, codes); err != nil || diff != "" {
		t.Errorf("codes (-want +got), %v:\n%s", err, diff)
	}
}

func TestPurge(t *testing.T) {
	l := opened(t)
	day := func(n int) time.Time { return time.Now().AddDate(0, 0, n) }
	old := begun(t, l, "old")
	for n, s := range []pipeline.Status{pipeline.Delivered, pipeline.Uncertain, pipeline.Rejected} {
		old.mustConclude(t, old.mustClaim(t, claimOf(n, "anna@example.com")), pipeline.Conclusion{Status: s, Called: true, Time: day(-100)})
	}
	if err := old.End(t.Context(), pipeline.Finding{}, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.db.Exec("UPDATE run SET ended = ?", day(-100).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	living := begun(t, l, "living")
	living.mustConclude(t, living.mustClaim(t, claimOf(10, "bo@example.com")), pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: day(-1)})
	open := living.mustClaim(t, claimOf(11, "bo@example.com"))
	if _, err := l.db.Exec("UPDATE record SET time = ? WHERE id = ?", day(-200).UnixMilli(), open); err != nil {
		t.Fatal(err)
	}

	want := Purged{Distributions: 3, Delivered: 1, Uncertain: 1, Runs: 1}
	for _, dry := range []bool{true, false} {
		if p, err := l.Purge(t.Context(), day(-90), dry); err != nil || p != want {
			t.Fatalf("dry %v: %+v, %v", dry, p, err)
		}
	}
	if p, err := l.Purge(t.Context(), day(-90), false); err != nil || p != (Purged{}) {
		t.Errorf("a second time %+v, %v", p, err)
	}
	record(t, l.View(target), 10)
	if rec := record(t, l.View(target), 11); rec.Intent != pipeline.ForeignIntent {
		t.Errorf("what is under way has become %+v", rec)
	}
	if runs, err := l.Runs(t.Context(), 0); err != nil || len(runs) != 1 || runs[0].ID != "living" {
		t.Errorf("runs %+v, %v", runs, err)
	}
}

// TestPurgeOfMany goes over more records than one transaction takes, old and new ones mixed.
func TestPurgeOfMany(t *testing.T) {
	l := opened(t)
	living := begun(t, l, "living")
	living.mustClaim(t, claimOf(1, "anna@example.com"))
	const many = 3*maxPurge + 7
	before := time.Now().AddDate(0, 0, -90)
	for _, change := range []string{
		`WITH RECURSIVE n(n) AS (SELECT 10 UNION ALL SELECT n+1 FROM n WHERE n < 9 + ?2)
			INSERT INTO record (id, seq, version, session, target, reminder, method, contact, country, other, sheet, row, time, status)
			SELECT 3*n, 0, 1, 's' || n, 1, '', 'email', x'01', '', x'', '', n, ?1 - 1 + (n % 3 = 0), 'delivered' FROM n`,
		"INSERT INTO settlement SELECT id, 'c', 'w', 'who', ?1 FROM record WHERE id % 2 = 0 AND ?2 > 0",
	} {
		if _, err := l.db.Exec(change, before.UnixMilli(), many); err != nil {
			t.Fatal(err)
		}
	}
	p, err := l.Purge(t.Context(), before, false)
	if kept := many - many/3; err != nil || p.Distributions != kept && p.Distributions != kept-1 {
		t.Fatalf("%+v, %v", p, err)
	}
	var old, left, settlements, strays int
	if err := l.db.QueryRow(`SELECT count(*) FILTER (WHERE time < ?1), count(*) FILTER (WHERE id > 1),
		(SELECT count(*) FROM settlement), (SELECT count(*) FROM settlement WHERE distribution NOT IN (SELECT id FROM record))
		FROM record`, before.UnixMilli()).Scan(&old, &left, &settlements, &strays); err != nil {
		t.Fatal(err)
	}
	if old != 0 || left != many-p.Distributions || strays != 0 || settlements < left/2 {
		t.Errorf("%d old ones are left, %d in all, %d settlements, %d of nothing", old, left, settlements, strays)
	}
	if rec := record(t, l.View(target), 1); rec.Intent != pipeline.ForeignIntent {
		t.Errorf("what is under way has become %+v", rec)
	}
}
