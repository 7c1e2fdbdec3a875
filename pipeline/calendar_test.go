package pipeline

import (
	"archive/zip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hppsend/internal/contact"
)

// everyZone are the names of those of the Go that runs the test: all of them, of which SWEEP=thin takes a tenth.
func everyZone(t *testing.T) (all []string) {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	for n, f := range archive.File {
		if !strings.HasSuffix(f.Name, "/") && (os.Getenv("SWEEP") != "thin" || n%10 == 0) {
			all = append(all, f.Name)
		}
	}
	return all
}

func mustHours(t *testing.T, text string) Hours {
	t.Helper()
	h, err := ParseHours(text)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func mustCalendar(t *testing.T, hours string, closed *Holidays, margin time.Duration, at Locale) *Calendar {
	t.Helper()
	var h Hours
	if hours != "" {
		h = mustHours(t, hours)
	}
	c, err := NewCalendar(h, closed, at, margin)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestEveryZoneKeepsTheHours goes over every zone that there is and the days on which its clocks change, in two years:
// minute by minute the calendar says what the clock on the wall says, and names the moment at which that changes.
func TestEveryZoneKeepsTheHours(t *testing.T) {
	t.Parallel()
	changed := 0
	tried := map[string]bool{} // zones by their clocks: many have several names
	for _, name := range everyZone(t) {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		days := []time.Time{time.Date(2026, 1, 15, 12, 0, 0, 0, zone)}
		for at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).In(zone); at.Year() < 2028; {
			_, end := at.ZoneBounds()
			if end.IsZero() {
				break
			}
			if at = end; at.Year() < 2028 {
				days = append(days, at)
			}
		}
		clocks := fmt.Sprint(days[0].UTC())
		for _, day := range days[1:] {
			_, offset := day.Zone()
			clocks += fmt.Sprint(day.UTC(), offset)
		}
		if changed += len(days) - 1; tried[clocks] {
			continue
		}
		tried[clocks] = true
		for _, hours := range []string{"daily 09:00-20:00", "daily 00:00-02:30 23:30-24:00", "mon-sat 01:15-03:15, sun 02:00-03:00"} {
			c := mustCalendar(t, hours, nil, 0, Locale{Zones: []string{name}})
			for _, day := range days {
				told, until := time.Time{}, time.Time{}
				for at := day.Add(-20 * time.Hour).Truncate(time.Minute); at.Before(day.Add(28 * time.Hour)); at = at.Add(time.Minute) {
					want := onTheWall(c.hours, at.In(zone))
					if !at.Before(until) {
						told, until = c.Next(at)
					}
					if want != !at.Before(told) {
						t.Fatalf("%s: %q is %t at %s, and was said to be open from %s to %s", name, hours, want, at.In(zone), told, until)
					}
				}
			}
		}
	}
	if changed < 60 {
		t.Errorf("only %d changes of clocks were tried", changed)
	}
}

// onTheWall is what hours say of the date and time that a clock shows, read another way than the calendar does.
func onTheWall(h Hours, at time.Time) bool {
	shown := at.Format("15:04")
	for _, s := range h.week[at.Weekday()] {
		from, to, _ := strings.Cut(s.String(), "-")
		if from <= shown && shown < to {
			return true
		}
	}
	return false
}

// TestOpenings names the first stretch in which a call may begin, by the numbers of real countries.
func TestOpenings(t *testing.T) {
	const office = "mon-fri 09:00-20:00, sat 10:00-16:00"
	tests := []struct{ number, hours, now, from, to, why string }{
		{"+46701740605", office, "2026-03-02T07:59:00Z", "2026-03-02T08:00:00Z", "2026-03-02T18:54:30Z", "nine in Stockholm is eight in Greenwich"},
		{"+46701740605", office, "2026-03-02T10:00:00Z", "2026-03-02T10:00:00Z", "2026-03-02T18:54:30Z", "it is open"},
		{"+46701740605", office, "2026-03-02T18:54:30Z", "2026-03-03T08:00:00Z", "2026-03-03T18:54:30Z", "a call could still be under way at eight"},
		{"+46701740605", office, "2026-03-28T16:00:00Z", "2026-03-30T07:00:00Z", "2026-03-30T17:54:30Z", "over the Sunday on which the clocks go on"},
		{"+46701740605", office, "2026-10-24T15:00:00Z", "2026-10-26T08:00:00Z", "2026-10-26T18:54:30Z", "and that on which they go back"},
		{"+12025550123", office, "2026-03-07T21:30:00Z", "2026-03-09T13:00:00Z", "2026-03-09T23:54:30Z", "whose clocks go on three weeks before Europe's"},
		{"+447700900123", office, "2026-03-30T06:00:00Z", "2026-03-30T08:00:00Z", "2026-03-30T18:54:30Z", "in British summer"},
		{"+61491570156", "daily 09:00-20:00", "2026-01-12T20:00:00Z", "2026-01-13T01:00:00Z", "2026-01-13T08:54:30Z", "from nine in Perth to eight in Sydney"},
		{"+34612345678", "daily 09:00-20:00", "2026-01-12T20:00:00Z", "2026-01-13T09:00:00Z", "2026-01-13T18:54:30Z", "from nine on the Canary Islands to eight in Madrid"},
		{"+79123456789", "daily 10:00-18:00", "2026-01-12T20:00:00Z", "", "", "Russia is wider than that"},
		{"+79123456789", "daily 09:00-20:00", "2026-01-12T20:00:00Z", "2026-01-13T07:00:00Z", "2026-01-13T07:54:30Z", "an hour is left of that"},
		{"+819012345678", "fri 20:00-24:00, sat 00:00-02:00", "2026-01-12T20:00:00Z", "2026-01-16T11:00:00Z", "2026-01-16T16:54:30Z", "over midnight"},
		{"+46701740605", "mon 09:00-09:05, tue 09:00-20:00", "2026-03-02T06:00:00Z", "2026-03-03T08:00:00Z", "2026-03-03T18:54:30Z", "five minutes are too few"},
	}
	for _, test := range tests {
		p, err := contact.ParsePhone(test.number, "")
		if err != nil {
			t.Fatal(err)
		}
		c := mustCalendar(t, test.hours, nil, 5*time.Minute+30*time.Second, Locale{p.Region, p.Zones()})
		from, to := c.Next(instant(t, test.now))
		if !from.Equal(instant(t, test.from)) || !to.Equal(instant(t, test.to)) {
			t.Errorf("%s, %s: from %s to %s, want %s to %s", p.Region, test.why, from.UTC(), to.UTC(), test.from, test.to)
		}
	}
	c := mustCalendar(t, "", nil, time.Minute, Locale{"SE", []string{"Europe/Stockholm"}})
	if from, to := c.Next(time.Unix(1, 0)); !from.Equal(time.Unix(1, 0)) || !to.IsZero() {
		t.Errorf("without hours it is open from %s to %s", from, to)
	}
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// A holiday closes the whole day where the recipient is, and only there.
func TestHolidaysClose(t *testing.T) {
	closed := &Holidays{National: true, Dates: []HolidayDate{
		{Year: 2026, Month: time.June, Day: 6, Country: "SE", Open: true},
		{Year: 2026, Month: time.June, Day: 8},
		{Year: 2026, Month: time.June, Day: 8, Country: "DE", Open: true},
	}}
	sweden := Locale{"SE", []string{"Europe/Stockholm"}}
	tests := []struct {
		why, hours string
		at         Locale
		now, from  string
	}{
		{"Midsummer's Eve and Day, to Sunday", "", sweden, "2026-06-18T22:00:00Z", "2026-06-20T22:00:00Z"},
		{"the evening before is open", "", sweden, "2026-06-18T21:59:00Z", "2026-06-18T21:59:00Z"},
		{"with hours", "daily 09:00-20:00", sweden, "2026-06-19T08:00:00Z", "2026-06-21T07:00:00Z"},
		{"a holiday that the file takes off", "daily 09:00-20:00", sweden, "2026-06-06T08:00:00Z", "2026-06-06T08:00:00Z"},
		{"a day of the file", "daily 09:00-20:00", sweden, "2026-06-08T08:00:00Z", "2026-06-09T07:00:00Z"},
		{"less where it is open", "daily 09:00-20:00", Locale{"DE", []string{"Europe/Berlin"}}, "2026-06-08T08:00:00Z", "2026-06-08T08:00:00Z"},
		{"a new year that is one in Auckland before it is one in Greenwich", "", Locale{"NZ", []string{"Pacific/Auckland"}}, "2026-12-31T11:00:00Z", "2027-01-02T11:00:00Z"},
		{"in each zone of the country", "", Locale{"US", []string{"America/New_York", "Pacific/Honolulu"}}, "2026-11-26T05:00:00Z", "2026-11-27T10:00:00Z"},
	}
	for _, test := range tests {
		c := mustCalendar(t, test.hours, closed, 0, test.at)
		if from, _ := c.Next(instant(t, test.now)); !from.Equal(instant(t, test.from)) {
			t.Errorf("%s: it opens at %s, want %s", test.why, from.UTC(), test.from)
		}
	}
}
