package cli_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"hppsend/internal/sandbox"
)

// TestCrashInPreflight kills the program, with no warning, while it looks at sessions and sends, and goes on until it
// comes to its end: nobody is messaged twice, nobody who has paid is messaged at all, and what was seen is not looked at
// again.
func TestCrashInPreflight(t *testing.T) {
	t.Parallel()
	const rows, kills, concurrency = 120, 6, 4
	paid := func(n int) bool { return n%3 == 0 }
	session := func(n int) string { return fmt.Sprintf("f0000000-0000-4000-8000-%012d", n) }
	script := sandbox.Script{Looks: map[string][]sandbox.Step{}}
	for n := range rows {
		state := "WAITING"
		if paid(n) {
			state = "COMPLETED"
		}
		script.Looks[session(n)] = []sandbox.Step{{Action: "session", State: state, Latency: 20 * time.Millisecond}}
	}
	p := newPlace(t, sandbox.Config{Latency: 2 * time.Millisecond, Script: script})
	lines := [][]string{{"session_id", "email"}}
	for n := range rows {
		lines = append(lines, []string{session(n), fmt.Sprintf("p%d@example.com", n)})
	}
	p.write("may.csv", lines)
	args := []string{"run", "--endpoint", p.url, "--preflight", "--rate", "100/s", "--concurrency", fmt.Sprint(concurrency), "may.csv"}
	killed := 0
	for range kills {
		c := p.hppsend(args...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		before := p.box.Stats().Looks
		for p.box.Stats().Looks == before { // until it has come to the sessions
			select {
			case err := <-ended:
				t.Fatalf("it ended by itself: %v", err)
			case <-time.After(5 * time.Millisecond):
			}
		}
		select {
		case <-ended:
		case <-time.After(time.Duration(rand.IntN(250)) * time.Millisecond):
			if c.Process.Kill() == nil {
				killed++
			}
			<-ended
		}
		if p.box.Stats().Looks >= rows*9/10 {
			break
		}
	}
	out, err := p.hppsend(args...).CombinedOutput()
	t.Logf("%d kills; %v", killed, err)
	stats := p.box.Stats()
	uncertain := 0
	for n, line := range p.read("may.report.csv")[1:] {
		status, code, sent := line[3], line[4], stats.Accepted[session(n)]
		switch {
		case sent > 1:
			t.Errorf("row %d was sent %d times", n, sent)
		case paid(n) && (sent != 0 || status != "skipped" || code != "session_completed"):
			t.Errorf("row %d is paid, was sent %d times, and is %s, %s", n, sent, status, code)
		case paid(n):
		case status == "uncertain":
			uncertain++
		case status != "delivered" || sent != 1:
			t.Errorf("row %d was sent %d times, and is %s, %s", n, sent, status, code)
		}
	}
	if uncertain > killed*concurrency {
		t.Errorf("%d rows are uncertain after %d kills", uncertain, killed)
	}
	if most := rows + killed*concurrency; stats.Looks > most || stats.Looks < rows {
		t.Errorf("%d looks at %d sessions, with %d kills: at most %d", stats.Looks, rows, killed, most)
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
