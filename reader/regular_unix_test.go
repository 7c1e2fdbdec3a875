//go:build unix

package reader

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hppsend/pipeline"
)

// What would wait for ever, or do more than be read, is refused unopened, also behind a link.
func TestOnlyRegularFiles(t *testing.T) {
	dir, err := os.MkdirTemp("", "") // a short path, as sockets need
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	pipe, socket, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "socket"), filepath.Join(dir, "link")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for path, what := range map[string]string{pipe: "a pipe", link: "a pipe", socket: "a socket", "/dev/tty": "a device", os.DevNull: "a device"} {
		_, err := Open(path, Options{})
		var e *pipeline.Error
		if !errors.As(err, &e) || e.Place.File != path || !strings.HasPrefix(e.Problem, "this is "+what+" and") || !strings.Contains(e.Hint(), "- (standard input)") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
