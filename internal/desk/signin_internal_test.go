package desk

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestGuesses counts wrong passwords by login and address together, and, with more patience, by each alone.
func TestGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			login, address func(i int) string
			free           int
			waits          [2]string // of this login and address
			not            [2]string // and not of this
		}{
			"one login from one address": {
				func(int) string { return "a" }, func(int) string { return "1" }, 5, [2]string{"a", "1"}, [2]string{"a", "2"},
			},
			"one login from anywhere": {
				func(int) string { return "a" }, func(i int) string { return fmt.Sprint(i) }, 50, [2]string{"a", "x"}, [2]string{"b", "x"},
			},
			"many logins from one address": {
				func(i int) string { return fmt.Sprint(i) }, func(int) string { return "1" }, 50, [2]string{"x", "1"}, [2]string{"x", "2"},
			},
		} {
			var g guesses
			for i := range tt.free {
				if wait := g.wait(tt.waits[0], tt.waits[1]); wait != 0 {
					t.Fatalf("%s: after %d tries the wait is %s", name, i, wait)
				}
				g.wrong(tt.login(i), tt.address(i))
			}
			for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300} {
				if wait := g.wait(tt.waits[0], tt.waits[1]); wait != want*time.Second {
					t.Errorf("%s: the wait is %s, not %ds", name, wait, want)
				}
				if wait := g.wait(tt.not[0], tt.not[1]); wait != 0 {
					t.Errorf("%s: another waits %s", name, wait)
				}
				time.Sleep(want * time.Second)
				if wait := g.wait(tt.waits[0], tt.waits[1]); wait != 0 {
					t.Errorf("%s: after the wait it is %s", name, wait)
				}
				g.wrong(tt.login(0), tt.address(0))
			}
			time.Sleep(2 * time.Hour)
			g.wrong(tt.login(0), tt.address(0))
			if wait := g.wait(tt.waits[0], tt.waits[1]); wait != 0 {
				t.Errorf("%s: it is not forgotten after hours: %s", name, wait)
			}
		}
	})
}

// However many are guessed at, what is remembered of them has an end.
func TestGuessesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g guesses
		for i := range 120_000 {
			g.wrong(fmt.Sprint(i), "1")
			time.Sleep(time.Millisecond)
		}
		if n := len(g.all); n > 110_000 {
			t.Errorf("%d are remembered", n)
		}
		if g.wait("x", "1") == 0 {
			t.Error("the address is forgotten")
		}
	})
}
