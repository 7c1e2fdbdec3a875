package desk_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hppsend/internal/desk"
	"hppsend/internal/ledger"
	"hppsend/internal/ledger/servertest"
	"hppsend/pipeline"
)

// TestHosts takes an upload from one host to the other and back, with a browser that comes to either.
func TestHosts(t *testing.T) {
	t.Parallel()
	hosts := newHosts(t, 2)
	a, b := hosts[0], hosts[1]
	anna := a.seat("anna", desk.Uploader)
	token := must(a.desk.Begin(t.Context(), anna.ID, "test"))(t)
	there, ok, err := b.desk.Seat(t.Context(), token)
	if err != nil || !ok || there.Name != "Anna" {
		t.Fatalf("the other host does not know the session: %v", err)
	}
	u, sheet := a.bring(anna, "may.csv", bad)
	if other := b.sheet(there, u); other.Digest != sheet.Digest || other.Bad() != sheet.Bad() {
		t.Errorf("the other host finds %+v", other)
	}
	mended := b.mend(there, u, 3, 1, "bo@example.com")
	if again := a.sheet(anna, u); again.Bad() != sheet.Bad()-1 || again.Digest != mended.Digest {
		t.Errorf("where it was brought %d rows have problems, and %d where it was mended", again.Bad(), mended.Bad())
	}
	undone(t, anna, u, 0)
	a.mend(anna, u, 3, 1, "bo@example.com")
	u = a.ask(anna, u)
	carl := b.seat("carl", desk.Approver)
	b.approve(carl, u)
	u = a.until(anna, u.ID, desk.Done)
	if got := sentBy(hosts...); !slices.Equal(got, []string{"anna@example.com", "bo@example.com"}) {
		t.Errorf("sent was %q", got)
	}
	here, elsewhere := must(anna.Outcomes(t.Context(), u, "", 0))(t), must(there.Outcomes(t.Context(), u, "", 0))(t)
	if here.Tally.Status[pipeline.Delivered] != 2 || flat(here) != flat(elsewhere) {
		t.Errorf("the hosts report\n%+v\n%+v", here, elsewhere)
	}
	if err := there.EndSession(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := a.desk.Seat(t.Context(), token); ok || err != nil {
		t.Errorf("signed out on one host, the other lets in: %v", err)
	}
	state := fmt.Sprint(time.Now())
	if err := a.desk.BeginSignin(t.Context(), state, "nonce"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"nonce", ""} { // once
		if text, ok, err := b.desk.EndSignin(t.Context(), state); text != want || ok != (want != "") || err != nil {
			t.Errorf("a sign-in ends with %q, %t, %v", text, ok, err)
		}
	}
	for i := range 6 { // wrong passwords count wherever they are tried
		_, err := hosts[i%2].desk.SignIn(t.Context(), "Nobody", "guess", "192.0.2.1")
		refused(t, err, map[bool]desk.Code{true: desk.Invalid, false: desk.TooSoon}[i < 5])
	}
	if _, err := b.desk.SignIn(t.Context(), "nobody\x00", "guess", "192.0.2.2"); !refused(t, err, desk.Invalid) {
		t.Error("what is no text is looked for")
	}
	a.whole()
}

// Of two who do the same on two hosts one is first, and the other is told.
func TestHostsAtOnce(t *testing.T) {
	t.Parallel()
	hosts := newHosts(t, 2)
	a, b := hosts[0], hosts[1]
	anna, carl := a.seat("anna", desk.Uploader), b.seat("carl", desk.Uploader)
	u, sheet := a.bring(anna, "may.csv", bad)
	atOnce := func(one, other func() error) (failed []error) {
		var errs [2]error
		var wg sync.WaitGroup
		wg.Go(func() { errs[0] = one() })
		wg.Go(func() { errs[1] = other() })
		wg.Wait()
		return slices.DeleteFunc(errs[:], func(err error) bool { return err == nil })
	}
	for version := range 4 {
		mend := func(s *desk.Seat) func() error {
			return func() error {
				_, _, err := s.Mend(t.Context(), u.ID, sheet.Table(), []desk.Edit{{at(3), fmt.Sprintf("%s%d@example.com", s.Login, version), version}})
				return err
			}
		}
		failed := atOnce(mend(anna), mend(carl))
		if clashes := desk.Clashes(nil); len(failed) != 1 || !errors.As(failed[0], &clashes) || clashes[0].Theirs == clashes[0].Yours {
			t.Errorf("two mends at once: %v", failed)
		}
	}
	u = a.ask(anna, u)
	bo, dora := a.seat("bo", desk.Approver), b.seat("dora", desk.Approver)
	approve := func(s *desk.Seat) func() error {
		return func() error { _, err := s.Approve(t.Context(), u.ID, u.Digest); return err }
	}
	if failed := atOnce(approve(bo), approve(dora)); len(failed) != 1 || !refused(t, failed[0], desk.Conflict) {
		t.Errorf("two approvals at once: %v", failed)
	}
	a.until(anna, u.ID, desk.Done)
	if runs := must(anna.Runs(t.Context(), u))(t); len(runs) != 1 {
		t.Errorf("the runs are %q", runs)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { hosts[i%2].seat(fmt.Sprintf("guest%d", i), desk.Viewer) })
	}
	wg.Wait()
	a.whole()
	b.whole()
}

