package pipeline

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
)

// planner is a plan in the making: what is needed only until every row has been seen.
type planner struct {
	*Plan
	classIndex   map[class]uint16
	channelIndex map[Channel]uint16
	samples      map[int]Outcome // of the first rows of each class in each file, by ordinal
	sampled      map[uint16]int  // how many samples were kept of each class, in this file
	hidden       []int           // ordinals of hidden rows
	struck       map[int]bool    // those of them that are struck out
	firstOf      chunks[int32]   // the first row of each row's effect, by ordinal; -1 without a session
	ranks        chunks[rank]    // of the primary row, by the ordinal of the first
	sessions     chunks[hash]    // by ordinal, when a report is among the inputs
	reports      bool
	expiring     bool     // it is known of some sessions when they expire
	people       []uint64 // the contacts, by ordinal, as hashes
	seed         maphash.Seed
	noted        chunks[noted]
	remarks      []Finding // that rows were noted for
	remarked     map[Finding]uint32
	used         []int // of each allowance, messages in its period by now
}

// noted is a row with a remark, which is told of only if the row is sent.
type noted struct{ ordinal, remark uint32 }

func newPlanner(cfg CheckConfig, sources []Source) *planner {
	b := &planner{
		Plan: &Plan{
			cfg: cfg, Messages: map[Channel]int{}, first: map[hash]uint32{}, promoted: map[int]int{}, elsewhere: map[hash]Prior{},
		},
		classIndex:   map[class]uint16{},
		channelIndex: map[Channel]uint16{},
		samples:      map[int]Outcome{},
		sampled:      map[uint16]int{},
		remarked:     map[Finding]uint32{},
		struck:       map[int]bool{},
		seed:         maphash.MakeSeed(),
	}
	for _, src := range sources {
		b.reports = b.reports || src.Input().IsReport
		b.expiring = b.expiring || cfg.Defaults.Expires.Life > 0 || src.Input().ExpiresAt > 0
	}
	b.Files = append(b.Files, FilePlan{})
	b.Hold(0, cfg.Held)
	b.Files = b.Files[:0]
	return b
}

// add takes note of one row and of what the records say of it by itself.
func (b *planner) add(row Row, it item, records []Record) {
	rules := b.cfg.Rules
	j := rules.judge(it, records, 0)
	ordinal := b.entries.len()
	j = b.restrain(ordinal, it, records, j)
	nonUUID := b.cfg.Defaults.Sessions.nonUUID(it.session)
	e := entry{
		print: row.fingerprint(), phone: it.phone, row: uint32(it.place.Row),
		class: b.classOf(j, nonUUID, b.insteadOf(it, records, j)), channel: b.channelOf(Channel{it.Method, it.region}),
	}
	if b.sampled[e.class] < 2*examplePlaces {
		b.sampled[e.class]++
		o := j.outcome
		b.samples[ordinal] = Outcome{Status: o.Status, Code: o.Code, Reason: o.Reason, Findings: o.Findings}
	}
	if it.hidden {
		b.hidden = append(b.hidden, ordinal)
		if it.struck {
			b.struck[ordinal] = true
		}
	}
	for _, n := range it.notices {
		i, ok := b.remarked[n]
		if !ok {
			i = uint32(len(b.remarks))
			b.remarks = append(b.remarks, n)
			b.remarked[n] = i
		}
		b.noted.add(noted{uint32(ordinal), i})
	}
	if it.Method == SMS {
		b.Phones++
	}
	if it.withoutPlus {
		b.WithoutPlus++
	}
	f := &b.Files[len(b.Files)-1]
	f.Raw = f.Raw || row.Raw != ""
	f.uuids = f.uuids || IsUUID(it.session)
	if n := len(f.sheets); it.place.Sheet != "" && (n == 0 || f.sheets[n-1].name != it.place.Sheet) {
		f.sheets = append(f.sheets, sheetStart{it.place.Sheet, ordinal})
	}
	b.entries.add(e)
	if b.expiring {
		b.expires.add(uint32(min(max(it.expires, 0), math.MaxUint32)))
	}
	if rules.timed() {
		b.where.add(rules, it, row.Fields.PhoneCountry)
	}
	b.people = append(b.people, maphash.String(b.seed, CanonicalContact(it.Contact)))
	if b.reports {
		b.sessions.add(sessionKey(it.session))
	}
	b.ranks.add(rules.primaryRank(it, records))
	if it.session == "" {
		b.firstOf.add(-1)
		return
	}
	key := rules.effectKey(it)
	first, ok := b.first[key]
	if !ok {
		first = uint32(ordinal)
		b.first[key] = first
	} else if r, best := *b.ranks.at(ordinal), b.ranks.at(int(first)); r < *best {
		*best, b.promoted[int(first)] = r, ordinal
	}
	b.firstOf.add(int32(first))
	if len(records) == 0 && rules.servedElsewhere(it.prior) {
		s := sessionKey(it.session)
		if known, ok := b.elsewhere[s]; !ok || known.uncertain() && !it.prior.uncertain() {
			b.elsewhere[s] = it.prior
		}
	}
}

