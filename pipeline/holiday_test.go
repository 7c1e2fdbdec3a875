package pipeline

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestNationalHolidays holds the library to public holidays of real countries, and to days that are none.
func TestNationalHolidays(t *testing.T) {
	t.Parallel()
	facts := []struct{ country, date, name string }{ // without a name it is an ordinary day
		{"SE", "2026-06-06", "Sveriges nationaldag"},
		{"SE", "2026-06-20", "Midsommardagen"},
		{"SE", "2026-06-19", "Midsommarafton"},
		{"SE", "2027-06-26", "Midsommardagen"},
		{"SE", "2026-04-05", "Påskdagen"},
		{"SE", "2026-06-22", ""},
		{"NO", "2026-05-17", "Grunnlovsdag"},
		{"NO", "2026-04-02", "Skjærtorsdag"},
		{"NO", "2026-04-05", "Easter"},
		{"DK", "2026-04-03", "Langfredag"},
		{"DK", "2023-05-05", "Store bededag"},
		{"DK", "2026-05-01", ""}, // Store bededag is no more
		{"DE", "2026-10-03", "Tag der Deutschen Einheit"},
		{"DE", "2026-05-25", "Pfingstmontag"},
		{"DE", "2026-06-04", ""}, // Fronleichnam, in some states only
		{"AT", "2026-10-26", "Nationalfeiertag"},
		{"AT", "2026-06-04", "Fronleichnam"},
		{"CH", "2026-08-01", "Bundesfeiertag"},
		{"NL", "2026-04-27", "Koningsdag"},
		{"NL", "2025-04-26", "Koningsdag"}, // the 27th was a Sunday
		{"BE", "2026-07-21", "Nationale feestdag"},
		{"FR", "2026-07-14", "Fête Nationale"},
		{"FR", "2026-05-14", "Ascension"},
		{"ES", "2026-10-12", "Fiesta Nacional"},
		{"IT", "2026-06-02", "Festa della Repubblica"},
		{"IT", "2026-04-06", "Pasquetta"},
		{"GB", "2026-08-31", "Summer Bank Holiday"},
		{"GB", "2026-12-28", "Boxing Day"}, // which is a Saturday
		{"GB", "2023-05-08", "Coronation"},
		{"GB", "2022-06-03", "Platinum Jubilee"},
		{"IE", "2026-03-17", "Patrick"},
		{"IE", "2026-02-02", "Brigid"},
		{"PL", "2026-11-11", "Niepodległości"},
		{"PL", "2026-05-24", "Zielone"},
		{"PL", "2025-12-24", "Wigilia"}, // since 2025
		{"PL", "2024-12-24", ""},
		{"CZ", "2026-10-28", "československ"},
		{"SK", "2026-09-01", "Ústavy"},
		{"US", "2026-11-26", "Thanksgiving"},
		{"US", "2026-07-04", "Independence"},
		{"US", "2026-07-03", "Independence"}, // observed: the fourth is a Saturday
		{"US", "2021-12-31", "New Year"},     // likewise, in the year before
		{"US", "2026-11-03", ""},
		{"CA", "2026-07-01", "Canada Day"},
		{"CA", "2026-05-18", "Victoria"},
		{"AU", "2026-01-26", "Australia Day"},
		{"AU", "2026-04-03", "Good Friday"},
		{"AU", "2026-11-03", ""}, // Melbourne Cup, in Victoria only
		{"NZ", "2026-02-06", "Waitangi"},
		{"JP", "2026-02-11", "National Foundation"},
		{"JP", "2026-09-22", "National holiday between"}, // between two others
		{"BR", "2026-09-07", "Independência"},
		{"AR", "2026-07-09", "Independencia"},
		{"ZA", "2026-06-16", "Youth"},
		{"ZA", "2026-08-10", "Women"}, // the ninth is a Sunday
		{"GR", "2026-03-25", "Εικοστή Πέμπτη"},
		{"GR", "2026-04-12", "Orthodox Easter"},
		{"RO", "2026-12-01", "Ziua"},
		{"BG", "2026-03-03", "Освобождение"},
		{"HR", "2026-06-22", "antifašističke"},
		{"SI", "2026-02-08", "Prešernov"},
		{"LV", "2026-11-18", "proklamēšanas"},
		{"LT", "2026-02-16", "atkūrimo"},
		{"UA", "2026-08-24", "Незалежност"},
	}
	countries := map[string]bool{}
	for _, f := range facts {
		day, err := time.Parse(time.DateOnly, f.date)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, d := range NationalHolidays(f.country, day.Year()) {
			if d.Month == day.Month() && d.Day == day.Day() {
				got = d.Name
			}
		}
		if f.name == "" && got != "" || !strings.Contains(strings.ToLower(got), strings.ToLower(f.name)) {
			t.Errorf("%s in %s is %q, want %q", f.date, f.country, got, f.name)
		}
		countries[f.country] = true
		h := &Holidays{National: true}
		if closed := h.Closed(f.country, day.Year(), day.Month(), day.Day()); closed != (f.name != "") || !h.Knows(f.country) {
			t.Errorf("%s in %s: closed is %t", f.date, f.country, closed)
		}
	}
	if len(countries) < 20 {
		t.Errorf("only %d countries were looked at", len(countries))
	}
	if h := (&Holidays{National: true}); h.Knows("FI") || h.Closed("FI", 2026, time.December, 6) || h.Knows("") {
		t.Error("a country is known that the library lacks")
	}
	if h := (&Holidays{}); !h.Knows("FI") || (*Holidays)(nil).Closed("SE", 2026, time.December, 25) {
		t.Error("without public holidays every country is known, and none is closed")
	}
}

