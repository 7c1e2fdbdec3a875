package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The heap grows by gcPercent between two collections, and by gcSpare at the least: a check of a million
// rows peaks at 150 MB, where it would take 210 MB by default, and a smaller one, which has the room, does
// not pay for that with a fifth of its time.
const (
	gcPercent = 27
	gcSpare   = 32 << 20 // bytes
)

// thrifty sets how much the heap may grow, now and after each collection, unless GOGC says it.
func thrifty() {
	if os.Getenv("GOGC") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	now := 0
	set := func() {
		metrics.Read(live)
		percent := gcPercent
		if n := live[0].Value.Uint64(); n < gcSpare*100/gcPercent {
			percent = int(gcSpare * 100 / max(n, 1<<20))
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
