package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hppsend/internal/contact"
)

// TestMain lets the test binary do the tasks that the command gives to itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestEverything(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0") // of each of the many processes
	var out, progress bytes.Buffer
	dir := t.TempDir()
	c := config{
		only: "send,check,report,memory,start,ledger,profile", rows: 60, sendRows: 80, ledgerRows: 100, filled: 50, repeats: 1, concurrency: 4,
		dir: dir, out: filepath.Join(dir, "figures", "out.txt"), profiles: dir,
	}
	if err := run(t.Context(), c, &out, &progress); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		bareLoop, sendPass, sendAll, checkName("hppsend check", sharedInput), checkName("scan", inlineInput),
		reportCSV, plainXLSX, memoryName(csvInput, 60) + ", beside 50", startVersion, startCall, ledgerRate, bareLedger, ledgerSize, resumed(60),
		"profile: " + checkName("read", inlineInput),
	} {
		if !strings.Contains(out.String(), "\n"+name+" ") {
			t.Errorf("%s is not in the table", name)
		}
	}
	written, err := os.ReadFile(c.out)
	if err != nil || !strings.HasPrefix(out.String(), string(written)) || len(written) == 0 {
		t.Errorf("what is written differs from what is printed (%v):\n%s", err, written)
	}
	left, err := filepath.Glob(filepath.Join(dir, "hppsend-bench-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	t.Log("\n" + out.String())
}

// The bare loop has to send what the program sends.
func TestPeopleAreSound(t *testing.T) {
	seen := map[string]bool{}
	for i := range 2000 {
		p := personAt(i)
		if seen[p.session] {
			t.Errorf("row %d: its session comes twice", i)
		}
		seen[p.session] = true
		if phone, err := contact.ParsePhone(p.phone, p.country); p.phone != "" && (err != nil || phone.E164 != p.e164) {
			t.Errorf("row %d, %s: the number is not the E.164 beside it: %v", i, p.country, err)
		}
		if strings.Contains(p.body(), `""`) {
			t.Errorf("row %d has no contact for its method %s", i, p.method)
		}
	}
}

func TestPartThatIsNotThere(t *testing.T) {
	if err := run(t.Context(), config{only: "send,chek"}, nil, nil); err == nil || !strings.Contains(err.Error(), `"chek"`) {
		t.Errorf("the error is %v", err)
	}
}

func TestMedian(t *testing.T) {
	var r results
	for _, s := range []sample{{Elapsed: 30, Peak: 1}, {Elapsed: 10, Peak: 3}, {Elapsed: 20, Peak: 2}} {
		r.add("x", s)
	}
	s, spread, ok := r.median("x")
	if s.Elapsed != 20 || s.Peak != 2 || spread != 1 || !ok {
		t.Errorf("the median is %+v, spread %v, %v", s, spread, ok)
	}
	if _, _, ok := r.median("y"); ok {
		t.Error("what was not measured has a median")
	}
}

func TestGoals(t *testing.T) {
	var r results
	per := func(name string, micros int) {
		r.add(name, sample{Rows: 1000, Elapsed: time.Duration(micros) * time.Millisecond})
	}
	per(bareLoop, 80)
	per(sendPass, 100)
	per(sendAll, 160)
	got := map[string]bool{}
	for _, g := range goals(&r, config{}) {
		got[g.what] = g.met
	}
	want := map[string]bool{
		"send pass, share of the bare loop's rate": true, "run end to end, share of the bare loop's rate": false, "run end to end, rows/s": true,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestShares(t *testing.T) {
	const traces = `Type: cpu
-----------+-------------------------------------------------------
      60ms   runtime.memmove
             modernc.org/sqlite/lib._step
             hppsend/pipeline.(*dispatch).work
-----------+-------------------------------------------------------
      30ms   syscall.Syscall
             net/http.(*persistConn).writeLoop
-----------+-------------------------------------------------------
      10ms   hppsend/pipeline.hashOf
`
	if got, want := shares([]byte(traces), 50*time.Microsecond), "ledger 30.0 µs (60 %), HTTP 15.0 µs (30 %), the rest 5.0 µs (10 %)"; got != want {
		t.Errorf("the shares are %s, want %s", got, want)
	}
}

func TestRowsAcrossChunks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.xlsx")
	if err := makeBook(path, 20_000, true); err != nil {
		t.Fatal(err)
	}
	work, err := inflateAndScan([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := work(); n != 20_000 || err != nil {
		t.Errorf("it counts %d rows, %v", n, err)
	}
}
