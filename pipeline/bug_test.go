package pipeline

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestGuardedTellsThePlaceAndNothingElse(t *testing.T) {
	const contact = "anna@example.com"
	var kept [1]map[string]int
	for _, tc := range []struct {
		name  string
		do    func()
		wants []string
	}{
		{"an index", func() { var none []int; _ = none[len(contact)] }, []string{"index out of range [16]", "bug_test.go"}},
		{"a nil map", func() { kept[0][contact] = 1 }, []string{"assignment to entry in nil map"}},
		{"a type", func() { var v any = contact; _ = v.(int) }, []string{"interface conversion", "string, not int"}},
		{"a word", func() { panic(contact) }, []string{"a panic with a string"}},
		{"an error", func() { panic(errors.New(contact)) }, []string{"a panic with a *errors.errorString"}},
		{"nothing", func() { panic(nil) }, []string{"nil"}},
		{"in a goroutine of ours", func() { each(40, func(i int) { _ = make([]int, 3)[i] }) }, []string{"index out of range"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := Guarded(func() error { tc.do(); return nil })
			if bug := (*Bug)(nil); !errors.As(err, &bug) || bug.Hint() == "" {
				t.Fatalf("got %v, want a *Bug with a hint", err)
			}
			for _, want := range append(tc.wants, "pipeline.TestGuardedTellsThePlaceAndNothingElse.func") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %q", want, err)
				}
			}
			if strings.Contains(err.Error(), contact) || strings.Contains(err.Error(), "\n") {
				t.Errorf("it says %q", err)
			}
			stack := strings.Join(Stack(fmt.Errorf("wrapped: %w", err)), "\n")
			if !strings.Contains(stack, "\ntesting.tRunner (testing.go:") && tc.name != "in a goroutine of ours" {
				t.Errorf("the stack does not reach the beginning of the goroutine:\n%s", stack)
			}
			if strings.Contains(stack, contact) || strings.Contains(stack, "/") || strings.Contains(stack, "0x") {
				t.Errorf("the stack holds values or folders:\n%s", stack)
			}
		})
	}
	if err := Guarded(func() error { return ErrStopped }); err != ErrStopped {
		t.Errorf("an error comes back as %v", err)
	}
}

// A panic after the claim, with no call made yet, leaves the row to a later run, and one in the call leaves it
// in doubt.
func TestPanicBeforeTheCallAndInIt(t *testing.T) {
	for _, test := range []struct {
		name    string
		permits Permits
		sender  Sender
		want    Status
	}{
		{"before the call", bombPermits{}, &server{answer: always(ok200)}, Pending},
		{"in the call", &openPermits{}, bombSender{}, Uncertain},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBook(t)
			d := &Distributor{
				Rules: Rules{Run: "run-1"}, Records: b.run("run-1"), Ledger: b.run("run-1"), Permits: test.permits, Sender: test.sender,
			}
			err := Guarded(func() error {
				_, err := d.Deliver(t.Context(), Attempt{Distribution: Distribution{Session: id(1), Method: Email, Contact: mail(1)}})
				return err
			})
			if Stack(err) == nil || b.claims != 1 {
				t.Fatalf("got %v after %d claims, want a fault of the program after one", err, b.claims)
			}
			b.kill("run-1")
			records, err := b.run("").Lookup(t.Context(), []string{id(1)})
			if err != nil {
				t.Fatal(err)
			}
			got := Pending
			for _, r := range records[0] {
				got = r.Status
			}
			if got != test.want {
				t.Errorf("the row is %s, want %s", got, test.want)
			}
		})
	}
}

type bombPermits struct{}

func (b bombPermits) Turn(context.Context) (Turn, error) { return b, nil }
func (bombPermits) Throttled(time.Duration)              {}
func (bombPermits) Answered(Quota)                       {}
func (bombPermits) Permit(context.Context) error         { panic("a bomb") }
func (bombPermits) Aside(context.Context) error          { return nil }
func (bombPermits) End()                                 {}

type bombSender struct{}

func (bombSender) Send(context.Context, Distribution) Reply { panic("a bomb") }

// bomb panics at the n-th call.
type bomb int64

func (b *bomb) tick() {
	if atomic.AddInt64((*int64)(b), -1) == 0 {
		panic("a bomb")
	}
}

type bombSource struct {
	*table
	rows *bomb
}

func (s bombSource) Batches() iter.Seq2[[]Row, error] {
	return func(yield func([]Row, error) bool) {
		for row, err := range Rows(s.table) {
			if s.rows.tick(); !yield([]Row{row}, err) {
				return
			}
		}
	}
}

type bombPace struct {
	*commonPace
	reserve, pause, slow *bomb
}

func (p bombPace) Reserve(ctx context.Context, slots int, rate float64, from time.Time) (Slice, error) {
	p.reserve.tick()
	return p.commonPace.Reserve(ctx, slots, rate, from)
}

func (p bombPace) Pause(ctx context.Context, until time.Time) error {
	p.pause.tick()
	return p.commonPace.Pause(ctx, until)
}

func (p bombPace) Slow(ctx context.Context, within time.Duration) error {
	p.slow.tick()
	return p.commonPace.Slow(ctx, within)
}

type bombObserver struct{ progress, notice *bomb }

func (o bombObserver) Progress(Progress) { o.progress.tick() }
func (o bombObserver) Notice(Notice)     { o.notice.tick() }

