package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"hppsend/internal/contact"
)

// SuppressionList are contacts that must not be messaged. It is safe for concurrent use.
type SuppressionList interface {
	// Find gives where the first of the contacts, which are in the form of Distribution.Contact, stands.
	Find(contacts ...string) (list string, line int, ok bool)
}

// cause is why rows are held back, less what differs from row to row.
type cause struct{ code, text string }

// hold is a row that a rule of the check holds back. It takes 12 bytes.
type hold struct {
	ordinal uint32
	arg     uint32 // a line, an ordinal, or Unix seconds, by the code of the cause
	cause   uint16 // index of holds.causes
}

// holds are the rows of a plan that rules hold back.
type holds struct {
	byRule []hold // sorted by ordinal once the plan is finished
	causes []cause
	known  map[int]Hold // by ordinal, of what was held back by other than the check: when its turn came, or in an earlier pass
}

func (h *holds) add(ordinal int, c cause, arg uint32) {
	i := slices.Index(h.causes, c)
	if i < 0 {
		i = len(h.causes)
		h.causes = append(h.causes, c)
	}
	h.byRule = append(h.byRule, hold{uint32(ordinal), arg, uint16(i)})
}

func (h *holds) sort() {
	slices.SortFunc(h.byRule, func(a, b hold) int { return cmp.Compare(a.ordinal, b.ordinal) })
}

// heldBack gives why a row is held back, by its ordinal.
func (p *Plan) heldBack(ordinal int) (Hold, bool) {
	if h, ok := p.holds.known[ordinal]; ok {
		return h, true
	}
	i, ok := slices.BinarySearchFunc(p.holds.byRule, uint32(ordinal), func(h hold, o uint32) int { return cmp.Compare(h.ordinal, o) })
	if !ok {
		return Hold{}, false
	}
	return p.described(p.holds.byRule[i]), true
}

// isHeld reports whether a row is held back.
func (p *Plan) isHeld(ordinal int) bool {
	if _, ok := p.holds.known[ordinal]; ok {
		return true
	}
	_, ok := slices.BinarySearchFunc(p.holds.byRule, uint32(ordinal), func(h hold, o uint32) int { return cmp.Compare(h.ordinal, o) })
	return ok
}

// described gives a hold as it is kept.
func (p *Plan) described(h hold) Hold {
	c := p.holds.causes[h.cause]
	out := Hold{Status: Skipped, Code: c.code, Reason: c.text}
	switch c.code {
	case CodeSuppressed:
		if h.arg > 0 {
			out.Reason += fmt.Sprintf(", line %d", h.arg)
		}
	case CodeTooLate:
		out.Reason = p.cfg.Rules.tooLate(int64(h.arg)).Reason
	case CodeCoolingDown:
		out.Reason = p.cfg.Rules.cooling(time.Unix(int64(h.arg), 0)).Reason
	case CodeSameContact:
		at := p.place(int(h.arg))
		at.File = contact.MaskAll(at.File)
		out.Reason = "the contact stands already in " + at.String()
	}
	return out
}

// HoldsOf gives the rows of a file that the check's rules hold back, in their order.
func (p *Plan) HoldsOf(file int) iter.Seq[Hold] {
	return func(yield func(Hold) bool) {
		f := p.Files[file]
		for _, h := range p.holds.byRule {
			if o := int(h.ordinal); o >= f.first && o < f.first+f.rows {
				out := p.described(h)
				if out.N = o - f.first; !yield(out) {
					return
				}
			}
		}
	}
}

// Hold takes note of rows of a file that a rule held back after the check.
func (p *Plan) Hold(file int, all []Hold) {
	if p.holds.known == nil && len(all) > 0 {
		p.holds.known = make(map[int]Hold, len(all))
	}
	for _, h := range all {
		p.holds.known[p.Files[file].first+h.N] = h
	}
}

// withHold judges a row that a rule holds back. Nothing but a delivery ends a doubt.
func (r Rules) withHold(it item, records []Record, j judgement, h Hold) judgement {
	if j.stage <= stageHeld {
		return j
	}
	if doubt, ok := r.doubt(records, 0); ok {
		return judgement{stageUncertain, r.fromRecord(it, doubt, Uncertain)}
	}
	return judgement{stageHeld, r.outcome(it, h.Status, h.Code, h.Reason)}
}

// looksAtContacts reports whether some rule takes both contacts of a row.
func (c CheckConfig) looksAtContacts() bool {
	return !c.Over && (c.Rules.Suppressed != nil || c.Contacts != nil)
}

// restrain finds which of the rows a rule holds back by what is known of them alone: opted out, suppressed, forgotten,
// cooling down, the first that applies.
func (c CheckConfig) restrain(ctx context.Context, in Input, rows []Row, items []item) error {
	r := c.Rules
	each(len(items), func(i int) {
		it := &items[i]
		switch {
		case len(it.findings) > 0: // it is not sent anyway
		case rows[i].OptedOut != "":
			it.cause = cause{CodeOptedOut, fmt.Sprintf("the column %q says that the person has opted out", contact.MaskAll(rows[i].OptedOut))}
		case r.Suppressed != nil:
			if list, line, ok := r.Suppressed.Find(c.Defaults.Contacts(rows[i], it.Contact, it.Other)...); ok {
				it.cause, it.causeArg = cause{CodeSuppressed, "the person is on the suppression list " + contact.MaskAll(list)}, uint32(line)
			}
		}
	})
	if c.Contacts == nil {
		return nil
	}
	return c.askContacts(ctx, in, rows, items)
}