// finish gives every row its judgement in view of the others, and counts.
func (b *planner) finish() {
	if r := b.cfg.Rules.PerContact; r == FirstSession && !b.cfg.Over {
		b.firstOfEach()
	}
	if !b.cfg.Over {
		b.look()
	}
	b.holds.sort()
	sentTo := b.people[:0] // of the rows to be sent; written behind where it is read
	for i := range b.Files {
		f := &b.Files[i]
		for o := f.first; o < f.first+f.rows; o++ {
			e, j := b.settled(o)
			if j.stage == stageSend {
				f.Due++
				if by := b.classes[e.class].instead; by != (Channel{}) {
					b.Messages[by]++
				} else {
					b.Messages[b.channels[e.channel]]++
				}
				sentTo = append(sentTo, b.people[o])
			}
			f.Tally.add(b.place(o), j.outcome)
		}
		b.Due += f.Due
		b.Total.Add(f.Tally)
	}
	slices.Sort(sentTo)
	for i := 1; i < len(sentTo); i++ { // once for each person: where a repeat begins
		if sentTo[i] == sentTo[i-1] && (i == 1 || sentTo[i] != sentTo[i-2]) {
			b.Repeated++
		}
	}
	var notices Tally
	for i := range b.noted.len() {
		n := b.noted.at(i)
		if o := int(n.ordinal); b.classes[b.entries.at(o).class].stage == stageSend {
			notices.add(b.place(o), Outcome{Code: b.remarks[n.remark].Code, Reason: b.remarks[n.remark].Reason})
		}
	}
	b.Notices = notices.Groups
}

// settled gives a row its judgement in view of the others.
func (b *planner) settled(ordinal int) (*entry, judgement) {
	e := b.entries.at(ordinal)
	j := b.finalOf(ordinal)
	k := b.classes[e.class]
	e.class = b.classOf(j, k.nonUUID, k.instead)
	if _, ok := b.samples[ordinal]; ok { // it may be asked for again
		b.samples[ordinal] = j.outcome
	}
	return e, j
}

// restrain takes note of a rule that holds a row back.
func (b *planner) restrain(ordinal int, it item, records []Record, j judgement) judgement {
	h, ok := b.holds.known[ordinal]
	if !ok && it.cause == (cause{}) {
		return j
	}
	if it.cause != (cause{}) && (j.stage > stageHeld || j.stage == stageInFlight) { // once it is not under way any more, it is asked again
		b.holds.add(ordinal, it.cause, it.causeArg)
		h = b.described(b.holds.byRule[len(b.holds.byRule)-1])
	}
	return b.cfg.Rules.withHold(it, records, j, h)
}

// insteadOf gives the channel of a row's other contact, where that is to be sent to.
func (b *planner) insteadOf(it item, records []Record, j judgement) Channel {
	if alt, ok := b.cfg.Rules.turned(it, records, 0); ok && j.stage == stageSend {
		return Channel{alt.Method, alt.Country}
	}
	return Channel{}
}

// firstOfEach holds back all rows of a contact that are to be sent, but one: the first, or none where another row of the
// contact was sent, or may have been.
func (b *planner) firstOfEach() {
	order := make([]uint32, b.entries.len())
	for o := range order {
		b.settled(o)
		order[o] = uint32(o)
	}
	slices.SortFunc(order, func(x, y uint32) int { return cmp.Or(cmp.Compare(b.people[x], b.people[y]), cmp.Compare(x, y)) })
	for len(order) > 0 {
		n := 1
		for n < len(order) && b.people[order[n]] == b.people[order[0]] {
			n++
		}
		b.keepFirst(order[:n])
		order = order[n:]
	}
}

