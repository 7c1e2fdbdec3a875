package ledger

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"hppsend/pipeline"
)

// file is a ledger in a SQLite database, which the processes of one machine share.
type file struct{ *Ledger }

func (l file) open(ctx context.Context, opt Options) error {
	path, err := placeOf(opt.Path)
	if err != nil {
		return err
	}
	l.path = path
	if err := oneName(path); err != nil {
		return err
	}
	exists, err := l.exists()
	if err != nil {
		return err
	}
	if !exists && !opt.Create {
		return &pipeline.Error{
			Kind: pipeline.Usage, Problem: "ledger " + l.path, Err: ErrMissing,
			Todo: "if no link was ever sent from here, make one with hppsend ledger create, or run --create-ledger; if it should be here, find it first: without it everything would be sent again",
		}
	}
	if err := os.MkdirAll(l.runsFolder(), 0o700); err != nil {
		return err
	}
	if kind, err := onNetwork(filepath.Dir(l.path)); err != nil {
		return err
	} else if kind != "" && !opt.Network {
		return wrong(pipeline.Usage, l.path,
			"it would lie on a network file system ("+kind+"), whose locks do not hold against crashes and other machines",
			"name a place on a disk of this machine with --ledger; or say --network-ledger if no other machine ever uses it")
	}
	// One process at a time makes or opens it, so that two first runs do not make two secrets.
	lock := flock.New(l.path + ".lock")
	if err := l.await(ctx, lock); err != nil {
		return err
	}
	defer lock.Unlock()
	if exists, err = l.exists(); err != nil {
		return err
	}
	var first bool
	if l.secret, first, err = l.openSecret(exists, opt.Replace); err != nil {
		return err
	}
	if !exists { // so that nobody else can read it, nor the files that SQLite puts beside it
		f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		f.Close()
	}
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: l.path}).EscapedPath(), RawQuery: url.Values{
		"_pragma": {fmt.Sprintf("busy_timeout(%d)", cmp.Or(opt.Wait, 10*time.Second).Milliseconds()), "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"},
		"_txlock": {"immediate"},
	}.Encode()}
	if l.db, err = sql.Open("sqlite", dsn.String()); err != nil {
		return err
	}
	if l.conn, err = l.db.Conn(ctx); err != nil {
		return err
	}
	if err := l.migrate(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO meta VALUES ('environment', ?), ('secret', ?), ('made', ?)",
			opt.Environment, l.secret.check(), time.Now().UnixMilli())
		return err
	}); err != nil {
		return err
	}
	if err := l.verify(ctx, opt); err != nil || !first {
		return err
	}
	return settleSecret(l.path)
}

// opening is how long another process may take to make or open the ledger, and again how often it is
// looked whether it has.
const opening, again = 30 * time.Second, 20 * time.Millisecond

// await takes the lock under which a ledger is opened.
func (l file) await(ctx context.Context, lock *flock.Flock) error {
	within, cancel := context.WithTimeout(ctx, opening)
	defer cancel()
	_, err := lock.TryLockContext(within, again)
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		return wrong(pipeline.NoLedger, l.path, fmt.Sprintf("another process has been opening it for more than %s", opening),
			"see whether an hppsend hangs or was suspended, and end it")
	}
	return err
}

// onNetwork is networked, which tests stand in for.
var onNetwork = networked

// exists reports whether the database is there; an empty file is the trace of a first start cut short.
func (l file) exists() (bool, error) {
	info, err := os.Stat(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case info.IsDir():
		return false, wrong(pipeline.NoLedger, l.path, "it is a folder", "name a file with --ledger")
	}
	return info.Size() > 0, nil
}

