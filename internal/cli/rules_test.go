package cli_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hppsend/internal/sandbox"
)

// TestHelpRules types what the help on rules shows. Each row of the sample says which rule holds it back.
func TestHelpRules(t *testing.T) {
	t.Parallel()
	p := newPlace(t, sandbox.Config{})
	p.samples(filepath.Join(root, "testdata"))
	text, err := os.ReadFile("help/rules.md")
	ok(t, err)
	typed := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		command, ok := strings.CutPrefix(line, "    hppsend ")
		if !ok {
			continue
		}
		typed++
		c := p.hppsend(words(command)...)
		out, _ := c.CombinedOutput()
		switch code := c.ProcessState.ExitCode(); code {
		case 0, 3, 5: // by the time of the day somebody has to wait for an hour
		default:
			t.Errorf("%s: exit code %d\n%s", command, code, out)
		}
	}
	if typed < 2 {
		t.Fatalf("the help shows %d commands", typed)
	}
	f, err := os.Open(p.path("testdata/rules/spring.report.csv"))
	ok(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	ok(t, err)
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	held := map[string]int{}
	for _, row := range rows[1:] {
		code := row[column["hpp_code"]]
		says, _, ruled := strings.Cut(row[column["What it shows"]], ":")
		switch {
		case code == "hours" && (!ruled || strings.HasPrefix(says, "session_") || says == "NOT_FOUND"): // its turn has not come
		case ruled && code != says, !ruled && code != "":
			t.Errorf("a row that is to show %q has %q: %s", says, code, row[column["hpp_reason"]])
		}
		held[code]++
	}
	if len(rows) != 11 || held["suppressed"] != 2 || held["opted_out"] != 1 || held["same_contact"] != 1 || held["too_late"] != 1 {
		t.Errorf("%d rows, held back are %v", len(rows)-1, held)
	}
}

// words takes a command apart as a shell does.
func words(command string) (all []string) {
	for i, part := range strings.Split(command, `"`) {
		if i%2 == 1 {
			all = append(all, part)
		} else {
			all = append(all, strings.Fields(part)...)
		}
	}
	return all
}
