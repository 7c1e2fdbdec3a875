package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"hppsend/pipeline"
)

// memory is what this machine has last seen of a ledger's database. After a fail-over to a standby that lagged, or a
// restore to an earlier time, the ledger knows less than it did: then the cluster is another one or begins another
// timeline, or its log ends before where it was seen.
type memory struct {
	Cluster string `json:"cluster"` // its system identifier and timeline
	Log     int64  `json:"log"`     // bytes of the write-ahead log
}

// clusterNow and seenNow ask for what a memory is of.
const clusterNow = `(SELECT system_identifier::text FROM pg_control_system()) || '-' || (SELECT substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))`

const seenNow = clusterNow + `,
	(pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint`

func (s *server) memoryFile() string { return s.kept(s.secret.check(), "seen") }

// remember compares what is there with what this machine has seen, and keeps the newer. Looking is always allowed.
func (s *server) remember(ctx context.Context, looking bool) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if looking {
		return nil
	}
	return s.back(ctx, conn)
}

// back refuses a database that knows less than this machine has seen, unless somebody has accounted for the gap.
func (s *server) back(ctx context.Context, conn *sql.Conn) error {
	var accepted bool
	was, now, err := s.seen(ctx, conn)
	if err != nil {
		return err
	}
	if was == (memory{}) || was.Cluster == now.Cluster && was.Log <= now.Log {
		return s.keep(now)
	}
	if err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM accepted WHERE cluster = $1)", gapOf(was, now)).Scan(&accepted); err != nil {
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

// seen gives what this machine has seen of the database, nothing where it has not, and what is there now.
func (s *server) seen(ctx context.Context, conn *sql.Conn) (was, now memory, err error) {
	if err := conn.QueryRowContext(ctx, "SELECT "+seenNow).Scan(&now.Cluster, &now.Log); err != nil {
		return was, now, err
	}
	text, err := os.ReadFile(s.memoryFile())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return was, now, nil
	case err != nil:
		return was, now, err
	}
	return was, now, json.Unmarshal(text, &was)
}

// gapOf names a gap. Whoever has accounted for a cluster has done so for all who saw the one before; on one and the
// same, for those who saw no more.
func gapOf(was, now memory) string {
	if was.Cluster == now.Cluster {
		return fmt.Sprintf("%s from %d", now.Cluster, was.Log)
	}
	return now.Cluster
}

// keep writes down what was seen. Where that fails a gap may go unseen, and nothing else.
func (s *server) keep(now memory) error {
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	next := s.memoryFile() + ".new"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, s.memoryFile())
}

// say says that a process lives. It reports false when the process was taken for dead.
func (s *server) say(ctx context.Context, conn *sql.Conn, process int64) (heard bool, err error) {
	var now memory
	err = conn.QueryRowContext(ctx, "UPDATE beat SET heard = clock_timestamp() WHERE process = $1 RETURNING "+seenNow, process).Scan(&now.Cluster, &now.Log)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		s.keep(now)
	}
	return err == nil, err
}
