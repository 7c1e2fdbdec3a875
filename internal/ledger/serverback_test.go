package ledger

import (
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"hppsend/internal/ledger/servertest"
	"hppsend/pipeline"
)

func TestRestored(t *testing.T) {
	t.Parallel()
	own := servertest.Own(t)
	place, here, there := own.Database(t), t.TempDir(), t.TempDir()
	send := func(id string, n int) {
		t.Helper()
		l := onServer(t, place, here)
		r := begun(t, l, id)
		r.mustConclude(t, r.mustClaim(t, claimOf(n, "anna@example.com")), pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: time.Now()})
		if err := errors.Join(r.End(t.Context(), pipeline.Finding{}, nil), l.Close()); err != nil {
			t.Fatal(err)
		}
	}
	opt := Options{Path: place, State: here, Environment: "sandbox"}
	elsewhere := opt
	elsewhere.State = there
	send("a", 1)
	secret, err := ExportSecret(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := ImportSecret(t.Context(), elsewhere, secret); err != nil {
		t.Fatal(err)
	}
	own.Kill()
	if out, err := exec.Command("cp", "-a", own.Data(), own.Data()+".copy").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := own.Start(); err != nil {
		t.Fatal(err)
	}
	send("b", 2)
	onServer(t, place, there).Close()
	own.Kill()
	if err := errors.Join(os.RemoveAll(own.Data()), os.Rename(own.Data()+".copy", own.Data()), own.Start()); err != nil {
		t.Fatal(err)
	}
	for _, opt := range []Options{opt, elsewhere} {
		if _, err := Open(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "restored") {
			t.Fatalf("a ledger that knows less than it did is opened: %v", err)
		}
		if st, err := Stand(t.Context(), opt); err != nil || st.Gap == "" {
			t.Errorf("it is said to be %+v, %v", st, err)
		}
	}
	if found, err := Accept(t.Context(), opt, "ann@example.com", "+46701740605 is in no file any more"); err != nil || !found {
		t.Fatalf("accepted: %v, %v", found, err)
	}
	if dump := own.Dump(t, place); strings.Contains(dump, "ann@") || strings.Contains(dump, "46701740605") || !strings.Contains(dump, "is in no file any more") {
		t.Error("who accounted for it, and why, is kept with a contact in clear, or not at all")
	}
	if found, err := Accept(t.Context(), opt, "Ann", "once more"); err != nil || found {
		t.Errorf("there is another gap: %v, %v", found, err)
	}
	for _, opt := range []Options{opt, elsewhere} {
		l, err := Open(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}

func TestPutBackUnderARun(t *testing.T) {
	t.Parallel()
	l := onServer(t, database(t), t.TempDir())
	r := begun(t, l, "a")
	for range 3 {
		r.Die()
		r = begun(t, l, uuid.NewString())
	}
	if _, err := l.db.Exec("UPDATE mark SET value = 1"); err != nil {
		t.Fatal(err)
	}
	r.Die()
	if _, err := l.Begin(t.Context(), RunInfo{ID: "b", Target: target, SHA256: [32]byte{9}, Options: []byte("{}"), Started: time.Now()}); err == nil || !strings.Contains(err.Error(), "restored") {
		t.Errorf("a run begins: %v", err)
	}
}

func TestOtherVersions(t *testing.T) {
	t.Parallel()
	for change, want := range map[string]string{"- 1": "an earlier version", "+ 1": "a later version"} {
		place, state := database(t), t.TempDir()
		l := onServer(t, place, state)
		if _, err := l.db.Exec("UPDATE meta SET schema = schema " + change); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), Options{Path: place, State: state, Environment: "sandbox"}); err == nil || !strings.Contains(err.Error(), want) || pipeline.Hint(err) == "" {
			t.Errorf("schema %s: %v", change, err)
		}
	}
}

