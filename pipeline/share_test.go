package pipeline

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestBrakesKeepTheirState has brakes read back from JSON before every answer: they say the same as those of one process.
func TestBrakesKeepTheirState(t *testing.T) {
	replies := []Reply{ok200, ok200, ok200, badValue, badValue, notFound, firewall, tooMany, down, noAnswer}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		cfg := SendConfig{StopAfterIdentical: rng.IntN(4), MaxRejected: Threshold{Rows: rng.IntN(3) * 4}, RetryFor: time.Duration(1+rng.IntN(20)) * time.Second}
		one, many := &Brakes{}, []byte("{}")
		one.Brake(cfg)
		now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		some := replies[rng.IntN(4):][:1+rng.IntN(6)]
		for n := range 60 {
			now = now.Add(time.Duration(rng.IntN(1000)) * time.Millisecond)
			a := Answer{Method: []Method{SMS, Email}[rng.IntN(2)], Ticket: Ticket(n + 1), Reply: some[rng.IntN(len(some))], Last: rng.IntN(3) == 0}
			held := rng.IntN(10) == 0
			var b Brakes
			if err := json.Unmarshal(many, &b); err != nil {
				t.Fatal(err)
			}
			b.Brake(cfg)
			want, got := one.Answered(now, a), b.Answered(now, a)
			one.Look(now, held)
			b.Look(now, held)
			if n == 59 {
				want, got = append(want, one.Over()...), append(got, b.Over()...)
			}
			for _, all := range [][]Revision{want, got} { // those of one method before those of the other, or after
				slices.SortFunc(all, func(a, b Revision) int { return int(a.Ticket - b.Ticket) })
			}
			if diff := cmp.Diff(want, got); diff != "" || one.Ended() != b.Ended() {
				t.Fatalf("seed %d, answer %d: it ends with %v, want %v (-want +got):\n%s", seed, n, b.Ended(), one.Ended(), diff)
			}
			var err error
			if many, err = json.Marshal(b); err != nil {
				t.Fatal(err)
			}
		}
	}
}
