package cli

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"hppsend/internal/campaign"
	"hppsend/pipeline"
)

// What --late and --order can say.
const (
	lateRefuse, lateSkip    = "refuse", "skip"
	orderInput, orderExpiry = "input", "expiry"
)

// marginOfHours is how long before the end of the hours, beside the longest call, none may begin any more.
const marginOfHours = 5 * time.Minute

// times fills in the rules on when people may be messaged, and until when their sessions last.
func (s *settings) times(out *campaign.Restraints) error {
	r := s.rules
	out.Hours, out.Home = pipeline.Hours(r.hours), string(r.timeZone)
	out.Margin = cmp.Or(s.timeout, 30*time.Second) + marginOfHours
	out.SkipLate, out.BySoonest = r.late == lateSkip, r.order == orderExpiry
	if len(r.holidays) > 0 {
		out.Holidays = &pipeline.Holidays{National: slices.Contains(r.holidays, nationalHolidays)}
	}
	for _, name := range r.holidays {
		if name == nationalHolidays {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return usage(fmt.Sprintf("--holidays %s: %v", name, pipeline.WithoutPath(err)), "name a file of dates or a calendar (.ics), or say --holidays national")
		}
		dates, err := pipeline.ReadHolidays(name, data)
		if err != nil {
			return err
		}
		out.Holidays.Dates = append(out.Holidays.Dates, dates...)
	}
	out.SessionLife = time.Duration(r.sessionLife)
	switch from, err := timeOf(r.sessionsFrom, string(r.timeZone)); {
	case err != nil:
		return usage(fmt.Sprintf("--sessions-from %s is no time", r.sessionsFrom), "write it like 2026-12-01T18:00, or with its zone like 2026-12-01T18:00:00+01:00")
	case from.IsZero() != (out.SessionLife == 0):
		return usage("--session-life and --sessions-from belong together", "say how long the sessions live, and since when: --session-life 48h --sessions-from 2026-12-01T18:00")
	default:
		out.SessionFrom = from
	}
	return nil
}

// timeOf reads a time, which is of a zone where it names none; zero for an empty one.
func timeOf(text, zone string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	loc := time.Local
	if zone != "" {
		var err error
		if loc, err = time.LoadLocation(zone); err != nil {
			return time.Time{}, err
		}
	}
	var at time.Time
	var err error
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if at, err = time.ParseInLocation(layout, strings.TrimSpace(text), loc); err == nil {
			return at, nil
		}
	}
	return time.Time{}, err
}

// hoursFlag are sending hours.
type hoursFlag pipeline.Hours

func (h *hoursFlag) Type() string   { return "HOURS" }
func (h *hoursFlag) String() string { return pipeline.Hours(*h).String() }
func (h *hoursFlag) Set(text string) error {
	hours, err := pipeline.ParseHours(text)
	*h = hoursFlag(hours)
	return err
}

// nationalHolidays is what stands for the public holidays of each recipient's country.
const nationalHolidays = "national"

// holidaysFlag are the files of holidays, and national.
type holidaysFlag struct{ names *[]string }

func (holidaysFlag) several()         {}
func (holidaysFlag) Type() string     { return "national|FILE" }
func (h holidaysFlag) String() string { return strings.Join(*h.names, ", ") }

func (h holidaysFlag) Set(text string) error { return h.from("", text) }

// from takes a relative path from a folder; the empty one is the current.
func (h holidaysFlag) from(folder, text string) error {
	if text == nationalHolidays {
		*h.names = append(*h.names, text)
		return nil
	}
	path := ""
	if err := (pathFlag{value: &path}).from(folder, text); err != nil {
		return err
	}
	*h.names = append(*h.names, path)
	return nil
}

// tellOutlook says when the rows will go, and which of them will not make it.
func (a *app) tellOutlook(p *pipeline.Plan) {
	o := p.Outlook
	if o == nil || p.Due == 0 && o.Late.Rows == 0 {
		return
	}
	for _, country := range slices.Sorted(maps.Keys(o.Lacking)) {
		of := "of " + country
		if country == "" {
			of = "of people whose country is not known"
		}
		a.say("notice", "no_holidays", fmt.Sprintf("  note: %s to be sent %s: their public holidays are not known, and no day is left out for them but those of a file", rows(o.Lacking[country]), of))
	}
	at := func(t time.Time) string { return moment(t.In(o.Zone)) }
	if o.Late.Rows > 0 && !p.SkipsLate() { // else they stand among the rows that are skipped
		a.say("notice", pipeline.CodeTooLate, fmt.Sprintf("  note: %s: %s", o.Trouble(), where(o.Late)))
		if o.FitRate > 0 || o.HoursFit || o.Last.IsZero() {
			a.say("notice", "fit", "  note: "+o.Remedy())
		}
	}
	if !o.First.IsZero() {
		a.say("notice", "first_and_last", fmt.Sprintf("The first would go on %s, the last on %s.", at(o.First), at(o.Last)))
	}
}
