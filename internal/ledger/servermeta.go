package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

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
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, statement := range []string{
		"SELECT pg_advisory_xact_lock(hashtextextended('hppsend ' || current_setting('search_path'), 0))",
		"CREATE SCHEMA IF NOT EXISTS " + pgx.Identifier{s.schema}.Sanitize(),
		serverMigrations[0],
	} {
		if err := execScript(ctx, tx, statement); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO meta (environment, secret, made, schema, locks, state, place)
		VALUES ($1, $2, $3, $4, (random() * 2147483646)::integer, $5, $6)`,
		m.environment, m.check, m.made, len(serverMigrations), m.state, m.place); err != nil {
		return err
	}
	return tx.Commit()
}

// execScript runs several statements, which no prepared one can have.
func execScript(ctx context.Context, tx *sql.Tx, script string) error {
	_, err := tx.ExecContext(ctx, script, pgx.QueryExecModeSimpleProtocol)
	return err
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
