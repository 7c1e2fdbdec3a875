package ledger

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"hppsend/pipeline"
)

// create makes the ledger, and its secret on this machine first.
func (s *server) create(ctx context.Context, environment string) error {
	text, key := drawSecret()
	m := meta{environment: environment, check: key.check(), made: time.Now().UnixMilli(), state: stateOpen}
	if err := s.bring(m.check, text); err != nil {
		return err
	}
	return s.make(ctx, m)
}

// meta is what a database says of the ledger in it.
type meta struct {
	environment  string
	check        []byte
	made         int64
	schema       int
	state, place string
}

// The states of a ledger.
const (
	stateOpen     = "open"
	stateIncoming = "incoming" // another is being taken over into it
	stateReady    = "ready"    // all of that is there
	stateLeaving  = "leaving"  // it is being taken over to its place
	stateMoved    = "moved"    // all of it is there
)

// make makes the schema and its tables, in one transaction, of which one at a time runs.
func (s *server) make(ctx context.Context, m meta) error {
	if err := s.queueTables(ctx); err != nil {
		return err
	}
	return s.altering(ctx, func(tx pgx.Tx) error {
		if err := s.upgrade(ctx, tx, 0); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO meta (environment, secret, made, schema, locks, state, place)
			VALUES ($1, $2, $3, $4, (random() * 2147483646)::integer, $5, $6)`,
			m.environment, m.check, m.made, len(serverMigrations), m.state, m.place)
		return err
	})
}

// migrate brings the tables of an earlier version up to date, in one transaction, while nothing is under way.
func (s *server) migrate(ctx context.Context) error {
	if err := s.queueTables(ctx); err != nil {
		return err
	}
	return s.altering(ctx, func(tx pgx.Tx) error {
		var version int
		if err := tx.QueryRow(ctx, "SELECT schema FROM meta FOR UPDATE").Scan(&version); err != nil {
			return err
		}
		if version > len(serverMigrations) {
			return wrong(pipeline.NoLedger, s.path, "it is of a later version of hppsend", "install that version here too")
		}
		if version < len(serverMigrations) {
			var living int
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM run WHERE ended IS NULL AND lives(process)").Scan(&living); err != nil {
				return err
			}
			if living > 0 {
				return wrong(pipeline.Busy, s.path, "a run of the version before is under way", "wait until it has ended, and bring every machine to this version")
			}
			// Dead ones are ended by who opens it; the constraint on runs holds for what it enters.
			if _, err := tx.Exec(ctx, "UPDATE run SET schema = 100 + $1 WHERE ended IS NULL", len(serverMigrations)); err != nil {
				return err
			}
		}
		if err := s.upgrade(ctx, tx, version); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE meta SET schema = $1", len(serverMigrations))
		return err
	})
}

// altering does what takes the right to make and change tables, in one transaction of which one at a time runs.
func (s *server) altering(ctx context.Context, do func(pgx.Tx) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		return pgx.BeginFunc(ctx, c.(*stdlib.Conn).Conn(), func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('hppsend ' || current_setting('search_path'), 0))"); err != nil {
				return err
			}
			return do(tx)
		})
	})
}

// upgrade brings the tables from a version to this one, and makes those of the page that are not there.
func (s *server) upgrade(ctx context.Context, tx pgx.Tx, from int) error {
	for _, script := range serverMigrations[min(from, len(serverMigrations)):] {
		if _, err := tx.Exec(ctx, script, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
	}
	return s.pageTables(ctx, tx)
}

// queueTables makes the schema and brings River's tables in it up to date. They do nothing by themselves, and may be
// there before all others.
func (s *server) queueTables(ctx context.Context) error {
	if err := s.altering(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{s.schema}.Sanitize())
		return err
	}); err != nil {
		return err
	}
	pool, err := s.Pool(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	// Of two at once one waits; the lock is not that of altering, which lasts for a transaction.
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('hppsend queue ' || current_setting('search_path'), 0)), set_config('idle_in_transaction_session_timeout', '1min', TRUE)"); err != nil {
			return err
		}
		_, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return err
	})
}

// secretFile is where this machine has the secret of a ledger, named by its check value.
func (s *server) secretFile(check []byte) string { return s.kept(check, "secret") }

// kept is a file of what this machine keeps of a ledger.
func (s *server) kept(check []byte, what string) string {
	return filepath.Join(s.folder, "ledger-"+hex.EncodeToString(check[:9])+"."+what)
}

func (s *server) meta(ctx context.Context) (m meta, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT environment, secret, made, schema, state, place FROM meta").
		Scan(&m.environment, &m.check, &m.made, &m.schema, &m.state, &m.place)
	return m, err
}

func (s *server) verify(ctx context.Context, opt Options) error {
	m, err := s.meta(ctx)
	if err != nil {
		return err
	}
	s.made, s.environment = time.UnixMilli(m.made), m.environment
	switch {
	case m.schema < len(serverMigrations):
		return wrong(pipeline.NoLedger, s.path, "it is of an earlier version of hppsend", "bring it up to date with hppsend ledger migrate, once no run of that version goes on")
	case m.schema > len(serverMigrations):
		return wrong(pipeline.NoLedger, s.path, "it is of a later version of hppsend", "install that version here too")
	case m.environment != opt.Environment:
		return otherEnvironment(s.path, m.environment, opt.Environment)
	case (m.state == stateLeaving || m.state == stateMoved) && !opt.Sealed:
		return movedTo(s.path, m.place)
	case (m.state == stateIncoming || m.state == stateReady) && !opt.Sealed:
		return wrong(pipeline.NoLedger, s.path, "a ledger was being taken over into it, and that was cut off", "say hppsend ledger move once more, as before")
	}
	s.check = m.check
	if s.secret, err = s.readSecret(m); err != nil && !opt.Runs {
		return err
	}
	if opt.Sealed || opt.Runs { // looking is always allowed
		return nil
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return s.back(ctx, conn)
}

// readSecret reads the secret that this machine has of a ledger.
func (s *server) readSecret(m meta) (*secret, error) {
	key, err := readSecret(s.secretFile(m.check))
	if err != nil {
		return nil, &pipeline.Error{
			Kind: pipeline.NoLedger, Problem: "ledger " + s.path + ": its secret is not on this machine, so no contact can be recognised",
			Todo: "on a machine that has it say hppsend ledger secret export, and here hppsend ledger secret import",
		}
	}
	if !bytes.Equal(m.check, key.check()) {
		return nil, wrong(pipeline.NoLedger, s.path, "the secret on this machine is that of another ledger", "bring the right one with hppsend ledger secret export, and import")
	}
	return key, nil
}

func (s *server) seal(t *txn, place string) error {
	sealed, err := t.changed("UPDATE meta SET state = ?, place = ? WHERE state = ? OR state = ? AND place = ?", stateLeaving, place, stateOpen, stateLeaving, place)
	if err != nil || sealed {
		return err
	}
	m := meta{}
	if err := t.get([]any{&m.state, &m.place}, "SELECT state, place FROM meta"); err != nil {
		return err
	}
	return movedTo(s.path, m.place)
}

func (s *server) sealDone(t *txn) error {
	return t.exec("UPDATE meta SET state = ? WHERE state = ?", stateMoved, stateLeaving)
}

func (s *server) sealedFor(ctx context.Context) (sealedTo, error) {
	m, err := s.meta(ctx)
	return sealedTo{m.place, m.state == stateMoved}, err
}

func (s *server) secretText() (string, error) {
	text, err := os.ReadFile(s.secretFile(s.check))
	return string(text), err
}

// bring has a secret on this machine, which may have it already.
func (s *server) bring(check []byte, text string) error {
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return err
	}
	err := writeSecret(s.secretFile(check), text)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	key, err := readSecret(s.secretFile(check))
	if err == nil && !bytes.Equal(key.check(), check) {
		err = fmt.Errorf("%s holds another secret", s.secretFile(check))
	}
	return err
}
