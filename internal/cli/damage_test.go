//go:build unix

package cli_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hppsend/internal/sandbox"
)

// halfway gives a place whose ledger knows the first sent rows of may.csv; its sandbox has seen none.
func halfway(t *testing.T, rows, sent int) func(*testing.T) *place {
	t.Helper()
	first := newPlace(t, sandbox.Config{})
	first.contacts("may.csv", 0, rows)
	first.must(5, first.run("--rate", "unlimited", "--limit", strconv.Itoa(sent), "may.csv"))
	return func(t *testing.T) *place {
		p := newPlace(t, sandbox.Config{})
		p.contacts("may.csv", 0, rows)
		if err := os.CopyFS(p.path("state"), os.DirFS(first.path("state"))); err != nil {
			t.Fatal(err)
		}
		return p
	}
}

// onlyTheRest asserts that the rows that the ledger did not know were called once, and no other.
func (p *place) onlyTheRest(rows, sent int) {
	p.t.Helper()
	for session, seen := range p.box.Stats().Sessions {
		if session < sessionID(sent) || seen.Calls > 1 {
			p.t.Errorf("session %s was called %d times", session, seen.Calls)
		}
	}
	if calls := p.box.Stats().Calls; calls != rows-sent {
		p.t.Errorf("%d calls were made, want %d", calls, rows-sent)
	}
}

// TestEveryPageOfTheLedgerMayBeDamaged overwrites one page after the other. The run ends in an error
// that says what to do, unless it has no need of the page, and sends nothing that was sent before; with
// the page as it was the same command finishes.
func TestEveryPageOfTheLedgerMayBeDamaged(t *testing.T) {
	t.Parallel()
	const rows, sent, page = 6, 4, 4096
	begin := halfway(t, rows, sent)
	met := map[int]int{}
	for n, pages := 0, 1; n < pages; n++ {
		p := begin(t)
		path := p.path("state/hppsend/sandbox.db")
		intact, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pages = len(intact) / page
		p.overwrite(path, n*page, bytes.Repeat([]byte{0xa5}, page))
		c := p.run("--rate", "unlimited", "may.csv")
		out, _ := c.CombinedOutput()
		code := c.ProcessState.ExitCode()
		met[code]++
		if code != 0 && (code != 1 && code != 75 || !strings.Contains(string(out), "\nhint: ")) {
			t.Errorf("with page %d damaged it exits with %d and says\n%s", n, code, out)
		}
		p.overwrite(path, n*page, intact[n*page:][:page])
		p.must(0, p.run("--rate", "unlimited", "may.csv"))
		p.onlyTheRest(rows, sent)
	}
	t.Logf("exit codes and how often: %v", met)
	if met[75] == 0 || met[1] == 0 || met[0] > met[1] {
		t.Errorf("too few runs met the damage: %v", met)
	}
}

func (p *place) overwrite(path string, offset int, with []byte) {
	p.t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(with, int64(offset)); err != nil {
		p.t.Fatal(err)
	}
}

