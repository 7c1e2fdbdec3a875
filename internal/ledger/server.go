package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"hppsend/pipeline"
)

// server is a ledger in a PostgreSQL database, which many machines share. It has a schema of its own there.
type server struct {
	*Ledger
	config *pgx.ConnConfig
	schema string
	folder string        // of secrets and memories
	wait   time.Duration // how long a change is tried again
	check  []byte        // of its secret
	broken bool          // the writing goroutine's connection is to be replaced
	life   life
	marked atomic.Int64 // the highest mark that this process has seen
}

// OnServer reports whether a ledger's place is a database that many machines share.
func OnServer(place string) bool {
	scheme, _, found := strings.Cut(strings.ToLower(place), "://")
	return found && (scheme == "postgres" || scheme == "postgresql")
}

// newServer reads the address of a database. A password in it is refused, since addresses are shown.
func newServer(l *Ledger, opt Options) (*server, error) {
	const todo = "write it like postgres://user@host/database; the password is taken from PGPASSWORD, ~/.pgpass or a file named by PGPASSFILE"
	u, err := url.Parse(opt.Path)
	if err != nil { // which would show it
		return nil, &pipeline.Error{Kind: pipeline.Usage, Problem: "the address of the ledger's database cannot be read", Todo: todo}
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") || u.Query().Has("sslpassword") {
		return nil, &pipeline.Error{Kind: pipeline.Usage, Problem: "there is a password in the address of the ledger's database, and addresses are shown to others", Todo: todo}
	}
	l.path = u.String()
	config, err := pgx.ParseConfig(opt.Path)
	if err != nil {
		return nil, &pipeline.Error{Kind: pipeline.Usage, Problem: "ledger " + l.path + ": its address is not understood", Todo: todo, Err: errors.Unwrap(err)}
	}
	s := &server{
		Ledger: l, schema: cmp.Or(config.RuntimeParams["search_path"], "hppsend"), folder: cmp.Or(opt.State, "."),
		wait: cmp.Or(opt.Grace, 10*time.Second),
	}
	s.life.server, l.store = s, s
	for name, value := range map[string]string{
		"application_name": "hppsend", "search_path": s.schema, "default_transaction_isolation": "read committed",
		// What a frozen process or a cut cable has begun is not to hold others up.
		"idle_in_transaction_session_timeout": "3s", "lock_timeout": "8s", "tcp_user_timeout": "4s",
		// A plan that was made while a table was empty is used until it has grown and was looked at.
		"enable_seqscan": "off", "jit": "off",
		"tcp_keepalives_idle": "2", "tcp_keepalives_interval": "1", "tcp_keepalives_count": "2",
	} {
		config.RuntimeParams[name] = value
	}
	config.ConnectTimeout = min(cmp.Or(config.ConnectTimeout, 5*time.Second), 5*time.Second)
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 2}}
	config.DialFunc = dialer.DialContext
	s.config = config.Copy()
	l.db = stdlib.OpenDB(*config, stdlib.OptionAfterConnect(s.connected))
	l.db.SetMaxIdleConns(4)
	l.db.SetMaxOpenConns(16)
	return s, nil
}

// connected makes sure that what a connection commits is on disk.
func (s *server) connected(ctx context.Context, c *pgx.Conn) error {
	var fsync, encoding string
	var standby bool
	if err := c.QueryRow(ctx, `SELECT set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
		THEN 'on' ELSE current_setting('synchronous_commit') END, FALSE), current_setting('fsync'), current_setting('server_encoding'), pg_is_in_recovery()`, pgx.QueryExecModeSimpleProtocol).Scan(new(string), &fsync, &encoding, &standby); err != nil {
		return err
	}
	switch {
	case standby:
		return wrong(pipeline.NoLedger, s.path, "it is a standby, which can only be read", "name the primary, or say target_session_attrs=read-write in the address")
	case encoding != "UTF8":
		return wrong(pipeline.NoLedger, s.path, "the database is not in UTF-8", "make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0")
	case fsync != "on":
		return wrong(pipeline.NoLedger, s.path, "the server has fsync turned off, so a power cut loses what was committed", "turn it on in postgresql.conf")
	}
	return nil
}

func (s *server) open(ctx context.Context, opt Options) (err error) {
	ctx, cancel := context.WithTimeout(ctx, opening)
	defer cancel()
	if err := s.throughPooler(ctx); err != nil {
		return err
	}
	if err := s.exists(ctx); errors.Is(err, ErrMissing) && opt.Create {
		if err := s.create(ctx, opt.Environment); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if err := s.verify(ctx, opt); err != nil {
		return err
	}
	s.conn, err = s.db.Conn(ctx)
	return err
}

// throughPooler refuses a way on which several sessions share one connection: a lock of a session is then of all.
func (s *server) throughPooler(ctx context.Context) error {
	var pids [2]int64
	for i := range pids {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		if err := conn.QueryRowContext(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pids[i]); err != nil {
			return err
		}
	}
	if pids[0] == pids[1] {
		return wrong(pipeline.Usage, s.path, "it is reached through a pooler that gives one connection to several sessions, so no lock says who is alive", "name the database itself")
	}
	return nil
}

// exists gives ErrMissing where the schema has no ledger.
func (s *server) exists(ctx context.Context) error {
	var there bool
	err := s.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'meta')", s.schema).Scan(&there)
	if err == nil && !there {
		err = &pipeline.Error{
			Kind: pipeline.Usage, Problem: "ledger " + s.path, Err: ErrMissing,
			Todo: "make it with hppsend ledger create; if it should be here, find it first: without it everything would be sent again",
		}
	}
	return err
}

