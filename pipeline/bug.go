package pipeline

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
)

// Bug is a fault of the program itself: a panic that was caught. It says where it came from, and nothing
// of what the program was working on, which may be a contact.
type Bug struct {
	what  string
	stack []string
}

func (b *Bug) Error() string {
	return "there is a fault in the program: " + b.what + ", in " + b.stack[0]
}

// Hint says what to do.
func (b *Bug) Hint() string {
	return "the same command goes on where this one stopped; tell whoever looks after hppsend, with all that it printed"
}

// Stack gives the functions that were under way, the innermost first, each with its file and line.
func (b *Bug) Stack() []string { return b.stack }

// Stack gives the stack of the Bug in an error; nil when there is none.
func Stack(err error) []string {
	if bug := (*Bug)(nil); errors.As(err, &bug) {
		return bug.Stack()
	}
	return nil
}

// Guarded calls a function and gives a panic in it as a *Bug. Every goroutine runs under it: one that
// panicked by itself would end the process with the outcomes of other rows unwritten, and with Go's exit
// status for a crash, 2, which is ours for "nothing was sent".
func Guarded(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newBug(v)
		}
	}()
	return do()
}

func newBug(v any) *Bug {
	b := &Bug{what: fmt.Sprintf("a panic with a %T", v)}
	switch v := v.(type) {
	case *Bug: // caught before, in another goroutine
		return v
	case runtime.Error:
		b.what = v.Error()
	}
	calls := make([]uintptr, 256)
	frames := runtime.CallersFrames(calls[:runtime.Callers(0, calls)])
	panicking := false
	for more := true; more; {
		var f runtime.Frame
		switch f, more = frames.Next(); {
		case f.Function == "runtime.gopanic": // above it are only those who caught it
			panicking, b.stack = true, nil
		case panicking && !strings.HasPrefix(f.Function, "runtime."):
			b.stack = append(b.stack, fmt.Sprintf("%s (%s:%d)", path.Base(f.Function), path.Base(f.File), f.Line))
		}
	}
	return b
}
