package reader

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	gocmp "github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

// underIDNamePhone is the header of the tests of records: an id, a name and a phone number.
var underIDNamePhone = header{
	row: 1, line: 1, names: []string{"session_id", "name", "phone"}, needed: 3,
	fields: []column{{fieldSession, 0}, {fieldPhone, 2}},
}

// split reads all records of a text, the first of which is the header, and writes each as one line.
func split(t *testing.T, in io.Reader, comma byte) (lines []string, text string) {
	t.Helper()
	r := newRecords(in, style{comma: comma, quote: '"'})
	for {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			return lines, text
		}
		if err != nil {
			t.Fatal(err)
		}
		text += rec.text
		r.under = &underIDNamePhone
		place := fmt.Sprint(rec.line)
		if rec.lines > 1 {
			place += fmt.Sprintf("-%d", rec.line+rec.lines-1)
		}
		if rec.unreadable != "" {
			lines = append(lines, place+" ?"+fmt.Sprintf("%q", rec.text))
		} else {
			lines = append(lines, place+" "+fmt.Sprintf("%q", rec.cells))
		}
	}
}

func TestRecords(t *testing.T) {
	const head = "session_id,name,phone\n"
	first := `1 ["session_id" "name" "phone"]`
	tests := []struct {
		name string
		in   string
		want []string
	}{
		{"plain", "a1,Ann,1\nb2,Bo,2\n", []string{`2 ["a1" "Ann" "1"]`, `3 ["b2" "Bo" "2"]`}},
		{"no line end at the end of the file", "a1,Ann,1", []string{`2 ["a1" "Ann" "1"]`}},
		{"CRLF", "a1,Ann,1\r\nb2,Bo,2\r\n", []string{`2 ["a1" "Ann" "1"]`, `3 ["b2" "Bo" "2"]`}},
		{"CR", "a1,Ann,1\rb2,Bo,2\r", []string{`2 ["a1" "Ann" "1"]`, `3 ["b2" "Bo" "2"]`}},
		{"blank lines are records", "\na1,Ann,1\n\n", []string{`2 [""]`, `3 ["a1" "Ann" "1"]`, `4 [""]`}},
		{"quotes", `"a1","Ann ""the"" Bo, Jr","1"`, []string{`2 ["a1" "Ann \"the\" Bo, Jr" "1"]`}},
		{"empty quotes", `"a1","",""`, []string{`2 ["a1" "" ""]`}},
		{"a trailing delimiter is a cell", "a1,Ann,1,", []string{`2 ["a1" "Ann" "1" ""]`}},
		{"LF inside quotes", "a1,\"Ann\nBo\",1\nb2,Bo,2\n", []string{`2-3 ["a1" "Ann\nBo" "1"]`, `4 ["b2" "Bo" "2"]`}},
		{"CRLF inside quotes is kept", "a1,\"Ann\r\nBo\",1\r\n", []string{`2-3 ["a1" "Ann\r\nBo" "1"]`}},
		{"a blank line inside quotes", "a1,\"Ann\n\nBo\",1\n", []string{`2-4 ["a1" "Ann\n\nBo" "1"]`}},
		{"prose inside quotes", "a1,\"Hello,\nso,it,goes\",1\n", []string{`2-3 ["a1" "Hello,\nso,it,goes" "1"]`}},
		{"an inch mark means itself", "a1,24\" screen,1\n", []string{`2 ["a1" "24\" screen" "1"]`}},
		{"a space before a quote", "a1, \"Ann\",1\n", []string{`2 ["a1" " \"Ann\"" "1"]`}},
		{
			"an open quote takes its own line only", "a1,\"Ann,1\nb2,Bo,2\nc3,Cy,3\n",
			[]string{`2 ?"a1,\"Ann,1\n"`, `3 ["b2" "Bo" "2"]`, `4 ["c3" "Cy" "3"]`},
		},
		{
			"an open quote that a later quoted cell ends", "a1,\"Ann,1\nb2,Bo,2\nc3,\"Cy\",3\n",
			[]string{`2 ?"a1,\"Ann,1\n"`, `3 ["b2" "Bo" "2"]`, `4 ["c3" "Cy" "3"]`},
		},
		{
			"all cells quoted and one left open", "\"a1\",\"Ann,\"1\"\n\"b2\",\"Bo\",\"2\"\n",
			[]string{`2 ?"\"a1\",\"Ann,\"1\"\n"`, `3 ["b2" "Bo" "2"]`},
		},
		{
			"two readings: what the quotes say is a row, and so is each line", "a1,\"Ann,1\nb2,Bo,2\nc3,24\",3\nd4,Di,4\n",
			[]string{`2-4 ?"a1,\"Ann,1\nb2,Bo,2\nc3,24\",3\n"`, `5 ["d4" "Di" "4"]`},
		},
		{
			"what the quotes say has too many cells", "a1,\"Ann,1\nb2,Bo,2\nc3,24\",x,3\nd4,Di,4\n",
			[]string{`2 ?"a1,\"Ann,1\n"`, `3 ["b2" "Bo" "2"]`, `4 ["c3" "24\"" "x" "3"]`, `5 ["d4" "Di" "4"]`},
		},
		{
			"two bad lines on end are one stretch", "a1,\"Ann\"x,1\nb2,\"Bo\"y,2\nc3,Cy,3\n",
			[]string{`2-3 ?"a1,\"Ann\"x,1\nb2,\"Bo\"y,2\n"`, `4 ["c3" "Cy" "3"]`},
		},
		{"an open quote on the last line", "a1,Ann,1\nb2,\"Bo,2", []string{`2 ["a1" "Ann" "1"]`, `3 ?"b2,\"Bo,2"`}},
		{
			"a line without an id does not end the stretch", "a1,\"Ann\"x,1\n,Bo,2\nc3,Cy,3\n",
			[]string{`2-3 ?"a1,\"Ann\"x,1\n,Bo,2\n"`, `4 ["c3" "Cy" "3"]`},
		},
		{
			"an open quote with nothing like a row for a mebibyte", "a1,\"Ann\n" + strings.Repeat("words\n", maxRecord/6) + "b2,Bo,2\n",
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, text := split(t, strings.NewReader(head+tt.in), ',')
			if text != head+tt.in {
				t.Error("the records together are not the file")
			}
			if tt.want == nil { // too long to show
				if n := len(got); n != 3 || !strings.HasSuffix(got[2], `["b2" "Bo" "2"]`) {
					t.Errorf("%d records, the last %s", n, got[n-1])
				}
				return
			}
			if d := gocmp.Diff(append([]string{first}, tt.want...), got); d != "" {
				t.Error(d)
			}
			slow, _ := split(t, iotest.OneByteReader(strings.NewReader(head+tt.in)), ',')
			if d := gocmp.Diff(got, slow); d != "" {
				t.Error("read byte by byte:", d)
			}
		})
	}
}