func (s *server) sql(query string) string { return Numbered(serverWords.Replace(query)) }

// Numbered gives a statement with ? for its values as PostgreSQL takes it; ?3 is the third.
func Numbered(query string) string {
	var out strings.Builder
	n := 0
	for {
		before, after, found := strings.Cut(query, "?")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		if n++; after == "" || after[0] < '1' || after[0] > '9' { // else it has its number
			out.WriteString("$" + strconv.Itoa(n))
		} else {
			out.WriteString("$")
		}
		query = after
	}
}

// serverWords are the words of ours in the statements of the rules.
var serverWords = strings.NewReplacer("{whole}", "run.part_of IS NULL", "{true}", "TRUE", "{shared}", "run.shared", "{schema}", strconv.Itoa(100+len(serverMigrations)),
	"{owner}", "coalesce((SELECT part_of FROM run WHERE number = record.intent), intent)", "{begin}", "BEGIN", "{fresh}", "nextval('version')", "{among}", "SELECT json_array_elements_text(?::json)", "{digests}", "SELECT decode(json_array_elements_text(?::json), 'hex')",
	"{lock}", "FOR UPDATE", "{lives run}", "(run.ended IS NULL AND (run.shared OR lives(run.process)))", "{lives i}", "(i.ended IS NULL AND lives(i.process))")

// args has texts that PostgreSQL takes: names of files and answers of servers may hold others.
func (s *server) args(args []any) []any {
	out := slices.Clone(args)
	for i, v := range out {
		switch v := v.(type) {
		case string:
			out[i] = Storable(v)
		case pipeline.Status:
			out[i] = string(v)
		case []string:
			all := make([]string, len(v))
			for i, text := range v {
				all[i] = Storable(text)
			}
			out[i] = all
		}
	}
	return out
}

// Storable is a text that PostgreSQL takes: without what is no UTF-8, or a NUL.
func Storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

func (s *server) reason(err error) (problem, todo string, cause error) {
	var code *pgconn.PgError
	if errors.As(err, &code) { // its own words, without the tries at the same server
		err = errors.New(code.Message)
	} else if within := (*net.OpError)(nil); errors.As(err, &within) {
		err = within
	}
	switch {
	case code == nil && errors.Is(err, context.DeadlineExceeded):
		return "the server does not answer", "see that it runs, and that the address is right", nil
	case code == nil:
		return "the server cannot be reached", "see that it runs, and that the address is right", err
	}
	switch code.Code {
	case "42501", "42P01", "3F000":
		return "the user may not do that there", "let an administrator grant it: hppsend help machines has the statements", err
	case "28P01", "28000":
		return "the server does not let the user in", "see to PGPASSWORD or ~/.pgpass, and to the user in the address", err
	case "3D000":
		return "the server has no such database", "let an administrator make it, or name another in the address", err
	case "08P01", "42P05", "26000":
		return "it is reached through a pooler that does not keep what a session is", "name the database itself", err
	}
	return "it cannot be opened", "see to the database, and what its log says", err
}

func (s *server) todo(err error, _ bool) string {
	var code *pgconn.PgError
	if errors.As(err, &code) && code.Code == "42501" {
		return "let an administrator grant it: hppsend help machines has the statements"
	}
	return "see that the database can be reached, and has room; the same command then goes on where this one stopped"
}

// lives believes what the database says.
func (s *server) lives(_ string, told sql.NullBool) bool { return told.Bool }

// fading sees whether its process has no lock any more: it is gone, or takes it again after a cut within a second.
func (s *server) fading(ctx context.Context, run string) bool {
	var free bool
	err := s.row(ctx, "SELECT ended IS NULL AND NOT shared AND NOT locked(process) FROM run WHERE id = ?", run).Scan(&free)
	return err == nil && free
}

func (s *server) tidy(context.Context, bool) {} // the database sees to it by itself

func (s *server) info() Info {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return Info{Size: s.takes(ctx, s.schema)}
}

// takes is how many bytes the tables of a schema take, with their indexes.
func (s *server) takes(ctx context.Context, schema string) (size int64) {
	s.db.QueryRowContext(ctx, "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'", schema).
		Scan(&size)
	return size
}
