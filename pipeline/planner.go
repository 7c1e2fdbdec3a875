package pipeline

import (
	"fmt"
	"hash/maphash"
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
	people       []uint64 // the contacts, by ordinal, as hashes
	seed         maphash.Seed
	noted        chunks[noted]
	remarks      []Finding // that rows were noted for
	remarked     map[Finding]uint32
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
	}
	return b
}

// add takes note of one row and of what the records say of it by itself.
func (b *planner) add(row Row, it item, records []Record) {
	rules := b.cfg.Rules
	j := rules.judge(it, records, 0)
	ordinal := b.entries.len()
	nonUUID := b.cfg.Defaults.Sessions.nonUUID(it.session)
	e := entry{
		print: row.fingerprint(), phone: it.phone, row: uint32(it.place.Row),
		class: b.classOf(j, nonUUID), channel: b.channelOf(Channel{it.Method, it.region}),
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
	sentTo := b.people[:0] // of the rows to be sent; written behind where it is read
	for i := range b.Files {
		f := &b.Files[i]
		for o := f.first; o < f.first+f.rows; o++ {
			e := b.entries.at(o)
			j := b.finalOf(o)
			e.class = b.classOf(j, b.classes[e.class].nonUUID)
			if j.stage == stageSend {
				f.Due++
				b.Messages[b.channels[e.channel]]++
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

func (b *planner) classOf(j judgement, nonUUID bool) uint16 {
	k := class{j.stage, j.outcome.Status, j.outcome.codes(), nonUUID}
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