// openSecret reads the secret, or makes one. That of a ledger in the making has a name of its own until
// the database is on disk, so that a secret without a database tells of one that was lost.
func (l file) openSecret(exists, replace bool) (key *secret, first bool, err error) {
	key, err = readSecret(secretPath(l.path))
	switch {
	case err == nil && !exists && !replace:
		return nil, false, wrong(pipeline.Usage, l.path, "it is gone or empty, and its secret is still there: it was lost",
			"restore it from a backup; to begin anew, say --create-ledger, and everything can be sent again")
	case err == nil || !errors.Is(err, fs.ErrNotExist):
		return key, false, err
	}
	key, err = readSecret(newSecretPath(l.path))
	switch {
	case err == nil || !errors.Is(err, fs.ErrNotExist):
		return key, true, err // of a first start that was cut short
	case exists:
		return nil, false, wrong(pipeline.NoLedger, l.path, "its secret, "+secretPath(l.path)+", is not there, so no contact can be recognised",
			"put the secret back from the same backup as the ledger")
	}
	key, err = newSecret(newSecretPath(l.path))
	return key, true, err
}

func (l file) verify(ctx context.Context, opt Options) error {
	var environment string
	var check []byte
	var made int64
	var moved sql.NullString
	if err := l.conn.QueryRowContext(ctx, `SELECT (SELECT value FROM meta WHERE name = 'environment'),
		(SELECT value FROM meta WHERE name = 'secret'), (SELECT value FROM meta WHERE name = 'made'), (SELECT value FROM meta WHERE name = 'moved')`).
		Scan(&environment, &check, &made, &moved); err != nil {
		return err
	}
	if moved.Valid && !opt.Sealed {
		return movedTo(l.path, moved.String)
	}
	l.made, l.environment = time.UnixMilli(made), environment
	if environment != opt.Environment {
		return otherEnvironment(l.path, environment, opt.Environment)
	}
	if !bytes.Equal(check, l.secret.check()) {
		return wrong(pipeline.NoLedger, l.path, "the secret beside it is that of another ledger",
			"put the secret back from the same backup as the ledger")
	}
	return nil
}

// reason says in our words why the database cannot be opened.
func (l file) reason(err error) (problem, todo string, cause error) {
	var code *sqlite.Error
	switch {
	case damaged(err):
		return "it is damaged, or no ledger", restore, err
	case errors.As(err, &code) && (code.Code()&0xff == sqlite3.SQLITE_BUSY || code.Code()&0xff == sqlite3.SQLITE_LOCKED):
		return "another process keeps it to itself", "try again in a moment", err
	}
	return "it cannot be opened", "look at the file and its folder: who owns them, and is there room on the disk?", err
}

func (l file) todo(err error, reading bool) string {
	switch {
	case damaged(err):
		return restore
	case reading:
		return "see that its disk is there and can be read; the same command then goes on"
	}
	return "see that its disk has room and can be written; the same command then goes on where this one stopped"
}

const restore = "restore it with its secret from a backup; what was sent since that backup is not known to it"

// damaged reports whether an error says that the database itself is broken.
func damaged(err error) bool {
	var code *sqlite.Error
	return errors.As(err, &code) && (code.Code()&0xff == sqlite3.SQLITE_NOTADB || code.Code()&0xff == sqlite3.SQLITE_CORRUPT)
}

// fileWords are the words of ours in the statements of the rules.
var fileWords = strings.NewReplacer("{whole}", "TRUE", "{true}", "1", "{shared}", "FALSE", "{owner}", "intent", "{schema}", fmt.Sprint(len(migrations)), "{begin}", "BEGIN IMMEDIATE", "{fresh}", fresh, "{among}", "SELECT value FROM json_each(?)", "{digests}", "SELECT unhex(value) FROM json_each(?)",
	" {lock}", "", "{lives run}", "NULL", "{lives i}", "NULL")

func (l file) sql(query string) string { return fileWords.Replace(query) }

func (l file) args(args []any) []any { return args }

// many makes none: one statement after another costs less than those that make many changes.
func (l file) many(_ *txn, group []*op) ([]*op, error) { return group, nil }

func (l file) within() (context.Context, context.CancelFunc) { return context.Background(), func() {} }

// alone and freeze have nothing to do: one transaction at a time writes.
func (l file) alone(*txn) error                  { return nil }
func (l file) freeze(*txn, string, ...any) error { return nil }

