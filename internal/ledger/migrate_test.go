package ledger

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofrs/flock"

	"hppsend/pipeline"
)

const sessionUUID = "abcdef00-0000-4000-8000-00000000ab01"

// earlier makes a ledger of the first version with records of one session to one contact, each in a form,
// with a status, and one settlement of each.
func earlier(t *testing.T, records ...[2]string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "ledger[1].db") // a name that means something in a pattern
	was := migrations
	migrations = was[:1]
	l, err := Open(t.Context(), Options{Path: path, Environment: "sandbox", Create: true})
	migrations = was
	if err != nil {
		t.Fatal(err)
	}
	contact := l.Digest("a@example.com")
	err = l.update(t.Context(), changeFunc(func(t *txn) error {
		id, err := t.target(target)
		if err != nil {
			return err
		}
		if err := t.exec(`INSERT INTO run (id, target, user_name, label, reminder, path, sha256, sheet, options, version, host, pid, started)
			VALUES ('old', ?, '', '', '', 'old.csv', x'00', '', '{}', '', '', 1, 1)`, id); err != nil {
			return err
		}
		for i, r := range records {
			intent := any(nil)
			if r[1] == "open" {
				r[1], intent = "", 1
			}
			if err := t.exec(`INSERT INTO distribution (session, target, reminder, method, contact, country, other, sheet, row, intent, run, time,
				attempts, status, binding) VALUES (?, ?, '', 'email', ?, '', x'', '', ?, ?, 1, ?, 1, ?, ?)`,
				r[0], id, contact[:], i, intent, 1000+i, r[1], r[1] == "rejected"); err != nil {
				return err
			}
			if err := t.exec("INSERT INTO settlement VALUES ((SELECT max(id) FROM distribution), 'x', 'y', 'z', 1)"); err != nil {
				return err
			}
		}
		return nil
	}))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Every form of a session that an earlier version kept is found again, and of several records of one
// distribution the weightiest stays.
func TestOlderLedgerIsBroughtToOneForm(t *testing.T) {
	braces, urn, bare, capitals := "{"+strings.ToUpper(sessionUUID)+"}", "urn:uuid:"+sessionUUID, strings.ReplaceAll(sessionUUID, "-", ""), strings.ToUpper(sessionUUID)
	for _, tt := range []struct {
		records [][2]string
		want    pipeline.Status
	}{
		{[][2]string{{braces, "delivered"}}, pipeline.Delivered},
		{[][2]string{{urn, "uncertain"}}, pipeline.Uncertain},
		{[][2]string{{bare, "open"}}, pipeline.Uncertain},
		{[][2]string{{sessionUUID, "open"}}, pipeline.Uncertain},
		{[][2]string{{sessionUUID, "failed"}, {braces, "delivered"}}, pipeline.Delivered},
		{[][2]string{{braces, "delivered"}, {sessionUUID, "failed"}}, pipeline.Delivered},
		{[][2]string{{sessionUUID, "delivered"}, {bare, "open"}}, pipeline.Delivered},
		{[][2]string{{sessionUUID, "rejected"}, {bare, "open"}, {urn, "failed"}}, pipeline.Uncertain},
		{[][2]string{{capitals, "rejected"}, {bare, "failed"}, {urn, "failed"}}, pipeline.Rejected},
		{[][2]string{{capitals, ""}, {bare, "failed"}}, pipeline.Failed},
		{[][2]string{{capitals, "failed"}, {bare, "uncertain"}, {urn, "rejected"}, {braces, "delivered"}}, pipeline.Delivered},
	} {
		path := earlier(t, tt.records...)
		for range 2 { // the second finds it done
			l := reopened(t, path)
			got, err := l.View(target).Lookup(t.Context(), []string{sessionUUID})
			if err != nil || len(got[0]) != 1 || got[0][0].Status != tt.want || got[0][0].Intent != pipeline.NoIntent {
				t.Errorf("%v becomes %+v, %v; want one that is %s", tt.records, got, err, tt.want)
			}
			var attempts, strays int
			if err := l.db.QueryRowContext(t.Context(), `SELECT (SELECT sum(attempts) FROM record), (SELECT count(*) FROM settlement
				WHERE distribution NOT IN (SELECT id FROM record))`).Scan(&attempts, &strays); err != nil || attempts < len(tt.records) || strays > 0 {
				t.Errorf("%v: %d attempts, %d settlements of nothing, %v", tt.records, attempts, strays, err)
			}
		}
	}
}