// keepFirst holds back rows of one contact, which are in the order of the input.
func (b *planner) keepFirst(rows []uint32) {
	stageOf := func(o uint32) stage { return b.classes[b.entries.at(int(o)).class].stage }
	first := slices.IndexFunc(rows, func(o uint32) bool {
		switch stageOf(o) {
		case stageDelivered, stageUncertain, stageInFlight, stageElsewhere:
			return true
		case stageNoSession, stageRule, stageOwnCheck, stageRepeat, stageHeld, stageRefused, stageSend:
		}
		return false
	})
	for i, o := range rows {
		switch {
		case stageOf(o) != stageSend:
			continue
		case first < 0:
			first = i
			continue
		}
		b.holdNow(int(o), cause{code: CodeSameContact}, rows[first])
	}
}

// holdNow holds a row back that was to be sent.
func (b *planner) holdNow(ordinal int, c cause, arg uint32) {
	b.holds.add(ordinal, c, arg)
	h := b.described(b.holds.byRule[len(b.holds.byRule)-1])
	j := judgement{stageHeld, Outcome{Status: h.Status, Code: h.Code, Reason: h.Reason}}
	e := b.entries.at(ordinal)
	e.class = b.classOf(j, b.classes[e.class].nonUUID, Channel{})
	if b.sampled[e.class]++; b.sampled[e.class] <= 2*examplePlaces {
		b.samples[ordinal] = j.outcome
	} else {
		delete(b.samples, ordinal)
	}
}

// refuseRepeated refuses a file of which somebody would get more than one message, if that is the rule.
func (b *planner) refuseRepeated() error {
	if b.cfg.Rules.PerContact != OneSession || b.Repeated == 0 {
		return nil
	}
	return &Error{
		Kind: BadInput, Place: Place{File: b.Files[0].Input.Path},
		Problem: fmt.Sprintf("%d people would get more than one message, and --per-contact is refuse", b.Repeated),
		Todo:    "say --per-contact first to send each of them the first only, or all; hppsend check --per-contact first -o lists the rows",
	}
}

// finalOf is Plan.final for a row of which only the judgement's class was kept.
func (b *planner) finalOf(ordinal int) judgement {
	k := b.classes[b.entries.at(ordinal).class]
	j := judgement{k.stage, k.outcome()}
	if sample, ok := b.samples[ordinal]; ok {
		j.outcome = sample
	}
	first := *b.firstOf.at(ordinal)
	if first < 0 {
		return j
	}
	var prior Prior
	if b.reports {
		prior = b.elsewhere[*b.sessions.at(ordinal)]
	}
	return b.finalWith(b.cfg.Rules, ordinal, j, item{}, b.primary(int(first)), prior)
}

func (b *planner) classOf(j judgement, nonUUID bool, instead Channel) uint16 {
	if j.stage != stageSend {
		instead = Channel{}
	}
	k := class{j.stage, j.outcome.Status, j.outcome.codes(), nonUUID, instead}
	i, ok := b.classIndex[k]
	if !ok {
		i = uint16(len(b.classes))
		b.classes = append(b.classes, k)
		b.classIndex[k] = i
	}
	return i
}

func (b *planner) channelOf(c Channel) uint16 {
	i, ok := b.channelIndex[c]
	if !ok {
		i = uint16(len(b.channels))
		b.channels = append(b.channels, c)
		b.channelIndex[c] = i
	}
	return i
}

// refuseHidden refuses a file of which hidden or struck-out rows would be sent: people filter a list, or
// strike a line through it, and take the rest for gone.
func (b *planner) refuseHidden() error {
	if b.cfg.Rules.Hidden != RefuseHidden {
		return nil
	}
	var first, count, struck int
	for _, o := range b.hidden {
		if b.classes[b.entries.at(o).class].stage != stageSend {
			continue
		}
		if count++; count == 1 {
			first = o
		}
		if b.struck[o] {
			struck++
		}
	}
	if count == 0 {
		return nil
	}
	e := &Error{
		Kind:    BadInput,
		Place:   b.place(first),
		Problem: fmt.Sprintf("%d hidden rows would be sent, this one the first", count),
		Todo:    "show the rows in the spreadsheet program, or say --hidden skip to leave them out or --hidden send to send them too",
	}
	switch struck {
	case 0:
	case count:
		e.Problem = fmt.Sprintf("%d rows that are struck out would be sent, this one the first", count)
		e.Todo = "delete the rows or take the line away, or say --hidden skip to leave them out or --hidden send to send them too"
	default:
		e.Problem = fmt.Sprintf("%d rows that are hidden and %d that are struck out would be sent, this one the first", count-struck, struck)
	}
	return e
}
