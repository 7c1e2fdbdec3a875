package sandbox

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// limiter counts calls in windows of one second, which begin at the full second, as HPP does. Calls
// beyond the limit count too, and are refused until the window ends.
type limiter struct {
	most int // 0 for no limit

	mu     sync.Mutex
	window time.Time
	used   int
}

// admit counts a call, writes HPP's headers on the limit, and reports whether the call is within it.
func (l *limiter) admit(h http.Header, now time.Time) bool {
	if l.most == 0 {
		return true
	}
	used := l.use(now.Truncate(time.Second))
	h.Set("X-Ratelimit-Limit", fmt.Sprintf("%d, %[1]d;w=1", l.most))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(max(0, l.most-used)))
	h.Set("X-Ratelimit-Reset", "1") // in whole seconds, so never less
	return used <= l.most
}

func (l *limiter) use(window time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !window.Equal(l.window) {
		l.window, l.used = window, 0
	}
	l.used++
	return l.used
}
