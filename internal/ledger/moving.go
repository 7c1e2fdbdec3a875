package ledger

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hppsend/pipeline"
)

// Moved is what a ledger had in it that was taken over.
type Moved struct {
	Records, Runs int64
	From, To      string
	Before        bool // all of it was done before: whoever did it may not have heard so
}

// Move takes a ledger over to another place, from a file to a server or back. First the source is sealed for good with
// where it goes; then all of it is copied, and compared; then the source is told that it is all there; and only then may
// the other be sent by. So at any moment one of the two at most may send. Where that is cut off it goes on when it is
// called again in the same way. Once the source knows that all is there it is never copied again: if the other is lost,
// what the source has is old. Every error is a *[pipeline.Error].
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
	if s, ok := l.store.(*server); ok { // what was put back to an earlier time is not to be taken over as if it were all
		conn, err := s.db.Conn(ctx)
		if err == nil {
			err = s.back(ctx, conn)
			conn.Close()
		}
		if err != nil {
			return Moved{}, l.explain(err)
		}
	}
	m := mover{from: l, opt: to, moved: Moved{From: l.path}}
	if err := m.move(ctx); err != nil {
		return Moved{}, l.failed("move", err)
	}
	return m.moved, nil
}

// failed gives an error of doing something with a ledger the form of all.
func (l *Ledger) failed(doing string, err error) error {
	if errors.As(err, new(*pipeline.Error)) {
		return err
	}
	return &pipeline.Error{Kind: pipeline.NoLedger, Problem: doing + " the ledger " + l.path, Todo: "see to what is said here, and say the same once more: it goes on where it stopped", Err: err}
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

// sealedTo is how far a ledger is with being taken over to a place.
type sealedTo struct {
	place string // empty while it may be sent by
	done  bool   // all of it is there
}

// lost refuses to copy once more what was taken over before, and is not there any more.
func (m *mover) lost() error {
	return wrong(pipeline.NoLedger, m.from.path, "it was moved to "+m.moved.To+", and is not there any more",
		"restore that from a backup: what was sent since is not known here, and would be sent again")
}

// seal ends sending by the source. One that was sealed for the same place before goes on.
func (m *mover) seal(ctx context.Context) error { return m.from.update(ctx, seal(m.moved.To)) }

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

// complete tells the source that all of it is at the other place.
func (m *mover) complete(ctx context.Context) error { return m.from.update(ctx, sealDone{}) }

type sealDone struct{}

func (sealDone) apply(t *txn) error { return t.l.store.sealDone(t) }

// toServer moves a file to a database.
func (m *mover) toServer(ctx context.Context, text string) error {
	s, err := newServer(&Ledger{}, m.opt)
	if err != nil {
		return err
	}
	defer s.db.Close()
	if err := s.throughPooler(ctx); err != nil {
		return s.explain(err)
	}
	m.moved.To = s.path
	was, err := m.from.store.sealedFor(ctx)
	if err != nil {
		return err
	}
	mine := meta{environment: m.from.environment, check: m.from.secret.check(), made: m.from.made.UnixMilli(), state: stateIncoming}
	there, err := s.meta(ctx)
	if missing := s.exists(ctx); missing != nil {
		there, err = meta{}, missing
	}
	same := err == nil && bytes.Equal(there.check, mine.check)
	switch {
	case err != nil && !errors.Is(err, ErrMissing):
		return s.explain(err)
	case was.place != "" && was.place != s.path:
		return movedTo(m.from.path, was.place)
	case was.done && (!same || there.state == stateIncoming):
		return m.lost()
	case same && there.state == stateReady && was.place != "":
		if err := m.complete(ctx); err != nil {
			return err
		}
		return s.openUp(ctx)
	case was.done:
		m.moved.Before = true
		return nil
	case same && there.state == stateMoved:
		return wrong(pipeline.Usage, s.path, "what this ledger was before it was moved away is still there",
			"drop that schema once you are sure that nobody needs it, or name another with ?search_path=NAME in the address; who sends then needs the rights there too")
	case err == nil && !(same && there.state == stateIncoming):
		return wrong(pipeline.Usage, s.path, "there is a ledger already", "name an empty database, or another schema with ?search_path=NAME in the address")
	}
	if err != nil {
		if err := s.make(ctx, mine); err != nil {
			return s.explain(err)
		}
	}
	if err := s.bring(mine.check, text); err != nil {
		return err
	}
	if err := m.seal(ctx); err != nil {
		return err
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return s.explain(err)
	}
	defer drop(conn)
	if err := m.fillServer(ctx, conn); err != nil {
		return err
	}
	if err := m.complete(ctx); err != nil {
		return err
	}
	os.Remove(s.kept(mine.check, "seen")) // of where it was before
	return s.openUp(ctx)
}

// openUp lets a database that is ready be sent by.
func (s *server) openUp(ctx context.Context) error {
	res, err := s.db.ExecContext(ctx, "UPDATE meta SET state = $1 WHERE state = $2", stateOpen, stateReady)
	if err != nil {
		return s.explain(err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("it is not ready: %w", cmp.Or(err, errors.New("somebody else is moving it")))
	}
	return nil
}

// toFile moves a database to a file, under another name until all is there.
func (m *mover) toFile(ctx context.Context, text string) error {
	path, err := placeOf(m.opt.Path)
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	m.moved.To = path + " on " + host // of the same name there may be one on each
	was, err := m.from.store.sealedFor(ctx)
	if err != nil {
		return err
	}
	incoming := path + ".incoming"
	there, ready := m.isThere(path), m.isThere(incoming)
	switch {
	case was.place != "" && was.place != m.moved.To:
		return movedTo(m.from.path, was.place)
	case was.done && there:
		m.moved.Before = true
		return nil
	case was.done && ready:
		return m.nameFile(incoming, path)
	case was.done:
		return m.lost()
	}
	for _, name := range []string{path, secretPath(path)} {
		if _, err := os.Stat(name); err == nil {
			return wrong(pipeline.Usage, path, "there is a ledger already, or its secret", "name another place with --to")
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := m.seal(ctx); err != nil {
		return err
	}
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
	if err := m.makeFile(ctx, incoming); err != nil {
		return err
	}
	if err := m.complete(ctx); err != nil {
		return err
	}
	return m.nameFile(incoming, path)
}

// isThere reports whether the ledger lies at a path with its secret; that of one that is being named may have its name.
func (m *mover) isThere(path string) bool {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return false
	}
	for _, name := range []string{secretPath(path), secretPath(strings.TrimSuffix(path, ".incoming"))} {
		if key, err := readSecret(name); err == nil && bytes.Equal(key.check(), m.from.secret.check()) {
			return true
		}
	}
	return false
}

// makeFile copies all into a file, and sees that nothing of it lies beside.
func (m *mover) makeFile(ctx context.Context, path string) error {
	opt := m.opt
	opt.Path, opt.Create = path, true
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
	os.Remove(path + ".lock")
	os.Remove(file{to}.runsFolder())
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		return errors.New("somebody else has " + path + " open")
	}
	return syncFolder(filepath.Dir(path))
}

// nameFile gives a file that is all there its name. Its secret has the name first: without it nobody can send.
func (m *mover) nameFile(incoming, path string) error {
	if err := os.Rename(secretPath(incoming), secretPath(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(incoming, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}
