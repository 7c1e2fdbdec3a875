package sandbox

import (
	"sync"
	"time"
)

// limiter counts calls in windows of one second, which begin at the full second, as HPP does.
type limiter struct {
	most int // 0 for no limit

	mu     sync.Mutex
	window time.Time
	used   int
}

// take counts a call, and tells how many are left in the window and when it ends.
func (l *limiter) take(now time.Time) (remaining int, reset time.Duration, ok bool) {
	if l.most == 0 {
		return 0, 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := now.Truncate(time.Second); !w.Equal(l.window) {
		l.window, l.used = w, 0
	}
	l.used++
	return max(0, l.most-l.used), l.window.Add(time.Second).Sub(now), l.used <= l.most
}
