//go:build unix

package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/xuri/excelize/v2"

	"hppsend/internal/sandbox"
)

// TestReportsAreNotLost has somebody work on what a report or a file of rejected rows would replace, at
// every moment: that is kept, the new one lies beside it, and the run says where.
func TestReportsAreNotLost(t *testing.T) {
	t.Parallel()
	mend := func(p *place, name string) {
		text, err := os.ReadFile(p.path(name))
		ok(p.t, err)
		ok(p.t, os.WriteFile(p.path(name+".tmp"), append(text, "mended\n"...), 0o600))
		ok(p.t, os.Rename(p.path(name+".tmp"), p.path(name)))
	}
	for _, tc := range []struct {
		name  string
		args  []string
		file  string // that somebody works on
		again string // and what is written instead
	}{
		{"beside the input", nil, "may.report.csv", "may.report-2.csv"},
		{"a name", []string{"-o", "r.csv"}, "r.csv", "r-2.csv"},
		{"a folder", []string{"-o", "out"}, "out/may.report.csv", "out/may.report-2.csv"},
		{"rejects, a name", []string{"--rejects", "bad.csv"}, "bad.csv", "bad-2.csv"},
		{"rejects, a folder", []string{"--rejects", "out"}, "out/may.rejects.csv", "out/may.rejects-2.csv"},
		{"a workbook", []string{"-o", "r.xlsx"}, "r.xlsx", "r-2.xlsx"},
	} {
		for _, during := range []string{"during the run", "made during the run", "made a folder during the run"} {
			t.Run(tc.name+", "+during, func(t *testing.T) {
				p := newPlace(t, sandbox.Config{})
				ok(t, os.Mkdir(p.path("out"), 0o700))
				p.contacts("may.csv", 0, 4)
				rows := p.read("may.csv")
				p.write("may.csv", append(rows, []string{sessionID(9), "call me", ""}))
				args := append([]string{"--rate", "unlimited", "may.csv"}, tc.args...)
				if during == "during the run" {
					p.must(5, p.run(append(args, "--limit", "2")...))
				}
				var kept []byte
				p.during(func() {
					switch during {
					case "during the run":
						mend(p, tc.file)
					case "made during the run":
						ok(t, os.WriteFile(p.path(tc.file), []byte("a stranger's\n"), 0o600))
					default:
						ok(t, os.Mkdir(p.path(tc.file), 0o700))
						return
					}
					var err error
					kept, err = os.ReadFile(p.path(tc.file))
					ok(t, err)
				})
				out := p.must(3, p.run(args...))
				if kept != nil {
					if got, err := os.ReadFile(p.path(tc.file)); !bytes.Equal(got, kept) {
						t.Errorf("%s has changed, %v", tc.file, err)
					}
				}
				if !regexp.MustCompile(`(?m)^(Report|Rejected rows.*): (/.*/)?` + regexp.QuoteMeta(tc.again) + `$`).MatchString(out) {
					t.Errorf("it says\n%s", out)
				}
				if got := p.read(tc.again); len(got) < 2 {
					t.Errorf("%s has %d lines", tc.again, len(got))
				}
				if left, _ := filepath.Glob(p.path("*/.hppsend-*")); left != nil {
					t.Errorf("left: %q", left)
				}
				if got := p.once(); got != 4 {
					t.Errorf("%d sessions were accepted", got)
				}
			})
		}
	}
}

