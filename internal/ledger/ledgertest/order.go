package ledgertest

import (
	"testing"

	"hppsend/pipeline"
)

func orders(t *testing.T, b *bench) {
	a, other := b.begin("a", ""), b.Open(t)
	b.begin("b", "")
	ordered := func(runs ...string) pipeline.Order {
		t.Helper()
		o := must(b.l.Ordered(t.Context(), runs...))(t)
		if o.Order != pipeline.GoOn && (o.By != "Ann" || o.Time.IsZero()) {
			t.Errorf("it is ordered as %+v", o)
		}
		return o.Order
	}
	is := func(what string, got, want pipeline.Order) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	order := func(run string, o pipeline.Order, want bool) {
		t.Helper()
		if found := must(other.Order(t.Context(), run, o, "Ann"))(t); found != want {
			t.Errorf("run %s is found: %v", run, found)
		}
	}
	is("nothing", ordered("a", "b"), pipeline.GoOn)
	order("a", pipeline.Pause, true)
	is("one paused", ordered("a"), pipeline.Pause)
	is("one of two", ordered("b", "a"), pipeline.Pause)
	is("the other", ordered("b"), pipeline.GoOn)
	order("a", pipeline.GoOn, true)
	is("it goes on", ordered("a"), pipeline.GoOn)
	for _, want := range []bool{true, false} {
		if changed := must(other.HaltAll(t.Context(), true, "Ann"))(t); changed != want {
			t.Errorf("halted: %v", changed)
		}
	}
	is("all", ordered("a"), pipeline.Pause)
	is("none that has begun", ordered(), pipeline.Pause)
	order("a", pipeline.Cancel, true)
	is("cancelled in a halt", ordered("a"), pipeline.Cancel)
	order("a", pipeline.GoOn, false)
	is("cancelled for good", ordered("b", "a"), pipeline.Cancel)
	for _, want := range []bool{true, false} {
		if changed := must(other.HaltAll(t.Context(), false, "Ann"))(t); changed != want {
			t.Errorf("let go on: %v", changed)
		}
	}
	is("the other goes on", ordered("b"), pipeline.GoOn)
	a.end()
	order("a", pipeline.Pause, false)
	order("none", pipeline.Pause, false)
}
