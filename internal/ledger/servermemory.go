package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"hppsend/pipeline"
)

// memory is what this machine has last seen of a ledger's database. After a fail-over to a standby that lagged, or a
// restore to an earlier time, the ledger knows less than it did: then the cluster is another one or begins another
// timeline, or its mark is lower than it was.
type memory struct {
	Cluster string `json:"cluster"` // its system identifier and timeline
	Mark    int64  `json:"mark"`
	Time    int64  `json:"time"` // by the database's clock, Unix microseconds
}

// seenNow asks for a memory, but for its mark; grow is a part of a statement that makes the mark grow, under the name g.
const (
	seenNow = `(SELECT system_identifier::text FROM pg_control_system()) || '-' || (SELECT substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)),
		(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`
	grow = "WITH g AS (UPDATE mark SET value = value + 1 RETURNING value) "
)

func (m *memory) fields() []any { return []any{&m.Mark, &m.Cluster, &m.Time} }

func (s *server) memoryFile() string { return s.kept(s.check, "seen") }

// back refuses a database that knows less than this machine has seen, unless somebody has accounted for that since.
func (s *server) back(ctx context.Context, conn *sql.Conn) error {
	var accepted bool
	was, now, err := s.seen(ctx, conn)
	if err != nil {
		return err
	}
	if was == (memory{}) || was.Cluster == now.Cluster && was.Mark <= now.Mark {
		return s.keep(now)
	}
	if err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM accepted WHERE time > timestamptz 'epoch' + $1 * interval '1 microsecond')", was.Time).Scan(&accepted); err != nil {
		return err
	}
	if accepted {
		return s.keep(now)
	}
	return forGood{&pipeline.Error{
		Kind: pipeline.NoLedger, Problem: "ledger " + s.path + ": its database was restored, or another took its place: what was sent last may not be known to it",
		Todo: "find out what was sent in the meantime, and see that it is in no file any more; then say hppsend ledger accept",
	}}
}

// seen gives what this machine has seen of the database, nothing where it has not, and what is there now. The first is
// read first, since others on this machine go on.
func (s *server) seen(ctx context.Context, conn *sql.Conn) (was, now memory, err error) {
	text, err := os.ReadFile(s.memoryFile())
	if err == nil && json.Unmarshal(text, &was) != nil {
		return was, now, wrong(pipeline.NoLedger, s.path, s.memoryFile()+" does not tell how far the database was seen", "take that file away, if the database was not put back to an earlier time since")
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = conn.QueryRowContext(ctx, "SELECT (SELECT value FROM mark), "+seenNow).Scan(now.fields()...)
	}
	return was, now, err
}

// keep writes down what was seen.
func (s *server) keep(now memory) error {
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	next, err := os.CreateTemp(s.folder, "ledger-*.new")
	if err != nil {
		return err
	}
	_, err = next.Write(text)
	if err == nil {
		err = next.Sync()
	}
	if cerr := next.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(next.Name(), s.memoryFile())
	}
	if err != nil {
		os.Remove(next.Name())
	}
	return err
}

// note keeps what was seen on a connection that was looked at before. A mark that is lower than one before is not kept,
// so that it tells the next who looks.
func (s *server) note(now memory) error {
	for {
		last := s.marked.Load()
		if now.Mark < last {
			return nil
		}
		if s.marked.CompareAndSwap(last, now.Mark) {
			return s.keep(now)
		}
	}
}

// say says that a process lives. It reports false when the process was taken for dead.
func (s *server) say(ctx context.Context, conn *sql.Conn, process int64) (heard bool, err error) {
	var now memory
	err = conn.QueryRowContext(ctx, grow+"UPDATE beat SET heard = clock_timestamp() WHERE process = $1 RETURNING (SELECT value FROM g), "+seenNow, process).Scan(now.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		s.note(now)
	}
	return err == nil, err
}

// leave takes a process out, so that nobody waits for it.
func (s *server) leave(ctx context.Context, conn *sql.Conn, process int64) {
	var now memory
	if err := conn.QueryRowContext(ctx, grow+"DELETE FROM beat WHERE process = $1 RETURNING (SELECT value FROM g), "+seenNow, process).Scan(now.fields()...); err == nil {
		s.note(now)
	}
}

// enter enters a process.
func (s *server) enter(ctx context.Context, conn *sql.Conn) (process int64, err error) {
	var now memory
	err = conn.QueryRowContext(ctx, grow+"INSERT INTO beat DEFAULT VALUES RETURNING process, (SELECT value FROM g), "+seenNow).Scan(append([]any{&process}, now.fields()...)...)
	if err == nil {
		err = s.note(now)
	}
	return process, err
}