// TestNamesThatCollide has inputs whose outputs would have one name, in one run and in the next ones.
func TestNamesThatCollide(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		inputs []string
		args   []string
		out    []string
	}{
		{
			"a folder for each",
			[]string{"a/list.csv", "b/list.csv", "c/list.csv"},
			[]string{"-o", "out", "--rejects", "rej"},
			[]string{
				"out/list.report-2.csv", "out/list.report-3.csv", "out/list.report.csv",
				"rej/list.rejects-2.csv", "rej/list.rejects-3.csv", "rej/list.rejects.csv",
			},
		},
		{
			"one folder for both",
			[]string{"a/list.csv", "b/list.csv"},
			[]string{"-o", "out", "--rejects", "out"},
			[]string{"out/list.rejects-2.csv", "out/list.rejects.csv", "out/list.report-2.csv", "out/list.report.csv"},
		},
		{
			"case alone tells them apart",
			[]string{"a/List.csv", "b/list.csv"},
			[]string{"-o", "out"},
			[]string{"out/List.report.csv", "out/list.report-2.csv"},
		},
		{
			"the ending alone tells them apart",
			[]string{"a/list.csv", "a/list.txt"},
			nil,
			[]string{"a/list.report-2.csv", "a/list.report.csv"},
		},
		{
			"one is named like the other's second",
			[]string{"a/list.csv", "b/list.report.csv"},
			[]string{"-o", "out"},
			[]string{"out/list.report-2.csv", "out/list.report.csv"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlace(t, sandbox.Config{})
			for _, dir := range []string{"a", "b", "c", "out", "rej"} {
				ok(t, os.Mkdir(p.path(dir), 0o700))
			}
			for i, in := range tc.inputs {
				p.contacts(in, 10*i, 2+i)
				p.write(in, append(p.read(in), []string{sessionID(10*i + 9), "call me", ""}))
			}
			for night := range 3 {
				p.must(3, p.run(slices.Concat([]string{"--rate", "unlimited"}, tc.args, tc.inputs)...))
				found, err := filepath.Glob(p.path("*/*.re[pj]*.csv"))
				ok(t, err)
				for i := range found {
					found[i] = strings.TrimPrefix(found[i], p.dir+"/")
				}
				found = slices.DeleteFunc(found, func(name string) bool { return slices.Contains(tc.inputs, name) })
				if !slices.Equal(found, tc.out) {
					t.Fatalf("night %d: written are %q, want %q", night, found, tc.out)
				}
				sizes := map[int]int{} // reports, by their rows
				for _, name := range found {
					if strings.Contains(name, ".report") {
						sizes[len(p.read(name))]++
					}
				}
				for i := range tc.inputs {
					if sizes[1+2+i+1] != 1 {
						t.Errorf("night %d: reports by lines: %v", night, sizes)
					}
				}
			}
		})
	}
}

// TestRejectsOfTheNightBefore are still to be mended when the next file's are written.
func TestRejectsOfTheNightBefore(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	for night, want := range []string{"r.csv", "r-2.csv", "r-3.csv"} {
		in := fmt.Sprintf("night%d.csv", night)
		p.write(in, [][]string{{"session_id", "phone"}, {sessionID(night), "call me"}})
		for range 2 { // the same night's run again replaces its own
			out := p.must(3, p.run("--rejects", "r.csv", in))
			if !strings.Contains(out, "/"+want+"\n") {
				t.Errorf("night %d says\n%s", night, out)
			}
		}
	}
	for night, name := range []string{"r.csv", "r-2.csv", "r-3.csv"} {
		if got := p.read(name); len(got) != 2 || got[1][0] != sessionID(night) {
			t.Errorf("%s holds %q", name, got)
		}
	}
}

// TestOneNameForTwoOutputs refuses every spelling of it.
func TestOneNameForTwoOutputs(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	p.contacts("may.csv", 0, 2)
	ok(t, os.Symlink(".", p.path("here")))
	for _, args := range [][]string{
		{"-o", "x.csv", "--rejects", "x.csv"},
		{"-o", "x.csv", "--rejects", "./x.csv"},
		{"-o", "x.csv", "--rejects", "here/x.csv"},
		{"-o", "x.csv", "--rejects", "X.csv"},
		{"-o", p.path("x.csv"), "--rejects", "x.csv"},
		{"-o", "x.csv", "--metrics-file", "x.csv"},
		{"--rejects", "x.csv", "--metrics-file", "here/x.csv"},
	} {
		if out := p.must(2, p.run(append(args, "may.csv")...)); !strings.Contains(out, "name the same place") {
			t.Errorf("%q says\n%s", args, out)
		}
	}
	if out := p.must(2, p.run("--metrics-file", "here/may.csv", "may.csv")); !strings.Contains(out, "is an input") {
		t.Errorf("it says\n%s", out)
	}
	if got := p.box.Stats().Calls; got != 0 {
		t.Errorf("%d calls were made", got)
	}
}

