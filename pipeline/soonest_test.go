package pipeline

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"
)

// TestSoonestFirst gives more rows than are put in order at once: they come by when they expire, those that do not last
// and as they stand, each once.
func TestSoonestFirst(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	n := 2*soonestAtOnce + 1000
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = byMail(i + 1)
		rows[i].Cells = []Cell{{}}
		if i%3 > 0 { // of which many expire at the same time
			rows[i].Cells[0].Text = time.Unix(1_900_000_000+rng.Int64N(5)*rng.Int64N(9000), 0).UTC().Format(time.RFC3339)
		}
	}
	src := sheet(rows...)
	src.column = "expires_at"
	plan, err := Check(context.Background(), CheckConfig{Defaults: testDefaults, Going: Going{BySoonest: true}}, src)
	if err != nil {
		t.Fatal(err)
	}
	var last expiry
	seen, rest := map[string]bool{}, -1
	for due, err := range plan.DueRows(context.Background(), 0, src) {
		if err != nil {
			t.Fatal(err)
		}
		k := expiryOf(due.Expires, due.N)
		switch {
		case seen[due.Distribution.Session]:
			t.Fatalf("row %d comes twice", due.N)
		case due.Expires == 0 && due.N <= rest, due.Expires != 0 && (k <= last || rest >= 0):
			t.Fatalf("row %d, which expires at %d, comes too late", due.N, due.Expires)
		case due.Expires == 0:
			rest = due.N
		}
		seen[due.Distribution.Session], last = true, k
	}
	if len(seen) != n {
		t.Errorf("%d of %d rows come", len(seen), n)
	}
}