// TestLedgerOutOfReach puts something else in the place of each file that belongs to a ledger. These
// hinder root as well. Nothing is sent, and the same command finishes once all is as it was.
func TestLedgerOutOfReach(t *testing.T) {
	t.Parallel()
	const rows, sent = 6, 4
	begin := halfway(t, rows, sent)
	folder := func(path string) error { return os.Mkdir(path, 0o700) }
	nothing := func(string) error { return nil }
	text := func(text string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(text), 0o600) }
	}
	for _, tc := range []struct {
		name, file string
		instead    func(path string) error
		says       string
	}{
		{"its folder is a file", "", text("a file"), "not a directory"},
		{"it is a folder", "sandbox.db", folder, "it is a folder"},
		{"it is something else", "sandbox.db", text(strings.Repeat("not a ledger ", 5000)), "it is damaged, or no ledger"},
		{"its log is a folder", "sandbox.db-wal", folder, "it cannot be opened"},
		{"its secret is gone", "sandbox.db.secret", nothing, "is not there"},
		{"its secret is another's", "sandbox.db.secret", text(strings.Repeat("ab", 32) + "\n"), "that of another ledger"},
		{"its secret is cut short", "sandbox.db.secret", text("5f5f"), "does not hold a ledger's secret"},
		{"its secret is a folder", "sandbox.db.secret", folder, "is a directory"},
		{"its lock is a folder", "sandbox.db.lock", folder, "is a directory"},
		{"the folder of its runs is a file", "sandbox.db.runs", text("a file"), "not a directory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := begin(t)
			path := p.path(filepath.Join("state/hppsend", tc.file))
			aside := p.path("aside")
			if err := os.Rename(path, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			if err := tc.instead(path); err != nil {
				t.Fatal(err)
			}
			out := p.must(75, p.run("--rate", "unlimited", "may.csv"))
			if !strings.Contains(out, tc.says) || !strings.Contains(out, "\nhint: ") || p.box.Stats().Calls > 0 {
				t.Errorf("after %d calls it says\n%s", p.box.Stats().Calls, out)
			}
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(aside, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			p.must(0, p.run("--rate", "unlimited", "may.csv"))
			p.onlyTheRest(rows, sent)
		})
	}
}

// TestReportFindsNoRoom has room for the ledger and for nothing else: everything is sent, no half report
// is left behind, and the report is made once there is room.
func TestReportFindsNoRoom(t *testing.T) {
	t.Parallel()
	const rows, note, room = 6, 1 << 20, 3 << 20
	p := newPlace(t, sandbox.Config{})
	input := [][]string{{"session_id", "email", "note"}}
	for n := range rows {
		input = append(input, []string{sessionID(n), fmt.Sprintf("person%d@example.com", n), strings.Repeat("x", note)})
	}
	p.write("may.csv", input)
	c := p.run("--rate", "unlimited", "may.csv")
	as(t, c, "limited", strconv.Itoa(room))
	if out := p.must(1, c); !strings.Contains(out, "\nhint: ") || !strings.Contains(out, "may.report.csv") {
		t.Errorf("it says\n%s", out)
	}
	for _, dir := range []string{p.dir, p.path("state/hppsend/reports")} {
		left, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		for _, e := range left {
			if name := e.Name(); name != "may.csv" && name != "state" {
				t.Errorf("%s is left in %s", name, dir)
			}
		}
	}
	if got := p.once(); got != rows {
		t.Errorf("%d sessions were accepted, want %d", got, rows)
	}
	p.must(0, p.run("--rate", "unlimited", "may.csv"))
	if got := len(p.read("may.report.csv")) - 1; got != rows || p.box.Stats().Calls != rows {
		t.Errorf("the report has %d rows after %d calls, want %d", got, p.box.Stats().Calls, rows)
	}
}

// TestClockIsSet has the pace last written at a time that lies hours off, as it does when the clock was
// set in between. The run neither waits for that time nor makes up for it.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	const rows, sent, rate = 104, 4, 40
	begin := halfway(t, rows, sent)
	for _, off := range []time.Duration{3 * time.Hour, -3 * time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			db, err := sql.Open("sqlite", p.path("state/hppsend/sandbox.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			then := time.Now().Add(off)
			res, err := db.Exec("UPDATE target SET written = ?, slowed = ?, headroom = 0.9, next = ?, pause = ?", then.UnixNano(),
				then.UnixNano(), then.Add(time.Second/2).UnixNano(), then.Add(time.Second).UnixNano())
			if err != nil {
				t.Fatal(err)
			}
			if n, err := res.RowsAffected(); n != 1 || err != nil {
				t.Fatalf("%d rows keep a pace, %v", n, err)
			}
			c := p.run("--rate", fmt.Sprintf("%d/s", rate), "may.csv")
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			waits := time.AfterFunc(30*time.Second, func() { c.Process.Kill() })
			defer waits.Stop()
			if err := c.Wait(); err != nil {
				t.Errorf("the run came to its end by %v, after %d calls", err, p.box.Stats().Calls)
			}
			p.keptTo(rate)
			p.onlyTheRest(rows, sent)
		})
	}
}
