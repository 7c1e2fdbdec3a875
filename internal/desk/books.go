package desk

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"hppsend/internal/ledger"
)

// books are a desk's: an SQLite file of its own, or tables in the database of a ledger on a server, which several desks
// share. Statements are written once, in words that both take, and a few of ours in braces.
type books struct {
	*sql.DB
	shared bool
	ahead  atomic.Int64 // how much the clock of the shared books is ahead of this machine's
}

// The words in braces. Sending that others have in hand is known of shared books alone.
var (
	ownWords = strings.NewReplacer("{login}", "login", "{asked login}", "?", "{position}", "instr", "{idle}", "TRUE")

	sharedWords = strings.NewReplacer("{login}", `lower(login COLLATE "C")`, "{asked login}", `lower(?::text COLLATE "C")`, "{position}", "strpos",
		"{idle}", "NOT EXISTS (SELECT FROM sending s WHERE s.upload = upload.id AND "+heard+")")
)

// heard is what holds of a row s of sending as long as nobody else takes it over: longer than the ledger takes its
// process for alive. A time ahead is of a clock that went back.
const heard = "s.heard BETWEEN clock_timestamp() - interval '5 s' AND clock_timestamp() + interval '5 s'"

func (b *books) sql(query string) string {
	if !b.shared {
		return ownWords.Replace(query)
	}
	return ledger.Numbered(sharedWords.Replace(query))
}

// args has texts that PostgreSQL takes, as what is asked for by an address or a form may be no UTF-8, or hold a NUL.
func (b *books) args(args []any) []any {
	if !b.shared {
		return args
	}
	out := slices.Clone(args)
	for i, v := range out {
		switch v := v.(type) {
		case string:
			out[i] = ledger.Storable(v)
		case State:
			out[i] = ledger.Storable(string(v))
		case Role:
			out[i] = ledger.Storable(string(v))
		}
	}
	return out
}

// now is the time by the clock that all who share the books go by, as far as it was seen.
func (b *books) now() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }

func (b *books) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return b.DB.QueryContext(ctx, b.sql(query), b.args(args)...)
}

func (b *books) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return b.DB.QueryRowContext(ctx, b.sql(query), b.args(args)...)
}

func (b *books) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return b.DB.ExecContext(ctx, b.sql(query), b.args(args)...)
}

// alone keeps other writers out until a transaction ends, as SQLite does by itself, and gives the time of the clock that
// they share.
func (b *books) alone(ctx context.Context, tx *sql.Tx) (time.Time, error) {
	if !b.shared {
		return time.Now(), nil
	}
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('hppsend ' || current_schema(), 0))"); err != nil {
		return time.Time{}, err
	}
	return b.clock(ctx, tx)
}

// clock looks at the clock of shared books.
func (b *books) clock(ctx context.Context, q queryer) (time.Time, error) {
	var us int64
	if err := q.QueryRowContext(ctx, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").Scan(&us); err != nil {
		return time.Time{}, err
	}
	now := time.UnixMicro(us)
	b.ahead.Store(int64(time.Until(now)))
	return now, nil
}

// txn is a transaction of the books.
type txn struct {
	tx  *sql.Tx
	b   *books
	ctx context.Context
	now time.Time
}

func (t *txn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.tx.QueryContext(ctx, t.b.sql(query), t.b.args(args)...)
}

func (t *txn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return t.tx.QueryRowContext(ctx, t.b.sql(query), t.b.args(args)...)
}

func (t *txn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.tx.ExecContext(ctx, t.b.sql(query), t.b.args(args)...)
}

func (t *txn) exec(query string, args ...any) error {
	_, err := t.ExecContext(t.ctx, query, args...)
	return err
}

// tx does something to the books as a whole, or not at all, and alone.
func (d *Desk) tx(ctx context.Context, do func(*txn) error) (err error) {
	select {
	case d.writes <- struct{}{}:
		defer func() { <-d.writes }()
	case <-ctx.Done():
		return broken("the books of the page", ctx.Err())
	}
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return broken("the books of the page", err)
	}
	defer tx.Rollback()
	now, err := d.db.alone(ctx, tx)
	if err != nil {
		return broken("the books of the page", err)
	}
	if err := do(&txn{tx, d.db, ctx, now}); err != nil {
		return err
	}
	return broken("the books of the page", tx.Commit())
}

// column gives all values of the one column that a query has.
func column[T any](ctx context.Context, q queryer, query string, args ...any) (all []T, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return ledger.Column[T](rows)
}
