package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"
)

// server is a minimal HPP in a process of its own: it reads each call and answers 204.
type server struct {
	url   string
	first <-chan time.Time // when the first call came; closed without one when the process ends
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
	ended chan tally
}

// tally is what a server has seen. Times are Unix nanoseconds.
type tally struct {
	Calls       int64
	First, Last int64
}

func (t tally) elapsed() time.Duration { return time.Duration(t.Last - t.First) }

// startServer starts one. The caller ends it with stop.
func startServer(ctx context.Context) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.CommandContext(ctx, self, "serve"), ended: make(chan tally, 1)}
	s.cmd.Stderr = os.Stderr
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(stdout)
	line, err := s.out.ReadString('\n')
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("start the server: %w", err)
	}
	s.url = strings.TrimSpace(line)
	first := make(chan time.Time, 1)
	s.first = first
	go s.listen(first)
	return s, nil
}

// listen takes in what the server says: its first call at once, and all at its end.
func (s *server) listen(first chan<- time.Time) {
	defer close(s.ended)
	defer close(first)
	var t tally
	for lines := json.NewDecoder(s.out); lines.Decode(&t) == nil; {
		if t.Last == 0 {
			first <- time.Unix(0, t.First)
			continue
		}
		s.ended <- t
	}
}

// stop ends the server and gives what it has seen.
func (s *server) stop() tally {
	s.stdin.Close()
	t := <-s.ended
	s.cmd.Wait()
	return t
}

// serve is the server's side: it serves until its standard input ends.
func serve() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", l.Addr())
	out := json.NewEncoder(os.Stdout)
	var calls, first, last atomic.Int64
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			first.Store(time.Now().UnixNano())
			out.Encode(tally{Calls: 1, First: first.Load()})
		}
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Klarna-Correlation-Id", "0f9c2d6e-1b7a-4f3e-9d58-6a4b8c2e7f10")
		w.WriteHeader(http.StatusNoContent)
		last.Store(time.Now().UnixNano())
	})}
	go srv.Serve(l)
	io.Copy(io.Discard, os.Stdin)
	srv.Close()
	return out.Encode(tally{calls.Load(), first.Load(), max(1, last.Load())})
}