// askContacts finds which of the rows the ledger holds back by any contact that stands in them, sent to or not.
func (c CheckConfig) askContacts(ctx context.Context, in Input, rows []Row, items []item) error {
	r := c.Rules
	of := make([][]Digest, len(items))
	each(len(items), func(i int) {
		if it := &items[i]; len(it.findings) == 0 && it.cause == (cause{}) {
			for _, contact := range c.Defaults.Contacts(rows[i], it.Contact, it.Other) {
				of[i] = append(of[i], c.digest(contact))
			}
		}
	})
	digests := slices.Concat(of...)
	forgotten, err := c.Contacts.Forgotten(ctx, digests)
	if err != nil {
		return fmt.Errorf("look up who is forgotten: %w", err)
	}
	sent := make([]time.Time, len(digests))
	if r.Cooldown > 0 {
		if sent, err = c.Contacts.LastSent(ctx, digests, time.Now().Add(-r.Cooldown), in.SHA256, r.Reminder); err != nil {
			return fmt.Errorf("look the contacts up: %w", err)
		}
	}
	next := 0
	for i := range items {
		from := next
		next += len(of[i])
		switch last := slices.MaxFunc(append(sent[from:next:next], time.Time{}), time.Time.Compare); {
		case slices.Contains(forgotten[from:next], true):
			items[i].cause = cause{forgottenContact.Code, forgottenContact.Reason}
		case !last.IsZero():
			items[i].cause, items[i].causeArg = cause{code: CodeCoolingDown}, uint32(last.Unix())
		}
	}
	return nil
}

var forgottenContact = Finding{Code: CodeSuppressed, Reason: "the person has asked never to be messaged again (hppsend forget)"}

// cooling is why a contact is not sent anything that was sent something at a time.
func (r Rules) cooling(sent time.Time) Finding {
	return Finding{Code: CodeCoolingDown, Reason: fmt.Sprintf(
		"the person was sent something on %s, and the cool-down of %s ends on %s", when(sent), days(r.Cooldown), when(sent.Add(r.Cooldown)))}
}

// days is a length of time for people.
func days(d time.Duration) string {
	switch n := d / (24 * time.Hour); {
	case d%(24*time.Hour) != 0:
		return d.String()
	case n == 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}

// restraint is what a claim must keep to now, beside its session.
func (r Rules) restraint(now time.Time, m Method) (out Restraint) {
	if r.Cooldown > 0 {
		out.Cooldown = now.Add(-r.Cooldown)
	}
	out.Once = r.PerContact == FirstSession || r.PerContact == OneSession
	for _, a := range r.Allowances {
		if a.covers(m) {
			begins, _ := a.Per.Within(now.In(r.zone()))
			out.Counts = append(out.Counts, Count{Since: begins, Messages: a.Messages, Method: a.Method})
		}
	}
	return out
}

// zone is that by whose calendar allowances are counted.
func (r Rules) zone() *time.Location {
	if loc, ok := locations.Load(r.Zone); ok {
		return loc.(*time.Location)
	}
	loc, err := time.LoadLocation(r.Zone)
	if err != nil { // it was tried when it was given
		loc = time.UTC
	}
	locations.Store(r.Zone, loc)
	return loc
}

var locations sync.Map // zones that were read, by their names: every claim asks

// barred gives what becomes of a row whose claim was barred, and when it may be tried again; zero for never.
func (r Rules) barred(it item, b Bar, now time.Time) (out Outcome, again time.Time) {
	switch {
	case b.Forgotten:
		return r.outcome(it, Skipped, forgottenContact.Code, forgottenContact.Reason), time.Time{}
	case b.Again:
		return r.outcome(it, Skipped, CodeSameContact, "the contact was sent something for another session of this campaign"), time.Time{}
	case !b.Sent.IsZero() && b.Open: // tried again like a session that another run holds
		return r.outcome(it, Pending, CodeInOtherRun, "another run is sending the person something now"), time.Time{}
	case !b.Sent.IsZero():
		f := r.cooling(b.Sent)
		return r.outcome(it, Skipped, f.Code, f.Reason), time.Time{}
	}
	full := b.Full
	for _, a := range r.Allowances {
		if !a.covers(it.Method) {
			continue
		}
		if full--; full == 0 && b.Open {
			return r.outcome(it, Pending, CodeQuota, fmt.Sprintf("with the calls under way as many messages are sent as --max-sends %s allows", a)), now.Add(heldInterval)
		}
		if full == 0 {
			_, again = a.Per.Within(now.In(r.zone()))
			return r.outcome(it, Pending, CodeQuota, fmt.Sprintf("as many messages were sent as --max-sends %s allows; the next %s begins at %s",
				a, a.Per, again.Format("2006-01-02 15:04 MST"))), again
		}
	}
	return r.outcome(it, Pending, CodeQuota, "as many messages were sent as are allowed"), now.Add(time.Minute)
}
