package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hppsend/pipeline"
)

// Every statement of a run finds its records by an index, and every index is needed by one of them: what a
// claim costs does not grow with the ledger, and no index is kept up for nobody.
func TestEveryIndexIsNeeded(t *testing.T) {
	ctx := t.Context()
	l, err := Open(ctx, Options{Path: filepath.Join(t.TempDir(), "ledger.db"), Environment: "sandbox", Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.NeverAgain(ctx, "Ann", l.Digest("nobody@example.com")); err != nil {
		t.Fatal(err)
	}
	begin := func(id string) *Run {
		r, err := l.Begin(ctx, RunInfo{ID: id, Target: "sandbox", SHA256: [32]byte([]byte(fmt.Sprintf("%32s", id))), Started: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	claim := func(r *Run, contact string) pipeline.Ticket {
		c := pipeline.Claim{
			Distribution: pipeline.Distribution{Session: "s", Method: pipeline.Email, Contact: contact}, Seen: pipeline.NoRecords,
			Restraint: pipeline.Restraint{Cooldown: time.Now().Add(time.Hour), Counts: []pipeline.Count{{Since: time.Now(), Messages: 9}}},
		}
		got, err := r.Claim(ctx, c)
		if err == nil && got.Ticket == 0 {
			c.Seen = got.Version
			got, err = r.Claim(ctx, c)
		}
		if err != nil || got.Ticket == 0 {
			t.Fatal(got, err)
		}
		return got.Ticket
	}
	first, second := begin("first"), begin("second")
	for _, contact := range []string{"a@example.com", "b@example.com", "a@example.com"} {
		for _, s := range []pipeline.Status{pipeline.Rejected, pipeline.Pending, pipeline.Failed} {
			ticket := claim(first, contact)
			for _, called := range []bool{true, false} {
				if err := first.Conclude(ctx, ticket, pipeline.Conclusion{Status: s, Called: called, Time: time.Now()}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	claim(second, "c@example.com")
	second.hold.release() // it dies
	claim(first, "c@example.com")
	if _, err := l.Settle(ctx, []pipeline.Ticket{1}, true, "Ann"); err != nil {
		t.Fatal(err)
	}
	if err := first.End(ctx, pipeline.Finding{}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Busy(ctx, [32]byte{}, "sandbox"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Purge(ctx, time.Now().Add(time.Hour), false); err != nil {
		t.Fatal(err)
	}

	queries := slices.Concat(slices.Collect(maps.Keys(l.statements)), []string{lookupQuery, findQuery, doubtsQuery, lastRunQuery, reportQuery, seenQuery, sentQuery})
	used := map[string]bool{}
	index := regexp.MustCompile(`USING (?:COVERING )?INDEX (\w+)`)
	explained := 0
	for _, q := range queries {
		if !regexp.MustCompile(`^(SELECT|UPDATE|DELETE|INSERT)`).MatchString(q) {
			continue
		}
		explained++
		for _, step := range l.plan(t, q) {
			scans := strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "json_each") && !strings.Contains(step, "CONSTANT ROW")
			if scans && !strings.Contains(step, "USING INDEX") && step != "SCAN report" && step != "SCAN seen" && step != "SCAN forgotten" && step != "SCAN o" { // of a purge, whether there is any, and one row
				t.Errorf("%s\nin %s", step, q)
			}
			if m := index.FindStringSubmatch(step); m != nil {
				used[m[1]] = true
			}
		}
	}
	if explained < 20 {
		t.Errorf("only %d statements were explained", explained)
	}
	rows, err := l.db.QueryContext(ctx, "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if !used[name] {
			t.Errorf("nobody needs the index %s", name)
		}
	}
}

// plan gives the steps by which a query is answered.
func (l *Ledger) plan(t *testing.T, query string) (steps []string) {
	t.Helper()
	var args []any
	query = l.store.sql(query)
	for _, p := range regexp.MustCompile(`\?\d*`).FindAllString(query, -1) {
		n, err := strconv.Atoi(p[1:])
		if err != nil {
			n = len(args) + 1
		}
		for len(args) < n {
			args = append(args, sql.NullInt64{})
		}
	}
	rows, err := l.rows(context.Background(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatalf("%v: %s", err, query)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, detail)
	}
	return steps
}
