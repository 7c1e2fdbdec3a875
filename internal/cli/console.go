package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"hppsend/internal/shown"
	"hppsend/pipeline"
)

// console writes what people read, on standard error. It is safe for concurrent use.
type console struct {
	mu    sync.Mutex
	out   *os.File
	quiet bool
	log   *slog.Logger // instead of lines, with --log-format json
	clear func()       // see onLine
}

func newConsole(out *os.File) *console { return &console{out: out} }

func (c *console) configure(quiet, json bool) {
	c.quiet = quiet
	if json {
		c.log = slog.New(slog.NewJSONHandler(c.out, nil))
	}
}

// onLine sets what takes a progress bar away before a line is written; nil for nothing.
func (c *console) onLine(clear func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear = clear
}

// terminal reports whether a person sits before it.
func (c *console) terminal() bool { return term.IsTerminal(int(c.out.Fd())) }

// columns is how wide the terminal is.
func (c *console) columns() int {
	width, _, err := term.GetSize(int(c.out.Fd()))
	if err != nil {
		return 80
	}
	return width
}

// say writes a line, unless only errors are wanted. Attributes go to the JSON log alone.
func (c *console) say(text string, attrs ...any) {
	if c.quiet {
		return
	}
	c.line(slog.LevelInfo, text, attrs...)
}

func (c *console) sayf(format string, args ...any) { c.say(fmt.Sprintf(format, args...)) }

// warn writes a line that is told however quiet a run is to be.
func (c *console) warn(text string, attrs ...any) { c.line(slog.LevelWarn, text, attrs...) }

// fail writes an error: what and where, and what to do. Several at once are written one by one.
func (c *console) fail(err error) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range several.Unwrap() {
			c.fail(e)
		}
		return
	}
	hint := pipeline.Hint(err)
	if c.log != nil {
		attrs := []any{"hint", shown.Text(hint)}
		if stack := pipeline.Stack(err); stack != nil {
			attrs = append(attrs, "stack", stack)
		}
		c.line(slog.LevelError, err.Error(), attrs...)
		return
	}
	c.line(slog.LevelError, "hppsend: "+err.Error())
	if hint != "" {
		c.line(slog.LevelError, "hint: "+hint)
	}
	for _, at := range pipeline.Stack(err) {
		c.line(slog.LevelError, "  at "+at)
	}
}

// line writes one line: a line break in a text is from a name, and would begin a line that looks like ours.
func (c *console) line(level slog.Level, text string, attrs ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.log != nil {
		if text = strings.TrimSpace(text); text != "" {
			c.log.Log(context.Background(), level, shown.Text(text), attrs...)
		}
		return
	}
	if c.clear != nil {
		c.clear()
	}
	io.WriteString(c.out, shown.Text(text)+"\n")
}