// Every country of the library has some holidays in each year of the next, and Christmas or the new year is one.
func TestEveryCountryOfTheLibrary(t *testing.T) {
	t.Parallel()
	for country := range nationalHolidays() {
		for year := 2026; year < 2032; year++ {
			all := NationalHolidays(country, year)
			first := len(all) > 0 && all[0].Month == time.January && all[0].Day == 1
			if len(all) < 6 || len(all) > 25 || !first {
				t.Errorf("%s has %d holidays in %d: %v", country, len(all), year, all)
			}
		}
	}
}

func TestReadHolidays(t *testing.T) {
	const dates = "\ufeff# of the shop\n2026-12-24\r\n2026-06-19 SE # Midsummer's Eve\n\n-2026-06-06 SE\nnot 2026-05-14 Germany\n2026-10-26;AT\n"
	tests := []struct {
		why, text string
		want      []HolidayDate
	}{
		{"a date a line", dates, []HolidayDate{
			{Year: 2026, Month: 12, Day: 24},
			{Year: 2026, Month: 6, Day: 19, Country: "SE"},
			{Year: 2026, Month: 6, Day: 6, Country: "SE", Open: true},
			{Year: 2026, Month: 5, Day: 14, Country: "DE", Open: true},
			{Year: 2026, Month: 10, Day: 26, Country: "AT"},
		}},
		{
			"a day of a calendar", calendarOf("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261225\nSUMMARY:Closed"),
			[]HolidayDate{{Year: 2026, Month: 12, Day: 24}},
		},
		{"one without an end", calendarOf("DTSTART;VALUE=DATE:20261224"), []HolidayDate{{Year: 2026, Month: 12, Day: 24}}},
		{
			"three days over the new year, every year for three years", calendarOf("DTSTART;VALUE=DATE:20261231\nDTEND;VALUE=DATE:20270102\nRRULE:FREQ=YEARLY;COUNT=3\nEXDATE;VALUE=DATE:20271231"),
			[]HolidayDate{
				{Year: 2026, Month: 12, Day: 31, Every: 1, Last: 2028, Except: []int{2027}},
				{Year: 2027, Month: 1, Day: 1, Every: 1, Last: 2029, Except: []int{2028}},
			},
		},
		{"every other year, to an end before the day", calendarOf("DTSTART:20260606\nRRULE:FREQ=YEARLY;INTERVAL=2;UNTIL=20300601;BYMONTH=6;BYMONTHDAY=6"), []HolidayDate{
			{Year: 2026, Month: 6, Day: 6, Every: 2, Last: 2029},
		}},
		{"a duration, a folded line, and an alarm", calendarOf("DTSTART;VALUE=DATE:20261224\nDURATION:P1D\nSUMMARY:Closed for\n  the day\nBEGIN:VALARM\nDTSTART:20200101\nTRIGGER:-PT10M\nEND:VALARM"), []HolidayDate{
			{Year: 2026, Month: 12, Day: 24},
		}},
		{"midnights, as some programs write them", calendarOf(`DTSTART;TZID="Central, Europe: summer":20261224T000000` + "\nDTEND;TZID=X:20261225T000000"), []HolidayDate{
			{Year: 2026, Month: 12, Day: 24},
		}},
		{"one that is called off beside one that is not", calendarOf("DTSTART:20261224\nSTATUS:CANCELLED\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20261225"), []HolidayDate{
			{Year: 2026, Month: 12, Day: 25},
		}},
	}
	for _, test := range tests {
		got, err := ReadHolidays("days", []byte(test.text))
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", test.why, err, diff)
		}
	}
}

