package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hppsend/pipeline"
)

// A fault of the program is told with its stack, to people and to machines, and without what it was working on.
func TestStackOfAFault(t *testing.T) {
	t.Parallel()
	err := pipeline.Guarded(func() error { panic("anna@example.com") })
	stack := pipeline.Stack(err)
	if len(stack) < 3 {
		t.Fatalf("the stack is %q", stack)
	}

	stderr := logged(t, false, err)
	for _, at := range stack {
		if !slices.Contains(strings.Split(stderr, "\n"), "  at "+at) {
			t.Errorf("%s is missing in\n%s", at, stderr)
		}
	}
	var line struct {
		Hint, Msg, Message string
		Stack              []string
	}
	stdout := logged(t, true, err)
	if err := json.Unmarshal([]byte(stdout), &line); err != nil || !slices.Equal(line.Stack, stack) || line.Hint == "" {
		t.Errorf("the log says %s (%v)", stdout, err)
	}
	var out bytes.Buffer
	newLines(&out).fail(err)
	line.Stack = nil
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || !slices.Equal(line.Stack, stack) || line.Message == "" {
		t.Errorf("the line is %s (%v)", &out, err)
	}
	if all := stderr + stdout + out.String(); strings.Contains(all, "anna") {
		t.Errorf("it says what was worked on:\n%s", all)
	}
}

// logged gives what the console writes of an error.
func logged(t *testing.T, json bool, err error) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stderr")
	f, e := os.Create(path)
	if e != nil {
		t.Fatal(e)
	}
	defer f.Close()
	c := newConsole(f)
	c.configure(false, json)
	c.fail(err)
	b, e := os.ReadFile(path)
	if e != nil {
		t.Fatal(e)
	}
	return string(b)
}
