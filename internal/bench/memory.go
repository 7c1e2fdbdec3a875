package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	_ "modernc.org/sqlite" // the ledger's

	"hppsend/internal/ledger"
)

// memory is the part memory: the peak of whole runs, by size and format, and the pass that peaks.
func (b *bench) memory(ctx context.Context) ([]measure, error) {
	var filled string
	if b.filled > 0 {
		filled = filepath.Join(b.folder, "filled.db")
		if _, err := own(ctx, "fill", filled, strconv.Itoa(b.filled)); err != nil {
			return nil, err
		}
		info, err := os.Stat(filled)
		if err != nil {
			return nil, err
		}
		b.results.figure("memory: a ledger of "+count(b.filled)+" distributions", "%.0f MB", float64(info.Size())/1e6)
	}
	var measures []measure
	for _, kind := range []string{csvInput, sharedInput} {
		for _, rows := range b.sizes() {
			input, err := b.input(ctx, kind, rows)
			if err != nil {
				return nil, err
			}
			add := func(name, known string) {
				measures = append(measures, func(ctx context.Context) error {
					w := newWatch()
					s, t, err := b.wholeRun(ctx, input, rows, known, w)
					b.results.add(name, s)
					if check, send, report := w.peaks(t); check > 0 {
						b.results.figure(name+", by pass", "check %d MB, send %d MB, report %d MB", check/1e6, send/1e6, report/1e6)
					}
					return err
				})
			}
			add(memoryName(kind, rows), "")
			if filled != "" && rows == b.rows {
				add(memoryName(kind, rows)+", beside "+count(b.filled), filled)
			}
		}
		measures = append(measures, func(context.Context) error {
			b.growth(kind)
			return nil
		})
	}
	return measures, nil
}

// growth tells by how much the peak grows with the rows, between the two largest sizes.
func (b *bench) growth(kind string) {
	sizes := b.sizes()
	if len(sizes) < 2 {
		return
	}
	from, to := sizes[len(sizes)-2], sizes[len(sizes)-1]
	small, _, _ := b.results.median(memoryName(kind, from))
	large, _, _ := b.results.median(memoryName(kind, to))
	b.results.figure("memory: "+kind+", growth a row from "+count(from), "%.0f bytes", float64(large.Peak-small.Peak)/float64(to-from))
}

func memoryName(kind string, rows int) string {
	return fmt.Sprintf("memory: run of %s rows of %s", count(rows), kind)
}

// sizes are the numbers of rows of the runs, ascending; the last is the one that was asked for.
func (b *bench) sizes() []int {
	sizes := slices.DeleteFunc([]int{10_000, 100_000}, func(n int) bool { return n >= b.rows })
	return append(sizes, b.rows)
}

// watch looks at the resident size of a process while it runs. Without /proc it sees nothing.
type watch struct {
	quit, ended chan struct{}
	at          []time.Time
	bytes       []int64
}

func newWatch() *watch { return &watch{quit: make(chan struct{}), ended: make(chan struct{})} }

// follow looks at a process until the end.
func (w *watch) follow(pid int) {
	defer close(w.ended)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-w.quit:
			return
		case now := <-ticker.C:
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
			if fields := bytes.Fields(text); err == nil && len(fields) > 1 {
				pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
				w.at, w.bytes = append(w.at, now), append(w.bytes, pages*int64(os.Getpagesize()))
			}
		}
	}
}

func (w *watch) end() {
	close(w.quit)
	<-w.ended
}

// peaks are the highest sizes before the first call, until the last, and after it.
func (w *watch) peaks(t tally) (check, send, report int64) {
	for i, at := range w.at {
		switch n := at.UnixNano(); {
		case n < t.First:
			check = max(check, w.bytes[i])
		case n <= t.Last:
			send = max(send, w.bytes[i])
		default:
			report = max(report, w.bytes[i])
		}
	}
	return check, send, report
}

// fill makes a ledger that holds so many deliveries of other sessions: inserted at once, and in the
// order of the sessions, which is quick.
func fill(args []string) (func() (int, error), error) {
	path, rows, err := target(args)
	return func() (int, error) {
		ctx := context.Background()
		l, err := ledger.Open(ctx, ledger.Options{Path: path, Environment: "sandbox", Create: true})
		if err != nil {
			return 0, err
		}
		if _, err := beginRun(ctx, l); err != nil {
			return 0, err
		}
		if err := l.Close(); err != nil {
			return 0, err
		}
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(OFF)&_pragma=synchronous(OFF)&_pragma=cache_size(-100000)")
		if err != nil {
			return 0, err
		}
		defer db.Close()
		_, err = db.ExecContext(ctx, `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
			INSERT INTO distribution (session, target, reminder, method, contact, country, other, sheet, row, run, time,
				attempts, status, http_status, correlation_id)
			SELECT printf('%08x-%04x-4%03x-8%03x-%012x', i * 4294967296 / ?1, random() & 65535, random() & 4095,
					random() & 4095, random() & 281474976710655),
				1, '', 'sms', randomblob(17), 'SE', randomblob(17), '', i + 2, 1, 1763900000000 + i, 1, 'delivered', 204,
				printf('%08x-0000-4000-8000-%012x', random() & 4294967295, i)
			FROM n`, rows)
		return rows, err
	}, err
}
