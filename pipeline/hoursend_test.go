package pipeline

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hppsend/internal/contact"
)

// byNumber is a row that goes to a number with its plus.
func byNumber(n int, number string) Row {
	return Row{Fields: Fields{Session: id(n), Phone: number}}
}

// abroad are example numbers of real countries, in an order in which those that may go are between those that may not.
var abroad = []string{"+819012345678", "+46701740605", "+61491570156", "+447700900123", "+12025550123", "+34612345678", "+18085550123"}

// TestSentWithinTheHours sends to people all over the world over a weekend on which clocks change, in spring and in
// autumn: every call begins within the hours on the wall in each zone where the number may lie, with time left for it, each
// row is sent once, and none of them later than at the first opening after the sending began.
func TestSentWithinTheHours(t *testing.T) {
	for _, begins := range []string{"2000-03-24T16:00:00Z", "2000-10-27T16:00:00Z", "2000-04-01T02:00:00Z"} {
		t.Run(begins, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(instant(t, begins)))
				start := time.Now()
				c := newCampaign(t, always(ok200))
				c.cfg.Wait = true
				c.rules.Hours, c.rules.Margin = mustHours(t, "mon-fri 09:00-20:00, sun 10:00-16:00"), 5*time.Minute+30*time.Second
				var rows []Row
				for i := range 70 {
					rows = append(rows, byNumber(i+1, abroad[i%len(abroad)]))
				}
				res := c.runAndReport(t, sheet(rows...))
				if res.ending.Code != "" || res.tallies[0].Status[Delivered] != len(rows) || c.server.total() != len(rows) {
					t.Fatalf("ended with %v after %d calls: %v", res.ending, c.server.total(), res.tallies[0].Status)
				}
				for _, call := range c.server.calls {
					p, err := contact.ParsePhone(call.Contact, "")
					if err != nil {
						t.Fatal(err)
					}
					for _, name := range p.Zones() {
						zone, err := time.LoadLocation(name)
						if err != nil {
							t.Fatal(err)
						}
						for _, at := range []time.Time{call.at, call.at.Add(c.rules.Margin - time.Nanosecond)} {
							if !onTheWall(c.rules.Hours, at.In(zone)) {
								t.Errorf("%s is called at %s, and at %s it is outside the hours", p.Region, call.at.In(zone), at.In(zone))
							}
						}
					}
					cal := mustCalendar(t, c.rules.Hours.String(), nil, c.rules.Margin, Locale{p.Region, p.Zones()})
					if opens, _ := cal.Next(start); call.at.Sub(opens) > time.Minute {
						t.Errorf("%s is called at %s, and might have been at %s", p.Region, call.at.UTC(), opens.UTC())
					}
				}
			})
		})
	}
}

// Without --wait a run ends when nothing may go now; the others have gone, and a later run goes on.
func TestEndsOutsideTheHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(instant(t, "2000-03-03T09:00:00Z"))) // a Friday: ten in Stockholm, four in Washington
		c := newCampaign(t, always(ok200))
		c.rules.Hours, c.rules.Zone = mustHours(t, "mon-fri 09:00-20:00"), "Europe/Stockholm"
		file := sheet(byNumber(1, "+12025550123"), byNumber(2, "+46701740605"), byNumber(3, "+61491570156"), byNumber(4, "+46701740606"))
		res := c.runAndReport(t, file)
		if got := fmt.Sprint(res.statuses()); got != "[pending/hours delivered pending/hours delivered]" || res.ending.Code != CodeHours {
			t.Errorf("%s, ended with %v", got, res.ending)
		}
		if !strings.Contains(res.ending.Reason, "Fri 2000-03-03 15:00 CET") {
			t.Errorf("it says %q", res.ending.Reason)
		}
		time.Sleep(6 * time.Hour)
		res = c.again("run-2").runAndReport(t, file)
		if got := fmt.Sprint(res.statuses()); got != "[delivered delivered/already_delivered pending/hours delivered/already_delivered]" {
			t.Errorf("in Washington's morning: %s", got)
		}
	})
}

// The hours end while a row waits for its turn: its claim is given back, and the row goes in the next.
func TestHoursEndMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(instant(t, "2000-03-03T18:59:57.5Z")))
		c := newCampaign(t, always(ok200))
		c.rate, c.cfg.Wait = 1, true
		c.rules.Hours = mustHours(t, "fri 09:00-20:00, mon 09:00-20:00")
		var rows []Row
		for i := range 5 {
			rows = append(rows, byNumber(i+1, "+46701740605"))
		}
		res := c.runAndReport(t, sheet(rows...))
		if res.tallies[0].Status[Delivered] != 5 || c.server.total() != 5 || c.book.open() != 0 {
			t.Fatalf("%v after %d calls", res.tallies[0].Status, c.server.total())
		}
		opens := instant(t, "2000-03-06T08:00:00Z")
		late := 0
		for _, call := range c.server.calls {
			if at := call.at; at.After(instant(t, "2000-03-03T19:00:00Z")) {
				if late++; at.Before(opens) || at.Sub(opens) > 10*time.Second {
					t.Errorf("a call at %s", at.UTC())
				}
			}
		}
		if late == 0 || late == 5 {
			t.Errorf("%d calls are of Monday", late)
		}
	})
}

// A holiday closes the day where the recipient is, and nowhere else.
func TestNotSentOnHolidays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(instant(t, "2000-07-04T14:00:00Z")))
		c := newCampaign(t, always(ok200))
		c.rules.Holidays = &Holidays{National: true}
		res := c.runAndReport(t, sheet(byNumber(1, "+12025550123"), byNumber(2, "+46701740605"), byNumber(3, "+358412345678")))
		if got := fmt.Sprint(res.statuses()); got != "[pending/hours delivered delivered]" {
			t.Errorf("on the fourth of July: %s", got)
		}
		if n := res.plan.Outlook.Lacking["FI"]; n != 1 || len(res.plan.Outlook.Lacking) != 1 {
			t.Errorf("of %v no holidays are known", res.plan.Outlook.Lacking)
		}
	})
}
