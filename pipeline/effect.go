package pipeline

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	hashes "hash"
	"io"
	"slices"
)

// Effect tells what a row that is to be sent would bring about, that is one message to one contact for one
// session, from every other. It is a keyed hash of what the row says and of what that was read as: who has a list of
// effects and not the key cannot find a contact out by trying all that there are.
type Effect [16]byte

// Effects are those of the rows to be sent, sorted, by a key that all who compare them have to share. With them a plan
// can be compared with what it was at another time: what is approved may become less by then, as other runs go on, and
// never more.
func (p *Plan) Effects(key []byte) []Effect {
	effects := make([]Effect, 0, p.Due)
	p.eachEffect(key, false, func(_ int, e Effect) bool { effects = append(effects, e); return true })
	slices.SortFunc(effects, Effect.compare)
	return effects
}

// Beyond compares what the plan may bring about with the effects, sorted and by the same key, that it is not to go
// beyond. It counts the rows that do, and says where the first of them stand, as many as are asked for. A row that
// another run holds counts: it is sent too, when that run leaves it.
func (p *Plan) Beyond(key []byte, before []Effect, first int) (n int, places []Place) {
	now := make([]Effect, 0, p.Due)
	p.eachEffect(key, true, func(_ int, e Effect) bool { now = append(now, e); return true })
	slices.SortFunc(now, Effect.compare)
	more := grown(before, now)
	if len(more) == 0 {
		return 0, nil
	}
	p.eachEffect(key, true, func(ordinal int, e Effect) bool {
		if i, ok := slices.BinarySearchFunc(more, e, Effect.compare); ok {
			places, more = append(places, p.place(ordinal)), slices.Delete(more, i, i+1)
			n++
		}
		return len(places) < first && len(more) > 0
	})
	return n + len(more), places
}

// eachEffect gives the effects of the rows to be sent, in order, until the function wants no more; with held those of
// rows, too, that another run holds.
func (p *Plan) eachEffect(key []byte, held bool, do func(ordinal int, e Effect) bool) {
	mac := hmac.New(sha256.New, key)
	for o := range p.entries.len() {
		e := p.entries.at(o)
		if s := p.classes[e.class].stage; s != stageSend && !(held && s == stageInFlight && !p.shifted(o)) {
			continue
		}
		if !do(o, e.effect(mac, p.channels[e.channel])) {
			return
		}
	}
}

func (e *entry) effect(mac hashes.Hash, ch Channel) Effect {
	mac.Reset()
	mac.Write(e.print[:])
	io.WriteString(mac, string(ch.Method)+"\n"+ch.Country+"\n"+e.phone.Phone(ch.Country).E164)
	var sum [sha256.Size]byte
	return Effect(mac.Sum(sum[:0])[:16])
}

func (e Effect) compare(other Effect) int { return bytes.Compare(e[:], other[:]) }

// grown gives the effects of which none is left among those of before; both are sorted. Of equal effects, as
// of two sheets with the same row, each counts.
func grown(before, now []Effect) (more []Effect) {
	i := 0
	for _, e := range now {
		for i < len(before) && before[i].compare(e) < 0 {
			i++
		}
		if i < len(before) && before[i] == e {
			i++
		} else {
			more = append(more, e)
		}
	}
	return more
}

// Alone judges a row by itself, as if no other row had its session and nothing had ever been sent: what a person
// is told at once of a cell that was mended.
func (c CheckConfig) Alone(in Input, row Row) Outcome {
	it := c.Defaults.prepare(row)
	in.locate(it.findings)
	return c.Rules.judge(it, nil, 0).outcome
}
