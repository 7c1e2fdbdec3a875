package cli_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"hppsend/internal/sandbox"
)

// TestPatternsPassOverWhatIsNoTable has what programs leave in a folder beside two inputs.
func TestPatternsPassOverWhatIsNoTable(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	none := []string{
		"~$may.xlsx", ".~lock.may.csv#", ".DS_Store", "._may.csv", "Thumbs.db", "desktop.ini", "june.csv.part",
		"june.csv.crdownload", "june.csv.filepart", "may.csv~", ".may.csv.swp", ".hppsend-1.csv", "june.tmp", ".may.csv.Xa81bC", ".goutputstream-X", "may.csv.lock", "#may.csv#",
	}
	ok(t, os.MkdirAll(p.path("in/done"), 0o700))
	for _, name := range none {
		ok(t, os.WriteFile(p.path("in/"+name), []byte("session_id,phone\n"+sessionID(99)+",+46701740605\n"), 0o600))
	}
	out := p.must(6, p.run("in/*"))
	if !strings.Contains(out, "nothing that it matches is a table") || !strings.Contains(out, "\nhint: ") {
		t.Errorf("it says\n%s", out)
	}
	p.contacts("in/may.csv", 0, 2)
	p.contacts("in/report.part.csv", 2, 2)
	out = p.must(0, p.hppsend("check", "in/may.csv", "in/*.tmp")) // beside other files
	if !strings.Contains(out, "in/june.tmp matches in/*.tmp ") {
		t.Errorf("it says\n%s", out)
	}
	p.must(6, p.hppsend("check", "in/*.tmp", "in/.d*", "in/*.none"))
	if out := p.must(0, p.hppsend("check", "in/.may.csv.X*")); strings.Contains(out, "passed over") { // a hidden one that is asked for
		t.Errorf("it says\n%s", out)
	}
	out = p.must(0, p.run("--rate", "unlimited", "-o", ".", "in/*"))
	for _, name := range append(none, "done") {
		if !strings.Contains(out, "in/"+name+" matches in/* ") {
			t.Errorf("%s is not told", name)
		}
	}
	if got := p.once(); got != 4 {
		t.Errorf("%d were accepted\n%s", got, out)
	}
	if out := p.must(2, p.run("in/Thumbs.db", "in/june.csv.part")); !strings.Contains(out, "have the same content") {
		t.Errorf("named outright they are passed over\n%s", out)
	}
}

func TestTimesOfDay(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	p.contacts("may.csv", 0, 2)
	now := time.Now()
	in := func(d time.Duration) string { return now.Add(d).Format("15:04") }
	if out := p.must(5, p.run("--between", in(2*time.Hour)+"-"+in(3*time.Hour), "may.csv")); !strings.Contains(out, "nothing was sent") {
		t.Errorf("it says\n%s", out)
	}
	if out := p.must(2, p.run("--until", in(-2*time.Hour), "may.csv")); !strings.Contains(out, `--until "tomorrow `) {
		t.Errorf("it says\n%s", out)
	}
	astray := p.run("--until", in(2*time.Hour), "may.csv")
	astray.Env = append(astray.Env, "TZ=Europe/Stokholm")
	if out := p.must(2, astray); !strings.Contains(out, "time zone") {
		t.Errorf("it says\n%s", out)
	}
	if p.box.Stats().Calls != 0 {
		t.Error("calls were made")
	}
	end := now.Add(2 * time.Hour).Format("Mon 2006-01-02 15:04 MST")
	if out := p.must(0, p.run("--between", in(-2*time.Hour)+"-"+in(2*time.Hour), "may.csv")); !strings.Contains(out, "It stops at "+end) {
		t.Errorf("it says\n%s, want %s", out, end)
	}
}