// While an earlier version sends, its ledger is not taken over; and once it is taken over, a process of the
// earlier version that has it open can begin no run.
func TestOlderLedgerInUse(t *testing.T) {
	path := earlier(t, [2]string{sessionUUID, "failed"})
	was := migrations
	migrations = was[:1]
	old, err := Open(t.Context(), Options{Path: path, Environment: "sandbox"})
	migrations = was
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	lock := flock.New(file{old}.lockFile("living"))
	if ok, err := lock.TryLock(); err != nil || !ok {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Path: path, Environment: "sandbox"}); err == nil || !strings.Contains(err.Error(), "run living is under way") {
		t.Errorf("beside a living run it is opened: %v", err)
	}
	lock.Unlock()
	if err := os.Remove(file{old}.lockFile("living")); err != nil {
		t.Fatal(err)
	}
	l := reopened(t, path)
	begin := func(l *Ledger) error {
		return l.update(context.Background(), changeFunc(func(t *txn) error {
			return t.exec(`INSERT INTO run (id, target, user_name, label, reminder, path, sha256, sheet, options, version, host, pid, started)
				VALUES ('late', 1, '', '', '', 'old.csv', x'00', '', '{}', '', '', 1, 1)`)
		}))
	}
	if err := begin(old); err == nil || !strings.Contains(err.Error(), "later version") {
		t.Errorf("an earlier version begins a run: %v", err)
	}
	r := begun(t, l, "a")
	if err := r.End(t.Context(), pipeline.Finding{}, nil); err != nil {
		t.Error(err)
	}
}

// A migration is one transaction: one that is
// cut short leaves the ledger as it was.
func TestMigrationIsAllOrNothing(t *testing.T) {
	path := earlier(t, [2]string{"{" + sessionUUID + "}", "delivered"})
	was := migrations
	defer func() { migrations = was }()
	migrations = append(was[:3:3], migration{schema: "SELECT broken FROM nowhere"})
	if _, err := Open(t.Context(), Options{Path: path, Environment: "sandbox"}); err == nil {
		t.Fatal("a broken migration went through")
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var version int
	var session string
	if err := db.QueryRowContext(t.Context(), "SELECT session FROM distribution").Scan(&session); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRowContext(t.Context(), "PRAGMA user_version").Scan(&version); err != nil || version != 1 || session[0] != '{' {
		t.Errorf("version %d, session %s, %v", version, session, err)
	}
}

// Of the several records of a session, to other contacts and in other rounds, the first becomes the gate and
// the rest lie beneath it: all are found, and a claim that judged none is refused.
func TestOlderLedgerWithSeveralRecordsOfASession(t *testing.T) {
	path := earlier(t, [2]string{sessionUUID, "rejected"})
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, more := range []string{"'', x'02', 'delivered', NULL", "'may', x'01', 'failed', NULL", "'june', x'01', '', 1"} {
		if _, err := db.ExecContext(t.Context(), `INSERT INTO distribution (reminder, contact, status, intent, session, target, method, country,
			other, sheet, row, run, time, attempts) VALUES (`+more+`, ?, 1, 'email', '', x'', '', 9, 1, 2000, 1)`, "{"+sessionUUID+"}"); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	l := reopened(t, path)
	r := begun(t, l, "a")
	c := claimOf(1, "other@example.com")
	c.Distribution.Session = sessionUUID
	got, err := r.Claim(t.Context(), c)
	if err != nil || got.Ticket != 0 || got.Version <= 0 {
		t.Fatalf("a claim that judged nothing is answered %+v, %v", got, err)
	}
	var statuses []string
	for _, rec := range got.Records {
		statuses = append(statuses, string(rec.Status))
	}
	if got := strings.Join(statuses, " "); got != "rejected delivered failed uncertain" {
		t.Errorf("its records are %s", got)
	}
	var gates, seqs int
	if err := l.db.QueryRowContext(t.Context(), "SELECT count(*) FILTER (WHERE seq = 0 AND version > 0), count(DISTINCT seq) FROM record").
		Scan(&gates, &seqs); err != nil || gates != 1 || seqs != 4 {
		t.Errorf("%d gates and %d numbers, %v", gates, seqs, err)
	}
}

// A ledger that was made or brought up to date does not keep the room of tables that are no more.
func TestNoRoomIsKeptForFormerTables(t *testing.T) {
	for name, l := range map[string]*Ledger{"new": opened(t), "older": reopened(t, earlier(t, [2]string{sessionUUID, "delivered"}))} {
		var free int
		if err := l.db.QueryRowContext(t.Context(), "PRAGMA freelist_count").Scan(&free); err != nil || free != 0 {
			t.Errorf("%s: %d pages are free, %v", name, free, err)
		}
	}
}
