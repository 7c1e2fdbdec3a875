package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hppsend/internal/ledger/servertest"
	"hppsend/pipeline"
)

// database is an empty database for a test.

func database(t *testing.T) string {
	t.Helper()
	return servertest.Shared(t).Database(t)
}

// onServer opens the ledger in a database, as a host with a state folder does.

func onServer(t *testing.T, place, state string) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), Options{Path: place, State: state, Environment: "sandbox", Create: true, Grace: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TestCutAtEveryMoment cuts the way to the server at every message of a claim and its outcome, before and after it has

// passed: each claim is had once, each outcome is written once.

func TestCutAtEveryMoment(t *testing.T) {
	t.Parallel()
	place, state := database(t), t.TempDir()
	direct := onServer(t, place, state)
	w, through := servertest.NewWire(t, place)
	l := onServer(t, through, state)
	r := begun(t, l, "a")
	attempt := func(n int) {
		t.Helper()
		first, second := claimOf(n, "anna@example.com"), claimOf(n, "bo@example.com")
		for i, c := range []pipeline.Claim{first, second} {
			if i > 0 {
				got, err := r.Claim(t.Context(), pipeline.Claim{Distribution: c.Distribution, Place: c.Place, Seen: pipeline.Unseen})
				if err != nil {
					t.Fatal(err)
				}
				c.Seen = got.Version
			}
			c.Place.Row = 10*n + i
			got, err := r.Claim(t.Context(), c)
			if err != nil || got.Ticket == 0 {
				t.Fatalf("claim %d of session %d: %+v, %v", i, n, got, err)
			}
			r.mustConclude(t, got.Ticket, pipeline.Conclusion{Status: pipeline.Failed, Called: true, Time: time.Now()})
		}
	}
	before := w.Chunks()
	attempt(0)
	messages := w.Chunks() - before + 2
	n := 0
	for _, swallow := range []bool{false, true} {
		for i := range messages {
			n++
			w.CutAt(i+1, swallow)
			attempt(n)
			w.CutAt(0, false)
		}
	}
	for n := range n + 1 {
		all, err := direct.View(target).Lookup(t.Context(), []string{session(n)})
		if err != nil || len(all[0]) != 2 {
			t.Fatalf("session %d has %+v, %v", n, all, err)
		}
		for _, rec := range all[0] {
			if rec.Status != pipeline.Failed || rec.Attempts != 1 || rec.Intent != pipeline.NoIntent {
				t.Errorf("session %d has %+v", n, rec)
			}
		}
	}
	t.Logf("%d messages, %d cuts", messages, n)
}

// TestFrozen has a process that nobody hears of: it begins no call, is taken for dead later than that, and when it is

// back it claims nothing more, and what it still has to say of its calls is written.

func TestFrozen(t *testing.T) {
	t.Parallel()
	place, state := database(t), t.TempDir()
	other := onServer(t, place, state)
	w, through := servertest.NewWire(t, place)
	l := onServer(t, through, state)
	r := begun(t, l, "a")
	ticket := r.mustClaim(t, claimOf(1, "anna@example.com"))
	r.mustClaim(t, claimOf(2, "bo@example.com"))
	if err := r.Holds(); err != nil {
		t.Fatal(err)
	}
	w.Freeze()
	var stopped, dead time.Time
	for dead.IsZero() {
		if stopped.IsZero() && r.Holds() != nil {
			stopped = time.Now()
		}
		switch rec := record(t, other.View(target), 1); {
		case rec.Intent == pipeline.ForeignIntent:
		case stopped.IsZero():
			t.Fatal("it is taken for dead while it may still call")
		default:
			dead = time.Now()
		}
		time.Sleep(20 * time.Millisecond)
	}
	next := begun(t, other, "b")
	if got, err := next.Claim(t.Context(), claimOf(1, "anna@example.com")); err != nil || got.Ticket != 0 || got.Records[0].Status != pipeline.Uncertain {
		t.Errorf("another run is told %+v, %v", got, err)
	}
	w.Thaw()
	_, err := r.Claim(t.Context(), claimOf(3, "cy@example.com"))
	for end := time.Now().Add(20 * time.Second); err == nil && time.Now().Before(end); {
		_, err = r.Claim(t.Context(), claimOf(3, "cy@example.com"))
	}
	if !errors.Is(err, errRun) {
		t.Errorf("back again, it is told %v", err)
	}
	r.mustConclude(t, ticket, pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: time.Now()})
	if rec := record(t, other.View(target), 1); rec.Status != pipeline.Delivered || rec.Attempts != 1 {
		t.Errorf("what it had to say has come to %+v", rec)
	}
	if rec := record(t, other.View(target), 2); rec.Status != pipeline.Uncertain {
		t.Errorf("what it was about to call is %+v", rec)
	}
}

