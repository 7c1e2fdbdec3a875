package pipeline

import (
	"bytes"
	"crypto/sha256"
	"slices"
)

// Effect tells what a row that is to be sent would bring about, that is one message to one contact for one
// session, from every other. It is a hash of what the row says and of what that was read as.
type Effect [16]byte

// Effects are those of the rows to be sent, sorted. With them a plan can be compared with what it was at
// another time: what is approved may become less by then, as other runs go on, and never more.
func (p *Plan) Effects() []Effect {
	effects := make([]Effect, 0, p.Due)
	for o := range p.entries.len() {
		e := p.entries.at(o)
		if p.classes[e.class].stage != stageSend {
			continue
		}
		ch := p.channels[e.channel]
		phone := e.phone.Phone(ch.Country)
		sum := sha256.Sum256([]byte(string(e.print[:]) + string(ch.Method) + "\n" + ch.Country + "\n" + phone.E164))
		effects = append(effects, Effect(sum[:16]))
	}
	slices.SortFunc(effects, func(a, b Effect) int { return bytes.Compare(a[:], b[:]) })
	return effects
}

// Grown counts the effects of which none is left among those of before; both are sorted. Of equal effects, as
// of two sheets with the same row, each counts.
func Grown(before, now []Effect) (n int) {
	i := 0
	for _, e := range now {
		for i < len(before) && bytes.Compare(before[i][:], e[:]) < 0 {
			i++
		}
		if i < len(before) && before[i] == e {
			i++
		} else {
			n++
		}
	}
	return n
}

// Alone judges a row by itself, as if no other row had its session and nothing had ever been sent: what a person
// is told at once of a cell that was mended.
func (c CheckConfig) Alone(in Input, row Row) Outcome {
	it := c.Defaults.prepare(row)
	in.locate(it.findings)
	return c.Rules.judge(it, nil, 0).outcome
}
