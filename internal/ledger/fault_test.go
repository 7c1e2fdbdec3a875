package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"hppsend/pipeline"
)

// fault is what becomes of the disk at an operation that is drawn beforehand.
type fault string

const (
	once     fault = "this one operation fails"
	full     fault = "nothing can be written from there on"
	powerCut fault = "the power goes, and with it all that was not synced"
)

// disk lies between SQLite and the files: it stands in for the methods of the VFS that change them.
type disk struct {
	mu     sync.Mutex
	fault  fault
	left   int                // operations before the fault
	failed int                // operations that did
	files  map[uintptr]string // by SQLite's handle
	synced map[string][]byte  // what is on the platter, by file name
	keep   []any              // replaced methods, which only SQLite's tables point to
}

// methods of the VFS and of its files; see sqlite3_vfs and sqlite3_io_methods in SQLite's manual.
type (
	openFile     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, got uintptr) int32
	deleteFile   = func(tls *libc.TLS, vfs, name uintptr, syncFolder int32) int32
	writeFile    = func(tls *libc.TLS, file, from uintptr, n int32, offset int64) int32
	truncateFile = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFile     = func(tls *libc.TLS, file uintptr, flags int32) int32
	mapShared    = func(tls *libc.TLS, file uintptr, region, size, extend int32, got uintptr) int32
)

// at gives what SQLite points to: one of its structs, or a function.
func at[T any](pointer uintptr) T { return *(*T)(unsafe.Pointer(&pointer)) }

// put replaces a method and gives the old one.
func put[F any](d *disk, method *uintptr, f F) (old F) {
	old = at[F](*method)
	d.keep = append(d.keep, f)
	*method = *(*uintptr)(unsafe.Pointer(&f))
	return old
}

// newDisk puts a disk under every database that is opened from now on, until the end of the test.
func newDisk(t *testing.T) *disk {
	opened(t) // the driver sets the library up at its first use
	d := &disk{left: math.MaxInt, files: map[uintptr]string{}}
	tls := libc.NewTLS()
	t.Cleanup(tls.Close)
	vfs := at[*sqlite3.Tsqlite3_vfs](sqlite3.Xsqlite3_vfs_find(tls, 0))
	was := *vfs
	t.Cleanup(func() { *vfs = was })
	var remove deleteFile
	remove = put(d, &vfs.FxDelete, func(tls *libc.TLS, vfs, name uintptr, _ int32) int32 {
		if d.fails() {
			return sqlite3.SQLITE_IOERR_DELETE
		}
		d.mu.Lock()
		delete(d.synced, filepath.Base(libc.GoString(name)))
		d.mu.Unlock()
		return remove(tls, vfs, name, 0)
	})
	under := map[*sqlite3.Tsqlite3_io_methods]bool{}
	var open openFile
	open = put(d, &vfs.FxOpen, func(tls *libc.TLS, vfs, name, file uintptr, flags int32, got uintptr) int32 {
		if _, err := os.Stat(libc.GoString(name)); err != nil && d.fails() { // it would be made
			at[*sqlite3.Tsqlite3_file](file).FpMethods = 0
			return sqlite3.SQLITE_CANTOPEN
		}
		rc := open(tls, vfs, name, file, flags, got)
		f := at[*sqlite3.Tsqlite3_file](file)
		if rc != sqlite3.SQLITE_OK || name == 0 || f.FpMethods == 0 {
			return rc
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.files[file] = libc.GoString(name)
		if m := at[*sqlite3.Tsqlite3_io_methods](f.FpMethods); !under[m] {
			under[m] = true
			was := *m
			t.Cleanup(func() { *m = was })
			d.under(m)
		}
		return rc
	})
	return d
}

// under puts the disk under the files that have these methods.
func (d *disk) under(m *sqlite3.Tsqlite3_io_methods) {
	var write writeFile
	write = put(d, &m.FxWrite, func(tls *libc.TLS, file, from uintptr, n int32, offset int64) int32 {
		if d.fails() {
			write(tls, file, from, n/2, offset) // what did find room
			return sqlite3.SQLITE_FULL
		}
		return write(tls, file, from, n, offset)
	})
	var truncate truncateFile
	truncate = put(d, &m.FxTruncate, func(tls *libc.TLS, file uintptr, size int64) int32 {
		if d.fails() {
			return sqlite3.SQLITE_IOERR_TRUNCATE
		}
		return truncate(tls, file, size)
	})
	put(d, &m.FxSync, syncFile(func(_ *libc.TLS, file uintptr, _ int32) int32 {
		if d.fails() {
			return sqlite3.SQLITE_IOERR_FSYNC
		}
		d.reaches(file)
		return sqlite3.SQLITE_OK
	}))
	var share mapShared
	share = put(d, &m.FxShmMap, func(tls *libc.TLS, file uintptr, region, size, extend int32, got uintptr) int32 {
		if extend != 0 && d.fails() {
			return sqlite3.SQLITE_IOERR_SHMSIZE
		}
		return share(tls, file, region, size, extend, got)
	})
}

// fails reports whether an operation is to fail.
func (d *disk) fails() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left--; d.left >= 0 || d.fault == once && d.failed > 0 {
		return false
	}
	d.failed++
	return true
}

