package cli_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hppsend/internal/sandbox"
)

const root = "../.."

// block is a fenced block of the README.
type block struct {
	language string
	lines    []string
}

func readme(t *testing.T) (text string, blocks []block) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var open *block
	for line := range strings.SplitSeq(string(b), "\n") {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{language: language}
		case fence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.lines = append(open.lines, line)
		}
	}
	return string(b), blocks
}

// TestReadmeSessions types what the README shows, and compares what comes back. A line … stands for any
// lines.
func TestReadmeSessions(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	p.samples(filepath.Join(root, "testdata"))
	if typed := p.sessions(); typed < 2 {
		t.Errorf("the README shows %d commands, want 2 at least", typed)
	}
}

// TestReadmeSessionsAgain types it in a checkout in which it was typed before, by somebody whose ledger is
// another: the reports that are left there are nothing to these tests.
func TestReadmeSessionsAgain(t *testing.T) {
	t.Parallel()
	before := newPlace(t, sandbox.Config{})
	before.samples(filepath.Join(root, "testdata"))
	for range 2 {
		before.must(4, before.hppsend("run", "--environment", "sandbox", "--rate", "unlimited", "testdata/campaign.xlsx"))
	}
	if _, err := os.Stat(before.path("testdata/campaign.report.xlsx")); err != nil {
		t.Fatal(err)
	}
	p := newPlace(t, sandbox.Config{})
	p.samples(before.path("testdata"))
	p.sessions()
}

// left are the names of what runs leave beside their inputs.
var left = regexp.MustCompile(`\.(report|rejects)(-\d+)?\.|^\.hppsend-`)

// samples copies testdata, less what runs have left there.
func (p *place) samples(from string) {
	p.t.Helper()
	ok(p.t, filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := p.path(filepath.Join("testdata", strings.TrimPrefix(path, from)))
		switch {
		case left.MatchString(e.Name()) && e.IsDir():
			return fs.SkipDir
		case left.MatchString(e.Name()):
			return nil
		case e.IsDir():
			return os.MkdirAll(to, 0o700)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o600)
	}))
}

// sessions types the commands of the README and compares what they print. It gives how many there are.
func (p *place) sessions() (typed int) {
	t := p.t
	t.Helper()
	_, blocks := readme(t)
	for _, b := range blocks {
		if b.language != "console" {
			continue
		}
		for i := 0; i < len(b.lines); typed++ {
			command, ok := strings.CutPrefix(b.lines[i], "$ go run . ")
			if !ok {
				t.Fatalf("%q is no command", b.lines[i])
			}
			var want []string
			for i++; i < len(b.lines) && !strings.HasPrefix(b.lines[i], "$ "); i++ {
				want = append(want, b.lines[i])
			}
			out, _ := p.hppsend(strings.Fields(command)...).CombinedOutput()
			form := regexp.QuoteMeta(settled("\n" + strings.Join(want, "\n")))
			form = "(?s)^" + strings.ReplaceAll(form, "\n…", "(\n.*)?") + "$"
			if !regexp.MustCompile(form).MatchString(settled("\n" + string(out))) {
				t.Errorf("%s\nprints\n%s\nand the README says\n%s", command, out, strings.Join(want, "\n"))
			}
		}
	}
	return typed
}

var changing = regexp.MustCompile(`Ledger \S+|begun [\d: -]+, \d+ KB|settle --environment sandbox [a-z0-9]{12}|until \d\d:\d\d:\d\d|` + runIDs.String())

// settled takes out of an output what differs from time to time.
func settled(s string) string { return changing.ReplaceAllString(strings.TrimRight(s, "\n"), "*") }

// TestReadmeCommands asks the program about each command line of the README: are there such flags?
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	_, blocks := readme(t)
	asked := 0
	for _, b := range blocks {
		if b.language != "sh" {
			continue
		}
		for _, line := range b.lines {
			command, _, _ := strings.Cut(line, "#")
			args := strings.Fields(command)
			if len(args) == 0 || args[0] == "go" || args[0] == "ssh-keygen" { // built and tested by whoever runs this
				continue
			}
			if out, err := exec.Command("hppsend", append(args[1:], "--help")...).CombinedOutput(); err != nil || args[0] != "./hppsend" {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
			asked++
		}
	}
	if asked == 0 {
		t.Error("the README shows no command line")
	}
}

func TestReadmeFlagsExist(t *testing.T) {
	t.Parallel()
	var known strings.Builder
	for _, command := range []string{"run", "check", "report", "settle", "runs", "track", "purge", "template", "sandbox", "version", "serve", "ledger move", "find", "forget"} {
		out, err := exec.Command("hppsend", append(strings.Fields(command), "--help")...).CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		known.Write(out)
	}
	text, blocks := readme(t)
	for _, b := range blocks {
		if b.language == "dockerfile" { // its flags are another program's
			text = strings.Replace(text, strings.Join(b.lines, "\n"), "", 1)
		}
	}
	for _, flag := range regexp.MustCompile(`--[a-z][a-z-]+`).FindAllString(text, -1) {
		if !regexp.MustCompile(regexp.QuoteMeta(flag) + `\b`).MatchString(known.String()) {
			t.Errorf("the README speaks of %s, and there is no such flag", flag)
		}
	}
}

func TestReadmeFilesLoad(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	_, blocks := readme(t)
	loaded := map[string]int{}
	for _, b := range blocks {
		if b.language != "yaml" {
			continue
		}
		text := strings.Join(b.lines, "\n")
		if strings.HasPrefix(text, "sessions:") {
			loaded["script"]++
			if _, err := sandbox.LoadScript(strings.NewReader(text)); err != nil {
				t.Error(err)
			}
			continue
		}
		loaded["configuration"]++
		if err := os.WriteFile(p.path("hppsend.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := p.hppsend("run", "--config", "hppsend.yaml", "contacts.csv")
		c.Env = append(c.Env, "KLARNA_USERNAME=", "KLARNA_PASSWORD=")
		if out := p.must(2, c); !strings.Contains(out, "the credentials are missing") {
			t.Errorf("the configuration file gives\n%s", out)
		}
	}
	if loaded["script"] == 0 || loaded["configuration"] == 0 {
		t.Errorf("the README shows %v", loaded)
	}
}
