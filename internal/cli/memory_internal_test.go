package cli

import (
	"runtime"
	"testing"
)

// TestEachCollectionIsHeardOf sees that what is set after one collection is set after the next too.
func TestEachCollectionIsHeardOf(t *testing.T) {
	t.Parallel()
	heard := make(chan struct{}, 1)
	afterEachCollection(func() {
		select {
		case heard <- struct{}{}:
		default: // once the test is over
		}
	})
	for n := 0; n < 3; { // a collection may come before the next is waited for
		runtime.GC()
		select {
		case <-heard:
			n++
		default:
			runtime.Gosched()
		}
	}
}
