package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"hppsend/pipeline"
)

// Moved is what a ledger had in it that was taken over.
type Moved struct {
	Records, Runs int64
	From, To      string
	Before        bool // all of it was done before: whoever did it may not have heard so
}

// Move takes a ledger over to another place, from a file to a server or back. First the source is sealed for good with
// where it went, so that at any moment one of the two at most may send; then all of it is copied, and compared; only
// then may the other send. Where it is cut off it goes on when it is called again in the same way. Every error is a
// *[pipeline.Error].
func Move(ctx context.Context, from, to Options) (Moved, error) {
	if OnServer(from.Path) == OnServer(to.Path) {
		return Moved{}, &pipeline.Error{
			Kind: pipeline.Usage, Problem: "a ledger is moved from a file to a server, or from a server to a file",
			Todo: "copy a file, with its secret, while nothing runs; for a server use its own tools",
		}
	}
	from.Sealed, from.Create, to.Environment = true, false, from.Environment
	l, err := Open(ctx, from)
	if err != nil {
		return Moved{}, err
	}
	defer l.Close()
	m := mover{from: l, opt: to, moved: Moved{From: l.path}}
	if err := m.move(ctx); err != nil {
		return Moved{}, l.explained(err)
	}
	return m.moved, nil
}

// explained gives an error of moving the form of all.
func (l *Ledger) explained(err error) error {
	if errors.As(err, new(*pipeline.Error)) {
		return err
	}
	return &pipeline.Error{Kind: pipeline.NoLedger, Problem: "move the ledger " + l.path, Todo: "see to what is said here, and say the same once more: it goes on where it stopped", Err: err}
}

type mover struct {
	from  *Ledger
	opt   Options
	moved Moved
}

func (m *mover) move(ctx context.Context) error {
	text, err := m.from.store.secretText()
	if err != nil {
		return err
	}
	if OnServer(m.opt.Path) {
		return m.toServer(ctx, text)
	}
	return m.toFile(ctx, text)
}

// seal ends sending by the source. One that was sealed for the same place before goes on.
func (m *mover) seal(ctx context.Context, place string) error {
	m.moved.To = place
	return m.from.update(ctx, seal(place))
}

// seal is the place that a ledger is taken over to.
type seal string

func (o seal) apply(t *txn) error {
	if err := t.l.store.alone(t); err != nil {
		return err
	}
	if err := t.endDead(); err != nil {
		return err
	}
	var living string
	err := t.get([]any{&living}, "SELECT id FROM run WHERE ended IS NULL LIMIT 1")
	if err == nil {
		return wrong(pipeline.NoLedger, t.l.path, "run "+living+" is under way on it", "wait for that run to end, or stop it; then move the ledger")
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return t.l.store.seal(t, string(o))
}

// table is one of those that a ledger consists of, with its columns.
type table struct{ name, columns string }

var tables = []table{
	{"target", "id, name, next, gap, pause, headroom, slowed, written"},
	{"run", "number, id, target, user_name, label, reminder, path, sha256, sheet, options, version, host, pid, started, ended, ending, reason, counts, schema, wish, wish_by, wish_at"},
	{"halt", "who, time"},
	{"record", "id, session, target, seq, version, intent, run, time, attempts, status, reminder, method, contact, country, other, sheet, row, binding, http_status, code, reason, correlation_id"},
	{"settlement", "distribution, code, was, who, time"},
	{"report", "sha256, input, path, run, time"},
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
					row[i] = storable(v)
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

// toServer copies a file to a database, in one transaction.
func (m *mover) toServer(ctx context.Context, text string) error {
	l := &Ledger{}
	s, err := newServer(l, m.opt)
	if err != nil {
		return err
	}
	defer s.db.Close()
	if err := s.throughPooler(ctx); err != nil {
		return s.explain(err)
	}
	mine := meta{environment: m.from.environment, check: m.from.secret.check(), made: m.from.made.UnixMilli(), state: stateIncoming}
	switch err := s.exists(ctx); {
	case errors.Is(err, ErrMissing):
		if err := s.make(ctx, mine); err != nil {
			return s.explain(err)
		}
	case err != nil:
		return s.explain(err)
	default:
		there, err := s.meta(ctx)
		if err != nil {
			return s.explain(err)
		}
		if there.state == stateOpen && bytes.Equal(there.check, mine.check) {
			if err := m.seal(ctx, s.path); err != nil { // which it is, unless it is a copy of the one that was moved
				return err
			}
			m.moved.Before = true
			return nil
		}
		if there.state != stateIncoming || !bytes.Equal(there.check, mine.check) {
			return wrong(pipeline.Usage, s.path, "there is a ledger already", "name an empty database, or another schema with ?search_path=NAME in the address")
		}
	}
	if err := s.bring(mine.check, text); err != nil {
		return err
	}
	if err := m.seal(ctx, s.path); err != nil {
		return err
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return s.explain(err)
	}
	defer drop(conn)
	return m.fill(ctx, conn, s)
}

// fill copies all tables into a database and opens it, in one transaction.
func (m *mover) fill(ctx context.Context, conn *sql.Conn, s *server) error {
	for _, q := range []string{ // a copy takes longer than usual statements, and no other may go on beside it
		"SET idle_in_transaction_session_timeout = 0", "BEGIN", "SELECT state FROM meta WHERE state = 'incoming' FOR UPDATE",
		"TRUNCATE report, settlement, record, run, target, halt",
	} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	if err := m.all(ctx, conn, func(t table, rows func() ([]any, error)) error {
		return conn.Raw(func(driver any) error {
			_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{t.name}, t.names(), pgx.CopyFromFunc(func() ([]any, error) {
				row, err := rows()
				if i := slices.Index(t.names(), "binding"); i >= 0 && row != nil {
					row[i] = row[i] == int64(1)
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
		"INSERT INTO accepted (who, reason) VALUES ('hppsend', 'it was moved here')",
		"UPDATE meta SET state = 'open'", "COMMIT",
	} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
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

// toFile copies a database to a file under another name, which it gives its own once all is there.
func (m *mover) toFile(ctx context.Context, text string) error {
	path, err := placeOf(m.opt.Path)
	if err != nil {
		return err
	}
	sealed, err := m.from.store.sealedFor(ctx)
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); sealed == path && err == nil {
		m.moved.To, m.moved.Before = path, true
		return nil
	}
	for _, name := range []string{path, secretPath(path)} {
		if _, err := os.Stat(name); err == nil && !(name != path && sealed == path) { // its secret comes first
			return wrong(pipeline.Usage, path, "there is a ledger already, or its secret", "name another place with --to")
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := m.seal(ctx, path); err != nil {
		return err
	}
	incoming := path + ".incoming"
	for _, name := range []string{"", "-wal", "-shm", ".secret", ".secret.new", ".lock"} { // of a move that was cut off
		if err := os.Remove(incoming + name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := writeSecret(newSecretPath(incoming), text); err != nil {
		return err
	}
	opt := m.opt
	opt.Path, opt.Create = incoming, true
	to, err := Open(ctx, opt)
	if err != nil {
		return err
	}
	err = m.fillFile(ctx, to)
	if cerr := to.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	os.Remove(incoming + ".lock")
	os.Remove(file{to}.runsFolder())
	if err := os.Rename(secretPath(incoming), secretPath(path)); err != nil {
		return err
	}
	if err := os.Rename(incoming, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
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
