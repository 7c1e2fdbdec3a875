package writer

import (
	"regexp"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	for _, tt := range []struct{ cell, want string }{
		{"", ""},
		{"text", "text"},
		{" =1+1", " =1+1"},
		{"=1+1", "'=1+1"},
		{"=", "'="},
		{"@SUM(A1)", "'@SUM(A1)"},
		{"+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"},
		{"-1+1", "'-1+1"},
		{"-", "'-"},
		{"+", "'+"},
		{"\t=1", "'\t=1"},
		{"\r=1", "'\r=1"},
		{"\n=1", "'\n=1"},
		{"＝1+1", "'＝1+1"},
		{"＠SUM(A1)", "'＠SUM(A1)"},
		{"'", "''"},
		{"'tis", "''tis"},
		{"''", "'''"},
		{"+46701740605", "+46701740605"},
		{"+46 70 174 06 05", "'+46 70 174 06 05"},
		{"-12", "-12"},
		{"-12.50", "-12.50"},
		{"-12,50", "-12,50"},
		{"-1,234.50", "'-1,234.50"},
		{"+1e5", "'+1e5"},
		{"-12\n", "'-12\n"},
		{"+٤", "'+٤"},
		{"0701740605", "0701740605"},
	} {
		if got := guard(tt.cell); got != tt.want {
			t.Errorf("guard(%q) = %q, want %q", tt.cell, got, tt.want)
		}
	}
}

var plain = regexp.MustCompile(`^[+-]?\d+([.,]\d+)?$`)

func FuzzGuard(f *testing.F) {
	for _, s := range []string{"", "'", "''x", "=1", "+46701740605", "-1\n", "\r\n", "x", "+1.", ".5", "1,2,3", "-", "+-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		if plainNumber(cell) != plain.MatchString(cell) {
			t.Errorf("%q is a plain number: %v", cell, plainNumber(cell))
		}
		guarded := guard(cell)
		if strings.TrimPrefix(guarded, "'") != cell {
			t.Errorf("%q cannot be had back from %q", cell, guarded)
		}
		if guarded != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(guarded)[0]) && !plain.MatchString(guarded) {
			t.Errorf("%q is still a formula", guarded)
		}
	})
}
