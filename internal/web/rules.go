package web

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// rule is a rule of a campaign: what holds of it for an upload, and whom it leaves out.
type rule struct {
	Name   string
	Values []string // none where there is no such rule
	Code   string   // of the rows that it leaves out; empty where the check cannot tell
	Rows   int
	Places []pipeline.Example // the first of these
}

// rules names all rules that an upload is sent by, also those that leave nobody out, in the order in which rows are judged.
func (c *call) rules(u *desk.Upload, sheet *desk.Sheet, opt campaign.Options) []rule {
	r := opt.Restraints
	all := []rule{
		{Name: c.say.T("Columns that say who must not be messaged"), Code: pipeline.CodeOptedOut, Values: c.optOuts(sheet)},
		{Name: c.say.T("Suppression lists"), Code: pipeline.CodeSuppressed, Values: c.inForce(sheet)},
		{Name: c.say.T("People with several sessions"), Code: pipeline.CodeSameContact, Values: []string{c.perContact(pipeline.ContactRule(r.PerContact))}},
		{Name: c.say.T("Cool-down"), Code: pipeline.CodeCoolingDown, Values: c.cooldown(r.Cooldown)},
		{Name: c.say.T("Rows that would go too late"), Code: pipeline.CodeTooLate, Values: c.tooLate(r, sheet)},
		{Name: c.say.T("Sending hours"), Values: c.hours(r)},
		{Name: c.say.T("Holidays"), Values: c.holidays(r, sheet)},
		{Name: c.say.T("Most messages"), Values: c.allowances(r.Allowances)},
	}
	if p := r.Preflight; p.Age > 0 {
		values := []string{c.say.T("at most %s before; what is paid, cancelled or expired is left out", c.say.Long(p.Age))}
		if p.SendUnclear {
			values = append(values, c.say.T("what is unclear is sent"))
		} else {
			values = append(values, c.say.T("what is unclear waits"))
		}
		all = append(all, rule{Name: c.say.T("Sessions are looked at before their calls"), Values: values})
	}
	if u.Reading.Fallback {
		all = append(all, rule{Name: c.say.T("The other contact of a row"), Values: []string{c.say.T("is tried where Klarna refuses the first for what it is")}})
	}
	for i := range all {
		for _, g := range sheet.Others {
			if g.Code == all[i].Code {
				all[i].Rows, all[i].Places = g.Rows, g.Places
			}
		}
	}
	return all
}

func (c *call) optOuts(sheet *desk.Sheet) (values []string) {
	for _, o := range sheet.Input.OptOut {
		if o.Consent {
			values = append(values, c.say.T("%s: who has not agreed", o.Column))
		} else {
			values = append(values, c.say.T("%s: who has opted out", o.Column))
		}
	}
	return values
}

func (c *call) inForce(sheet *desk.Sheet) (values []string) {
	for _, l := range sheet.Lists {
		from := c.say.T("of the configuration")
		if !l.Since.IsZero() {
			from = c.say.T("since %s, by %s", c.say.When(l.Since), l.By)
		}
		values = append(values, l.Name+" ("+c.say.T("%d contacts", l.Contacts)+", "+from+")")
	}
	return values
}

func (c *call) perContact(r pipeline.ContactRule) string {
	switch r {
	case pipeline.FirstSession:
		return c.say.T("the first only")
	case pipeline.OneSession:
		return c.say.T("such a file is refused")
	case pipeline.EachSession:
	}
	return c.say.T("one message for each session")
}

func (c *call) cooldown(d time.Duration) []string {
	if d == 0 {
		return nil
	}
	return []string{c.say.T("%s since the last message of another campaign", c.say.Long(d))}
}

// Long writes a length of time that a rule names: days where they are whole, else hours and minutes.
func (s speaker) Long(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= day && d%day == 0:
		return s.T("%d days", int(d/day))
	case d >= time.Hour && d%time.Hour == 0:
		return s.T("%d hours", int(d/time.Hour))
	}
	return s.T("%d minutes", int(d/time.Minute))
}

func (c *call) hours(r campaign.Restraints) (values []string) {
	if r.Hours.Always() {
		return nil
	}
	values = []string{c.say.T("%s, where the recipient is", r.Hours.String())}
	if r.Home != "" {
		values = append(values, c.say.T("%s for those of whom that is not known", r.Home))
	}
	return values
}

func (c *call) holidays(r campaign.Restraints, sheet *desk.Sheet) (values []string) {
	if r.Holidays == nil {
		return nil
	}
	if r.Holidays.National {
		values = append(values, c.say.T("the public ones of the recipient's country"))
	}
	if n := len(r.Holidays.Dates); n > 0 {
		values = append(values, c.say.T("%d dates of the configuration", n))
	}
	if sheet.Outlook != nil && len(sheet.Outlook.Lacking) > 0 {
		var unknown []string
		for _, country := range slices.Sorted(maps.Keys(sheet.Outlook.Lacking)) {
			unknown = append(unknown, cmp.Or(country, "–"))
		}
		values = append(values, c.say.T("not known: those of %s", strings.Join(unknown, ", ")))
	}
	return values
}

func (c *call) tooLate(r campaign.Restraints, sheet *desk.Sheet) (values []string) {
	if r.SessionLife > 0 {
		values = append(values, c.say.T("sessions expire %s after they were made", c.say.Long(r.SessionLife)))
	}
	if r.BySoonest {
		values = append(values, c.say.T("the soonest to expire go first"))
	}
	switch {
	case r.SkipLate:
		values = append(values, c.say.T("they are left out"))
	case sheet.Outlook != nil:
		values = append(values, c.say.T("such a file is refused"))
	}
	return values
}

// remedies says what would have all rows go in time.
func (c *call) remedies(o *pipeline.Outlook) (all []string) {
	if o.FitRate > 0 {
		all = append(all, c.say.T("At %v a second all would go in time.", o.FitRate))
	}
	if o.HoursFit {
		all = append(all, c.say.T("With these hours all would go in time: %s.", o.FitHours.String()))
	}
	return append(all, c.say.T("Else bring the file without these rows, or with new sessions."))
}

func (c *call) allowances(all []pipeline.Allowance) (values []string) {
	for _, a := range all {
		text := map[pipeline.Period]string{
			pipeline.Hour: c.say.T("%d messages an hour", a.Messages), pipeline.Day: c.say.T("%d messages a day", a.Messages), pipeline.Week: c.say.T("%d messages a week", a.Messages),
		}[a.Per]
		if a.Method != "" {
			text = c.say.MethodName(a.Method) + ": " + text
		}
		values = append(values, text)
	}
	return values
}