// TestWhatCannotBeReportedIsNotSent refuses every place in which a report could not be written, and every
// input that a report has no room for, before the first call.
func TestWhatCannotBeReportedIsNotSent(t *testing.T) {
	t.Parallel()
	wide := func(p *place, last int) {
		book := excelize.NewFile()
		defer book.Close()
		for i, name := range []string{"session_id", "phone"} {
			at, err := excelize.CoordinatesToCellName(i+1, 1)
			ok(t, err)
			ok(t, book.SetCellStr("Sheet1", at, name))
		}
		at, err := excelize.CoordinatesToCellName(last, 1)
		ok(t, err)
		ok(t, book.SetCellStr("Sheet1", at, "far away"))
		ok(t, book.SetCellStr("Sheet1", "A2", sessionID(1)))
		ok(t, book.SetCellStr("Sheet1", "B2", "+46701740605"))
		ok(t, book.SaveAs(p.path("wide.xlsx")))
	}
	long := strings.Repeat("a", 245)
	for _, tc := range []struct {
		name    string
		prepare func(p *place)
		args    []string
		code    int
		says    string
	}{
		{"a name too long", func(p *place) { p.contacts(long+".csv", 0, 2) }, []string{long + ".csv"}, 2, "file name too long"},
		{"a name just short enough", func(p *place) { p.contacts(long[:244]+".csv", 0, 2) }, []string{long[:244] + ".csv"}, 0, ""},
		{"a name too long, named", func(p *place) { p.contacts("may.csv", 0, 2) }, []string{"may.csv", "-o", long + long}, 2, "file name too long"},
		{"rejects too long", func(p *place) { p.contacts("may.csv", 0, 2) }, []string{"may.csv", "--rejects", long + long}, 2, "with --rejects"},
		{"no folder", func(p *place) { p.contacts("may.csv", 0, 2) }, []string{"may.csv", "-o", "none/r.csv"}, 2, "create the folder first"},
		{"no folder for the rejects", func(p *place) { p.contacts("may.csv", 0, 2) }, []string{"may.csv", "--rejects", "none/r.csv"}, 2, "create the folder first"},
		{"a file for a folder", func(p *place) { p.contacts("may.csv", 0, 2) }, []string{"may.csv", "-o", "may.csv/r.csv"}, 2, "not a directory"},
		{"a pipe", func(p *place) {
			p.contacts("may.csv", 0, 2)
			ok(t, syscall.Mkfifo(p.path("pipe"), 0o600))
		}, []string{"may.csv", "-o", "pipe"}, 2, "is there already"},
		{"a pipe beside the input", func(p *place) {
			p.contacts("may.csv", 0, 2)
			ok(t, syscall.Mkfifo(p.path("may.report.csv"), 0o600))
		}, []string{"may.csv"}, 0, "Report: may.report-2.csv"},
		{"a link", func(p *place) {
			p.contacts("may.csv", 0, 2)
			ok(t, os.Symlink("elsewhere.csv", p.path("may.report.csv")))
		}, []string{"may.csv"}, 0, "Report: may.report-2.csv"},
		{"no folder for what goes to standard output", func(p *place) {
			p.contacts("may.csv", 0, 2)
		}, []string{"may.csv", "-o", "-"}, 2, "TMPDIR"},
		{"the last column", func(p *place) { wide(p, excelize.MaxColumns) }, []string{"wide.xlsx"}, 6, "--format csv"},
		{"one column too far", func(p *place) { wide(p, excelize.MaxColumns-11) }, []string{"wide.xlsx"}, 6, "no room for the columns"},
		{"as CSV", func(p *place) { wide(p, excelize.MaxColumns) }, []string{"wide.xlsx", "--format", "csv"}, 0, ""},
		{"skipped as a bad file", func(p *place) {
			wide(p, excelize.MaxColumns)
			p.contacts("may.csv", 10, 2)
		}, []string{"wide.xlsx", "may.csv", "--skip-bad-files"}, 6, "no room for the columns"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlace(t, sandbox.Config{})
			tc.prepare(p)
			c := p.run(append([]string{"--rate", "unlimited"}, tc.args...)...)
			if strings.Contains(tc.says, "TMPDIR") {
				c.Env = append(c.Env, "TMPDIR="+p.path("none"))
			}
			out := p.must(tc.code, c)
			if !strings.Contains(out, tc.says) || tc.code != 0 && !strings.Contains(out, "\nhint: ") {
				t.Errorf("it says\n%s", out)
			}
			sent := 0
			if tc.code == 0 || strings.HasPrefix(tc.name, "skipped") {
				sent = 2
			}
			if strings.HasPrefix(tc.name, "as CSV") {
				sent = 1
			}
			if got := p.box.Stats().Calls; got != sent {
				t.Errorf("%d calls were made, want %d", got, sent)
			}
			if left, _ := filepath.Glob(p.path(".hppsend-*")); left != nil {
				t.Errorf("left: %q", left)
			}
		})
	}
}

