package queue

import (
	"context"
	"encoding/json"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// Forget takes contacts out of the rows that wait for the workers. The rows stay, without a contact, and are held back
// when their turn comes, so that each has its outcome. It gives how many there were.
func Forget(ctx context.Context, l *ledger.Ledger, is func(contact string) bool) (rows int, err error) {
	_, err = l.RewriteChunks(ctx, func(text []byte) ([]byte, error) {
		var chunk []pipeline.Due
		if err := json.Unmarshal(text, &chunk); err != nil {
			return nil, err
		}
		found := 0
		for i := range chunk {
			due := &chunk[i]
			d := due.Distribution
			for _, c := range []string{d.Contact, d.Other, due.Fallback.Contact} {
				if c != "" && is(c) {
					due.Distribution.Contact, due.Distribution.Other, due.Fallback = "", "", pipeline.Distribution{}
					found++
					break
				}
			}
		}
		if rows += found; found == 0 {
			return nil, nil
		}
		return json.Marshal(chunk)
	})
	return rows, err
}
