package pipeline

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Going is by what it is told when rows will go, and which of them will not make it.
type Going struct {
	Start     time.Time // zero: nothing is told
	Rate      float64   // rows a second; +Inf for no limit
	Sends     Sends     // what was sent already; nil: nothing was
	BySoonest bool      // the soonest to expire go first
	SkipLate  bool      // what will not make it is skipped, rather than told of
}

// Sends counts what was sent at the target, or may have been, since a time; by one method, unless that is empty.
type Sends interface {
	SentSince(ctx context.Context, since time.Time, m Method) (int, error)
}

// used counts, for each of the rules' allowances, the messages in its period by now.
func (c CheckConfig) used(ctx context.Context) ([]int, error) {
	used := make([]int, len(c.Rules.Allowances))
	for i, a := range c.Rules.Allowances {
		if c.Going.Start.IsZero() || c.Going.Sends == nil {
			break
		}
		begins, _ := a.Per.Within(c.Going.Start.In(c.Rules.zone()))
		n, err := c.Going.Sends.SentSince(ctx, begins, a.Method)
		if err != nil {
			return nil, fmt.Errorf("count what was sent: %w", err)
		}
		used[i] = n
	}
	return used, nil
}

// Outlook is when the rows to be sent will go.
type Outlook struct {
	Zone        *time.Location // in which people are told
	First, Last time.Time      // zero where none goes
	Late        Group          // rows that will not go before they expire, or not at all
	Never       int            // of them, those whose hours never come, as far as is seen
	FitRate     float64        // a rate a second at which all would make it; 0 for none
	FitHours    Hours          // hours in which all would; HoursFit tells whether there are any
	HoursFit    bool
	Lacking     map[string]int // rows to be sent by country of which the public holidays are asked for and not known; "" is no country
	unplaced    Group          // rows to be sent of whom no zone is known
}

// look foresees when the rows that are to be sent will go.
func (b *planner) look() {
	r, g := b.cfg.Rules, b.cfg.Going
	if !r.timed() && !b.expiring && len(r.Allowances) == 0 {
		return
	}
	out := &Outlook{Zone: r.zone(), Lacking: map[string]int{}}
	b.Outlook = out
	var rows []ForecastRow
	var at []uint32
	for o := range b.entries.len() {
		e, j := b.settled(o)
		if j.stage != stageSend {
			continue
		}
		row := ForecastRow{Expires: b.expiresAt(o)}
		if b.channels[e.channel].Method == Email {
			row.Method = 1
		}
		if b.where.rows.len() > 0 {
			row.Class = *b.where.rows.at(o)
			l := b.where.locales[row.Class]
			if !r.Holidays.Knows(l.Country) {
				out.Lacking[l.Country]++
			}
			if len(l.Zones) == 0 {
				out.unplaced.count(b.place(o), "")
			}
		}
		rows, at = append(rows, row), append(at, uint32(o))
	}
	if g.Start.IsZero() || out.unplaced.Rows > 0 {
		return
	}
	f := Forecast{Start: g.Start, Rate: g.Rate, Classes: b.where.calendars, Quotas: r.forecastQuotas(b.used), BySoonest: g.BySoonest, Drop: true}
	if b.where.calendars == nil {
		f.Classes = []*Calendar{nil}
	}
	fit := f.Fit(rows)
	out.First, out.Last, out.Never = fit.First, fit.Last, fit.Never
	out.Late.Code, out.Late.Status = CodeTooLate, Skipped
	for _, i := range fit.Late {
		o := int(at[i])
		out.Late.count(b.place(o), r.tooLate(rows[i].Expires).Reason)
		if g.SkipLate {
			b.holdNow(o, cause{code: CodeTooLate}, uint32(rows[i].Expires))
		}
	}
	if len(fit.Late) > 0 && !g.SkipLate {
		out.FitRate = f.RateThatFits(rows)
		out.FitHours, out.HoursFit = f.HoursThatFit(rows, r.Hours, b.where.calendarsBy(r))
	}
}

// calendarsBy gives the calendars of all locales by other hours.
func (w *whereabouts) calendarsBy(r Rules) func(Hours) []*Calendar {
	return func(h Hours) []*Calendar {
		r.Hours = h
		all := make([]*Calendar, len(w.locales))
		for i, l := range w.locales {
			if len(l.Zones) > 0 {
				all[i] = r.calendar(l)
			}
		}
		return all
	}
}

