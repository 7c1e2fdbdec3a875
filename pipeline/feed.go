package pipeline

import (
	"cmp"
	"context"

	"hppsend/internal/contact"
)

// feedItem is a row that is due, or why there are no more.
type feedItem struct {
	job *job
	err error
}

// feedTo gives the rows that are due, and that may be sent now, to a function, until it wants no more.
func (p *Plan) feedTo(ctx context.Context, file int, src Source, may func(n int, e *entry) bool, send func(*job) bool) error {
	n := 0
	for rows, err := range ahead(src.Batches()) {
		if err = cmp.Or(err, ctx.Err()); err != nil {
			return err
		}
		due, at, changed := p.mayBeDue(file, n, rows, may)
		items := p.cfg.Defaults.prepareAll(due, func(i int) contact.Phone { return p.phoneOf(file, at[i]) })
		each(len(items), func(i int) {
			alt := p.cfg.Defaults.alternative(due[i], items[i].Distribution)
			if items[i].Other = alt.Contact; p.cfg.Rules.Fallback {
				items[i].alt = alt
			}
		})
		for i, it := range items {
			ordinal := p.Files[file].first + at[i]
			a := Attempt{
				Distribution: it.Distribution, Fallback: it.alt, Place: it.place, N: at[i],
				Locale: p.localeOf(ordinal), Placed: it.Method, Expires: p.expiresAt(ordinal),
			}
			if p.due(it) && !send(&job{attempt: a}) {
				return nil
			}
		}
		if changed != nil {
			return changed
		}
		n += len(rows)
	}
	return p.complete(file, n)
}

// anyTime lets every row go.
func anyTime(int, *entry) bool { return true }

// mayBeDue gives the rows that the plan has down as due, or as held by another run, and which of the file's
// they are, up to one that is not as it was checked. Of a half-done file most rows are settled, and cost no more than their reading.
func (p *Plan) mayBeDue(file, n int, rows []Row, may func(n int, e *entry) bool) (due []Row, at []int, changed error) {
	for i, row := range rows {
		if err := p.verify(file, n+i, row); err != nil {
			return due, at, err
		}
		ordinal := p.Files[file].first + n + i
		switch p.classes[p.entries.at(ordinal).class].stage {
		case stageSend, stageInFlight:
			if !p.isHeld(ordinal) && !p.shifted(ordinal) && may(n+i, p.entries.at(ordinal)) {
				due, at = append(due, row), append(at, n+i)
			}
		}
	}
	return due, at, nil
}

// due reports whether a row that may be due is to be tried. One whose session another run holds comes
// before our own check and the rules, so they are asked here.
func (p *Plan) due(it item) bool {
	return len(it.findings) == 0 && (!it.hidden || p.cfg.Rules.Hidden == SendHidden)
}
