package cli

import (
	"cmp"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// The heap grows by gcPercent between two collections, and by gcSpare at the least: a run of a million rows
// of CSV takes 160 MB at most, where it would take over 200 MB by default, and a smaller one, which has the
// room, does not pay for that with a fifth of its time. What serves for days needs less of it.
const (
	gcPercent    = 25
	gcSpare      = 24 << 20 // bytes
	gcSpareServe = 8 << 20
)

// spare is how much the heap may grow at the least; 0 for gcSpare.
var spare atomic.Uint64

// limitHeap sets how much the heap may grow, now and after each collection, unless GOGC says it.
func limitHeap() {
	if os.Getenv("GOGC") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	now := 0
	set := func() {
		metrics.Read(live)
		percent, least := gcPercent, cmp.Or(spare.Load(), gcSpare)
		if n := live[0].Value.Uint64(); n < least*100/gcPercent {
			percent = int(least * 100 / max(n, 1<<20))
		}
		if percent != now {
			debug.SetGCPercent(percent)
			now = percent
		}
	}
	set()
	afterEachCollection(set)
}

// afterEachCollection calls a function when the collector has found what nobody holds.
func afterEachCollection(do func()) {
	type unheld struct{ _ *byte }
	runtime.AddCleanup(&unheld{}, func(struct{}) {
		do()
		afterEachCollection(do)
	}, struct{}{})
}
