package writer

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

// summaryTable gives the rows of the summary below a header, as name and count, until an empty one. Each count
// has to be what excelize makes of its formula.
func summaryTable(t *testing.T, path, header string) map[string]string {
	t.Helper()
	f := open(t, path)
	rows, err := f.GetRows(summarySheet)
	if err != nil {
		t.Fatal(err)
	}
	begin := slices.IndexFunc(rows, func(row []string) bool { return len(row) > 0 && row[0] == header })
	if begin < 0 {
		t.Fatalf("there is no table headed %s", header)
	}
	counts := map[string]string{}
	for i := begin + 1; i < len(rows) && len(rows[i]) > 1; i++ {
		counts[rows[i][0]] = rows[i][1]
		cell := fmt.Sprintf("B%d", i+1)
		formula, err := f.GetCellFormula(summarySheet, cell)
		if err != nil || formula == "" {
			continue
		}
		if got, err := f.CalcCellValue(summarySheet, cell); err != nil || got != rows[i][1] {
			t.Errorf("%s shows %s and comes to %s, %v", formula, rows[i][1], got, err)
		}
	}
	return counts
}

func TestSummaryCounts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.xlsx")
	r := create(t, path, pipeline.XLSX, pipeline.Input{Columns: []string{"a"}, Sheet: "Bob's", Path: "in/may.xlsx"}, false)
	r.enc.(*xlsxReport).maxRows = 4 // so that the counts go over several sheets
	outcomes := []pipeline.Outcome{
		{Status: pipeline.Delivered},
		{Status: pipeline.Delivered},
		{Status: pipeline.Delivered, Code: pipeline.CodeAlreadyDelivered},
		{Status: pipeline.Rejected, Code: "BAD_VALUE"},
		{Status: pipeline.Rejected, Code: "bad_value"}, // another code, which a formula would not tell from it
		{Status: pipeline.Rejected, Code: "*"},
		{Status: pipeline.Rejected, Code: "NOT_FOUND"},
		{Status: pipeline.Rejected, Code: "NOT_FOUND"},
		{Status: pipeline.Pending, Code: pipeline.StopLimit},
		{Status: pipeline.Uncertain, Code: "NOT_FOUND"},
	}
	for i, out := range outcomes {
		if err := r.Write(texts(i+2, "x"), out); err != nil {
			t.Fatal(err)
		}
	}
	r.Summarise(Summary{File: "may.xlsx", Label: "=1+1", Target: "sandbox", Started: time.Unix(100, 0), Ended: time.Unix(110, 0), SentNow: 50})
	commit(t, r)

	want := map[string]string{
		"delivered": "3", "rejected": "5", "failed": "0", "uncertain": "1", "skipped": "0", "pending": "1", "All rows": "10",
	}
	if diff := cmp.Diff(want, summaryTable(t, path, "Status")); diff != "" {
		t.Errorf("by status (-want +got):\n%s", diff)
	}
	want = map[string]string{"already_delivered": "1", "BAD_VALUE": "1", "bad_value": "1", "*": "1", "NOT_FOUND": "1", "limit_reached": "1"}
	if diff := cmp.Diff(want, summaryTable(t, path, "Code")); diff != "" { // of NOT_FOUND the second, which is uncertain
		t.Errorf("by code (-want +got):\n%s", diff)
	}
	f := open(t, path)
	if v, err := f.GetCellValue(summarySheet, "B3"); err != nil || v != "=1+1" {
		t.Errorf("the label is %q, %v", v, err)
	}
	if formula, err := f.GetCellFormula(summarySheet, "B3"); err != nil || formula != "" {
		t.Errorf("the label is run: %q, %v", formula, err)
	}
	if f.GetActiveSheetIndex() != 0 {
		t.Error("another sheet is shown first")
	}
}

// Somebody who changes a status, or deletes rows, sees that the counts do not add up.
func TestSummaryShowsWhatDoesNotAddUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.xlsx")
	r := create(t, path, pipeline.XLSX, pipeline.Input{Columns: []string{"a"}}, false)
	for i := range 5 {
		if err := r.Write(texts(i+2, "x"), pipeline.Outcome{Status: pipeline.Delivered}); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, r)
	f := open(t, path)
	const check = "C23"
	formula, err := f.GetCellFormula(summarySheet, check)
	if err != nil || !strings.Contains(formula, "SUM(") {
		t.Fatalf("%s holds %q, %v", check, formula, err)
	}
	for _, step := range []struct {
		status string
		want   string
	}{{"delivered", "0"}, {"done", "1"}, {"rejected", "0"}} {
		if err := f.SetCellStr("Report", "C3", step.status); err != nil {
			t.Fatal(err)
		}
		if got, err := f.CalcCellValue(summarySheet, check, excelize.Options{RawCellValue: true}); err != nil || got != step.want {
			t.Errorf("with the status %s the difference is %q, %v", step.status, got, err)
		}
	}
}

func TestStatusesHaveAdvice(t *testing.T) {
	for _, s := range pipeline.Statuses() {
		if statusAdvice[s] == (advice{}) {
			t.Errorf("%s has no advice", s)
		}
	}
}
