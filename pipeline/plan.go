package pipeline

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"hppsend/internal/contact"
)

// Channel is a method and the country that messages by it go to.
type Channel struct {
	Method  Method
	Country string // of the phone number; empty for e-mail
}

// FilePlan is what the check found of one source.
type FilePlan struct {
	Input Input
	Tally Tally  // pending rows are those that would go
	Due   int    // rows to be sent
	Raw   bool   // some row has text that could not be read into columns
	Run   string // the run that sends the file, or that is reported on; the caller sets it

	first, rows int          // its rows' ordinals
	uuids       bool         // some session is a UUID
	sheets      []sheetStart // in a workbook
}

// Plan is what a check found, and what keeps the send and report passes to it. It takes 32 bytes a row
// and about 40 for each session; while it is made, 12 a row more.
type Plan struct {
	Files    []FilePlan
	Total    Tally
	Due      int             // rows to be sent
	Messages map[Channel]int // of the rows to be sent
	Repeated int             // people who would get more than one message
	Notices  []Group         // oddities of the rows to be sent
	Phones   int             // rows that go, or would go, to a phone number
	// WithoutPlus counts those of them that Defaults.PhonesWithoutPlus would read, and that are refused
	// without it.
	WithoutPlus int
	Outlook     *Outlook // when the rows to be sent will go; nil where no rule has a say in it

	cfg       CheckConfig
	entries   chunks[entry]
	classes   []class
	channels  []Channel
	first     map[hash]uint32 // the first row of each effect: a session, or with EachContact a session and contact
	promoted  map[int]int     // the primary row of an effect, by the first, where that is another
	elsewhere map[hash]Prior  // sessions that a report says were served from another ledger
	holds     holds
	where     whereabouts
	expires   chunks[uint32] // Unix seconds at which the session of each row does; 0 where it is not known. Empty where none is
}

// entry is what is kept of a row.
type entry struct {
	print   hash           // how the later passes know the row again
	phone   contact.Packed // that the row goes to
	row     uint32
	class   uint16
	channel uint16 // index of channels
}

// class is a judgement less what differs from row to row.
type class struct {
	stage   stage
	status  Status
	codes   string  // of all findings, or the outcome's alone, with a space between
	nonUUID bool    // the session is no UUID, and taken only in a file without any
	instead Channel // of the row's other contact, where that is sent to since HPP has refused the first
}

// codes gives the codes of an outcome as a class keeps them.
func (o Outcome) codes() string {
	if len(o.Findings) < 2 {
		return o.Code
	}
	codes := make([]string, len(o.Findings))
	for i, f := range o.Findings {
		codes[i] = f.Code
	}
	return strings.Join(codes, " ")
}

// outcome gives what all rows of a class have in common.
func (k class) outcome() Outcome {
	code, further, _ := strings.Cut(k.codes, " ")
	out := Outcome{Status: k.status, Code: code}
	if further != "" {
		for f := range strings.SplitSeq(k.codes, " ") {
			out.Findings = append(out.Findings, Finding{Code: f})
		}
	}
	return out
}

// rank is how good a row is as the primary one of its effect, which only one row may bring about: of several
// rows with one session, the first with the ledger's contact is the primary one; where none is recorded, the
// first that passes our own check. Lower is better.
type rank uint8

// The ranks.
const (
	rankLedgersContact rank = iota
	rankSound
	rankUnsound
)

// hash is the first half of a SHA-256, or a UUID.
type hash [16]byte

func hashOf(parts ...string) hash {
	text := make([]byte, 0, 256)
	for _, p := range parts {
		text = append(strconv.AppendInt(text, int64(len(p)), 10), ':')
		text = append(text, p...)
	}
	sum := sha256.Sum256(text)
	return hash(sum[:16])
}

// fingerprint is how the later passes know the row again: by what it says, before anything is made of it.
func (r Row) fingerprint() hash {
	f, hidden := r.Fields, ""
	if r.Hidden {
		hidden = "hidden"
	}
	for _, l := range r.Links {
		hidden += "\n" + l.Target
	}
	for _, c := range r.Also {
		hidden += "\n" + c.Field + "\t" + c.Text
	}
	if r.OptedOut != "" {
		hidden += "\nopted out\t" + r.OptedOut
	}
	return hashOf(f.Session, f.URL, f.Method, f.Phone, f.PhoneCountry, f.Email, r.Fault().Code, hidden)
}

func sessionKey(session string) hash {
	if id, err := uuid.Parse(session); err == nil && len(session) == 36 {
		return hash(id)
	}
	return hashOf(session)
}

func (r Rules) effectKey(it item) hash {
	if r.EachContact {
		return hashOf(it.session, string(it.Method), CanonicalContact(it.Contact))
	}
	return sessionKey(it.session)
}

func (r Rules) primaryRank(it item, records []Record) rank {
	if rec, ok := deciding(records); ok && (it.contact == rec.Contact || !r.EachContact && it.shares(rec)) {
		return rankLedgersContact
	}
	if len(it.findings) > 0 || it.hidden && r.Hidden == SkipHidden {
		return rankUnsound
	}
	return rankSound
}

// servedElsewhere reports whether a report says that the session was delivered, or may have been.
func (r Rules) servedElsewhere(p Prior) bool {
	if p.Target != "" && r.Target != "" && p.Target != r.Target {
		return false
	}
	switch p.Status {
	case Delivered, Uncertain:
		return true
	case Skipped:
		return p.Code == CodeDeliveredElsewhere || p.Code == CodeUncertainElsewhere ||
			p.Code == CodeSessionAlreadyDelivered
	}
	return p.underWay()
}

func (p Prior) uncertain() bool {
	return p.Status == Uncertain || p.Code == CodeUncertainElsewhere || p.underWay()
}