// TestMigratePage has books of the page of the version before beside a ledger: they are refused until they are brought up to
// date, with what they hold, and those of a later version are refused.
func TestMigratePage(t *testing.T) {
	t.Parallel()
	place, state := database(t), t.TempDir()
	l := onServer(t, place, state)
	change := func(script string) {
		t.Helper()
		if _, err := l.db.Exec(script, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(todo string) {
		t.Helper()
		if page, err := l.Page(t.Context()); err == nil || !strings.Contains(pipeline.Hint(err), todo) {
			t.Errorf("the books open: %v, %v", page, err)
		}
	}
	change(`DROP TABLE hppsend_page.suppression; UPDATE hppsend_page.about SET version = 1;
		INSERT INTO hppsend_page.person (id, login, name, made) VALUES ('anna', 'anna', 'Anna', 1)`)
	refused("ledger migrate")
	for range 2 {
		if err := Migrate(t.Context(), Options{Path: place, State: state, Environment: "sandbox"}); err != nil {
			t.Fatal(err)
		}
	}
	page, err := l.Page(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	var people, lists int
	if err := page.QueryRow("SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM suppression)").Scan(&people, &lists); err != nil || people != 1 || lists != 0 {
		t.Errorf("%d people, %d lists, %v", people, lists, err)
	}
	change("UPDATE hppsend_page.about SET version = 99")
	refused("install that version")
}

// TestMigrate brings a ledger of the first version up to date: what is known stays known, a program of that version can
// enter no run any more, and it is not done while one of its runs goes on.
func TestMigrate(t *testing.T) {
	t.Parallel()
	place, state := database(t), t.TempDir()
	opt := Options{Path: place, State: state, Environment: "sandbox"}
	l := onServer(t, place, state)
	s := l.store.(*server)
	script := "DROP SCHEMA hppsend CASCADE; DROP SCHEMA hppsend_page CASCADE; CREATE SCHEMA hppsend;" + serverV1 + `
		INSERT INTO meta SELECT TRUE, 'sandbox', '\x` + hex.EncodeToString(s.check) + `', 1, 1, 7, 'open';
		INSERT INTO target (name) VALUES ('` + target + `');
		INSERT INTO beat DEFAULT VALUES;
		INSERT INTO run (id, process, target, user_name, label, reminder, path, sha256, sheet, options, version, host, pid, started, schema)
			VALUES ('old', 1, 1, '', '', '', 'may.csv', '\x01', '', '{}', '', '', 1, 1, 4);
		INSERT INTO record (session, target, seq, version, run, time, status, reminder, method, contact, country, other, sheet, row)
			VALUES ('s1', 1, 0, 1, 1, 1, 'delivered', '', 'email', '\x01', '', '', '', 2)`
	if _, err := l.db.Exec(script, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "an earlier version") || !strings.Contains(pipeline.Hint(err), "ledger migrate") {
		t.Errorf("before: %v", err)
	}
	if err := Migrate(t.Context(), opt); !errors.Is(err, pipeline.Busy) {
		t.Errorf("under a run: %v", err)
	}
	if _, err := l.db.Exec("UPDATE beat SET heard = heard - interval '1 min'"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(2 * time.Minute); ; { // nobody is taken for dead just after the server has started
		err := Migrate(t.Context(), opt)
		if err == nil {
			break
		}
		if !errors.Is(err, pipeline.Busy) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if err := Migrate(t.Context(), opt); err != nil {
		t.Errorf("once more: %v", err)
	}
	if _, err := l.db.Exec(`INSERT INTO run (id, process, target, user_name, label, reminder, path, sha256, sheet, options, version, host, pid, started, schema)
		VALUES ('late', 1, 1, '', '', '', 'may.csv', '\x02', '', '{}', '', '', 1, 1, 4)`); err == nil {
		t.Error("the version before enters a run")
	}
	l = onServer(t, place, state)
	begun(t, l, "new")
	page, err := l.Page(t.Context())
	if err != nil {
		t.Fatalf("the page has no books: %v", err)
	}
	page.Close()
	all, err := l.View(target).Lookup(t.Context(), []string{"s1"})
	if err != nil || len(all[0]) != 1 || all[0][0].Status != pipeline.Delivered || all[0][0].Run != "old" {
		t.Errorf("it knows %+v, %v", all, err)
	}
	if old, _, err := l.FindRun(t.Context(), "old"); err != nil || old.Ended.IsZero() {
		t.Errorf("the run of before: %+v, %v", old, err)
	}
}

func TestFailOver(t *testing.T) {
	t.Parallel()
	primary := servertest.Own(t)
	opt := Options{Path: primary.Database(t), State: t.TempDir(), Environment: "sandbox"}
	l := onServer(t, opt.Path, opt.State)
	standby, err := primary.Standby()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(standby.Close)
	lags := func(want bool) {
		t.Helper()
		var st Standing
		for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			if st, err = Stand(t.Context(), opt); err != nil {
				t.Fatal(err)
			}
			if st.Standbys == 1 && st.Lag == want {
				return
			}
		}
		t.Errorf("it stands as %+v; want that a fail-over can lose: %v", st, want)
	}
	lags(true)
	primary.Exec(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")
	primary.Exec(t, "postgres", "SELECT pg_reload_conf()")
	lags(false)
	primary.Exec(t, "postgres", "ALTER SYSTEM RESET synchronous_standby_names")
	primary.Exec(t, "postgres", "SELECT pg_reload_conf()")
	lags(true)
	there := opt
	there.Path = strings.Replace(standby.URL("x"), "/x?", opt.Path[strings.LastIndex(opt.Path[:strings.Index(opt.Path, "?")], "/"):strings.Index(opt.Path, "?")]+"?", 1)
	if _, err := Open(t.Context(), there); err == nil || !strings.Contains(err.Error(), "it is a standby") {
		t.Errorf("a standby opens: %v", err)
	}
	standby.Kill()
	r := begun(t, l, "a")
	r.mustConclude(t, r.mustClaim(t, claimOf(1, "anna@example.com")), pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: time.Now()})
	if err := errors.Join(r.End(t.Context(), pipeline.Finding{}, nil), l.Close()); err != nil {
		t.Fatal(err)
	}
	primary.Kill()
	if err := standby.Start(); err != nil {
		t.Fatal(err)
	}
	standby.Exec(t, "postgres", "SELECT pg_promote()")
	if _, err := Open(t.Context(), there); err == nil || !strings.Contains(err.Error(), "another took its place") {
		t.Fatalf("what knows less than it did is opened: %v", err)
	}
	if found, err := Accept(t.Context(), there, "Ann", "session 1 is in no file any more"); err != nil || !found {
		t.Fatal(found, err)
	}
	after := onServer(t, there.Path, there.State)
	if all, err := after.View(target).Lookup(t.Context(), []string{session(1)}); err != nil || len(all[0]) != 0 {
		t.Errorf("it knows %+v, %v: it has lost nothing, and shows nothing", all, err)
	}
}
