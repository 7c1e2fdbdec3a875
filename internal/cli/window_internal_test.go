package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hppsend/pipeline"
)

// at is a time in Stockholm, where on 2026-03-29 the hour from two to three is left out, and on 2026-10-25
// there twice.
func at(t *testing.T, text string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Stockholm")
	if err != nil {
		t.Fatal(err)
	}
	v, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestUntil(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ now, until, want string }{
		{"2026-11-26 02:10", "06:00", "2026-11-26 06:00"},
		{"2026-11-26 23:00", "06:00", "2026-11-27 06:00"},
		{"2026-11-26 09:00", "06:00", ""}, // a missed 02:10 run
		{"2026-11-26 09:00", "tomorrow 06:00", "2026-11-27 06:00"},
		{"2026-11-26 09:00", "Tomorrow 06:00", "2026-11-27 06:00"},
		{"2026-11-26 06:00", "06:00", ""}, // it is just that time
		{"2026-11-26 18:00", "06:00", "2026-11-27 06:00"},
		{"2026-11-26 17:59", "06:00", ""},
		{"2026-11-26 05:59", "18:00", ""},
		{"2026-11-26 00:00", "12:00", "2026-11-26 12:00"},
		{"2026-12-31 22:00", "04:30", "2027-01-01 04:30"},
		{"2026-03-28 23:00", "06:00", "2026-03-29 06:00"}, // six hours
		{"2026-10-24 18:00", "06:00", ""},                 // thirteen
		{"2026-10-24 19:00", "06:00", "2026-10-25 06:00"},
		{"2026-11-26 09:00", "", "0001-01-01 00:00"},
	} {
		var c clock
		if tc.until != "" {
			if err := c.Set(tc.until); err != nil {
				t.Fatal(err)
			}
		}
		got, err := c.end(at(t, tc.now))
		if tc.want == "" && (!errors.Is(err, pipeline.Usage) || !strings.Contains(pipeline.Hint(err), "tomorrow 06:00") && tc.until == "06:00") {
			t.Errorf("at %s, %s is %s, %v", tc.now, tc.until, got, err)
		}
		if tc.want != "" && (err != nil || got.Format("2006-01-02 15:04") != tc.want) {
			t.Errorf("at %s, %s is %s, %v; want %s", tc.now, tc.until, got, err, tc.want)
		}
	}
	for _, text := range []string{"6pm", "25:00", "tomorrow", "yesterday 06:00", "06:00-07:00", ""} {
		if err := new(clock).Set(text); err == nil {
			t.Errorf("%q is taken for a time", text)
		}
	}
}

func TestBetween(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ now, between, want string }{
		{"2026-11-26 02:00", "02:00-06:00", "2026-11-26 06:00"},
		{"2026-11-26 05:59", "02:00-06:00", "2026-11-26 06:00"},
		{"2026-11-26 06:00", "02:00-06:00", ""},
		{"2026-11-26 09:00", "02:00-06:00", ""},
		{"2026-11-26 01:59", "02:00-06:00", ""},
		{"2026-11-26 23:00", "22:00-06:00", "2026-11-27 06:00"},
		{"2026-11-26 01:00", "22:00-06:00", "2026-11-26 06:00"},
		{"2026-11-26 06:00", "22:00-06:00", ""},
		{"2026-11-26 21:59", "22:00-06:00", ""},
		{"2026-11-26 12:00", "00:00-23:59", "2026-11-26 23:59"},
		{"2026-03-29 03:30", "02:00-06:00", "2026-03-29 06:00"}, // two o'clock is left out
		{"2026-11-26 09:00", "", "0001-01-01 00:00"},
	} {
		var w window
		if tc.between != "" {
			if err := w.Set(tc.between); err != nil {
				t.Fatal(err)
			}
		}
		got, err := w.end(at(t, tc.now))
		if tc.want == "" && !errors.Is(err, pipeline.Braked) || tc.want != "" && (err != nil || got.Format("2006-01-02 15:04") != tc.want) {
			t.Errorf("at %s, %s ends %s, %v; want %q", tc.now, tc.between, got, err, tc.want)
		}
	}
	for _, text := range []string{"02:00", "02:00-", "06:00-06:00", "tomorrow 02:00-06:00", "2-6", ""} {
		if err := new(window).Set(text); err == nil {
			t.Errorf("%q is taken for a part of the day", text)
		}
	}
}

func TestZones(t *testing.T) {
	t.Parallel()
	for tz, known := range map[string]bool{
		"": true, "UTC": true, "Europe/Stockholm": true, ":Europe/Stockholm": true, "EST": true,
		"Europe/Stokholm": false, "CET-1CEST": false, "/etc/hosts": false, "/none": false, "Local": false, "../etc": false,
	} {
		if err := knownZone(tz); (err == nil) != known {
			t.Errorf("TZ=%s: %v", tz, err)
		}
	}
}
