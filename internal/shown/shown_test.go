package shown_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"hppsend/internal/shown"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ given, want string }{
		{"may.csv", "may.csv"},
		{`C:\lists\"may".csv`, `C:\lists\"may".csv`},
		{"å 東京 שלום שׁ e\u0301 😀 \u00a0\u3000", "å 東京 שלום שׁ e\u0301 😀 \u00a0\u3000"},
		{"a\nIn all: 9 rows", `a\u000aIn all: 9 rows`},
		{"\r\t\x00\x1b[2J", `\u000d\u0009\u0000\u001b[2J`},
		{"\x7f\u0080\u0085\u009b", `\u007f\u0080\u0085\u009b`},
		{"\u2028\u2029", `\u2028\u2029`},
		{"\u061c\u200e\u200f\u202a\u202e\u2066\u2069", `\u061c\u200e\u200f\u202a\u202e\u2066\u2069`},
		{"\ufeff\u200b\u00ad", `\ufeff\u200b\u00ad`},
		{"\U000e0041\ue000", `\U000e0041\ue000`},
		{"\x9b2J\xff\xed\xa0\x80", `\x9b2J\xff\xed\xa0\x80`},
		{"\ufffd", "\ufffd"},
	} {
		if got := shown.Text(tc.given); got != tc.want {
			t.Errorf("%+q is shown as %+q, want %+q", tc.given, got, tc.want)
		}
	}
}

// TestEveryCharacter shows each there is, but few of those without a meaning: none that is odd comes through, and JSON keeps them all.
func TestEveryCharacter(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if utf8.ValidRune(r) && (r < 0x20000 || r >= 0xe0000 && r < 0xe0200 || r%997 == 0) {
			all.WriteRune(r)
		}
	}
	graphic := func(what, s string) {
		for i, r := range s {
			if !strconv.IsGraphic(r) {
				t.Fatalf("%s: %U at %d comes through", what, r, i)
			}
		}
	}
	graphic("text", shown.Text(all.String()))
	var b bytes.Buffer
	if err := json.NewEncoder(shown.JSON(&b)).Encode(map[string]string{all.String(): all.String()}); err != nil {
		t.Fatal(err)
	}
	graphic("JSON", strings.TrimSuffix(b.String(), "\n"))
	var got map[string]string
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got[all.String()] != all.String() {
		t.Errorf("another text is read back, %v", err)
	}
}
