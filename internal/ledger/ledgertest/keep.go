package ledgertest

import (
	"strings"
	"testing"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

func purge(t *testing.T, b *bench) {
	day := func(n int) time.Time { return time.Now().AddDate(0, 0, n) }
	at := func(s pipeline.Status, when time.Time) pipeline.Conclusion {
		c := called(s)
		c.Time = when
		return c
	}
	r := b.begin("a", "")
	for n, s := range []pipeline.Status{pipeline.Delivered, pipeline.Uncertain, pipeline.Rejected} {
		r.conclude(r.claim(n, anna), at(s, day(-100)))
	}
	r.conclude(r.claim(4, anna), at(pipeline.Delivered, day(-1)))
	r.claim(5, anna)
	// Of several records the old ones go, the first or a later one, and the rest is there as it was.
	r.conclude(r.claim(6, anna), at(pipeline.Delivered, day(-100)))
	r.conclude(r.claim(6, bo), at(pipeline.Delivered, day(-1)))
	r.conclude(r.claim(7, anna), at(pipeline.Delivered, day(-1)))
	r.conclude(r.claim(7, bo), at(pipeline.Delivered, day(-100)))
	for n, contact := range []string{anna, bo, "cy@example.com"} {
		r.conclude(r.claim(8, contact), at(pipeline.Failed, day(-100-n)))
	}
	p := must(b.l.Purge(t.Context(), day(-90), true))(t)
	if p.Uncertain != 1 || p.Runs != 0 {
		t.Errorf("it would forget %+v", p)
	}
	if n := len(b.records(0)); n != 1 {
		t.Errorf("a dry run forgot %d of 1", 1-n)
	}
	if done := must(b.l.Purge(t.Context(), day(-90), false))(t); done != p {
		t.Errorf("it forgot %+v, and had said %+v", done, p)
	}
	for n, want := range map[int]int{0: 0, 1: 0, 2: 0, 4: 1, 5: 1, 8: 0} {
		if got := b.records(n); len(got) != want {
			t.Errorf("session %d has records %+v, want %d", n, got, want)
		}
	}
	b.wantRecord(5, pipeline.Pending, pipeline.ForeignIntent, 0)
	for n, contact := range map[int]string{6: bo, 7: anna} {
		found := false
		for _, rec := range b.records(n) {
			found = found || rec.Status == pipeline.Delivered && rec.Contact == r.Digest(contact)
		}
		if got := r.ask(n, "cy@example.com", pipeline.NoRecords); !found || got.Ticket != 0 {
			t.Errorf("session %d: what is young was found %v, and a claim that judged nothing is told %+v", n, found, got)
		}
	}
	if got := r.ask(8, anna, pipeline.NoRecords); got.Ticket == 0 {
		t.Errorf("a session that was forgotten is refused: %+v", got)
	}
}

func runs(t *testing.T, b *bench) {
	first := b.begin("abc1", "")
	for n, s := range []pipeline.Status{pipeline.Delivered, pipeline.Delivered, pipeline.Uncertain} {
		first.send(n, anna, s)
	}
	first.claim(9, anna)
	if err := first.End(t.Context(), pipeline.Finding{Code: "stopped", Reason: "by hand"}, []byte(`{"rows":3}`)); err != nil {
		t.Fatal(err)
	}
	b.wantRecord(9, pipeline.Uncertain, pipeline.NoIntent, 1)
	b.begin("abd2", "")
	all := must(b.l.Runs(t.Context(), 0))(t)
	if len(all) != 2 || all[0].ID != "abd2" || !all[0].Lives || all[1].Lives || all[1].Ending != "stopped" || all[1].Uncertain != 2 {
		t.Errorf("runs %+v", all)
	}
	if last := must(b.l.Runs(t.Context(), 1))(t); len(last) != 1 || last[0].ID != "abd2" {
		t.Errorf("the last run is %+v", last)
	}
	codes := must(b.l.Codes(t.Context(), "abc1"))(t)
	if len(codes) != 3 || codes[0] != (ledger.CodeCount{Status: pipeline.Delivered, Code: "x", Count: 2}) {
		t.Errorf("codes %+v", codes)
	}
	for id, want := range map[string]string{"abc1": "abc1", "ABD2": "abd2", "abd": "abd2", "ab": "", "x": "", "": "", "abc12": "", "%": ""} {
		found, ok, err := b.l.FindRun(t.Context(), id)
		if err != nil || ok != (want != "") || ok && found.ID != want {
			t.Errorf("%q finds %q, %v, %v", id, found.ID, ok, err)
		}
	}
}

func sameContent(t *testing.T, b *bench) {
	r, again := b.begin("a", ""), info("a", "")
	again.ID = "z"
	if _, err := b.l.Begin(t.Context(), again); err == nil || !strings.Contains(err.Error(), "run a,") {
		t.Errorf("a second run on the same content: %v", err)
	}
	if busy := must(b.Open(t).Busy(t.Context(), again.SHA256, target))(t); busy == nil || busy.ID != "a" {
		t.Errorf("busy is %+v", busy)
	}
	r.end()
	if busy := must(b.l.Busy(t.Context(), again.SHA256, target))(t); busy != nil {
		t.Errorf("after its end busy is %+v", busy)
	}
	next := must(b.l.Begin(t.Context(), again))(t)
	defer b.Kill(t, next)
	if last, ok, err := b.l.LastRun(t.Context(), again.SHA256, target); err != nil || !ok || last.ID != "z" || !last.Ended.IsZero() {
		t.Errorf("the last run is %+v, %v, %v", last, ok, err)
	}
}

// pace holds what it is told to what a ledger can know of the clock of this process: a moment within the call.
func pace(t *testing.T, b *bench) {
	var calls time.Duration
	reserve := func(p pipeline.Pace, slots int) pipeline.Slice {
		t.Helper()
		began := time.Now()
		s := must(p.Reserve(t.Context(), slots, 100, time.Time{}))(t)
		calls += time.Since(began)
		return s
	}
	is := func(what string, got, want time.Duration) {
		t.Helper()
		if (got - want).Abs() > calls+time.Microsecond {
			t.Errorf("%s it is %s, want %s, give or take %s", what, got, want, calls)
		}
	}
	p, other := b.l.Pace(target), b.Open(t).Pace(target)
	ten := reserve(p, 10)
	is("behind ten slots at 100 a second", reserve(other, 0).Start.Sub(ten.Start), 100*time.Millisecond)
	unused := ten
	unused.Slots = 4
	if err := p.GiveBack(t.Context(), unused); err != nil {
		t.Fatal(err)
	}
	next := reserve(other, 1)
	is("behind ten slots of which four came back", next.Start.Sub(ten.Start), 60*time.Millisecond)
	is("the end of one slot", next.End.Sub(next.Start), 10*time.Millisecond)
	until, began := time.Now().Add(time.Minute), time.Now()
	if err := other.Pause(t.Context(), until); err != nil {
		t.Fatal(err)
	}
	calls += time.Since(began)
	is("until a pause ends", reserve(p, 0).Pause.Sub(until), 0)
	if s := must(b.l.Pace("https://other.example.com").Reserve(t.Context(), 1, 100, time.Time{}))(t); !s.Pause.IsZero() {
		t.Errorf("another target is paused too: %+v", s)
	}
}

func reports(t *testing.T, b *bench) {
	if err := b.l.ReportWritten(t.Context(), [32]byte{1}, [32]byte{2}, "may.report.csv", "a"); err != nil {
		t.Fatal(err)
	}
	if input, ok, err := b.l.ReportKnown(t.Context(), [32]byte{1}); err != nil || !ok || input != [32]byte{2} {
		t.Errorf("got %v, %v, %v", input, ok, err)
	}
	if _, ok, err := b.l.ReportKnown(t.Context(), [32]byte{3}); err != nil || ok {
		t.Errorf("bytes that were never written are known: %v, %v", ok, err)
	}
}