// underWay reports whether the report was made while a run was still sending the session, or about to.
func (p Prior) underWay() bool {
	return p.Status == Pending && (p.Code == CodeInFlight || p.Code == CodeInOtherRun)
}

// final joins the judgement of a row by itself with what the other rows and reports say.
func (p *Plan) final(r Rules, ordinal int, it item, records []Record, j judgement) judgement {
	if it.session == "" {
		return j
	}
	if h, ok := p.heldBack(ordinal); ok {
		j = r.withHold(it, records, j, h)
	}
	primary := p.primary(int(p.first[r.effectKey(it)]))
	return p.finalWith(r, ordinal, j, it, primary, p.elsewhere[sessionKey(it.session)])
}

// primary gives the ordinal of the primary row of an effect, by its first.
func (p *Plan) primary(first int) int {
	if primary, ok := p.promoted[first]; ok {
		return primary
	}
	return first
}

// finalWith is the rule behind final: primary is the ordinal of the row that counts for the session, prior
// what a report says of it.
func (p *Plan) finalWith(r Rules, ordinal int, j judgement, it item, primary int, prior Prior) judgement {
	if prior.Status != "" && j.stage > stageElsewhere {
		j = judgement{stageElsewhere, r.fromElsewhere(it, prior)}
	}
	if j.stage > stageOwnCheck && p.shifted(ordinal) {
		it.session, it.findings = "", slices.Insert(it.findings, 0, amongUUIDs("that of other rows"))
		return judgement{stageOwnCheck, r.found(it)}
	}
	if primary != ordinal && repeats(j.stage) {
		j = judgement{stageRepeat, r.outcome(it, Skipped, CodeDuplicateSession,
			"the session stands already in "+p.place(primary).String())}
	}
	return j
}

// repeats reports whether what was found at a stage is of the session, so that one row is enough to say it.
func repeats(s stage) bool {
	switch s {
	case stageDelivered, stageUncertain, stageInFlight, stageElsewhere, stageRepeat, stageHeld, stageRefused, stageSend:
		return true
	case stageNoSession, stageRule, stageOwnCheck:
	}
	return false
}

func (r Rules) fromElsewhere(it item, p Prior) Outcome {
	out := r.outcome(it, Skipped, CodeDeliveredElsewhere, "this report says that the session was delivered")
	switch {
	case p.underWay():
		out.Code, out.Reason = CodeUncertainElsewhere, "when this report was made the session was being sent"
	case p.uncertain():
		out.Code, out.Reason = CodeUncertainElsewhere, "this report says that the session may have been delivered"
	}
	if p.Run != "" {
		out.Run = p.Run
		out.Reason += " by run " + p.Run
	}
	if out.Time = p.Time; !p.Time.IsZero() {
		out.Reason += " on " + when(p.Time)
	}
	out.Reason += ", and this machine's ledger does not know the session"
	return out
}

// sheetStart is the first row of a sheet; a report of ours may have several.
type sheetStart struct {
	name  string
	first int // ordinal
}

// sheet names the sheet of the row with an ordinal; empty in CSV.
func (f *FilePlan) sheet(ordinal int) (name string) {
	for _, s := range f.sheets {
		if s.first > ordinal {
			break
		}
		name = s.name
	}
	return name
}

// fileOf gives the file that the row with an ordinal is of.
func (p *Plan) fileOf(ordinal int) *FilePlan {
	for i := range p.Files {
		if f := &p.Files[i]; ordinal < f.first+f.rows {
			return f
		}
	}
	return &FilePlan{}
}

// place says where the row with an ordinal stands.
func (p *Plan) place(ordinal int) Place {
	f := p.fileOf(ordinal)
	return Place{File: f.Input.Path, Sheet: f.sheet(ordinal), Row: int(p.entries.at(ordinal).row)}
}

// shifted reports whether the session of a row is no UUID while others in its file are.
func (p *Plan) shifted(ordinal int) bool {
	return p.classes[p.entries.at(ordinal).class].nonUUID && p.fileOf(ordinal).uuids
}

// Changed says that a row, or a file, is not the one that was checked.
func Changed(at Place) error {
	return &Error{
		Kind: InputChanged, Place: at, Problem: "the file has changed since it was checked",
		Todo: "leave the file alone while a run goes on; the same command goes on where this one stopped",
	}
}

// method is that by which a row is to go.
func (p *Plan) method(e *entry) Method {
	if instead := p.classes[e.class].instead; instead != (Channel{}) {
		return instead.Method
	}
	return p.channels[e.channel].Method
}

// verify reports whether a row is the one that the check has seen in its place.
func (p *Plan) verify(file, n int, row Row) error {
	f := p.Files[file]
	if n >= f.rows || p.entries.at(f.first+n).print != row.fingerprint() {
		return Changed(row.Place)
	}
	return nil
}

// phoneOf gives what the check read the phone number of a row as, so that the later passes need not: that
// costs more than all else they do about a row. The zero Phone is not known. It holds for a row that verify
// finds unchanged.
func (p *Plan) phoneOf(file, n int) contact.Phone {
	f := p.Files[file]
	if n >= f.rows {
		return contact.Phone{}
	}
	e := p.entries.at(f.first + n)
	return e.phone.Phone(p.channels[e.channel].Country)
}

// complete reports whether as many rows were read as the check has seen.
func (p *Plan) complete(file, n int) error {
	if f := p.Files[file]; n != f.rows {
		return Changed(Place{File: f.Input.Path, Sheet: f.Input.Sheet})
	}
	return nil
}

// PhonesWithoutPlus reports whether the plan was made with Defaults.PhonesWithoutPlus.
func (p *Plan) PhonesWithoutPlus() bool { return p.cfg.Defaults.PhonesWithoutPlus }