// TestSummaryNamesWhatIsThere lets the input change under the run: no report is written, and none is named.
// What was sent is counted all the same.
func TestSummaryNamesWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		rows   int // 3000 are more than are read ahead, so that the run itself stops
		change func(text []byte) []byte
	}{
		{"a contact changes", 40, func(text []byte) []byte { return bytes.Replace(text, []byte("person25@"), []byte("nobody25@"), 1) }},
		{"it is cut short", 40, func(text []byte) []byte { return text[:len(text)/2] }},
		{"nothing is left", 40, func([]byte) []byte { return nil }},
		{"a contact changes that was not reached", 3000, func(text []byte) []byte {
			return bytes.Replace(text, []byte("person2999@"), []byte("nobody2999@"), 1)
		}},
		{"it is cut short before what was not reached", 3000, func(text []byte) []byte { return text[:len(text)/100] }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlace(t, sandbox.Config{})
			p.contacts("may.csv", 0, tc.rows)
			p.write("may.csv", append(p.read("may.csv"), []string{sessionID(tc.rows), "call me", ""}))
			p.during(func() {
				text, err := os.ReadFile(p.path("may.csv"))
				ok(t, err)
				ok(t, os.WriteFile(p.path("may.csv"), tc.change(text), 0o600))
			})
			c := p.run("--rate", "5000/s", "--rejects", "bad.csv", "--json", "may.csv")
			var stdout, stderr strings.Builder
			c.Stdout, c.Stderr = &stdout, &stderr
			c.Run()
			if code := c.ProcessState.ExitCode(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			for _, word := range []string{"Report:", "Rejected rows", `"report":`, `"rejects":`} {
				if strings.Contains(stdout.String()+stderr.String(), word) {
					t.Errorf("it speaks of %s\n%s%s", word, stdout.String(), stderr.String())
				}
			}
			if got, _ := filepath.Glob(p.path("*re*.csv")); got != nil {
				t.Errorf("there is %q", got)
			}
			type counts struct{ Rows, Delivered, Sent_now, Rejected, Pending, Uncertain int }
			var got counts
			for line := range strings.Lines(stdout.String()) {
				if strings.HasPrefix(line, `{"type":"summary"`) {
					ok(t, json.Unmarshal([]byte(line), &got))
				}
			}
			sent := p.once()
			if want := (counts{tc.rows + 1, sent, sent, 1, tc.rows - sent, 0}); got != want {
				t.Errorf("counted %+v, want %+v\n%s", got, want, stderr.String())
			}
		})
	}
}
