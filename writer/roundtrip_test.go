package writer_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
	"hppsend/reader"
	"hppsend/writer"
)

// pieces are what cells of people are made of, and what has gone wrong in reports before.
var pieces = []string{
	"=1+1", ",=1", ";'", "\n-", ",\"=", "+46701740605", "-12", "@SUM(A1)", "'", "''", `"`, `""`, ",", ";", "\t", "\n", "\r", "\r\n", "|", "^", "\\", " ", "\u00a0", "\ufeff",
	"\u200b", "\u202e", "_x000D_", "_x", "&amp;", "<b>", "]]>", "Å", "東京", "😀", "e\u0301", "0", "007", "1e5", "4.67E+10", "TRUE", "#N/A",
	"anna@example.com", "x", "sep=;", "session_id", "hpp_status", "＝1", "\x1f", "\x00", "￾",
}

// TestReportsAreReadBack writes rows of anything that a reader can deliver into a report, reads that, and
// compares their columns, in both formats and in any dialect.
func TestReportsAreReadBack(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	for range 60 {
		in := pipeline.Input{
			Path: "in.csv", Columns: []string{"session_id", "phone", "note", "more"},
			Dialect: pipeline.Dialect{Delimiter: []rune{',', ';', '\t', '|', '^'}[rng.IntN(5)], BOM: rng.IntN(2) == 0, CRLF: rng.IntN(2) == 0},
		}
		var rows []pipeline.Row
		for n := range 1 + rng.IntN(60) {
			row := pipeline.Row{Place: pipeline.Place{Row: n + 2}}
			row.Cells = []pipeline.Cell{{Text: fmt.Sprintf("a0000000-0000-4000-8000-%012d", n)}, {Text: "+46701740605"}, {Text: cell(rng)}, {Text: cell(rng)}}
			rows = append(rows, row)
		}
		for _, format := range []pipeline.Format{pipeline.CSV, pipeline.XLSX} {
			path := filepath.Join(t.TempDir(), "out")
			write(t, path, format, in, rows)
			back(t, path, format, rows)
		}
		if t.Failed() {
			return
		}
	}
}

func cell(rng *rand.Rand) string {
	if rng.IntN(200) == 0 {
		return alone(strings.Repeat(pieces[rng.IntN(len(pieces)-3)], 1+rng.IntN(2000)))
	}
	var b strings.Builder
	for range rng.IntN(6) {
		b.WriteString(pieces[rng.IntN(len(pieces))])
	}
	return alone(b.String())
}

// alone takes contacts out of a text of several lines: with them it might be the ends of two rows that stray
// quotes made one, which a reader refuses.
func alone(text string) string {
	if !strings.ContainsAny(text, "\r\n") {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r == '@' || unicode.IsDigit(r) {
			return 'x'
		}
		return r
	}, text)
}

func write(t *testing.T, path string, format pipeline.Format, in pipeline.Input, rows []pipeline.Row) {
	t.Helper()
	r, err := writer.Create(path, format, in, false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Abort()
	for i, row := range rows {
		out := pipeline.Outcome{Status: pipeline.Statuses()[i%6], Code: "x", Reason: "a reason", Time: time.Unix(1, 0), Target: "sandbox", Run: "r"}
		if err := r.Write(row, out); err != nil {
			t.Fatal(err)
		}
	}
	finish(t, r, path)
}

func finish(t *testing.T, r *writer.Report, path string) {
	t.Helper()
	if _, err := r.Finish(); err != nil {
		t.Fatal(err)
	}
	if err := r.Place(path, nil); err != nil {
		t.Fatal(err)
	}
}

func back(t *testing.T, path string, format pipeline.Format, want []pipeline.Row) {
	t.Helper()
	f, err := reader.Open(path, reader.Options{})
	if err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	defer f.Close()
	n := 0
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if n >= len(want) {
			t.Fatalf("%s: there are more rows than were written", format)
		}
		got, wanted := plain(row.Cells), plain(want[n].Cells)
		if format == pipeline.XLSX { // what a workbook cannot hold is said in the reason
			for i := range wanted {
				wanted[i] = held(wanted[i])
			}
		}
		if !slices.Equal(got, wanted) {
			t.Errorf("%s, row %d:\n%q, was\n%q", format, n+2, got, wanted)
		}
		n++
	}
	if n != len(want) || !f.Input().IsReport {
		t.Errorf("%s: %d rows of %d", format, n, len(want))
	}
}

func plain(cells []pipeline.Cell) (out []string) {
	for _, c := range cells {
		out = append(out, c.Text)
	}
	return out
}

// held is a text as XML can hold it: no control characters, and one kind of line end.
func held(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == '\ufffe' {
			return '\ufffd'
		}
		return r
	}, text)
}

// A date of a book that counts from 1904 is the same day in its report.
func TestDatesFrom1904StayWhereTheyAre(t *testing.T) {
	yes, format := true, "yyyy-mm-dd"
	in := filepath.Join(t.TempDir(), "in.xlsx")
	book := excelize.NewFile()
	defer book.Close()
	style, err := book.NewStyle(&excelize.Style{CustomNumFmt: &format})
	for _, err := range []error{
		err, book.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}),
		book.SetSheetRow("Sheet1", "A1", &[]any{"session_id", "phone", "due"}),
		book.SetSheetRow("Sheet1", "A2", &[]any{"a1", "+46701740605", 44_684}),
		book.SetCellStyle("Sheet1", "C2", "C2", style), book.SaveAs(in),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	f, err := reader.Open(in, reader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := filepath.Join(t.TempDir(), "out.xlsx")
	var rows []pipeline.Row
	for row, err := range pipeline.Rows(f) {
		if err != nil {
			t.Fatal(err)
		}
		row.Cells = slices.Clone(row.Cells)
		rows = append(rows, row)
	}
	write(t, out, pipeline.XLSX, f.Input(), rows)
	report, err := excelize.OpenFile(out)
	if err != nil {
		t.Fatal(err)
	}
	defer report.Close()
	if got, err := report.GetCellValue("Sheet1", "C2"); err != nil || got != "2026-05-04" {
		t.Errorf("the date is %s, %v", got, err)
	}
}
