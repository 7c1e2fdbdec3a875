package cli_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"

	"hppsend/internal/cli"
)

var update = flag.Bool("update", false, "write the golden reports anew")

// TestMain lets the test binary be hppsend, so that scripts and tests start the real program.
func TestMain(m *testing.M) {
	flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0))) // most of them wait; -parallel says otherwise
	testscript.Main(withServer{m}, map[string]func(){"hppsend": program, "hook": hook, "limited": limited, "fatal": fatal})
}

func program() {
	keepClock()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, cli.Endings()...)
	policy := os.Getenv("POLICY_OF_TEST")
	if policy == "" {
		policy = os.DevNull + "-no-policy" // rather than this machine's own
	}
	os.Exit(cli.Main(cli.Process{
		Args: os.Args[1:], Env: os.Environ(), Signals: signals, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Policy: cli.PolicyFile{Path: policy, Owner: os.Getuid()},
	}))
}

// hook is a command for --on-finish: it keeps what it is given in the file that it is told.
func hook() {
	if len(os.Args) != 2 {
		os.Exit(9)
	}
	in, err := io.ReadAll(os.Stdin)
	if err != nil {
		os.Exit(8)
	}
	credentials := 0
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "KLARNA_") {
			credentials++
		}
	}
	if err := os.WriteFile(os.Args[1], fmt.Appendf(in, "credentials: %d\n", credentials), 0o600); err != nil {
		os.Exit(7)
	}
}

// archived FOLDER NAME sees that a file and its report are in an archive.
func archived(ts *testscript.TestScript, _ bool, args []string) {
	for _, pattern := range []string{"-????????T??????Z.csv", "-????????T??????Z.report.csv"} {
		found, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), args[1]+pattern))
		ts.Check(err)
		if len(found) != 1 {
			ts.Fatalf("%s has %q for %s%s", args[0], found, args[1], pattern)
		}
	}
}

func TestScripts(t *testing.T) {
	t.Parallel()
	samples, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, "state"))
			e.Setenv("SAMPLES", samples)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "freeport": freePort, "listening": listening, "cells": cells, "same": sameCells, "total": totals,
			"run-id": runID, "replace": replace, "archived": archived, "approvers": approvers, "signs": signs, "summary": summaryLine,
		},
	})
}

// exits N COMMAND… runs a command that has to exit with N.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// freeport NAME sets a variable to an address of this machine that nobody listens on.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Check(l.Close())
}

// listening ADDRESS waits until somebody listens there.
func listening(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(30 * time.Second); ; {
		conn, err := net.DialTimeout("tcp", args[0], time.Second)
		if err == nil {
			ts.Check(conn.Close())
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("nobody listens: %v", err)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// volatile are the columns that differ from run to run.
var volatile = []string{"hpp_correlation_id", "hpp_time", "hpp_run"}

// cells REPORT GOLDEN compares a report with a golden CSV file, cell by cell, but for what differs from
// run to run.
func cells(ts *testscript.TestScript, _ bool, args []string) {
	got, err := table(ts.MkAbs(args[0]))
	ts.Check(err)
	for i, name := range got[0] {
		for _, row := range got[1:] {
			if slices.Contains(volatile, name) && row[i] != "" {
				row[i] = "*"
			}
			if name == "hpp_reason" {
				row[i] = runIDs.ReplaceAllString(row[i], "*")
			}
		}
	}
	golden := filepath.Join(ts.Getenv("SAMPLES"), "golden", args[1])
	if *update {
		var b bytes.Buffer
		ts.Check(csv.NewWriter(&b).WriteAll(got))
		ts.Check(os.MkdirAll(filepath.Dir(golden), 0o755))
		ts.Check(os.WriteFile(golden, b.Bytes(), 0o644))
		return
	}
	want, err := table(golden)
	ts.Check(err)
	if diff := cmp.Diff(want, got); diff != "" {
		ts.Fatalf("%s is not as %s has it (-want +got):\n%s", args[0], args[1], diff)
	}
}

// same A B compares the columns that two tables have in common.
func sameCells(ts *testscript.TestScript, neg bool, args []string) {
	a, err := table(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := table(ts.MkAbs(args[1]))
	ts.Check(err)
	columns := args[2:]
	if diff := cmp.Diff(pick(a, columns), pick(b, columns)); (diff != "") != neg {
		ts.Fatalf("%s and %s (-first +second):\n%s", args[0], args[1], diff)
	}
}

// run-id REPORT [SESSION] sets RUN to the run that a report names, in the first row or that of a session.
func runID(ts *testscript.TestScript, _ bool, args []string) {
	rows, err := table(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, row := range pick(rows, []string{"session_id", "hpp_run"})[1:] {
		if len(args) == 1 || row[0] == args[1] {
			ts.Setenv("RUN", row[1])
			return
		}
	}
	ts.Fatalf("%s names no run", args[0])
}

// replace FILE OLD NEW changes every OLD in a file.
func replace(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	ts.Check(os.WriteFile(path, []byte(strings.ReplaceAll(ts.ReadFile(path), args[1], args[2])), 0o600))
}

// total FILE STATUS=N … counts the rows of a report by status; statuses that are not named have none.
func totals(ts *testscript.TestScript, _ bool, args []string) {
	rows, err := table(ts.MkAbs(args[0]))
	ts.Check(err)
	got := map[string]int{}
	for _, row := range pick(rows, []string{"hpp_status"})[1:] {
		got[row[0]]++
	}
	want := map[string]int{}
	for _, arg := range args[1:] {
		status, n, _ := strings.Cut(arg, "=")
		want[status], err = strconv.Atoi(n)
		ts.Check(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		ts.Fatalf("statuses of %s (-want +got):\n%s", args[0], diff)
	}
}

// pick takes columns of a table by their headers, in the order given; all when none are named.
func pick(rows [][]string, columns []string) [][]string {
	if len(columns) == 0 {
		return rows
	}
	var out [][]string
	for _, row := range rows {
		var cells []string
		for _, c := range columns {
			cells = append(cells, row[slices.Index(rows[0], c)])
		}
		out = append(out, cells)
	}
	return out
}

// table reads a CSV or XLSX file; every row is as long as the longest.
func table(path string) ([][]string, error) {
	var rows [][]string
	if strings.HasSuffix(path, ".xlsx") {
		f, err := excelize.OpenFile(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		sheets := f.GetSheetList()
		if rows, err = f.GetRows(sheets[len(sheets)-1]); err != nil { // of a report the first is the summary
			return nil, err
		}
	} else {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		r := csv.NewReader(bytes.NewReader(text))
		r.FieldsPerRecord = -1
		if head, _, _ := bytes.Cut(text, []byte("\n")); bytes.ContainsRune(head, ';') {
			r.Comma = ';'
		}
		if rows, err = r.ReadAll(); err != nil {
			return nil, err
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s has no rows", path)
	}
	longest := 0
	for _, row := range rows {
		longest = max(longest, len(row))
	}
	for i := range rows {
		rows[i] = append(rows[i], make([]string, longest-len(rows[i]))...)
	}
	return rows, nil
}