// TestNoPanicEndsTheProcess lets each thing that a send pass calls panic, early and late. The run ends as
// a broken one, what was answered before is in the ledger, at most the rows under way are left open,
// and the report has every row.
func TestNoPanicEndsTheProcess(t *testing.T) {
	const rows = 60
	type bombs struct{ claim, conclude, send, feed, reserve, pause, slow, progress, notice, ask bomb }
	for name, set := range map[string]func(*bombs, bomb){
		"claim":    func(b *bombs, n bomb) { b.claim = n },
		"conclude": func(b *bombs, n bomb) { b.conclude = n },
		"send":     func(b *bombs, n bomb) { b.send = n },
		"the feed": func(b *bombs, n bomb) { b.feed = n },
		"reserve":  func(b *bombs, n bomb) { b.reserve = n },
		"pause":    func(b *bombs, n bomb) { b.pause = min(n, 2) },
		"slow":     func(b *bombs, n bomb) { b.slow = 1 },
		"progress": func(b *bombs, n bomb) { b.progress = n },
		"notice":   func(b *bombs, n bomb) { b.notice = 1 },
		"ask":      func(b *bombs, n bomb) { b.ask = 1 },
	} {
		for _, when := range []bomb{1, 5, 30} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var b bombs
					set(&b, when)
					c := newCampaign(t, func(_ context.Context, d Distribution, nth int) Reply {
						b.send.tick()
						switch {
						case (d.Session == id(7) || d.Session == id(20)) && nth == 1:
							return tooMany
						case d.Session == id(9):
							r := ok200
							r.Quota = Quota{Limit: 100, Remaining: 1, Window: time.Second}
							return r
						}
						return ok200
					})
					c.book.failClaim = func(Claim) error { b.claim.tick(); return nil }
					c.book.failConclude = func(Conclusion) error { b.conclude.tick(); return nil }
					file := sheet(many(1, rows)...)
					plan, err := Check(t.Context(), CheckConfig{Rules: withoutRun(c.rules), Defaults: testDefaults, Records: c.book.run("")}, file)
					if err != nil {
						t.Fatal(err)
					}
					pacer := NewPacer(bombPace{c.pace, &b.reserve, &b.pause, &b.slow}, 50, 0.5)
					ended := make(chan struct{})
					go func() { pacer.Run(t.Context()); close(ended) }()
					c.cfg.Canary, c.cfg.GoOn = 3, func(context.Context, int) bool { b.ask.tick(); return true }
					plan.Files[0].Run = c.rules.Run
					run := c.book.run(c.rules.Run)
					ending := NewSending(c.cfg, pacer, bombObserver{&b.progress, &b.notice}, c.stop).Send(
						t.Context(), plan, 0, bombSource{file, &b.feed}, &Distributor{
							Rules: c.rules, Records: run, Ledger: run, Permits: pacer, Sender: mortal{run, c.server},
							Grace: c.cfg.Grace,
						})
					pacer.Stop()
					<-ended
					var bug *Bug
					if !errors.As(ending.Err, &bug) || ending.Code != StopBroken || !strings.Contains(ending.Reason, "fault in the program") {
						t.Fatalf("the run ended with %+v", ending)
					}
					if open := c.book.open(); open > 1 {
						t.Errorf("%d intents are open", open)
					}
					accepted := map[string]bool{}
					for _, k := range c.server.calls {
						accepted[k.Session] = true
					}
					c.book.kill(c.rules.Run) // as its end is recorded
					var got collected
					tally, err := Report(t.Context(), plan, 0, file, ending.Finding, &got)
					if err != nil || tally.Rows != rows || len(got.outcomes) != rows {
						t.Fatalf("the report has %d rows: %v", len(got.outcomes), err)
					}
					for i, out := range got.outcomes {
						if accepted[id(i+1)] && out.Status != Delivered && out.Status != Uncertain && i+1 != 7 && i+1 != 20 {
							t.Errorf("row %d was called, and is %s", i+1, short(out))
						}
					}
				})
			})
		}
	}
}

// TestEveryGoroutineIsGuarded reads the program: what a go statement starts, or a group's Go, holds a
// call of Guarded, but for those that only wait and tell, which are named here.
func TestEveryGoroutineIsGuarded(t *testing.T) {
	simple := map[string]string{ // by file, and what they do
		"pipeline/send.go":              "waits for workers, which are guarded row by row",
		"internal/cli/exit.go":          "passes signals on",
		"internal/cli/run.go":           "reads a line from the terminal",
		"internal/campaign/campaign.go": "waits for the stop; runs the pacer, which guards itself",
		"internal/ledger/open.go":       "runs the writer, which guards each commit",
		"internal/sandbox/server.go":    "serves, where net/http guards each call",
	}
	seen := map[string]int{}
	err := filepath.WalkDir("..", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "testdata" || e.Name() == "bench" || e.Name() == "ledgertest" || e.Name() == "servertest" || strings.HasPrefix(e.Name(), ".") && e.Name() != ".."):
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			return err
		}
		short := strings.TrimPrefix(filepath.ToSlash(name), "../")
		ast.Inspect(file, func(n ast.Node) bool {
			started := ast.Node(nil)
			switch n := n.(type) {
			case *ast.GoStmt:
				started = n
			case *ast.CallExpr:
				if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Go" {
					started = n
				}
			}
			if started == nil {
				return true
			}
			seen[short]++
			guarded := false
			ast.Inspect(started, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && id.Name == "Guarded" {
					guarded = true
				}
				return true
			})
			if !guarded && simple[short] == "" {
				t.Errorf("%s starts a goroutine that is not guarded", set.Position(started.Pos()))
			}
			return true
		})
		return nil
	})
	if err != nil || len(seen) < 5 {
		t.Fatalf("%v: %v", seen, err)
	}
	for name := range simple {
		if seen[name] == 0 {
			t.Errorf("%s starts no goroutine", name)
		}
	}
}
