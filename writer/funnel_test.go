package writer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"hppsend/pipeline"
)

func TestFunnelAsAWorkbook(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var f pipeline.Funnel
	for i, status := range []pipeline.SessionStatus{"WAITING", "IN_PROGRESS", "COMPLETED", "CANCELLED", "DISABLED", pipeline.SessionGone, "ON_THE_MOON", ""} {
		seen := pipeline.Seen{}
		if status != "" {
			seen = seen.After(pipeline.Session{Status: status}, now)
		}
		f.Add(i == 1, seen, map[pipeline.Aspect]string{
			pipeline.ByMethod: []string{"sms", "email"}[i%2], pipeline.ByLabel: `=HYPERLINK("http://example.com")`, pipeline.ByHour: "09:00", pipeline.ByCountry: "SE", pipeline.ByReminder: "",
		})
	}
	want := pipeline.Stages{Sent: 8, Uncertain: 1, Opened: 2, Completed: 1, Cancelled: 2, Expired: 1, UnderWay: 1, Waiting: 1, Unseen: 2}
	if f.Total != want || want.Open() != 4 {
		t.Errorf("the total is %+v, want %+v", f.Total, want)
	}
	path := filepath.Join(t.TempDir(), "how.xlsx")
	about := FunnelAbout{Title: "run x", Target: "sandbox", At: now, Zone: "UTC"}
	for round := range 2 { // a newer one replaces it
		f.Total.Sent += round
		if err := WriteFunnel(path, f, about); err != nil {
			t.Fatal(err)
		}
	}
	book, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	if got := strings.Join(book.GetSheetList(), " "); got != "Funnel Method Country Hour Label Reminder" {
		t.Errorf("sheets %s", got)
	}
	for cell, want := range map[string]string{
		"Funnel!A1": "How it went: run x", "Funnel!A7": "Sent", "Funnel!B7": "9", "Funnel!B8": "2", "Funnel!B9": "1",
		"Method!A4": "email", "Method!B4": "4", "Method!A5": "sms", "Label!A4": `=HYPERLINK("http://example.com")`, "Reminder!A4": "(first round)", "Hour!A4": "09:00", "Hour!B4": "8",
	} {
		sheet, at, _ := strings.Cut(cell, "!")
		if got, err := book.GetCellValue(sheet, at); got != want || err != nil {
			t.Errorf("%s is %q, %v; want %q", cell, got, err, want)
		}
		if formula, err := book.GetCellFormula(sheet, at); formula != "" || err != nil {
			t.Errorf("%s is the formula %q, %v", cell, formula, err)
		}
	}
	charts := 0
	for _, name := range book.GetSheetList() {
		for _, text := range []string{"A1", "A3"} {
			if v, _ := book.GetCellValue(name, text); v == "" {
				t.Errorf("%s has no title", name)
			}
		}
	}
	book.Pkg.Range(func(part, content any) bool {
		if name, _ := part.(string); strings.HasPrefix(name, "xl/charts/chart") {
			charts++
			if text := string(content.([]byte)); strings.Count(text, "<c:title>")+strings.Count(text, "<title>") < 3 {
				t.Errorf("%s has not a title and one for each axis", name)
			}
		}
		return true
	})
	if charts != 6 {
		t.Errorf("%d charts, want one a sheet", charts)
	}

	other := filepath.Join(t.TempDir(), "contacts.xlsx")
	if err := Template(other, pipeline.XLSX); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(other)
	if err := WriteFunnel(other, f, about); err == nil {
		t.Error("a workbook of somebody else is replaced")
	}
	if after, _ := os.ReadFile(other); string(after) != string(before) {
		t.Error("it was changed")
	}
}