func TestRecordsRefuseALineWithoutEnd(t *testing.T) {
	r := newRecords(strings.NewReader(strings.Repeat("x", 2*maxRecord)), style{comma: ',', quote: '"'})
	if _, err := r.next(); !errors.Is(err, errLongLine) {
		t.Errorf("got %v", err)
	}
}

func TestRecordsPassErrorsOn(t *testing.T) {
	r := newRecords(io.MultiReader(strings.NewReader("a,b\nc,"), iotest.ErrReader(io.ErrUnexpectedEOF)), style{comma: ',', quote: '"'})
	if rec, err := r.next(); err != nil || rec.text != "a,b\n" {
		t.Fatalf("got %q, %v", rec.text, err)
	}
	if _, err := r.next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

// A cell may hold lines of words with as many delimiters as a row has, and a quote out of place costs its
// own row only, wherever the session stands.
func TestNoNeedlessDoubt(t *testing.T) {
	const id = "5f1e7a60-0000-4000-8000-00000000000"
	for _, header := range []string{"session_id,email,note", "note,session_id,email", "email,note,session_id", "note,email,session_id"} {
		for name, tt := range map[string]struct {
			note, want string
		}{
			"lines of commas":          {"\"a,b,c\nd,e,f\n1,2,3\"", "ok"},
			"lines that are wider":     {"\"a,b,c,d\n,,\n2026,5,1\"", "ok"},
			"a quote out of place":     {"\"Ann \"the\" x\"", pipeline.CodeUnreadable},
			"and a comma behind it":    {"\"Ann \"the, x\"", pipeline.CodeUnreadable},
			"and three":                {"\"Ann \"t,h,e, x\"", pipeline.CodeUnreadable},
			"a comma before it":        {"\"Ek, \"Ann\" x\"", pipeline.CodeUnreadable},
			"a quote that is not shut": {"\"Ann", pipeline.CodeUnreadable},
		} {
			var b strings.Builder
			b.WriteString(header + "\n")
			for i := range 5 {
				note := "x"
				if i == 2 {
					note = tt.note
				}
				row := strings.NewReplacer("session_id", id+fmt.Sprint(i), "email", fmt.Sprintf("ann%d@example.com", i), "note", note)
				b.WriteString(row.Replace(header) + "\n")
			}
			rows, err := everyRow(file(t, "in.csv", b.String()), Options{})
			if err != nil {
				t.Errorf("%s under %s: %v", name, header, err)
				continue
			}
			got := map[string]int{}
			for _, row := range rows {
				got[cmp.Or(row.Fault().Code, "ok")]++
			}
			want := map[string]int{"ok": 4, pipeline.CodeUnreadable: 1}
			if tt.want == "ok" {
				want = map[string]int{"ok": 5}
			}
			if d := gocmp.Diff(want, got); d != "" {
				t.Errorf("%s under %s: %s", name, header, d)
			}
		}
	}
}

// TestFormulasOfText has cells as ="…", which exports write to keep digits from becoming numbers. What they
// hold may not have a delimiter or a quote.
func TestFormulasOfText(t *testing.T) {
	var b strings.Builder
	b.WriteString("session_id,phone,note\n")
	for i := range 4 {
		fmt.Fprintf(&b, "=\"c0000000-0000-4000-8000-00000000000%d\",=\"+4670174060%d\",=\"\"\n", i, 5+i)
	}
	b.WriteString("=\"c0000000-0000-4000-8000-000000000009\",=\"+46701740609\",=\"a,b\"\n")
	b.WriteString("=\"c0000000-0000-4000-8000-00000000000a\",=\"+46701740609\",=\"a\"b\"\n")
	f, err := Open(file(t, "in.csv", b.String()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; (row.Fault().Code == "") != (n <= 4) {
			t.Errorf("row %d: %v", row.Row, row.Fault())
		}
		if want := fmt.Sprintf("=\"+4670174060%d\"", 4+n); n <= 4 && row.Fields.Phone != want {
			t.Errorf("row %d: %q, want %q", row.Row, row.Fields.Phone, want)
		}
	}
	if n != 6 {
		t.Errorf("%d rows", n)
	}
}