// reach gives the host that sends an upload, and the other.
func reach(u *desk.Upload, hosts ...*house) (here, there *house) {
	for {
		for i, h := range hosts {
			if len(h.contacts()) > 0 {
				return h, hosts[1-i]
			}
		}
		time.Sleep(time.Millisecond)
	}
}

// What is being sent on one host is seen on the other, and stopped there, and goes on wherever somebody says so.
func TestHostsStop(t *testing.T) {
	t.Parallel()
	hosts := newHosts(t, 2)
	gate := hosts[0].gate()
	hosts[1].before = hosts[0].before
	anna, u := hosts[0].sending(gate)
	here, there := reach(u, hosts...)
	anna = there.seat("anna", desk.Uploader)
	there.await("the other host tells how it stands", func() bool {
		live, _, ok := anna.Live(u)
		return ok && live.Progress.Delivered >= 1 && live.Progress.Due == 20 && !live.Checking
	})
	there.exec("DELETE FROM sending") // as if it had not been heard of; the ledger knows better
	if err := there.desk.StartDue(t.Context()); err != nil {
		t.Error(err)
	}
	there.await("the other host has given way", func() bool {
		live, changed, ok := anna.Live(u)
		return ok && changed == nil && !live.Checking
	})
	if _, err := anna.Stop(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	if live, _, ok := anna.Live(u); !ok || !live.Stopping {
		t.Errorf("%t, %+v", ok, live)
	}
	sends := here.seat("anna", desk.Uploader)
	here.await("it is heard", func() bool { live, _, ok := sends.Live(u); return !ok || live.Stopping })
	close(gate)
	u = there.until(anna, u.ID, desk.Stopped, desk.Done)
	if n := len(sentBy(hosts...)); u.State != desk.Stopped || n > 5+2*4 {
		t.Errorf("it is %s (%s) after %d calls", u.State, u.Reason, n)
	}
	if err := anna.GoOn(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	there.until(anna, u.ID, desk.Done)
	there.eachOnce(20)
	there.whole()
}

// Whether the rest may follow the first rows is answered on any host.
func TestHostsCanary(t *testing.T) {
	t.Parallel()
	hosts := newHosts(t, 2, func(h *house) { h.cfg.Accounts[0].Options.Send.Canary = 2 })
	for _, yes := range []bool{false, true} {
		a := hosts[0]
		seat := a.seat("anna", desk.Uploader)
		before := len(sentBy(hosts...))
		text := list(twenty()[before : before+9]...)
		if yes {
			text = list(twenty()...)
		}
		u, _ := a.bring(seat, fmt.Sprintf("may%t.csv", yes), text)
		a.approve(a.seat("bo", desk.Approver), a.ask(seat, u))
		a.await("it is asked", func() bool { live, _, _ := seat.Live(u); return live.Canary == 2 })
		there := hosts[1]
		if _, changed, _ := seat.Live(u); changed == nil { // which another sends
			there = hosts[0]
		}
		other := there.seat("anna", desk.Uploader)
		there.await("the other host asks too", func() bool { live, changed, _ := other.Live(u); return live.Canary == 2 && changed == nil })
		if err := other.Answer(t.Context(), u.ID, yes); err != nil {
			t.Fatal(err)
		}
		refused(t, other.Answer(t.Context(), u.ID, !yes), desk.Conflict) // it was answered
		want := map[bool]desk.State{true: desk.Done, false: desk.Stopped}[yes]
		if u = there.until(other, u.ID, desk.Done, desk.Stopped); u.State != want {
			t.Errorf("it is %s (%s) after %t", u.State, u.Reason, yes)
		}
		if n := len(sentBy(hosts...)) - before; !yes && n != 2 || yes && n != 20-2 {
			t.Errorf("after %t there were %d calls", yes, n)
		}
		refused(t, other.Answer(t.Context(), u.ID, true), desk.Conflict)
	}
}

// What is deleted on one host is gone on the others, and what is lost there comes again.
func TestHostsForget(t *testing.T) {
	t.Parallel()
	hosts := newHosts(t, 2)
	a, b := hosts[0], hosts[1]
	anna, there := a.seat("anna", desk.Uploader), b.seat("anna", desk.Uploader)
	const rows = 2500
	big := strings.ReplaceAll(long(rows), "\n", ","+strings.Repeat("x", 700)+"\n") // in several pieces
	u, _ := a.bring(anna, "may.csv", big)
	a.ask(anna, u)
	sheet := b.sheet(there, u)
	for _, break_ := range []func(string) error{os.Remove, func(path string) error { return os.Truncate(path, 70_000) }} {
		if err := break_(b.file(u, ".sheet")); err != nil {
			t.Fatal(err)
		}
		if got := all(t, must(there.Checked(t.Context(), b.load(there, u.ID), pipeline.CSV))(t), nil); len(got) < len(big) {
			t.Errorf("%d bytes came again of %d", len(got), len(big))
		}
	}
	if sheet.Rows != rows {
		t.Errorf("%d rows", sheet.Rows)
	}
	must(anna.Withdraw(t.Context(), u.ID))(t)
	if err := anna.Delete(t.Context(), u.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.desk.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, h := range hosts {
		if left := must(filepath.Glob(h.path("page", "files", "*")))(t); len(left) > 0 {
			t.Errorf("%q are left", left)
		}
	}
	var pieces int
	if err := a.books().QueryRowContext(t.Context(), "SELECT count(*) FROM piece").Scan(&pieces); err != nil || pieces > 0 {
		t.Errorf("%d pieces are left, %v", pieces, err)
	}
	_, err := there.Sheet(t.Context(), b.load(there, u.ID), false)
	refused(t, err, desk.Gone)
}

// A host that nobody hears of any more, as when its cable is pulled, is followed by another, which goes on where it was.
func TestHostLost(t *testing.T) {
	t.Parallel()
	hosts := newHosts(t, 2)
	a, b := hosts[0], hosts[1]
	b.rest()
	a.close()
	opt := a.ledger(north)
	var wire *servertest.Wire
	wire, a.place = servertest.NewWire(t, a.place)
	opt.Path = a.place
	l := must(ledger.Open(t.Context(), opt))(t)
	t.Cleanup(func() { l.Close() })
	for i := range a.cfg.Accounts {
		a.cfg.Accounts[i].Ledger = l
	}
	a.open()
	gate := a.gate()
	_, u := a.sending(gate)
	wire.Freeze()
	thaw := sync.OnceFunc(wire.Thaw)
	t.Cleanup(thaw)
	b.run()
	anna := b.seat("anna", desk.Uploader)
	began := time.Now()
	u = b.until(anna, u.ID, desk.Done, desk.Stopped)
	if took := time.Since(began); u.State != desk.Done || took > 20*time.Second {
		t.Errorf("it is %s (%s) after %v", u.State, u.Reason, took)
	}
	o := must(b.seat("anna", desk.Uploader).Outcomes(t.Context(), u, "", 0))(t)
	if o.Tally.Status[pipeline.Delivered]+o.Tally.Status[pipeline.Uncertain] != 20 || o.Tally.Status[pipeline.Uncertain] > 2*4 {
		t.Errorf("%+v", o.Tally)
	}
	thaw()
	close(gate)
	a.close()
	if u = b.load(anna, u.ID); u.State != desk.Done {
		t.Errorf("the host that is back has made it %s (%s)", u.State, u.Reason)
	}
	b.eachOnce(0)
	b.whole()
}

// A database that goes away while something is sent holds it up, and nobody is messaged twice.
func TestBooksGone(t *testing.T) {
	t.Parallel()
	server := servertest.Own(t)
	opt := ledger.Options{Path: server.Database(t), Environment: "sandbox", Create: true}
	h := newHouse(t, func(h *house) {
		opt.State = h.path("state")
		l := must(ledger.Open(t.Context(), opt))(t)
		h.t.Cleanup(func() { l.Close() })
		for i := range h.cfg.Accounts {
			h.cfg.Accounts[i].Ledger = l
		}
	})
	gate := h.gate()
	anna, u := h.sending(gate)
	id := u.ID
	server.Kill()
	if _, err := anna.Upload(t.Context(), id); err == nil {
		t.Error("the books can be read")
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	close(gate)
	// Whoever asks on a connection that was cut is told so once, and asks again.
	h.await("it is sent to its end", func() bool {
		var err error
		if u, err = anna.Upload(t.Context(), id); err == nil && u.State == desk.Stopped {
			anna.GoOn(t.Context(), id)
		}
		return err == nil && u.State == desk.Done
	})
	var o *desk.Outcomes
	h.await("it is reported on", func() bool {
		var err error
		o, err = anna.Outcomes(t.Context(), u, "", 0)
		return err == nil
	})
	if o.Tally.Status[pipeline.Delivered]+o.Tally.Status[pipeline.Uncertain] != 20 {
		t.Errorf("%+v", o.Tally)
	}
	h.eachOnce(0)
	h.whole()
}

// Books that cannot be those of the ledgers are not opened.
func TestBooksOfAnother(t *testing.T) {
	t.Parallel()
	h := newHosts(t, 1)[0]
	h.close()
	cfg := h.cfg
	cfg.Accounts = slices.Clone(h.cfg.Accounts)
	cfg.Accounts[1].Ledger = must(ledger.Open(t.Context(), ledger.Options{Path: h.path("south.db"), Environment: "sandbox", Create: true}))(t)
	defer cfg.Accounts[1].Ledger.Close()
	if _, err := desk.Open(t.Context(), cfg); !errors.Is(err, pipeline.Usage) || !strings.Contains(err.Error(), "on a server") {
		t.Errorf("with the ledger of one account in a file: %v", err)
	}
	h.exec("UPDATE about SET sealed = ?", []byte("by another secret, as of a ledger that was dropped"))
	if _, err := desk.Open(t.Context(), h.cfg); !errors.Is(err, pipeline.NoLedger) || !strings.Contains(err.Error(), "of another ledger") {
		t.Errorf("with books of another ledger: %v", err)
	}
}
