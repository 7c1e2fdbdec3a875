package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"hppsend/internal/ledger/servertest"
	"hppsend/pipeline"
)

func TestAFullDisk(t *testing.T) {
	l := opened(t)
	r := begun(t, l, "a")
	ticket := r.mustClaim(t, claimOf(1, "p1@example.com"))
	var pages int
	if err := l.conn.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		t.Helper()
		if _, err := l.conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages)
	var full error
	for n := 2; n < 2000 && full == nil; n++ {
		_, full = r.Claim(t.Context(), claimOf(n, "p@example.com"))
	}
	if full == nil || !strings.Contains(full.Error(), "full") {
		t.Fatalf("a full database gives %v", full)
	}
	long := pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Reason: strings.Repeat("x", 10_000), Time: time.Now()}
	if err := r.Conclude(t.Context(), ticket, long); err == nil {
		t.Fatal("an outcome was written into a full database")
	}
	if rec := record(t, r.View, 1); rec.Intent != pipeline.OwnIntent {
		t.Errorf("after a failed write the intent is %d", rec.Intent)
	}
	limit(1 << 20)
	r.mustConclude(t, ticket, long)
	if rec := record(t, r.View, 1); rec.Status != pipeline.Delivered {
		t.Errorf("once there is room the session is %s", rec.Status)
	}
}

func TestManyShareOneCommit(t *testing.T) {
	l := opened(t)
	fewest := 64
	for try := 0; try < 50 && fewest > 32; try++ { // that they all wait by then cannot be seen
		fewest = min(fewest, commitsOfWaiting(t, l, 64))
	}
	if fewest > 32 {
		t.Errorf("64 changes that waited took %d commits", fewest)
	}
}

// commitsOfWaiting makes changes that gather while another is being made, and counts their commits.
func commitsOfWaiting(t *testing.T, l *Ledger, changes int) int {
	var all sync.WaitGroup
	block := make(chan struct{})
	all.Go(func() { l.update(t.Context(), changeFunc(func(*txn) error { <-block; return nil })) })
	commits := map[*txn]int{}
	waiting := make(chan struct{}, changes)
	for range changes {
		all.Go(func() {
			waiting <- struct{}{}
			if err := l.update(t.Context(), changeFunc(func(tx *txn) error { commits[tx]++; return nil })); err != nil {
				t.Error(err)
			}
		})
	}
	for range changes {
		<-waiting
	}
	close(block)
	all.Wait()
	return len(commits)
}

// BenchmarkClaimAndConclude makes an intent and an outcome a row, by 64 senders for each process: of one on a file, of
// one and of two on a server.
func BenchmarkClaimAndConclude(b *testing.B) {
	file := func(b *testing.B) Options { return Options{Path: filepath.Join(b.TempDir(), "ledger.db")} }
	server := func(b *testing.B) Options {
		return Options{Path: servertest.Shared(b).Database(b), State: b.TempDir()}
	}
	for _, bb := range []struct {
		name      string
		at        func(*testing.B) Options
		processes int
	}{{"file", file, 1}, {"server", server, 1}, {"server, two processes", server, 2}} {
		b.Run(bb.name, func(b *testing.B) {
			opt := bb.at(b)
			opt.Environment, opt.Create = "sandbox", true
			next := make(chan int)
			var senders sync.WaitGroup
			for i := range bb.processes {
				l, err := Open(b.Context(), opt)
				if err != nil {
					b.Fatal(err)
				}
				defer l.Close()
				r, err := l.Begin(b.Context(), RunInfo{ID: fmt.Sprint(i), SHA256: [32]byte{byte(i)}, Target: target, Options: []byte("{}")})
				if err != nil {
					b.Fatal(err)
				}
				defer r.hold.release()
				for range 64 {
					senders.Go(func() { r.sendAll(b, next) })
				}
			}
			b.ResetTimer()
			for n := range b.N {
				next <- n
			}
			close(next)
			senders.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// sendAll makes an intent and an outcome for each row that comes.
func (r *Run) sendAll(b *testing.B, next <-chan int) {
	for n := range next {
		c := claimOf(n, "p@example.com")
		c.Distribution.Session = uuid.NewString()
		got, err := r.Claim(b.Context(), c)
		if err == nil {
			err = r.Conclude(b.Context(), got.Ticket, pipeline.Conclusion{Status: pipeline.Delivered, Called: true, Time: time.Now()})
		}
		if err != nil {
			b.Error(err)
		}
	}
}

// BenchmarkBareSQLite is what the database itself takes for a row, an intent and an outcome, at 64 rows to
// a transaction and with one sync for each of the two: the bound of BenchmarkClaimAndConclude.
func BenchmarkBareSQLite(b *testing.B) {
	l, err := Open(b.Context(), Options{Path: filepath.Join(b.TempDir(), "ledger.db"), Environment: "sandbox", Create: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	prepare := func(query string) func(...any) {
		st, err := l.conn.PrepareContext(b.Context(), query)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { st.Close() })
		return func(args ...any) {
			if _, err := st.ExecContext(context.Background(), args...); err != nil {
				b.Fatal(err)
			}
		}
	}
	prepare("CREATE TABLE bare (id INTEGER PRIMARY KEY, session TEXT, target INTEGER, seq INTEGER, status TEXT, UNIQUE (session, target, seq))")()
	begin, commit := prepare("BEGIN IMMEDIATE"), prepare("COMMIT")
	insert := prepare("INSERT INTO bare (session, target, seq) VALUES (?, 1, 0) ON CONFLICT DO NOTHING")
	update := prepare("UPDATE bare SET status = 'delivered' WHERE id = ?")
	const group = 64
	for n := 0; b.Loop(); n += group {
		begin()
		for range group {
			insert(uuid.NewString())
		}
		commit()
		begin()
		for i := range group {
			update(n + i + 1)
		}
		commit()
	}
	b.ReportMetric(float64(b.N*group)/b.Elapsed().Seconds(), "rows/s")
}
