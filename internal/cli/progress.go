package cli

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"hppsend/pipeline"
)

const (
	barEvery  = 200 * time.Millisecond // on a terminal
	lineEvery = 10 * time.Second       // elsewhere

	barColumns = 26 // what the bar takes beside its text: its share, a short bar, the count
)

// progress shows how far a run is: a bar on a terminal, else a line now and then. It implements
// pipeline.Observer; what it hears is shown by a ticker, so that hearing costs nothing.
type progress struct {
	console *console
	lines   *lines

	mu       sync.Mutex
	name     string
	now      pipeline.Progress
	started  time.Time
	speed    speed
	bar      *progressbar.ProgressBar // nil where there is no terminal
	said     map[string]time.Time     // when a notice was last given, by code
	quit     chan struct{}
	finished chan struct{}
}

func newProgress(c *console, l *lines) *progress {
	p := &progress{
		console: c, lines: l, said: map[string]time.Time{},
		quit: make(chan struct{}), finished: make(chan struct{}),
	}
	every := lineEvery
	if p.onTerminal() {
		every = barEvery
	}
	go func() {
		defer close(p.finished)
		if err := pipeline.Guarded(func() error { p.draw(every); return nil }); err != nil {
			c.fail(err) // the sending goes on without it
		}
	}()
	return p
}

func (p *progress) onTerminal() bool {
	return !p.console.quiet && p.console.log == nil && p.console.terminal()
}

// file begins the showing of a file.
func (p *progress) file(name string, due int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.name, p.now, p.started, p.speed = name, pipeline.Progress{Due: due}, time.Now(), nil
	if p.onTerminal() && due > 0 {
		bar := progressbar.NewOptions(due,
			progressbar.OptionSetWriter(p.console.out), progressbar.OptionShowCount(), progressbar.OptionFullWidth(),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionSetTheme(progressbar.ThemeASCII), progressbar.OptionClearOnFinish(),
		)
		p.bar = bar
		p.console.onLine(func() { bar.Clear() })
	}
}

// Progress takes in how far the run is.
func (p *progress) Progress(now pipeline.Progress) {
	p.mu.Lock()
	p.now = now
	p.mu.Unlock()
}

// Notice shows a notice; the same kind not more than once in the time of a line.
func (p *progress) Notice(n pipeline.Notice) {
	p.mu.Lock()
	again := n.Time.Sub(p.said[n.Code]) < lineEvery
	if !again {
		p.said[n.Code] = n.Time
	}
	p.mu.Unlock()
	if again {
		return
	}
	if n.Code == pipeline.StopSignal {
		n.Text = "Stopping: no new calls; those under way may come to their end. Ctrl-C once more cuts them off."
	}
	p.console.say(n.Text, "type", "notice", "code", n.Code)
	p.lines.notice(n.Code, n.Text)
}

// close takes the bar away, and stops the showing.
func (p *progress) close() {
	close(p.quit)
	<-p.finished
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

func (p *progress) erase() {
	p.console.onLine(nil)
	if p.bar != nil {
		p.bar.Clear()
	}
	p.bar = nil
}

func (p *progress) draw(every time.Duration) {
	shown, written := time.NewTicker(every), time.NewTicker(lineEvery)
	defer shown.Stop()
	defer written.Stop()
	for {
		select {
		case now := <-shown.C:
			p.show(now)
		case <-written.C:
			p.mu.Lock()
			name, state := p.name, p.now
			p.mu.Unlock()
			p.lines.progress(name, state)
		case <-p.quit:
			return
		}
	}
}

// show brings the bar up to date, or writes a line.
func (p *progress) show(at time.Time) {
	text, bar, name, state := p.look(at)
	switch {
	case bar == nil:
		p.console.say(strings.TrimSuffix(fmt.Sprintf("%s: %d of %d, %s", name, state.Done(), state.Due, text), ", "), "type", "progress")
	case state.Waiting != pipeline.AwaitingAnswer: // else it would write over the question
		p.console.mu.Lock()
		defer p.console.mu.Unlock()
		bar.Describe(cut(text, p.console.columns()-barColumns))
		bar.Set(min(state.Done(), state.Due))
	}
}

func (p *progress) look(at time.Time) (text string, bar *progressbar.ProgressBar, name string, state pipeline.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.speed.add(at, p.now.Done())
	return p.text(), p.bar, p.name, p.now
}

// text says what the counts do not: what went wrong, how long it will take, or why nothing goes on.
func (p *progress) text() string {
	n := p.now
	var parts []string
	for _, part := range []struct {
		count int
		name  string
	}{{n.Rejected, "rejected"}, {n.Failed, "failed"}, {n.Uncertain, "uncertain"}, {n.Retrying, "to be tried again"}} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.name))
		}
	}
	switch {
	case n.Waiting != "" && !n.Until.IsZero():
		parts = append(parts, fmt.Sprintf("%s until %s", n.Waiting, n.Until.Local().Format(time.TimeOnly)))
	case n.Waiting != "":
		parts = append(parts, n.Waiting)
	default:
		if perSecond := p.speed.perSecond(); perSecond > 0 {
			parts = append(parts, fmt.Sprintf("%.3g/s", perSecond))
		}
		if left := p.left(); left > 0 {
			parts = append(parts, "about "+left.Round(time.Second).String()+" left")
		}
	}
	return strings.Join(parts, ", ")
}

// speed is how many rows were done at moments of the last seconds.
type speed []struct {
	at   time.Time
	done int
}

func (s *speed) add(at time.Time, done int) {
	*s = append(*s, struct {
		at   time.Time
		done int
	}{at, done})
	for len(*s) > 2 && at.Sub((*s)[0].at) > max(5*time.Second, 2*at.Sub((*s)[len(*s)-2].at)) {
		*s = (*s)[1:]
	}
}

func (s speed) perSecond() float64 {
	if len(s) < 2 {
		return 0
	}
	first, last := s[0], s[len(s)-1]
	return float64(last.done-first.done) / last.at.Sub(first.at).Seconds()
}

// cut shortens a text to a number of columns.
func cut(text string, columns int) string {
	runes := []rune(text)
	if len(runes) <= columns {
		return text
	}
	return string(runes[:max(0, columns-1)]) + "…"
}

// left is how long the rest takes, by the pace, or by what was done so far where that is slower.
func (p *progress) left() time.Duration {
	rest := float64(p.now.Due - p.now.Done())
	left := rest / p.now.Rate
	if done := float64(p.now.Done()); done >= 10 && !p.started.IsZero() {
		left = max(left, rest*time.Since(p.started).Seconds()/done)
	} else if p.now.Rate == 0 || math.IsInf(p.now.Rate, 1) {
		return 0
	}
	return time.Duration(left * float64(time.Second))
}
