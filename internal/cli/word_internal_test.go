package cli

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// TestWord lets a shell read each name back.
func TestWord(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there is no such shell")
	}
	names := []string{
		"may.csv", "/srv/out box/may.csv", "it's.csv", "''", "a;b", "$(touch x)", "`x`", "$HOME", "a\"b", `a\b`, "*", "?", "[a]", "#x", "~", "~/x",
		"!x", "a&b", "a|b", "a>b", "{a,b}", "(x)", "å 東京.csv", "x=1", "-rf", "- x", "a\nb", "",
	}
	script := "set --"
	for _, name := range names {
		script += " " + word(name)
	}
	out, err := exec.Command("sh", "-c", script+`; printf '%s\0' "$@"`).Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	if len(got) != len(names) {
		t.Fatalf("%d words of %d names: %q", len(got), len(names), got)
	}
	for i, name := range names {
		if got[i] != name && got[i] != "./"+name {
			t.Errorf("%q is read as %q", name, got[i])
		}
	}
}
