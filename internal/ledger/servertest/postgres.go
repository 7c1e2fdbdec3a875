// Package servertest starts a PostgreSQL server for a test binary. Start from [NewPostgres].
package servertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// Postgres is a PostgreSQL server of a test binary's own, reached by a socket in its folder.
type Postgres struct {
	bin, folder string
	server      *exec.Cmd
	ended       chan struct{}
	databases   atomic.Int32
	template    string // of databases; empty for the server's own
	apart       bool   // it is on a network of its own; see Router
}

var shared = struct {
	sync.Mutex
	server *Postgres
	err    error
	asked  bool
}{}

// Shared is a server that the tests of a binary share, from the first on that needs it. A test is skipped where there
// can be none. The binary's TestMain ends it by [CloseShared].
func Shared(t testing.TB) *Postgres {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.asked {
		shared.asked = true
		if shared.server, shared.err = NewPostgres(); shared.server != nil {
			shared.err = shared.server.prepare()
		}
	}
	switch {
	case shared.err != nil:
		t.Fatal(shared.err)
	case shared.server == nil:
		t.Skip("there is no PostgreSQL here")
	}
	return shared.server
}

// prepare has the databases of the server begin with the tables of the queue, which take longest to make: a ledger that
// is made there finds them.
func (p *Postgres) prepare() error {
	ctx := context.Background()
	admin, err := pgx.Connect(ctx, p.URL("postgres"))
	if err != nil {
		return err
	}
	defer admin.Close(ctx)
	if _, err := admin.Exec(ctx, "CREATE DATABASE prepared"); err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, p.URL("prepared")+"&search_path=hppsend")
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, "CREATE SCHEMA hppsend"); err != nil {
		return err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	p.template = "prepared"
	return err
}

// Own is a server of a test's own, which it may kill. It ends with the test, which is skipped where there can be none.
func Own(t testing.TB) *Postgres {
	t.Helper()
	return own(t, false)
}

func own(t testing.TB, apart bool) *Postgres {
	t.Helper()
	p, err := newPostgres(apart)
	switch {
	case err != nil:
		t.Fatal(err)
	case p == nil:
		t.Skip("there is no PostgreSQL here")
	}
	t.Cleanup(p.Close)
	return p
}

// CloseShared ends the shared server, if there is one.
func CloseShared() {
	shared.Lock()
	defer shared.Unlock()
	shared.server.Close()
}

// NewPostgres makes a server with Debian's programs and starts it, as a user that is not root. It gives nil where there
// are no such programs, which it says, and which is an error where CI is set. The caller closes it.
func NewPostgres() (*Postgres, error) { return newPostgres(false) }

func newPostgres(apart bool) (*Postgres, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		if os.Getenv("CI") != "" {
			return nil, errors.New("there is no PostgreSQL here")
		}
		leftOut()
		return nil, nil
	}
	p := &Postgres{bin: filepath.Dir(slices.Max(found)), apart: apart}
	if err := p.newFolder(); err != nil {
		return nil, err
	}
	initdb := p.command("initdb", "--pgdata", p.Data(), "--username", "hppsend", "--auth", "trust", "--no-sync", "--encoding", "UTF8", "--locale", "C.UTF-8")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	return p, p.Start()
}

var leftOut = sync.OnceFunc(func() {
	fmt.Println("The tests of a ledger in PostgreSQL are left out: there is none here. Debian's package is called postgresql.")
})

// newFolder makes the folder of a server.
func (p *Postgres) newFolder() (err error) {
	memory := "/dev/shm" // what is tested is what is committed and when, and not whether a disk keeps it
	if _, err := os.Stat(memory); err != nil {
		memory = ""
	}
	if p.folder, err = os.MkdirTemp(memory, "hppsend-postgres-"); err != nil || os.Getuid() != 0 {
		return err
	}
	uid, gid, err := lesser()
	if err == nil {
		err = os.Chown(p.folder, uid, gid)
	}
	return err
}

// Standby makes another server that follows this one, and starts it. The caller closes it.
func (p *Postgres) Standby() (*Postgres, error) {
	s := &Postgres{bin: p.bin}
	if err := s.newFolder(); err != nil {
		return nil, err
	}
	copied := s.command("pg_basebackup", "-D", s.Data(), "-h", p.folder, "-U", "hppsend", "-R", "-X", "stream", "-c", "fast", "--no-sync")
	if out, err := copied.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pg_basebackup: %w: %s", err, out)
	}
	return s, s.Start()
}

// lesser is a user that may run a server when root may not.
func lesser() (uid, gid int, err error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return 0, 0, err
		}
	}
	if uid, err = strconv.Atoi(u.Uid); err == nil {
		gid, err = strconv.Atoi(u.Gid)
	}
	return uid, gid, err
}

// Data is the folder of the databases.
func (p *Postgres) Data() string { return filepath.Join(p.folder, "data") }

func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir = p.folder
	AsLesser(cmd)
	return cmd
}

// Start starts the server and waits until it answers.
func (p *Postgres) Start() error {
	listen := ""
	if p.apart {
		listen = "*"
	}
	p.server = p.command("postgres", "-D", p.Data(), "-k", p.folder, "-c", "listen_addresses="+listen, "-c", "max_connections=300", "-c", "max_wal_size=256MB")
	if p.apart {
		onOwnNetwork(p.server)
	}
	log, err := os.Create(filepath.Join(os.TempDir(), filepath.Base(p.folder)+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	defer os.Remove(log.Name())
	p.server.Stderr = log
	if err := p.server.Start(); err != nil {
		return err
	}
	ended, server := make(chan struct{}), p.server
	p.ended = ended
	go func() {
		server.Wait()
		close(ended)
	}()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		c, err := pgx.Connect(ctx, p.URL("postgres"))
		cancel()
		if err == nil {
			return c.Close(context.Background())
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-p.ended:
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("the server ended: %s", text)
		}
	}
}

// Kill ends the server at once, without a word to anybody; it recovers at the next start from what it had on disk.
func (p *Postgres) Kill() {
	p.server.Process.Signal(syscall.SIGQUIT) // its children end with it, which they do not if it is killed
	<-p.ended
}

// Close ends the server and takes its folder away.
func (p *Postgres) Close() {
	if p == nil {
		return
	}
	p.server.Process.Signal(os.Interrupt)
	<-p.ended
	os.RemoveAll(p.folder)
}

// URL is the address of a database.
func (p *Postgres) URL(database string) string {
	return "postgres://hppsend@/" + database + "?host=" + url.QueryEscape(p.folder)
}

// Database makes an empty database for a test and gives its address.
func (p *Postgres) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", p.databases.Add(1))
	p.Exec(t, "postgres", "CREATE DATABASE "+name+" TEMPLATE "+cmp.Or(p.template, "template1"))
	return p.URL(name)
}

// Copy makes a database for a test that holds what another does, which nobody may be using, and gives its address.
func (p *Postgres) Copy(t testing.TB, of string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", p.databases.Add(1))
	before, _, _ := strings.Cut(of, "?")
	p.Exec(t, "postgres", "CREATE DATABASE "+name+" TEMPLATE "+before[strings.LastIndex(before, "/")+1:])
	return p.URL(name)
}

// Dump is all that a database holds, as text.
func (p *Postgres) Dump(t testing.TB, address string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(p.bin, "pg_dump"), "--inserts", address).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Exec runs a statement in a database.
func (p *Postgres) Exec(t testing.TB, database, statement string) {
	t.Helper()
	c, err := pgx.Connect(context.Background(), p.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(context.Background(), statement); err != nil {
		t.Fatal(err)
	}
}
