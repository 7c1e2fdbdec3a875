package reader

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"hppsend/pipeline"
)

// tight packs a header and then what write writes.
func tight(t *testing.T, write func(io.Writer)) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprintln(z, "session_id,email,note")
	write(z)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGzipBombs(t *testing.T) {
	repeat := func(row string) func(io.Writer) {
		return func(w io.Writer) {
			stretch := strings.Repeat(row, 1<<20/len(row))
			for range 20 {
				io.WriteString(w, stretch)
			}
		}
	}
	row := "5f1e7a60-0000-4000-8000-000000000001,ann@example.com,\n"
	random := rand.NewChaCha8([32]byte{})
	rows := func(w io.Writer) {
		for range 20000 {
			fmt.Fprintf(w, "%016x,ann%d@example.com,%s\n", random.Uint64(), random.Uint64()%1e6, strings.Repeat("a long note that is the same in all, ", 30))
		}
	}
	for name, tt := range map[string]struct {
		text    string
		refused bool
	}{
		"one row":           {tight(t, repeat(row)), true},
		"empty lines":       {tight(t, repeat("\n")), true},
		"one line":          {tight(t, repeat("x")), true},
		"NUL":               {tight(t, repeat("\x00")), true},
		"behind sound rows": {tight(t, func(w io.Writer) { rows(w); repeat(row)(w); repeat(row)(w); repeat(row)(w) }), true},
		"after another":     {tight(t, func(io.Writer) {}) + tight(t, repeat(row)), true},
		"long notes":        {tight(t, rows), false},
		"small and tight":   {tight(t, func(w io.Writer) { io.WriteString(w, strings.Repeat(row, 1000)) }), false},
	} {
		f, err := Open(file(t, "in.csv.gz", tt.text), Options{})
		var e *pipeline.Error
		switch {
		case tt.refused && (!errors.As(err, &e) || e.Problem != bomb.what || e.Hint() != bomb.todo):
			t.Errorf("%s: %v", name, err)
		case !tt.refused && err != nil:
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			f.Close()
		}
	}
}