func calendarOf(event string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n" +
		strings.ReplaceAll(event, "\n", "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

// Every line that cannot be read is told of, with its number.
func TestHolidaysRefused(t *testing.T) {
	tests := []struct {
		why, text string
		line      int
		want      []string
	}{
		{"nothing", "# none\n", 0, []string{"holds no date"}},
		{"three lines of five", "2026-12-24\n24.12.2026\n2026-02-30\n2026-12-25\n2026-12-26 Ruritania\n", 2, []string{
			`"24.12.2026" is no date`, "line 3: there is no day 2026-02-30", `line 5: "ruritania" is no country`,
		}},
		{"a book", "PK\x03\x04\xff\xfe", 1, []string{"no text in UTF-8"}},
		{"an hour of a day", calendarOf("DTSTART:20261224T120000Z\nSUMMARY:Lunch"), 9, []string{`the event "Lunch": it is not of whole days`}},
		{"the fourth Thursday", calendarOf("DTSTART:20261126\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"), 9, []string{"write its dates"}},
		{"every week", calendarOf("DTSTART:20261126\nRRULE:FREQ=WEEKLY"), 9, []string{"write its dates"}},
		{"another day than its own", calendarOf("DTSTART:20261126\nRRULE:FREQ=YEARLY;BYMONTHDAY=27"), 9, []string{"write its dates"}},
		{"an end before its beginning", calendarOf("DTSTART:20261126\nDTEND:20261120"), 9, []string{"would last -6 days"}},
		{"no beginning", calendarOf("SUMMARY:x"), 9, []string{"no beginning"}},
		{"two of three", calendarOf("DTSTART:x\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20261224\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20261301"), 9, []string{`"x" is no date`, `line 15: the event`}},
		{"cut off", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261224\n", 4, []string{"cut off"}},
	}
	for _, test := range tests {
		got, err := ReadHolidays("days.ics", []byte(test.text))
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, BadInput) || e.Place != (Place{File: "days.ics", Line: test.line}) {
			t.Errorf("%s: %v, %v", test.why, got, err)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(e.Problem, want) {
				t.Errorf("%s: %q does not say %q", test.why, e.Problem, want)
			}
		}
	}
}

// Holidays go to the workers as JSON, and a date that comes again does so in its years.
func TestHolidaysTravel(t *testing.T) {
	sent := &Holidays{National: true, Dates: []HolidayDate{{Year: 2026, Month: 6, Day: 6, Every: 2, Last: 2031, Except: []int{2030}}}}
	sent.Closed("SE", 2026, 1, 1)
	text, err := json.Marshal(sent)
	var got Holidays
	if err == nil {
		err = json.Unmarshal(text, &got)
	}
	if err != nil || !got.National {
		t.Fatal(string(text), err)
	}
	for year, want := range map[int]bool{2024: false, 2026: true, 2027: false, 2028: true, 2030: false, 2032: false} {
		if got.Closed("FI", year, time.June, 6) != want {
			t.Errorf("in %d it is %t", year, !want)
		}
	}
}
