//go:build unix

package cli_test

import (
	"bytes"
	"io"
	"strings"
	"syscall"
	"testing"

	"hppsend/internal/sandbox"
)

// until is a writer that closes a channel once it has seen some words.
type until struct {
	text  bytes.Buffer // not embedded: io.Copy would read into it, past Write
	words string
	seen  chan struct{}
}

func (u *until) Write(p []byte) (int, error) {
	before := strings.Contains(u.text.String(), u.words)
	n, err := u.text.Write(p)
	if !before && strings.Contains(u.text.String(), u.words) {
		close(u.seen)
	}
	return n, err
}

// TestHookHearsTheSignal has a command of --on-finish that never ends, and a signal that ends it.
func TestHookHearsTheSignal(t *testing.T) {
	p := newPlace(t, sandbox.Config{})
	p.contacts("may.csv", 0, 2)
	c := p.run("--rate", "unlimited", "may.csv")
	for _, word := range []string{"hppsend", "sandbox", "--addr", "127.0.0.1:0"} {
		c.Args = append(c.Args, "--on-finish", word)
	}
	out := &until{words: "The sandbox serves at", seen: make(chan struct{})}
	c.Stdout, c.Stderr = io.Discard, out
	ok(t, c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case <-out.seen:
	case <-ended:
		t.Fatalf("the command did not begin\n%s", out.text.String())
	}
	ok(t, c.Process.Signal(syscall.SIGTERM))
	<-ended
	if code := c.ProcessState.ExitCode(); code != 0 || !strings.Contains(out.text.String(), "--on-finish hppsend: it was ended by a signal; how the run itself ended stays as it is") {
		t.Errorf("exit code %d\n%s", code, out.text.String())
	}
}

// TestPipesAreNotWaitedFor names pipes that nobody writes to where a file is read on the way.
func TestPipesAreNotWaitedFor(t *testing.T) {
	p := newPlace(t, sandbox.Config{})
	p.contacts("may.csv", 0, 2)
	ok(t, syscall.Mkfifo(p.path("pipe"), 0o600))
	p.must(0, p.run("--rate", "unlimited", "--metrics-file", "pipe", "may.csv"))
	ok(t, syscall.Unlink(p.path("pipe")))
	ok(t, syscall.Mkfifo(p.path("pipe"), 0o600))
	p.must(6, p.hppsend("report", "--endpoint", p.url, "pipe"))
}