// TestServerKilled kills the server under a run, as a power cut does: the run goes on once it is back, and nobody takes

// it for dead.

func TestServerKilled(t *testing.T) {
	t.Parallel()
	own := servertest.Own(t)
	place, state := own.Database(t), t.TempDir()
	l, other := onServer(t, place, state), onServer(t, place, state)
	r := begun(t, l, "a")
	for n := range 3 {
		ticket := r.mustClaim(t, claimOf(n, "anna@example.com"))
		own.Kill()
		concluded := make(chan error, 1)
		go func() {
			concluded <- r.Conclude(context.Background(), ticket, pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: time.Now()})
		}()
		for start := time.Now(); r.Holds() == nil && time.Since(start) < 10*time.Second; {
			time.Sleep(10 * time.Millisecond)
		}
		if r.Holds() == nil {
			t.Error("calls may begin without a ledger")
		}
		if err := own.Start(); err != nil {
			t.Fatal(err)
		}
		if err := <-concluded; err != nil {
			t.Fatal(err)
		}
		if rec := record(t, other.View(target), n); rec.Status != pipeline.Delivered || rec.Attempts != 1 {
			t.Errorf("session %d is %+v", n, rec)
		}
	}
	if err := r.End(t.Context(), pipeline.Finding{}, []byte("{}")); err != nil {
		t.Error(err)
	}
	if runs, err := other.Runs(t.Context(), 0); err != nil || runs[0].Ending != "" {
		t.Errorf("it ended as %+v, %v", runs, err)
	}
}

// TestRestored puts a server back to an earlier time.

// TestPooled goes by a pooler that gives one connection to several sessions, and one that does not.

func TestPooled(t *testing.T) {
	t.Parallel()
	place := database(t)
	bouncer, err := exec.LookPath("pgbouncer")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("there is no pgbouncer here")
	}
	onServer(t, place, t.TempDir())
	before, host, _ := strings.Cut(place, "?host=")
	host = strings.ReplaceAll(host, "%2F", "/")
	for mode, want := range map[string]string{"transaction": "pooler", "statement": "pooler", "session": "secret"} {
		folder, err := os.MkdirTemp("", "pool")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(folder) })
		ini := filepath.Join(folder, "pgbouncer.ini")
		text := "[databases]\n* = host=" + host + " user=hppsend\n[pgbouncer]\nlisten_addr =\nlisten_port = 5432\nunix_socket_dir = " + folder +
			"\nauth_type = any\npool_mode = " + mode + "\nlogfile = " + folder + "/log\npidfile = " + folder + "/pid\n" +
			"ignore_startup_parameters = search_path,default_transaction_isolation,idle_in_transaction_session_timeout,lock_timeout,tcp_user_timeout,tcp_keepalives_idle,tcp_keepalives_interval,tcp_keepalives_count,enable_seqscan,jit\n"
		if err := errors.Join(os.WriteFile(ini, []byte(text), 0o644), os.Chmod(folder, 0o777)); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(bouncer, ini)
		servertest.AsLesser(cmd)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			cmd.Process.Kill()
			cmd.Wait()
		})
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(folder, ".s.PGSQL.5432")); err == nil {
				break
			}
		}
		_, err = Open(t.Context(), Options{Path: before + "?host=" + folder, State: t.TempDir(), Environment: "sandbox"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("by a pooler of sessions by %s: %v", mode, err)
		}
	}
}

// TestRights has somebody send who may not make a ledger, by the statements that the manual has.

