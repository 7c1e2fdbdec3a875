package writer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

func TestCSV(t *testing.T) {
	const ours = "hpp_row,hpp_status,hpp_code,hpp_reason,hpp_method,hpp_sent_to,hpp_http_status,hpp_attempts," +
		"hpp_correlation_id,hpp_time,hpp_target,hpp_run,hpp_note"
	const rejected = "rejected,NOT_FOUND,HPP knows no such session,sms,+46701740605,404,2,6d3e0f0a," +
		"2026-05-04T03:02:01Z,https://api.klarna.com,01jrun,odd"
	withRaw := texts(2, "x")
	withRaw.Raw = "=cell under no header"
	for _, tt := range []struct {
		name    string
		columns []string
		dialect pipeline.Dialect
		raw     bool
		row     pipeline.Row
		out     pipeline.Outcome
		want    string
	}{
		{
			"plain",
			[]string{"id", "note"},
			pipeline.Dialect{},
			false, texts(2, "x", "y"), sample(),
			"id,note," + ours + "\nx,y,2," + rejected + "\n",
		},
		{
			"dialect of Excel",
			[]string{"id"},
			pipeline.Dialect{Delimiter: ';', BOM: true, CRLF: true},
			false,
			texts(9, "a;b"), sample(),
			"\ufeffid;" + strings.ReplaceAll(ours, ",", ";") + "\r\n\"a;b\";9;" + strings.ReplaceAll(rejected, ",", ";") + "\r\n",
		},
		{
			"raw",
			[]string{"id"},
			pipeline.Dialect{},
			true, withRaw, sample(),
			"id," + ours + ",hpp_raw\nx,2," + rejected + ",'=cell under no header\n",
		},
		{
			"nothing known",
			[]string{"id"},
			pipeline.Dialect{},
			false, texts(2, ""),
			pipeline.Outcome{Status: pipeline.Pending},
			"id," + ours + "\n,2,pending,,,,,,0,,,,,\n",
		},
		{
			"formulas in header, cells and ours",
			[]string{"=id", "'n"},
			pipeline.Dialect{},
			false, texts(2, "@x", "-1"),
			pipeline.Outcome{Status: pipeline.Failed, Reason: "=HYPERLINK()"},
			"'=id,''n," + ours + "\n'@x,-1,2,failed,,'=HYPERLINK(),,,,0,,,,,\n",
		},
		{
			"line ends in cells stay as they are",
			[]string{"id"},
			pipeline.Dialect{CRLF: true},
			false,
			texts(2, "a\r\nb\nc\rd"),
			pipeline.Outcome{Status: pipeline.Failed},
			"id," + ours + "\r\n\"a\r\nb\nc\rd\",2,failed,,,,,,0,,,,,\r\n",
		},
		{
			"no original column", nil,
			pipeline.Dialect{},
			false, texts(2),
			pipeline.Outcome{Status: pipeline.Failed},
			ours + "\n2,failed,,,,,,0,,,,,\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out.csv")
			r := create(t, path, pipeline.CSV, pipeline.Input{Columns: tt.columns, Dialect: tt.dialect}, tt.raw)
			if err := r.Write(tt.row, tt.out); err != nil {
				t.Fatal(err)
			}
			commit(t, r)
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzCSV writes cells of any bytes and reads them back, exactly with a parser of our own and, but for
// the line ends that it changes, with encoding/csv.
func FuzzCSV(f *testing.F) {
	f.Add("plain", "", uint8(0), false)
	f.Add("a\r\nb", "\n", uint8(1), true)
	f.Add("'=\"x\"", "\r", uint8(2), true)
	f.Add(`\.`, " lead", uint8(3), false)
	f.Add("\xff\x00", "\ufeff", uint8(0), true)
	f.Fuzz(func(t *testing.T, a, b string, delimiter uint8, crlf bool) {
		comma := rune(",;\t|"[delimiter%4])
		var file bytes.Buffer
		w, err := newCSV(&file, table{columns: []string{"a", "b"}}, pipeline.Dialect{Delimiter: comma, CRLF: crlf})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.write(texts(2, a, b), sample()); err != nil {
			t.Fatal(err)
		}
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		records := parse(file.String(), byte(comma))
		if len(records) != 2 || len(records[1]) != 2+colRaw {
			t.Fatalf("%d records, the last of %d cells", len(records), len(records[len(records)-1]))
		}
		for i, want := range []string{a, b} {
			if got := unguarded(records[1][i]); got != want {
				t.Errorf("wrote %q, read %q", want, records[1][i])
			}
		}
		std := csv.NewReader(&file)
		std.Comma = comma
		all, err := std.ReadAll()
		if err != nil || len(all) != 2 {
			t.Fatalf("encoding/csv reads %d records: %v", len(all), err)
		}
		for i, cell := range records[1] {
			if want := strings.ReplaceAll(cell, "\r\n", "\n"); all[1][i] != want {
				t.Errorf("encoding/csv reads %q, want %q", all[1][i], want)
			}
		}
	})
}

// parse reads CSV as RFC 4180 has it, to the byte.
func parse(file string, comma byte) (records [][]string) {
	var record []string
	var cell strings.Builder
	quoted := false
	for i := 0; i < len(file); i++ {
		c := file[i]
		switch {
		case quoted && c == '"' && i+1 < len(file) && file[i+1] == '"':
			cell.WriteByte('"')
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
			cell.WriteByte(c)
		case c == comma:
			record = append(record, cell.String())
			cell.Reset()
		case c == '\n':
			records = append(records, append(record, strings.TrimSuffix(cell.String(), "\r")))
			record = nil
			cell.Reset()
		default:
			cell.WriteByte(c)
		}
	}
	return records
}

type brokenDisk struct{}

var errBroken = errors.New("broken disk")

func (brokenDisk) Write([]byte) (int, error) { return 0, errBroken }

func TestCSVGivesTheErrorsOfTheDisk(t *testing.T) {
	for _, crlf := range []bool{false, true} { // at once, or when the stretch is full or the file ends
		w, err := newCSV(brokenDisk{}, table{columns: []string{"a"}}, pipeline.Dialect{CRLF: crlf})
		for range 10_000 {
			if err == nil {
				err = w.write(texts(2, "x"), sample())
			}
		}
		if !errors.Is(err, errBroken) {
			t.Errorf("10,000 rows: got %v", err)
		}
	}
	w, err := newCSV(brokenDisk{}, table{columns: []string{"a"}}, pipeline.Dialect{})
	if err == nil {
		err = w.close()
	}
	if !errors.Is(err, errBroken) {
		t.Errorf("a short file: got %v", err)
	}
}
