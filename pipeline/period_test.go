package pipeline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

// zones gives every zone that there is, by its name.
func zones(t *testing.T) (all []*time.Location) {
	t.Helper()
	for _, dir := range []string{os.Getenv("ZONEINFO"), "/usr/share/zoneinfo"} {
		filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			name, _ := filepath.Rel(dir, path)
			if err != nil || e.IsDir() || strings.HasPrefix(name, "posix") || strings.HasPrefix(name, "right") {
				return nil
			}
			if loc, err := time.LoadLocation(filepath.ToSlash(name)); err == nil && dir != "" {
				all = append(all, loc)
			}
			return nil
		})
	}
	if len(all) < 100 { // a machine without them has those of the program
		for _, name := range []string{
			"UTC", "Europe/Stockholm", "America/New_York", "America/St_Johns", "America/Havana", "America/Santiago", "America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo",
			"Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kwajalein", "America/Scoresbysund", "Antarctica/Troll", "Asia/Gaza", "Asia/Tehran",
		} {
			loc, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, loc)
		}
	}
	return all
}

// Every moment lies in its own period, the periods follow upon each other without a gap, and all moments of a period say
// so: held about every change of every zone.
func TestPeriodsOfEveryZone(t *testing.T) {
	var minutes []int
	for _, m := range []int{0, 1, 17, 30, 45, 60, 61, 90, 120, 181, 11 * 60, 23 * 60, 24 * 60, 25 * 60, 3 * 24 * 60, 6*24*60 + 600} {
		minutes = append(minutes, m, -m)
	}
	from, until := 2017, 2027
	if wholeSweep() {
		from, until = 1985, 2037
	}
	for _, loc := range zones(t) {
		for _, p := range []Period{Hour, Day, Week} {
			at := time.Date(from, 12, 1, 0, 0, 0, 0, time.UTC).In(loc)
			for {
				_, change := at.ZoneBounds()
				if change.IsZero() || change.Year() > until {
					break
				}
				at = change
				for _, m := range minutes {
					x := change.Add(time.Duration(m)*time.Minute + time.Duration(m%3)*time.Second)
					begins, ends := p.Within(x)
					if begins.After(x) || !ends.After(x) {
						t.Fatalf("%s, %s: %s lies outside of its own, %s to %s", loc, p, x, begins, ends)
					}
					for _, other := range []time.Time{begins, ends.Add(-1), begins.Add(ends.Sub(begins) / 2)} {
						if b, e := p.Within(other); !b.Equal(begins) || !e.Equal(ends) {
							t.Fatalf("%s, %s: %s lies in %s to %s, and %s of the same in %s to %s", loc, p, x, begins, ends, other, b, e)
						}
					}
					if next, _ := p.Within(ends); !next.Equal(ends) {
						t.Fatalf("%s, %s: after %s to %s comes one from %s on", loc, p, begins, ends, next)
					}
				}
			}
		}
	}
}

func TestPeriods(t *testing.T) {
	for _, tt := range []struct {
		zone         string
		per          Period
		at           string // in UTC
		begins, ends string
	}{
		{"Europe/Stockholm", Day, "2026-01-05T12:00:00Z", "2026-01-04T23:00:00Z", "2026-01-05T23:00:00Z"},
		{"Europe/Stockholm", Day, "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"}, // 23 hours
		{"Europe/Stockholm", Day, "2026-10-25T00:30:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"}, // 25 hours
		{"Europe/Stockholm", Hour, "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"},
		{"Europe/Stockholm", Hour, "2026-10-25T01:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"},
		{"Europe/Stockholm", Week, "2026-03-29T21:59:00Z", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"}, // a Sunday
		{"Asia/Kolkata", Hour, "2026-01-05T12:00:00Z", "2026-01-05T11:30:00Z", "2026-01-05T12:30:00Z"},
		{"America/Santiago", Day, "2026-09-06T05:00:00Z", "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"}, // its midnight is not there
		{"America/Havana", Day, "2026-11-01T05:30:00Z", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},   // its midnight comes twice
		{"America/Santiago", Day, "2026-04-05T03:30:00Z", "2026-04-04T03:00:00Z", "2026-04-05T04:00:00Z"}, // its last hour comes twice
		{"Australia/Lord_Howe", Day, "2026-04-05T02:00:00Z", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"},
		{"Pacific/Apia", Day, "2011-12-30T09:00:00Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"}, // and there is no 30th
		{"Pacific/Apia", Day, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
	} {
		loc, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		begins, ends := tt.per.Within(at.In(loc))
		if b, e := begins.UTC().Format(time.RFC3339), ends.UTC().Format(time.RFC3339); b != tt.begins || e != tt.ends {
			t.Errorf("the %s of %s in %s is %s to %s, want %s to %s", tt.per, tt.at, tt.zone, b, e, tt.begins, tt.ends)
		}
	}
}
