package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// table is one of those that a ledger consists of, with its columns.
type table struct{ name, columns string }

var tables = []table{
	{"target", "id, name, next, gap, pause, headroom, slowed, written"},
	{"run", "number, id, target, user_name, label, reminder, path, sha256, sheet, options, version, host, pid, started, ended, ending, reason, counts, schema, wish, wish_by, wish_at, lists, approval"},
	{"halt", "who, time"},
	{"record", "id, session, target, seq, version, intent, run, time, attempts, status, reminder, method, contact, country, other, sheet, row, binding, http_status, code, reason, correlation_id"},
	{"settlement", "distribution, code, was, who, time"},
	{"report", "sha256, input, path, run, time"},
	{"held", "run, n, status, code, reason, late"},
	{"seen", "session, target, status, updated, expires, looked, waiting, opened"},
	{"forgotten", "contact, who, time"},
}

func (t table) names() []string { return strings.Split(t.columns, ", ") }

// sum is what two copies of a table are compared by: how many rows, and the sum of their digests, in whatever order.
type sum struct {
	rows   int64
	digest [4]uint64
}

// add takes a row into account.
func (s *sum) add(row []any) {
	h := sha256.New()
	for _, v := range row {
		text := fmt.Appendf(nil, "%T %v", v, v)
		binary.Write(h, binary.BigEndian, int64(len(text)))
		h.Write(text)
	}
	d := h.Sum(nil)
	s.rows++
	for i := range s.digest {
		s.digest[i] += binary.BigEndian.Uint64(d[8*i:])
	}
}

// asks is a database, or a transaction of it.
type asks interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each gives the rows of a table, in forms that do not depend on the database.
func (t table) each(ctx context.Context, db asks) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		rows, err := db.QueryContext(ctx, "SELECT "+t.columns+" FROM "+t.name)
		if err != nil {
			yield(nil, err)
			return
		}
		defer rows.Close()
		names := t.names()
		for rows.Next() {
			row, into := make([]any, len(names)), make([]any, len(names))
			for i := range row {
				into[i] = &row[i]
			}
			if err := rows.Scan(into...); err != nil {
				yield(nil, err)
				return
			}
			for i, v := range row {
				switch v := v.(type) {
				case string:
					row[i] = Storable(v)
				case bool:
					row[i] = int64(0)
					if v {
						row[i] = int64(1)
					}
				case []byte:
					switch {
					case names[i] == "options":
						row[i] = string(v)
					case v == nil: // as SQLite gives an empty one
						row[i] = []byte{}
					}
				}
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// all copies every table by a function that takes its rows one after another, until there is none, and compares what is
// there then.
func (m *mover) all(ctx context.Context, to asks, fill func(table, func() ([]any, error)) error) error {
	copied := make([]sum, len(tables))
	for i, t := range tables {
		next, stop := iter.Pull2(t.each(ctx, m.from.db))
		err := fill(t, func() ([]any, error) {
			row, err, more := next()
			if !more || err != nil {
				return nil, err
			}
			copied[i].add(row)
			return row, nil
		})
		stop()
		if err != nil {
			return fmt.Errorf("copy the table %s: %w", t.name, err)
		}
	}
	for i, t := range tables {
		var there sum
		for row, err := range t.each(ctx, to) {
			if err != nil {
				return err
			}
			there.add(row)
		}
		if there != copied[i] {
			return fmt.Errorf("%d rows of the table %s were copied, and what is there now (%d) is not the same", copied[i].rows, t.name, there.rows)
		}
		switch t.name {
		case "record":
			m.moved.Records = there.rows
		case "run":
			m.moved.Runs = there.rows
		}
	}
	return nil
}

// fillServer copies all tables into a database that is incoming, which is ready then, in one transaction.
func (m *mover) fillServer(ctx context.Context, conn *sql.Conn) error {
	for _, q := range []string{ // a copy takes longer than usual statements, and no other may go on beside it
		"SET idle_in_transaction_session_timeout = 0", "BEGIN",
	} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	var state string
	if err := conn.QueryRowContext(ctx, "SELECT state FROM meta FOR UPDATE").Scan(&state); err != nil {
		return err
	}
	if state != stateIncoming {
		return errors.New("somebody else has moved it at the same time")
	}
	if _, err := conn.ExecContext(ctx, "TRUNCATE report, settlement, record, run, target, halt, held, seen, forgotten"); err != nil {
		return err
	}
	if err := m.all(ctx, conn, func(t table, rows func() ([]any, error)) error {
		return conn.Raw(func(driver any) error {
			_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{t.name}, t.names(), pgx.CopyFromFunc(func() ([]any, error) {
				row, err := rows()
				for i, name := range t.names() {
					if (name == "binding" || name == "late") && row != nil {
						row[i] = row[i] == int64(1)
					}
				}
				return row, err
			}))
			return err
		})
	}); err != nil {
		return err
	}
	for _, q := range []string{
		"SELECT setval(pg_get_serial_sequence('target', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM target), FALSE)",
		"SELECT setval(pg_get_serial_sequence('run', 'number'), (SELECT coalesce(max(number), 0) + 1 FROM run), FALSE)",
		"SELECT setval(pg_get_serial_sequence('record', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM record), FALSE)",
		"SELECT setval('version', (SELECT coalesce(max(version), 0) + 1 FROM record), FALSE)",
		"UPDATE meta SET state = 'ready'", "COMMIT",
	} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func (m *mover) fillFile(ctx context.Context, to *Ledger) error {
	tx, err := to.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := m.all(ctx, tx, func(t table, rows func() ([]any, error)) error {
		insert, err := tx.PrepareContext(ctx, "INSERT INTO "+t.name+" ("+t.columns+") VALUES (?"+strings.Repeat(", ?", len(t.names())-1)+")")
		if err != nil {
			return err
		}
		defer insert.Close()
		for {
			row, err := rows()
			if err != nil || row == nil {
				return err
			}
			if _, err := insert.ExecContext(ctx, row...); err != nil {
				return err
			}
		}
	}); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE meta SET value = ? WHERE name = 'made'", m.from.made.UnixMilli()); err != nil {
		return err
	}
	return tx.Commit()
}
