//go:build linux || darwin

package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"hppsend/internal/sandbox"
)

// limited is the program with a limit on the size of files, in bytes: what it writes beyond fails, as
// it does on a full disk.
func limited() {
	most, err := strconv.ParseUint(os.Args[1], 10, 64)
	if err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: most, Max: most})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
	os.Args = append(os.Args[:1], os.Args[2:]...)
	program()
}

// TestEveryWriteMayFail lets the disk be full at every page that the ledger writes of a small run, from
// the making of the ledger to the report. Each time the run ends in an error that says what to do, or
// goes through; once there is room the same command finishes, and nothing was sent twice, or sent
// without its intent on disk.
func TestEveryWriteMayFail(t *testing.T) {
	t.Parallel()
	const rows, page = 12, 4096
	ended := map[int]int{}
	clean := 0
	for limit := 0; clean < 3; limit += page {
		if limit > 400*page {
			t.Fatal("the run never went through")
		}
		p := newPlace(t, sandbox.Config{})
		p.contacts("may.csv", 0, rows)
		// The report is held back by the limit too, and standard error is none of the disk's.
		full := p.run("--rate", "unlimited", "--concurrency", "3", "--grace", "20ms", "may.csv")
		as(t, full, "limited", strconv.Itoa(limit))
		out, _ := full.CombinedOutput()
		code := full.ProcessState.ExitCode()
		ended[code]++
		if code == 0 {
			clean++
		} else if !strings.Contains(string(out), "\nhint: ") || strings.Contains(string(out), "goroutine ") {
			t.Errorf("with room for %d bytes it exits with %d and says\n%s", limit, code, out)
		}
		if code != 0 && code != 1 && code != 4 && code != 5 && code != 75 {
			t.Errorf("with room for %d bytes it exits with %d\n%s", limit, code, out)
		}
		called := p.box.Stats().Calls
		if report, _ := os.ReadFile(p.path("may.report.csv")); strings.Contains(string(report), ",in_flight,") {
			t.Errorf("with room for %d bytes a run that has ended says that calls are under way:\n%s", limit, report)
		}

		again, _ := p.run("--rate", "unlimited", "-o", "again.csv", "may.csv").CombinedOutput()
		counts := map[string]int{}
		for _, row := range pick(p.read("again.csv"), []string{"hpp_status"})[1:] {
			counts[row[0]]++
		}
		if counts["delivered"]+counts["uncertain"] != rows || p.once() < counts["delivered"] {
			t.Errorf("with room for %d bytes, %d calls were made; then there was room, and %v\n%s\n%s", limit, called, counts, out, again)
		}
		if counts["uncertain"] > 3+1 { // those that were under way, or held an intent without a permit
			t.Errorf("with room for %d bytes %d rows are uncertain", limit, counts["uncertain"])
		}
		for session, seen := range p.box.Stats().Sessions {
			if seen.Calls > 1 {
				t.Errorf("with room for %d bytes session %s was called %d times", limit, session, seen.Calls)
			}
		}
	}
	t.Logf("exit codes and how often: %v", ended)
	if ended[1] < 5 || ended[75] < 1 {
		t.Errorf("the disk was full at too few moments: %v", ended)
	}
}

// TestFolderOfTheReportGoes takes the folder away while the run sends. The report is then found in the
// state folder, and the next run puts it where it belongs.
func TestFolderOfTheReportGoes(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	p.contacts("may.csv", 0, 60)
	if err := os.Mkdir(p.path("out"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := p.run("--rate", "60/s", "-o", "out/may.csv", "may.csv")
	var out strings.Builder
	c.Stderr = &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return p.box.Stats().Calls >= 5 })
	if err := os.RemoveAll(p.path("out")); err != nil {
		t.Fatal(err)
	}
	c.Wait()
	if code := c.ProcessState.ExitCode(); code != 1 || !strings.Contains(out.String(), "the report lies in ") {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
	found, err := filepath.Glob(p.path("state/hppsend/reports/*.csv"))
	if err != nil || len(found) != 1 {
		t.Errorf("the state folder has the reports %q, %v", found, err)
	}
	os.Mkdir(p.path("out"), 0o755)
	p.must(0, p.run("-o", "out/may.csv", "may.csv"))
	if got := p.once(); got != 60 || p.box.Stats().Calls != 60 {
		t.Errorf("%d sessions were accepted by %d calls", got, p.box.Stats().Calls)
	}
}

// TestInputGoesOrChanges takes the input away, or changes a row that has not been sent. The run stops,
// and goes on when the file is as it was.
func TestInputGoesOrChanges(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, path string)
	}{
		{"a row changes", func(t *testing.T, path string) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(text), "person2999@", "nobody2999@", 1)
			if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"it is cut short", func(t *testing.T, path string) {
			if err := os.Truncate(path, 5000); err != nil {
				t.Fatal(err)
			}
		}},
		{"it goes", func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlace(t, sandbox.Config{})
			const rows = 3000 // more than are read ahead
			p.contacts("may.csv", 0, rows)
			original, err := os.ReadFile(p.path("may.csv"))
			if err != nil {
				t.Fatal(err)
			}
			c := p.run("--rate", "2000/s", "may.csv")
			var out strings.Builder
			c.Stderr = &out
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, func() bool { return p.box.Stats().Calls >= 5 })
			tc.change(t, p.path("may.csv"))
			c.Wait()
			// A file that is gone is still read by whoever has it open; only its report cannot tell its mode.
			if code := c.ProcessState.ExitCode(); code != 1 && tc.name != "it goes" || code != 0 && !strings.Contains(out.String(), "\nhint: ") {
				t.Errorf("exit code %d\n%s", code, out.String())
			}
			if err := os.WriteFile(p.path("may.csv"), original, 0o600); err != nil {
				t.Fatal(err)
			}
			p.must(0, p.run("--rate", "unlimited", "may.csv"))
			if got := p.once(); got != rows || p.box.Stats().Calls != rows {
				t.Errorf("%d sessions were accepted by %d calls", got, p.box.Stats().Calls)
			}
		})
	}
}
