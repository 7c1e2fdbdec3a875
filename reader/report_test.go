package reader

import (
	"encoding/csv"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
)

// guarded is the rule by which reports are written.
func guarded(cell string) string {
	number := regexp.MustCompile(`^[+-]?\d+([.,]\d+)?$`).MatchString(cell)
	if cell != "" && strings.Contains("'=+-@\t\r", cell[:1]) && !number {
		return "'" + cell
	}
	return cell
}

// Whatever is in the cells of an input is there again when its report is read.
func TestReportRoundTrip(t *testing.T) {
	cells := []string{
		"", "x", "=1+1", "+46701740605", "+46 70 174 06 05", "-1,5", "-", "@a", "'x", "''", "'=1", "\tx", "\rx", "a\nb", "a\r\nb",
		`"`, `a"b`, `""`, ",", ";", " ", " 'x", "hpp_status", "Å",
	}
	header := append([]string{"session_id", "phone", "", "=x", "'y", "a", "a"}, reportColumns...)
	for _, comma := range delimiters {
		var b strings.Builder
		w := csv.NewWriter(&b)
		w.Comma = comma
		write := func(record []string) {
			record = slices.Clone(record)
			for i := range record {
				record[i] = guarded(record[i])
			}
			if err := w.Write(record); err != nil {
				t.Fatal(err)
			}
		}
		write(header)
		var want [][]string
		for i := range cells {
			own := []string{"a1", "1"}
			for k := range 5 {
				own = append(own, cells[(i+k*k)%len(cells)])
			}
			want = append(want, own)
			write(append(slices.Clone(own), "2", "delivered", "", "-x", "sms", "+46701740605", "200", "1", "c", "2026-05-04T10:00:00Z", "t", "r", "n", cells[i]))
		}
		w.Flush()
		f, err := Open(file(t, "in.report.csv", b.String()), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if d := cmp.Diff([]string{"session_id", "phone", "", "=x", "'y", "a", "a"}, f.Input().Columns); d != "" {
			t.Error(d)
		}
		i := 0
		for row, err := range pipeline.Rows(f) {
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range row.Cells {
				got = append(got, c.Text)
			}
			if d := cmp.Diff(want[i], got); d != "" || row.Raw != cells[i] || row.Prior.Status != pipeline.Delivered {
				t.Errorf("delimiter %q: raw %q, %+v\n%s", comma, row.Raw, row.Prior, d)
			}
			i++
		}
		if i != len(cells) {
			t.Errorf("%d rows of %d", i, len(cells))
		}
	}
}

func TestReportNeedsItsNames(t *testing.T) {
	for header, want := range map[string]bool{
		"session_id,phone,hpp_status,hpp_run":  true,
		"session_id,phone,hpp_run,hpp_status":  true,
		"session_id,phone,hpp_status":          false,
		"session_id,phone,HPP_STATUS,hpp_run":  false,
		"session_id,phone,hpp_status, hpp_run": false,
	} {
		f, err := Open(file(t, "in.csv", header+"\na1,'1,delivered,delivered\n"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		in := f.Input()
		if in.IsReport != want || want != (len(in.Columns) == 2) {
			t.Errorf("%s: %t, columns %q", header, in.IsReport, in.Columns)
		}
		for row := range pipeline.Rows(f) {
			if (row.Cells[1].Text == "1") != want || (row.Prior != pipeline.Prior{}) != want {
				t.Errorf("%s: %+v", header, row)
			}
		}
	}
}

func TestPriorOfAnUnknownStatus(t *testing.T) {
	at := reportHeader([]string{"hpp_status", "hpp_run", "hpp_code"})
	for _, status := range []string{"", "sent", "Delivered", "delivered?"} {
		cells := []pipeline.Cell{{Text: status}, {Text: "r-1"}, {Text: "x"}}
		if p := prior(at, cells); p != (pipeline.Prior{}) {
			t.Errorf("%q: %+v", status, p)
		}
	}
}
