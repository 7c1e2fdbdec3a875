package pipeline

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestMoment reads the forms in which people and spreadsheet programs write when a session expires.
func TestMoment(t *testing.T) {
	number := func(text, format string) Cell { return Cell{Text: text, Kind: CellNumber, Format: format} }
	stockholm, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		cell     Cell
		date1904 bool
		want     string // in Greenwich; empty for none, a question mark where it is refused
	}{
		{Cell{Text: " "}, false, ""},
		{Cell{Text: "2026-12-24T18:00:00+01:00"}, false, "2026-12-24 17:00:00"},
		{Cell{Text: "2026-12-24T18:00:00.123Z"}, false, "2026-12-24 18:00:00"},
		{Cell{Text: "2026-12-24 18:00:00+00:00"}, false, "2026-12-24 18:00:00"},
		{Cell{Text: "2026-12-24 18:00:00 UTC"}, false, "2026-12-24 18:00:00"},
		{Cell{Text: "2026-12-24 18:00:00 EST"}, false, "?"}, // of which there are several
		{Cell{Text: "2026-12-24 18:00"}, false, "2026-12-24 17:00:00"},
		{Cell{Text: "2026-07-24T18:00:00"}, false, "2026-07-24 16:00:00"}, // in summer
		{Cell{Text: "2026-12-24"}, false, "2026-12-23 23:00:00"},          // its beginning
		{Cell{Text: "24.12.2026 18:00"}, false, "2026-12-24 17:00:00"},
		{Cell{Text: "3.4.2026"}, false, "2026-04-02 22:00:00"}, // with dots the day is first everywhere
		{Cell{Text: "12/24/2026 6:00 PM"}, false, "2026-12-24 17:00:00"},
		{Cell{Text: "24/12/2026, 18:00:30"}, false, "2026-12-24 17:00:30"},
		{Cell{Text: "4/4/2026"}, false, "2026-04-03 22:00:00"},
		{Cell{Text: "03/04/2026 18:00"}, false, "?"},
		{Cell{Text: "03/04/26"}, false, "?"},
		{Cell{Text: "31.02.2026"}, false, "?"},
		{Cell{Text: "24/13/2026"}, false, "?"},
		{Cell{Text: "tomorrow"}, false, "?"},
		{Cell{Text: "1766592000"}, false, "?"},
		{Cell{Text: "TRUE", Kind: CellBool}, false, "?"},
		{Cell{Text: "#N/A", Kind: CellError}, false, "?"},
		{number("46380.75", "yyyy-mm-dd hh:mm"), false, "2026-12-24 17:00:00"},
		{number("46380.75", "m/d/yy h:mm"), false, "2026-12-24 17:00:00"}, // by its number it is plain
		{number("44918.75", `[$-409]d/m/yyyy`), true, "2026-12-24 17:00:00"},
		{number("46380.75", ""), false, "?"},
		{number("46380.75", `0.00"day"`), false, "?"},
		{number("1766592000", "yyyy"), false, "?"},
	}
	for _, test := range tests {
		at, why := test.cell.moment(test.date1904, stockholm)
		got := at.UTC().Truncate(time.Second).Format(time.DateTime)
		switch {
		case why != "":
			got = "?"
		case at.IsZero():
			got = ""
		}
		if got != test.want {
			t.Errorf("%+v is read as %s (%s), want %s", test.cell, got, why, test.want)
		}
	}
}

// A row is not called once its session has expired, though it was to go in time when the run began.
func TestExpiredMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCampaign(t, always(ok200))
		c.rate, c.cfg.Concurrency = 1, 1
		rows := many(1, 3)
		for i, after := range []time.Duration{time.Hour, 2500 * time.Millisecond, time.Hour} {
			rows[i].Cells = []Cell{{Text: time.Now().Add(after).Format(time.RFC3339)}}
		}
		file := sheet(rows...)
		file.column = "expires_at"
		c.checked = func() { time.Sleep(5 * time.Second) } // as long as somebody is asked
		res := c.runAndReport(t, file)
		if res.tallies[0].Status[Delivered] != 2 || c.server.total() != 2 || c.watch.last.Skipped != 1 {
			t.Errorf("%v after %d calls, %d skipped", res.statuses(), c.server.total(), c.watch.last.Skipped)
		}
	})
}
