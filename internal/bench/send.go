package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// The names that goals compare.
const (
	bareLoop = "send: bare net/http loop (bound)"
	sendPass = "send: hppsend run, first call to last"
	sendAll  = "send: hppsend run, end to end"
)

// sending is the part send: a whole run without a limit, and a bare loop against the same server.
func (b *bench) sending(ctx context.Context) ([]measure, error) {
	input, err := b.input(ctx, csvInput, b.sendRows)
	if err != nil {
		return nil, err
	}
	bare := func(ctx context.Context) error {
		srv, err := startServer(ctx)
		if err != nil {
			return err
		}
		s, err := own(ctx, "post", srv.url, strconv.Itoa(b.sendRows), strconv.Itoa(b.concurrency))
		if t := srv.stop(); err == nil && t.Calls != int64(b.sendRows) {
			err = fmt.Errorf("the server has seen %d calls of %d", t.Calls, b.sendRows)
		}
		b.results.add(bareLoop, s)
		return err
	}
	whole := func(ctx context.Context) error {
		s, t, err := b.wholeRun(ctx, input, b.sendRows, "", nil)
		b.results.add(sendAll, s)
		s.Elapsed, s.CPU, s.Peak = t.elapsed(), 0, 0
		b.results.add(sendPass, s)
		return err
	}
	return []measure{bare, whole}, nil
}

// runArgs are the arguments of a run without a limit, its ledger and report in a folder.
func (b *bench) runArgs(folder, url, input string) []string {
	return []string{
		"run", "--endpoint", url, "--rate", "unlimited", "--concurrency", strconv.Itoa(b.concurrency),
		"--ledger", filepath.Join(folder, "ledger.db"), "-o", filepath.Join(folder, "report"+filepath.Ext(input)), input,
	}
}

// wholeRun runs the program on an input against a server of its own, on a copy of a ledger if one is
// given, and makes sure that every row was called once. The watch, if there is one, sees it run.
func (b *bench) wholeRun(ctx context.Context, input string, rows int, known string, w *watch) (s sample, t tally, err error) {
	folder, err := b.runFolder(known)
	if err != nil {
		return s, t, err
	}
	defer os.RemoveAll(folder)
	srv, err := startServer(ctx)
	if err != nil {
		return s, t, err
	}
	p := b.program(ctx, b.runArgs(folder, srv.url, input)...)
	p.watch = w
	s, err = p.timed(rows, 0)
	if t = srv.stop(); err == nil && t.Calls != int64(rows) {
		err = fmt.Errorf("the server has seen %d calls of %d", t.Calls, rows)
	}
	return s, t, err
}

// runFolder makes a folder for a run, with a ledger in it if one is given.
func (b *bench) runFolder(known string) (folder string, err error) {
	if folder, err = os.MkdirTemp(b.folder, "run-"); err != nil || known == "" {
		return folder, err
	}
	for _, ending := range []string{"", ".secret"} {
		if err := copyFile(known+ending, filepath.Join(folder, "ledger.db"+ending)); err != nil {
			return folder, err
		}
	}
	return folder, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// post is the bare loop: the bodies of so many rows, made before, to the paths of their sessions.
func post(args []string) (func() (int, error), error) {
	url, rows, err := target(args)
	if err != nil {
		return nil, err
	}
	concurrency, err := strconv.Atoi(args[2])
	if err != nil {
		return nil, err
	}
	paths, bodies := make([]string, rows), make([]string, rows)
	for i := range rows {
		p := personAt(i)
		paths[i], bodies[i] = url+"/hpp/v1/sessions/"+p.session+"/distribution", p.body()
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: concurrency}}
	return func() (int, error) {
		var next atomic.Int64
		errs := make([]error, concurrency)
		var workers sync.WaitGroup
		for w := range concurrency {
			workers.Go(func() {
				for i := next.Add(1) - 1; i < int64(rows); i = next.Add(1) - 1 {
					if errs[w] = postOne(client, paths[i], bodies[i]); errs[w] != nil {
						return
					}
				}
			})
		}
		workers.Wait()
		return rows, errors.Join(errs...)
	}, nil
}

func postOne(client *http.Client, path, body string) error {
	req, err := http.NewRequest(http.MethodPost, path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Cache-Control", "no-cache")
	req.SetBasicAuth("sandbox", "sandbox")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return errors.New(resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