func (l file) connect(context.Context) error { return nil }

// again tries nothing again: a statement has waited for other processes already.
func (l file) again(error, int, time.Time) bool { return false }

// tidy gives the room that is free back to the disk, unless somebody else is at the ledger. Sessions are random, so a
// stretch of a purge changes most pages of their index, and beside a run the log of these is never begun anew by
// itself: it was eight times the ledger in the end.
func (l file) tidy(ctx context.Context, end bool) {
	switch {
	case !end:
		l.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	case l.info().Size < maxVacuum:
		l.db.ExecContext(ctx, "VACUUM")
	}
}

// maxVacuum is the size in bytes from which the room stays with the ledger, for what comes: to give it back
// locks everybody out for as long as the whole takes to be written again, and runs wait ten seconds at most.
const maxVacuum = 256 << 20

func (l file) info() Info {
	var info Info
	for _, name := range []string{l.path, l.path + "-wal"} {
		if st, err := os.Stat(name); err == nil {
			info.Size += st.Size()
		}
	}
	return info
}

func (l file) close() error { return nil }

func (l file) seal(t *txn, place string) error {
	if err := t.exec("INSERT INTO meta VALUES ('moved', ?) ON CONFLICT DO NOTHING", place); err != nil {
		return err
	}
	moved := ""
	if err := t.get([]any{&moved}, "SELECT value FROM meta WHERE name = 'moved'"); err != nil {
		return err
	}
	if moved != place {
		return movedTo(l.path, moved)
	}
	// A program that does not know of this, or has opened it before, begins no run either.
	return t.exec(`CREATE TRIGGER IF NOT EXISTS moved BEFORE INSERT ON run BEGIN SELECT RAISE(ABORT, 'this ledger was moved elsewhere'); END`)
}

func (l file) sealDone(t *txn) error {
	return t.exec("INSERT INTO meta VALUES ('copied', 1) ON CONFLICT DO NOTHING")
}

func (l file) sealedFor(ctx context.Context) (to sealedTo, err error) {
	err = l.row(ctx, "SELECT coalesce((SELECT value FROM meta WHERE name = 'moved'), ''), EXISTS (SELECT 1 FROM meta WHERE name = 'copied')").Scan(&to.place, &to.done)
	return to, err
}

func (l file) secretText() (string, error) {
	text, err := os.ReadFile(secretPath(l.path))
	return string(text), err
}

// lockFile is the file of a living run, which holds the lock on it until its end, however it ends.
type lockFile struct{ *flock.Flock }

func (l file) hold(_ context.Context, run string) (hold, error) {
	lock := flock.New(l.lockFile(run), flock.SetPermissions(0o600))
	if ok, err := lock.TryLock(); err != nil || !ok {
		return nil, fmt.Errorf("lock the file of run %s: %w", run, cmp.Or(err, errors.New("another process has it")))
	}
	return lockFile{lock}, nil
}

func (lockFile) entered(*txn, int64) error   { return nil }
func (lockFile) lost() error                 { return nil }
func (lockFile) ready(context.Context) error { return nil }

func (l lockFile) release() {
	os.Remove(l.Path())
	l.Unlock()
}

func (l file) lives(run string, _ sql.NullBool) bool { return held(l.lockFile(run)) }

func (l file) fading(context.Context, string) bool { return false }

func (l file) bury(_ *txn, _ int64, run string) (bool, error) {
	os.Remove(l.lockFile(run))
	return true, nil
}

func (l file) runsFolder() string { return filepath.Clean(l.path) + ".runs" }

func (l file) lockFile(id string) string { return filepath.Join(l.runsFolder(), id+".lock") }

// held reports whether somebody has the lock on the file of a run. In doubt somebody has, so that nothing is
// sent on a guess.
func held(path string) bool {
	if _, err := os.Stat(path); err != nil {
		return false
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryRLock()
	lock.Close()
	return !free && !errors.Is(err, os.ErrNotExist)
}
