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

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

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

// TestMove takes a ledger from a file to a server and back: what is known stays known, and only the last may be sent by.
func TestMove(t *testing.T) {
	t.Parallel()
	place, state, dir := database(t), t.TempDir(), t.TempDir()
	l := reopened(t, filepath.Join(dir, "l.db"))
	r := begun(t, l, "a")
	for n, s := range []pipeline.Status{pipeline.Delivered, pipeline.Failed, pipeline.Uncertain, pipeline.Rejected} {
		r.mustConclude(t, r.mustClaim(t, claimOf(n, "anna@example.com")), pipeline.Conclusion{Status: s, Called: true, Binding: s == pipeline.Rejected, Reason: "é 'x'\t", Time: time.Now()})
	}
	r.mustConclude(t, r.mustClaim(t, claimOf(1, "bo@example.com")), pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: time.Now()})
	if _, err := l.Settle(t.Context(), []pipeline.Ticket{3}, false, "Ann"); err != nil {
		t.Fatal(err)
	}
	if err := l.ReportWritten(t.Context(), [32]byte{1}, [32]byte{2}, "r.csv", "a"); err != nil {
		t.Fatal(err)
	}
	file := Options{Path: l.path, State: state, Environment: "sandbox"}
	server, back := file, file
	server.Path, back.Path = place, filepath.Join(dir, "back.db")
	if _, err := Move(t.Context(), file, server); err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("with a run under way: %v", err)
	}
	if err := r.End(t.Context(), pipeline.Finding{}, []byte(`{"rows":5}`)); err != nil {
		t.Fatal(err)
	}
	want := knows(t, l)
	l.Close()
	copied, err := os.ReadFile(l.path)
	if err != nil {
		t.Fatal(err)
	}
	moved, err := Move(t.Context(), file, server)
	if err != nil || moved.Records != 5 || moved.Runs != 1 {
		t.Fatalf("%+v, %v", moved, err)
	}
	if _, err := Open(t.Context(), file); err == nil || !strings.Contains(err.Error(), place) {
		t.Errorf("the old one opens: %v", err)
	}
	if again, err := Move(t.Context(), file, server); err != nil || !again.Before {
		t.Errorf("moved twice: %+v, %v", again, err)
	}
	there := onServer(t, place, state)
	if diff := cmp.Diff(want, knows(t, there)); diff != "" {
		t.Errorf("what is known (-before +after):\n%s", diff)
	}
	s := begun(t, there, "b")
	s.mustConclude(t, s.mustClaim(t, claimOf(9, "new@example.com")), pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: time.Now()})
	if err := s.End(t.Context(), pipeline.Finding{}, nil); err != nil {
		t.Fatal(err)
	}
	want = knows(t, there)
	there.Close()
	for _, before := range []bool{false, true} {
		if moved, err := Move(t.Context(), server, back); err != nil || moved.Before != before {
			t.Fatalf("%+v, %v", moved, err)
		}
	}
	if _, err := Open(t.Context(), server); err == nil || !strings.Contains(err.Error(), back.Path) {
		t.Errorf("the server's opens: %v", err)
	}
	again := reopened(t, back.Path)
	if diff := cmp.Diff(want, knows(t, again)); diff != "" {
		t.Errorf("what is known (-before +after):\n%s", diff)
	}
	begun(t, again, "c")
	again.Close()

	// What was moved once is never copied again: what is here is old.
	for _, name := range []string{back.Path, secretPath(back.Path)} {
		if err := os.Rename(name, name+".away"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Move(t.Context(), server, back); err == nil || !strings.Contains(err.Error(), "not there any more") {
		t.Errorf("to a file that was lost: %v", err)
	}
	if _, err := exec.Command("cp", secretPath(l.path), secretPath(l.path+".copy")).Output(); err != nil {
		t.Fatal(err)
	}
	other := file
	other.Path = l.path + ".copy"
	if err := os.WriteFile(other.Path, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Move(t.Context(), other, server); err == nil {
		t.Error("a copy of what was moved is moved to where that was")
	}
	db := there.path[strings.LastIndex(there.path[:strings.Index(there.path, "?")], "/")+1 : strings.Index(there.path, "?")]
	servertest.Shared(t).Exec(t, db, "DROP SCHEMA hppsend CASCADE")
	if _, err := Move(t.Context(), file, server); err == nil || !strings.Contains(err.Error(), "not there any more") {
		t.Errorf("to a database that was lost: %v", err)
	}
}

// TestPutBackUnderARun has the database put back while somebody has it open: the next run is refused.
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

// knows is all that a ledger tells of the sessions of a test.
func knows(t *testing.T, l *Ledger) (all []any) {
	t.Helper()
	for n := range 12 {
		records, err := l.View(target).Lookup(t.Context(), []string{session(n)})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, records)
	}
	runs, err := l.Runs(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	_, known, err := l.ReportKnown(t.Context(), [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	return append(all, runs, known, l.Info().Made)
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

// TestOddTexts has names and answers that are no text for PostgreSQL.
func TestOddTexts(t *testing.T) {
	t.Parallel()
	place, state := database(t), t.TempDir()
	const odd, kept = "a\x00b\xffc", "a\uFFFDb\uFFFDc"
	file := reopened(t, filepath.Join(t.TempDir(), "l.db"))
	for _, l := range []*Ledger{onServer(t, place, state), file} {
		r, err := l.Begin(t.Context(), RunInfo{ID: "odd", Target: target, Path: odd, Label: odd, Sheet: odd, Host: odd, Options: []byte("{}"), Started: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		for n := range 8 { // some of them together
			both.Go(func() {
				c := claimOf(n, "anna@example.com")
				c.Place.Sheet = odd
				r.mustConclude(t, r.mustClaim(t, c), pipeline.Conclusion{Status: pipeline.Failed, Called: true, Code: odd, Reason: odd, CorrelationID: odd, Time: time.Now()})
			})
		}
		both.Wait()
		if err := r.End(t.Context(), pipeline.Finding{Code: odd, Reason: odd}, nil); err != nil {
			t.Fatal(err)
		}
		if l != file {
			if rec := record(t, l.View(target), 1); rec.Reason != kept || rec.CorrelationID != kept {
				t.Errorf("it is kept as %+v", rec)
			}
		}
	}
	file.Close()
	if _, err := Move(t.Context(), Options{Path: file.path, Environment: "sandbox"}, Options{Path: database(t), State: state, Environment: "sandbox"}); err != nil {
		t.Error(err)
	}
}

// TestFailOver has a standby that lags take over: what the primary had committed is not there, and nothing is sent until
// somebody accounts for that.
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