func TestRights(t *testing.T) {
	t.Parallel()
	place, state := database(t), t.TempDir()
	onServer(t, place, state)
	name := place[strings.LastIndex(place[:strings.Index(place, "?")], "/")+1 : strings.Index(place, "?")]
	servertest.Shared(t).Exec(t, name, "CREATE ROLE sender_"+name+" LOGIN")
	servertest.Shared(t).Exec(t, name, strings.ReplaceAll(Grants, "sender", "sender_"+name))
	l := onServer(t, strings.Replace(place, "hppsend@", "sender_"+name+"@", 1), state)
	r := begun(t, l, "a")
	r.mustConclude(t, r.mustClaim(t, claimOf(1, "anna@example.com")), pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: time.Now()})
	if _, err := l.Purge(t.Context(), time.Now().Add(-time.Hour), false); err != nil {
		t.Error(err)
	}
	if err := r.End(t.Context(), pipeline.Finding{}, nil); err != nil {
		t.Error(err)
	}
	if _, err := l.Page(t.Context()); !errors.Is(err, pipeline.NoLedger) || !strings.Contains(pipeline.Hint(err), "hppsend help machines") {
		t.Errorf("without a right to the page's books: %v", err)
	}
	servertest.Shared(t).Exec(t, name, strings.ReplaceAll(PageGrants, "sender", "sender_"+name))
	servertest.Shared(t).Exec(t, name, "REVOKE ALL ON hppsend_page.suppression FROM sender_"+name) // as after a migration
	if _, err := l.Page(t.Context()); !errors.Is(err, pipeline.NoLedger) || !strings.Contains(pipeline.Hint(err), "hppsend help machines") {
		t.Errorf("without a right to the newest of the page's tables: %v", err)
	}
	servertest.Shared(t).Exec(t, name, strings.ReplaceAll(PageGrants, "sender", "sender_"+name))
	page, err := l.Page(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	for _, query := range []string{"TRUNCATE event", "DROP TRIGGER event_kept ON event", "ALTER TABLE event DISABLE TRIGGER ALL", "CREATE TABLE more ()"} {
		if _, err := page.ExecContext(t.Context(), query); err == nil {
			t.Errorf("who serves may %s", query)
		}
	}
	empty := strings.Replace(database(t), "hppsend@", "sender_"+name+"@", 1)
	if _, err := Open(t.Context(), Options{Path: empty, State: state, Environment: "sandbox", Create: true}); err == nil || !strings.Contains(err.Error(), "may not do that") {
		t.Errorf("it makes a ledger: %v", err)
	}
}

// TestAddresses takes what is no address of a ledger, and shows nothing of what may be a password in it.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, place := range []string{
		"postgres://user:canary@host/db", "postgres://user@host/db?password=canary", "postgres://user:can%zzary@host/db", "postgres://user@host:canary/db",
		"postgres://user@[canary/db", "postgresql://user:canary@/db", "postgres://user@host/db?sslmode=canary-mode&password=canary",
	} {
		_, err := Open(t.Context(), Options{Path: place, State: t.TempDir(), Environment: "sandbox"})
		if !errors.Is(err, pipeline.Usage) || strings.Contains(err.Error(), "canary") || pipeline.Hint(err) == "" {
			t.Errorf("%s: %v", place, err)
		}
	}
}

// TestSameContentOnTwoHosts begins a run on the same content on two hosts at once: one of them is refused.
func TestSameContentOnTwoHosts(t *testing.T) {
	t.Parallel()
	place, state := database(t), t.TempDir()
	hosts := []*Ledger{onServer(t, place, state), onServer(t, place, state)}
	for n := range 20 {
		var begun, busy atomic.Int32
		var both sync.WaitGroup
		for i, l := range hosts {
			both.Go(func() {
				r, err := l.Begin(t.Context(), RunInfo{ID: fmt.Sprint(n, "-", i), Target: target, SHA256: [32]byte{byte(n)}, Options: []byte("{}"), Started: time.Now()})
				switch {
				case err == nil:
					begun.Add(1)
					defer r.End(context.Background(), pipeline.Finding{}, nil)
					for busy.Load() == 0 && t.Context().Err() == nil {
						time.Sleep(time.Millisecond)
					}
				case errors.Is(err, pipeline.Busy):
					busy.Add(1)
				default:
					t.Error(err)
					busy.Add(1)
				}
			})
		}
		both.Wait()
		if begun.Load() != 1 || busy.Load() != 1 {
			t.Fatalf("%d runs have begun, and %d were refused", begun.Load(), busy.Load())
		}
	}
}

// TestOtherVersions opens a ledger of an earlier and of a later version.

// TestOddTexts has names and answers that are no text for PostgreSQL.

// TestFailOver has a standby that lags take over: what the primary had committed is not there, and nothing is sent until

// somebody accounts for that.
