package writer

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
	"testing"

	"hppsend/pipeline"
)

func TestGuard(t *testing.T) {
	for _, tt := range []struct{ cell, want string }{
		{"", ""},
		{"text", "text"},
		{" =1+1", " =1+1"},
		{"=1+1", "'=1+1"},
		{"=", "'="},
		{"@SUM(A1)", "'@SUM(A1)"},
		{"+cmd|' /C calc'!A0", "'+cmd|'' /C calc'!A0"},
		{"-1+1", "'-1+1"},
		{"-", "'-"},
		{"+", "'+"},
		{"\t=1", "'\t'=1"},
		{"\r=1", "'\r'=1"},
		{"\n=1", "'\n'=1"},
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
		{"a,=1+1", "a,'=1+1"},
		{"a;=1+1", "a;'=1+1"},
		{"a\t@x", "a\t'@x"},
		{"a|=1+1", "a|'=1+1"},
		{"a^=1+1", "a^'=1+1"},
		{"a\r\n=1+1,b", "a\r\n'=1+1,b"},
		{`a,"=1+1,b`, `a,'"=1+1,b`},
		{`a,""=1+1,b`, `a,'""=1+1,b`},
		{"a,-1|cmd", "a,'-1|cmd"},
		{"a,＝1+1", "a,'＝1+1"},
		{"a,'b", "a,''b"},
		{",=1;=2", ",'=1;'=2"},
		{"=1,=2", "'=1,'=2"},
		{"a, =1+1", "a, =1+1"},
		{"Anna, Bo; Cy", "Anna, Bo; Cy"},
		{"11,50", "11,50"},
		{"a=b,c=d", "a=b,c=d"},
	} {
		if got := guard(tt.cell); got != tt.want {
			t.Errorf("guard(%q) = %q, want %q", tt.cell, got, tt.want)
		}
	}
}

var plain = regexp.MustCompile(`^[+-]?\d+([.,]\d+)?$`)

func FuzzGuard(f *testing.F) {
	for _, s := range []string{"", "'", "''x", "=1", "+46701740605", "-1\n", "\r\n", "x", "+1.", ".5", "1,2,3", "-", "+-1", "a,=1;'b", "a\n\"'=", ",,''"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		if plainNumber(cell) != plain.MatchString(cell) {
			t.Errorf("%q is a plain number: %v", cell, plainNumber(cell))
		}
		guarded := guard(cell)
		if unguarded(guarded) != cell {
			t.Errorf("%q cannot be had back from %q", cell, guarded)
		}
		for _, piece := range strings.FieldsFunc(guarded, func(r rune) bool { return strings.ContainsRune(separators, r) })[min(1, len(cell)):] {
			if piece = strings.TrimLeft(piece, `"`); piece != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(piece)[0]) {
				t.Errorf("%q holds a formula", guarded)
			}
		}
		if guarded != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(guarded)[0]) && !plain.MatchString(guarded) {
			t.Errorf("%q is still a formula", guarded)
		}
	})
}

// unguarded is how reports are read.
func unguarded(cell string) string {
	return regexp.MustCompile(`(^|[,;\t|^\r\n])'`).ReplaceAllString(cell, "$1")
}

func TestCellsAreQuotedForEveryReader(t *testing.T) {
	for _, own := range []rune{',', ';', '\t', '|', '^'} {
		for _, other := range separators {
			var file bytes.Buffer
			c, err := newCSV(&file, table{columns: []string{"a"}}, pipeline.Dialect{Delimiter: own})
			if err != nil {
				t.Fatal(err)
			}
			cell := "a" + string(other) + "=1+1"
			if err := errors.Join(c.write(texts(2, cell), pipeline.Outcome{Status: pipeline.Pending}), c.close()); err != nil {
				t.Fatal(err)
			}
			if want := "\n\"a" + string(other) + "'=1+1\"" + string(own); !strings.Contains(file.String(), want) {
				t.Errorf("%q is not in %q", want, file.String())
			}
		}
	}
}
