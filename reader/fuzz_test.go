package reader

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hppsend/pipeline"
)

// FuzzCSV sees that nothing panics, that every byte of a text is in some record, that what
// encoding/csv can read is read alike, and that every record under the header is one row.
func FuzzCSV(f *testing.F) {
	files, err := filepath.Glob("../testdata/inputs/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range []string{
		"session_id,phone\na1,\"\n", "session_id,phone\na1,\"x\nb2,\"\nc3,4", "session_id,phone\r\"a\"\"1\",1\r\r\n",
		"sep=;\nsession_id;phone\na;1;;\n", "session_id,phone,,\na1,1\n", "session_id,name,phone\na1,\"x\nb2,y,1\n\",1\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		accounted(t, string(data))
		path := filepath.Join(t.TempDir(), "in")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		in, err := Open(path, Options{})
		var refusal *pipeline.Error
		if err != nil {
			if !errors.As(err, &refusal) || refusal.Hint() == "" {
				t.Fatalf("refused without a word on what to do: %v", err)
			}
			return
		}
		defer in.Close()
		if txt, ok := in.format.(*textFile); ok {
			everyRecord(t, in, txt)
		}
	})
}

// accounted splits a text under the header of the tests of records.
func accounted(t *testing.T, text string) {
	r := newRecords(strings.NewReader(text), style{comma: ',', quote: '"'})
	r.under = &underIDNamePhone
	var all strings.Builder
	var ours [][]string
	proved := true
	line := 1
	for {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return // a line that is too long
		}
		all.WriteString(rec.text)
		if rec.line != line || rec.lines < 1 || rec.text == "" {
			t.Fatalf("record of %d lines on line %d, expected on %d", rec.lines, rec.line, line)
		}
		line += rec.lines
		proved = proved && rec.unreadable == ""
		if rec.body() != "" {
			ours = append(ours, slices.Clone(rec.cells))
		}
	}
	if all.String() != text {
		t.Fatal("the records together are not the text")
	}
	oracle := csv.NewReader(strings.NewReader(text))
	oracle.FieldsPerRecord = -1
	theirs, err := oracle.ReadAll()
	if err == nil && proved && !strings.Contains(text, "\r") && !slices.EqualFunc(ours, theirs, slices.Equal) {
		t.Fatalf("%q\nencoding/csv %q", ours, theirs)
	}
}

// everyRecord compares the rows with the records under the header.
func everyRecord(t *testing.T, in *File, txt *textFile) {
	r, _, err := txt.open()
	if err != nil {
		t.Fatal(err)
	}
	records := newRecords(r, txt.style)
	next := func() (record, error) {
		for {
			rec, err := records.next()
			if rec.line == in.header.line {
				records.under = &in.header
			}
			if err != nil || rec.line > in.header.line && !rec.blank() && !in.header.again(rec.cells) {
				return rec, err
			}
		}
	}
	last := false
	for row, err := range pipeline.Rows(in) {
		var refusal *pipeline.Error
		if errors.As(err, &refusal) && refusal.Hint() != "" {
			return
		}
		rec, recErr := next()
		if err != nil || recErr != nil {
			t.Fatalf("row: %v, record: %v", err, recErr)
		}
		if row.Line != rec.line || len(row.Cells) != len(in.Input().Columns) || last {
			t.Fatalf("row on line %d with %d cells after last %t, record on line %d", row.Line, len(row.Cells), last, rec.line)
		}
		if row.Fault().WholeRow() && row.Fields != (pipeline.Fields{}) || row.Fault().Code == pipeline.CodeRagged && row.Raw == "" {
			t.Fatalf("what a row with a fault says: %+v", row)
		}
		if fits := len(rec.cells) >= in.header.needed; row.Fault().Code == "" && (rec.unreadable != "" || !fits) {
			t.Fatalf("no fault in %q", rec.text)
		}
		last = row.Last
	}
	if rec, err := next(); !errors.Is(err, io.EOF) {
		t.Fatalf("no row for %q: %v", rec.text, err)
	}
}

func FuzzSniff(f *testing.F) {
	for _, b := range foreign {
		f.Add([]byte(b.begin))
	}
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("\xd0\xcf\x11\xe0E\x00n\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, p, err := sniff(bytes.NewReader(data), int64(len(data)))
		if err != nil || p.what != "" && p.todo == "" {
			t.Fatal(err, p)
		}
	})
}

// FuzzHeader sees that a header that is taken says what every field is without doubt, and that any
// other is refused with a word on what to do. Rows end in a line feed, cells in a tab; the last
// argument maps the phone.
func FuzzHeader(f *testing.F) {
	for field, names := range synonyms {
		for _, n := range names {
			f.Add("May\n"+n+"\tsession\tphone\te-mail\n"+field, "", false)
		}
	}
	f.Add("Session ID\tMobil\tTelefon", "MOBIL", true)
	f.Add("session_id\tphone\thpp_status\thpp_run\t'=1+1", "", true)
	f.Add("Nume\u0301ro de session\tＭＡＩＬ\t\u200bphone", "\u200b", false)
	f.Fuzz(func(t *testing.T, rows, phone string, text bool) {
		opt := Options{}
		if phone != "" {
			opt.Map = map[string]string{fieldPhone: phone}
		}
		var in []candidate
		for i, r := range strings.Split(rows, "\n") {
			in = append(in, candidate{row: i + 1, line: i + 1, names: strings.Split(r, "\t")})
		}
		h, found, err := finder{options: opt, text: text}.find(pipeline.Place{File: "f"}, func(yield func(candidate, error) bool) {
			for _, c := range in {
				if !yield(c, nil) {
					return
				}
			}
		})
		var refusal *pipeline.Error
		if err != nil {
			if !errors.As(err, &refusal) || refusal.Hint() == "" {
				t.Fatalf("refused without a word on what to do: %v", err)
			}
			return
		}
		if !found || h.row < 1 || h.row > min(len(in), headerRows) || h.needed > len(h.names) {
			t.Fatalf("found %t: %+v", found, h)
		}
		seen, taken := map[string]bool{}, map[int]bool{}
		for _, c := range h.fields {
			if seen[c.field] || taken[c.at] {
				t.Fatalf("%q: %s, or column %d, is there twice", h.names, c.field, c.at)
			}
			seen[c.field], taken[c.at] = true, true
			name := fold(h.names[c.at])
			if c.field == fieldPhone && phone != "" {
				if name != fold(phone) {
					t.Fatalf("%q is not the column %q", h.names[c.at], phone)
				}
			} else if fieldOf()[name] != c.field {
				t.Fatalf("%q is no name of %s", h.names[c.at], c.field)
			}
		}
		if !(finder{}).complete(seen) {
			t.Fatalf("%q lacks a field", h.names)
		}
		for i, n := range h.names { // no second candidate was passed over
			if f := fieldOf()[fold(n)]; seen[f] && !taken[i] && f != fieldPhone && slices.Contains(h.inputColumns, i) {
				t.Fatalf("%q: column %d is for %s too", h.names, i, f)
			}
		}
	})
}
