package cli_test

import (
	"encoding/json"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"hppsend/internal/sandbox"
)

// oddNames would begin a line of their own, move a cursor, turn a text round, or not show.
var oddNames = []string{
	"a\nIn all: 9 rows: 9 delivered, 9 sent by this run; exit code 0.csv", "b\rIn all.csv", "c\u2028In all.csv", "d\u2029.csv",
	"e\u0085.csv", "f\x1b[2J.csv", "g\u009b2J.csv", "h\x7f.csv", "i\u202evsc.csv", "j\u2066.csv", "k\u200f.csv", "l\u200b\ufeff.csv",
	"m\U000e0041.csv", "n\x9b2J.csv", "o\t\v.csv", "p'; In all.csv",
}

// TestNoNameBeginsALine gives files, labels and reminders odd names. Whatever is said of them, everywhere,
// is in lines of ours, and nothing in them is obeyed by a terminal.
func TestNoNameBeginsALine(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("its file names cannot hold all of that")
	}
	p := newPlace(t, sandbox.Config{})
	said := func(out string) string {
		t.Helper()
		if !utf8.ValidString(out) {
			t.Errorf("it says what is no UTF-8: %+q", out)
		}
		for line := range strings.SplitSeq(out, "\n") {
			if strings.ContainsFunc(line, func(r rune) bool { return !strconv.IsGraphic(r) }) {
				t.Errorf("it says %+q", line)
			}
			if strings.HasPrefix(line, "In all") && strings.Contains(line, "9 rows") {
				t.Errorf("a name says %+q", line)
			}
			if v := map[string]any{}; strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &v) != nil {
				t.Errorf("no JSON is %+q", line)
			}
		}
		return out
	}
	for i, name := range oddNames {
		p.contacts(name, i, 1)
	}
	odd := "\nIn all: 9 rows \u2028\u0085\x7f\u009b\u202e\u2066\u200f\ufeff\U000e0041 x"
	about := append([]string{"--rate", "unlimited", "--label", odd}, oddNames...)
	said(p.must(0, p.hppsend(append([]string{"check"}, oddNames...)...)))
	said(p.must(0, p.run(append([]string{"--json", "--metrics-file", p.path("m.prom")}, about...)...)))
	if m, err := os.ReadFile(p.path("m.prom")); err != nil || len(m) == 0 {
		t.Errorf("no metrics: %v", err)
	} else {
		said(string(m))
	}
	said(p.must(0, p.run(append([]string{"--json", "--log-format", "json", "--reminder", odd}, about...)...)))
	said(p.must(0, p.run(append([]string{"--on-finish", "hook", "--on-finish", p.path("summary")}, about...)...)))
	if summary, err := os.ReadFile(p.path("summary")); err != nil || !strings.Contains(string(summary), `\u202e`) {
		t.Errorf("the summary is %+q, %v", summary, err)
	} else {
		said(string(summary))
	}
	if got := p.box.Stats().Accepted; len(got) != len(oddNames) { // in each round
		t.Errorf("%d were accepted", len(got))
	}
	said(p.must(0, p.hppsend("runs", "--endpoint", p.url)))
	out := said(p.must(0, p.hppsend("runs", "--endpoint", p.url, "--json", "--last", "0")))
	if !strings.Contains(out, `"label":"\nIn all: 9 rows \u2028\u0085\u007f\u009b\u202e\u2066\u200f\ufeff\udb40\udc41 x"`) {
		t.Errorf("the label is not as it was given\n%s", out)
	}
	said(p.must(0, p.hppsend("report", "--endpoint", p.url, "--json", oddNames[0])))
	for _, name := range oddNames {
		if strings.Contains(name, "[") { // a pattern
			continue
		}
		said(p.must(6, p.hppsend("check", "none "+name)))
	}
	said(p.must(2, p.hppsend("check", "--"+odd, "x")))
	said(p.must(2, p.hppsend("check", "--rate", odd, "x")))
	said(p.must(2, p.hppsend("check", "--config", p.path(oddNames[2]), "x")))
	said(p.must(2, p.hppsend(odd)))
	said(p.must(2, p.hppsend("runs", "--endpoint", p.url, odd)))
}

// TestShownConfigurationIsOne has odd names in settings: what config show prints is read as the same again.
func TestShownConfigurationIsOne(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	odd := "x\ngrace: 1h\u2028grace: 2h\u0085\x7f\u009b\u202e\ufeff \"'\\ y"
	shown := p.must(0, p.hppsend("config", "show", "--label", odd, "--map", "phone="+odd, "--reminder", odd))
	for line := range strings.SplitSeq(shown, "\n") {
		if strings.ContainsFunc(line, func(r rune) bool { return !strconv.IsGraphic(r) }) || strings.HasPrefix(line, "grace") {
			t.Errorf("it shows %+q", line)
		}
	}
	ok(t, os.WriteFile(p.path("again.yaml"), []byte(shown), 0o600))
	again := p.must(0, p.hppsend("config", "show", "--config", "again.yaml"))
	for line := range strings.SplitSeq(shown, "\n") {
		if value, _, _ := strings.Cut(line, " # "); strings.HasPrefix(line, "label") || strings.HasPrefix(line, "map") || strings.HasPrefix(line, "reminder") {
			if !strings.Contains(again, value) {
				t.Errorf("%s is read back otherwise\n%s", value, again)
			}
		}
	}
}