// forecastQuotas are the rules' allowances, as a forecast has them.
func (r Rules) forecastQuotas(used []int) (all []ForecastQuota) {
	for i, a := range r.Allowances {
		q := ForecastQuota{Limit: a.Messages, Method: -1, Period: func(t time.Time) (time.Time, time.Time) { return a.Per.Within(t.In(r.zone())) }}
		switch a.Method {
		case SMS:
			q.Method = 0
		case Email:
			q.Method = 1
		}
		if i < len(used) {
			q.Used = used[i]
		}
		all = append(all, q)
	}
	return all
}

// expiresAt gives when the session of a row expires, in Unix seconds; 0 where it is not known.
func (p *Plan) expiresAt(ordinal int) int64 {
	if p.expires.len() == 0 {
		return 0
	}
	at := *p.expires.at(ordinal)
	if at == math.MaxUint32 { // or later
		return 0
	}
	return int64(at)
}

// tooLate is why a row does not go any more.
func (r Rules) tooLate(expires int64) Finding {
	if expires == 0 {
		return Finding{Code: CodeTooLate, Reason: "the hours in which the person may be messaged never come"}
	}
	at := time.Unix(expires, 0)
	text := at.In(r.zone()).Format("Mon 2006-01-02 15:04 MST")
	if !time.Now().Before(at) {
		return Finding{Code: CodeTooLate, Reason: "the session has expired, on " + text}
	}
	return Finding{Code: CodeTooLate, Reason: fmt.Sprintf("the session expires on %s, before its turn comes by rate, quotas and hours", text)}
}

// refuseUnplaced refuses a file of which it is not known of somebody what time it is there.
func (b *planner) refuseUnplaced() error {
	if b.Outlook == nil || b.Outlook.unplaced.Rows == 0 {
		return nil
	}
	g := b.Outlook.unplaced
	return &Error{
		Kind: BadInput, Place: g.Places[0].Place,
		Problem: fmt.Sprintf("of %s to be sent it is not known in which time zone the person is, this one the first; --hours and --holidays need it", rowsText(g.Rows)),
		Todo:    "fill in the country of these rows (phone_country), or say --time-zone Europe/Stockholm for all of whom it is not known",
	}
}

// RefuseLate refuses a plan of which rows will not go before they expire; nil for one of which all will.
func (p *Plan) RefuseLate() error {
	if p.Outlook == nil || p.Outlook.Late.Rows == 0 || p.cfg.Going.SkipLate {
		return nil
	}
	g := p.Outlook.Late
	return &Error{
		Kind: BadInput, Place: g.Places[0].Place,
		Problem: p.Outlook.Trouble() + "; nothing was sent", Todo: p.Outlook.Remedy(),
	}
}

// Trouble says how many rows will not go in time.
func (o *Outlook) Trouble() string {
	switch {
	case o.Never == o.Late.Rows:
		return fmt.Sprintf("%s would never go: the hours do not hold at once in all zones where these people may be", rowsText(o.Never))
	case o.Never > 0:
		return fmt.Sprintf("%s would not go before their sessions expire, and %d of them never", rowsText(o.Late.Rows), o.Never)
	}
	return fmt.Sprintf("%s would not go before their sessions expire", rowsText(o.Late.Rows))
}

func rowsText(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// Remedy says what would have all rows go in time.
func (o *Outlook) Remedy() string {
	text := ""
	if o.FitRate > 0 {
		text = fmt.Sprintf("--rate %g/s would do; ", o.FitRate)
	}
	switch {
	case o.HoursFit && o.FitHours.String() == "daily 00:00-24:00":
		text += "without --hours all would go in time; "
	case o.HoursFit:
		text += fmt.Sprintf("--hours %q would do; ", o.FitHours)
	}
	if text == "" {
		return "neither another rate nor other hours would do: make new sessions, or say --late skip to leave these rows out"
	}
	return text + "or say --order expiry to send the soonest to expire first, or --late skip to leave these rows out"
}

// SkipsLate reports whether rows that will not make it are skipped, rather than told of.
func (p *Plan) SkipsLate() bool { return p.cfg.Going.SkipLate }