// reaches has a file on the platter as it is now. To close it here drops SQLite's own locks on it; no
// other process wants them.
func (d *disk) reaches(file uintptr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if text, err := os.ReadFile(d.files[file]); err == nil {
		d.synced[filepath.Base(d.files[file])] = text
	}
}

// arm lets the disk fail after a number of operations.
func (d *disk) arm(f fault, after int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault, d.left, d.failed, d.synced = f, after, 0, map[string][]byte{}
}

// mend ends the fault, and reports whether there was one. After a power cut the folder holds what was
// on the platter.
func (d *disk) mend(t *testing.T, dir string) (failed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left, failed = math.MaxInt, d.failed > 0
	if !failed || d.fault != powerCut {
		return failed
	}
	lost, err := filepath.Glob(filepath.Join(dir, "ledger.db*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lost {
		switch text, ok := d.synced[filepath.Base(path)]; {
		case ok:
			err = os.WriteFile(path, text, 0o600)
		case strings.HasSuffix(path, ".db"):
			err = os.Truncate(path, 0)
		case strings.HasSuffix(path, "-wal"), strings.HasSuffix(path, "-shm"), strings.HasSuffix(path, "-journal"):
			err = os.Remove(path)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return failed
}

// list is an input in memory.
type list int

func (n list) Input() pipeline.Input { return pipeline.Input{Path: "may.csv", SHA256: [32]byte{1}} }

func (n list) Batches() iter.Seq2[[]pipeline.Row, error] {
	return func(yield func([]pipeline.Row, error) bool) {
		for i := range int(n) {
			row := pipeline.Row{
				Place:  pipeline.Place{File: "may.csv", Row: i + 2},
				Fields: pipeline.Fields{Session: session(i), Email: fmt.Sprintf("person%d@example.com", i)},
			}
			if !yield([]pipeline.Row{row}, nil) {
				return
			}
		}
	}
}

// hpp accepts every call and counts them. A call without its intent in the ledger is noted.
type hpp struct {
	mu    sync.Mutex
	calls map[string]int
	view  *View
	bare  []string
}

func (h *hpp) Send(ctx context.Context, d pipeline.Distribution) pipeline.Reply {
	known, err := h.view.Lookup(context.WithoutCancel(ctx), []string{d.Session})
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.calls[d.Session]++; err != nil || len(known[0]) != 1 || known[0][0].Intent != pipeline.ForeignIntent {
		h.bare = append(h.bare, fmt.Sprint(d.Session, known, err))
	}
	return pipeline.Reply{Verdict: pipeline.Accepted, HTTPStatus: 204}
}

type (
	silent struct{}
	counts map[pipeline.Status]int
)

func (silent) Progress(pipeline.Progress)                       {}
func (silent) Notice(pipeline.Notice)                           {}
func (c counts) Write(_ pipeline.Row, o pipeline.Outcome) error { c[o.Status]++; return nil }

const faultConcurrency = 2

// campaign is a whole run on a ledger: open, check, send, report.
func (h *hpp) campaign(ctx context.Context, path, id string, rows list, rate float64, grace time.Duration) (got counts, err error) {
	l, err := Open(ctx, Options{Path: path, Environment: "sandbox", Create: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	h.view = l.View(target)
	rules := pipeline.Rules{Target: target, Hidden: pipeline.RefuseHidden}
	plan, err := pipeline.Check(ctx, pipeline.CheckConfig{Rules: rules, Records: h.view}, rows)
	if err != nil {
		return nil, err
	}
	run, err := l.Begin(ctx, RunInfo{ID: id, Target: target, SHA256: [32]byte{1}, Options: []byte("{}"), Started: time.Now()})
	if err != nil {
		return nil, err
	}
	plan.Files[0].Run, rules.Run = id, id
	pacer := pipeline.NewPacer(l.Pace(target), rate, 0)
	var pacing sync.WaitGroup
	pacing.Go(func() { pacer.Run(ctx) })
	sending := pipeline.NewSending(pipeline.SendConfig{
		Concurrency: faultConcurrency, MaxAttempts: 5, RetryFor: time.Minute, Grace: grace,
	}, pacer, silent{}, nil)
	ending := sending.Send(ctx, plan, 0, rows, &pipeline.Distributor{
		Rules: rules, Records: run, Ledger: run, Permits: pacer, Sender: h, Grace: grace, Binding: true,
	})
	pacer.Stop()
	pacing.Wait()
	got = counts{}
	_, err = pipeline.Report(ctx, plan, 0, rows, ending.Finding, got)
	return got, errors.Join(ending.Err, err, run.End(ctx, ending.Finding, []byte("{}")))
}

// TestEveryDiskOperationMayFail lets each operation of the disk fail in turn, in each of the ways that
// disks have. The run ends in an error that says what to do, or goes through; no call is made before its
// intent is on disk; and the next run finishes without a second call for any session, with nothing in
// doubt but what was under way. HPPSEND_FAULT_ROWS makes the run longer.
func TestEveryDiskOperationMayFail(t *testing.T) {
	rows := list(3)
	if text := os.Getenv("HPPSEND_FAULT_ROWS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		rows = list(n)
	}
	share := 1 // of the operations one in so many fails
	if os.Getenv("SWEEP") == "thin" {
		share = 5
	}
	d := newDisk(t)
	for _, f := range []fault{once, full, powerCut} {
		t.Run(string(f), func(t *testing.T) {
			broke, doubts, n := 0, 0, 0
			grace := 20 * time.Millisecond
			if f == once { // what comes after it succeeds, however busy the machine is
				grace = 2 * time.Second
			}
			for failed := true; failed && !t.Failed(); n += share {
				h := &hpp{calls: map[string]int{}}
				path := filepath.Join(t.TempDir(), "ledger.db")
				if err := os.WriteFile(path+".secret.new", []byte(strings.Repeat("ab", 32)), 0o600); err != nil {
					t.Fatal(err)
				}
				d.arm(f, n)
				first, err := h.campaign(t.Context(), path, "a", rows, 10_000, grace)
				failed = d.mend(t, filepath.Dir(path))
				called := maps.Clone(h.calls)
				if err != nil {
					broke++
				}
				if hint := interface{ Hint() string }(nil); err != nil && (!errors.As(err, &hint) || hint.Hint() == "") {
					t.Errorf("operation %d fails, and the error has no hint: %v", n, err)
				}
				if err == nil && first[pipeline.Delivered] != int(rows) {
					t.Errorf("operation %d fails without an error, and rows are %v", n, first)
				}
				got, err := h.campaign(t.Context(), path, "b", rows, math.Inf(1), grace)
				if err != nil {
					t.Errorf("operation %d failed, and the next run too: %v", n, err)
				}
				if got[pipeline.Delivered]+got[pipeline.Uncertain] != int(rows) {
					t.Errorf("operation %d failed, and after the next run rows are %v", n, got)
				}
				if most := map[fault]int{once: 0, full: faultConcurrency, powerCut: faultConcurrency}[f]; got[pipeline.Uncertain] > most {
					t.Errorf("operation %d failed, and %d rows are uncertain, want %d at most", n, got[pipeline.Uncertain], most)
				}
				for s, calls := range h.calls {
					if calls > 1 {
						t.Errorf("operation %d failed, and session %s was called %d times, %d of them before", n, s, calls, called[s])
					}
				}
				if len(h.bare) > 0 {
					t.Errorf("operation %d failed, and calls had no intent: %q", n, h.bare)
				}
				doubts += got[pipeline.Uncertain]
			}
			t.Logf("%d operations, %d runs broke, %d rows were left uncertain", n, broke, doubts)
			if broke < n/share/2 || f != once && doubts == 0 {
				t.Error("too few faults came in the midst of a run")
			}
		})
	}
}
