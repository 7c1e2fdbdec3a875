package servertest

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Wire is a way to a server that can be cut or frozen.
type Wire struct {
	server   string
	listener net.Listener
	chunks   atomic.Int64 // that have passed, in either direction
	cutAt    atomic.Int64 // the chunk at which all connections are cut; 0 for none
	swallow  atomic.Bool  // that chunk is not passed on
	frozen   sync.RWMutex
	mu       sync.Mutex
	open     map[net.Conn]bool
}

// NewWire gives a way to the server of an address, and the address by which it is taken.
func NewWire(t testing.TB, place string) (*Wire, string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "wire")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	before, host, _ := strings.Cut(place, "?host=")
	host = strings.ReplaceAll(host, "%2F", "/")
	w := &Wire{server: filepath.Join(host, ".s.PGSQL.5432"), open: map[net.Conn]bool{}}
	if w.listener, err = net.Listen("unix", filepath.Join(folder, ".s.PGSQL.5432")); err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(w.serve)
	t.Cleanup(func() {
		w.listener.Close()
		w.Cut()
		serving.Wait()
	})
	return w, before + "?host=" + folder
}

func (w *Wire) serve() {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", w.server)
		if err != nil {
			client.Close()
			continue
		}
		w.mu.Lock()
		w.open[client], w.open[server] = true, true
		w.mu.Unlock()
		all.Go(func() { w.pass(server, client) })
		all.Go(func() { w.pass(client, server) })
	}
}

func (w *Wire) pass(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 1<<16)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if !w.passed(to, buf[:n]) {
			return
		}
	}
}

// passed passes a chunk on, once the way is not frozen, and reports whether there may be another.
func (w *Wire) passed(to net.Conn, chunk []byte) bool {
	w.frozen.RLock()
	defer w.frozen.RUnlock()
	cut := w.chunks.Add(1) == w.cutAt.Load()
	if cut {
		defer w.Cut()
	}
	if cut && w.swallow.Load() {
		return false
	}
	_, err := to.Write(chunk)
	return err == nil && !cut
}

// Cut ends all connections.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		c.Close()
	}
	clear(w.open)
}

// Chunks is how many pieces have passed so far, in either direction.
func (w *Wire) Chunks() int { return int(w.chunks.Load()) }

// CutAt has all connections cut at the n-th piece from now on, which still passes, or is swallowed; 0 for not.
func (w *Wire) CutAt(n int, swallow bool) {
	w.swallow.Store(swallow)
	if n > 0 {
		n += w.Chunks()
	}
	w.cutAt.Store(int64(n))
}

// Freeze lets nothing pass until Thaw.
func (w *Wire) Freeze() { w.frozen.Lock() }

// Thaw ends a freeze.
func (w *Wire) Thaw() { w.frozen.Unlock() }
