package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// simPart is a process's part of the run.
type simPart struct {
	link
	life *life
	gone bool
}

func (l link) Join(context.Context, string, string) (Part, error) {
	p := &simPart{link: l}
	err := l.do(l.proc, func(bool) error {
		if l.ended {
			return ledger.ErrOver
		}
		p.life = l.begin()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (p *simPart) Digest(contact string) (d pipeline.Digest) {
	copy(d[:], contact)
	return d
}

func (p *simPart) Lookup(context.Context, []string) ([][]pipeline.Record, error) {
	return nil, errors.New("nobody looks up")
}

// What is known of sessions nobody asks for here.
func (p *simPart) Seen(_ context.Context, sessions []string) ([]pipeline.Seen, error) {
	return make([]pipeline.Seen, len(sessions)), nil
}

func (p *simPart) Saw(context.Context, ...pipeline.Seen) error { return nil }

// view is a record as a part sees it.
func (p *simPart) view(session string, r *record) pipeline.Record {
	v := pipeline.Record{ID: int64(r.ticket), Method: pipeline.Email, Contact: p.Digest(session), Status: cmp.Or(r.status, pipeline.Pending), Code: r.code, Binding: r.binding, Attempts: r.tried, Run: p.run.ID}
	switch {
	case r.intent == nil:
	case r.intent == p:
		v.Intent = pipeline.OwnIntent
	case r.intent.life.lives(time.Now()):
		v.Intent = pipeline.ForeignIntent
	case r.status != pipeline.Delivered:
		v.Status, v.Code = pipeline.Uncertain, pipeline.CodeInterrupted
	}
	return v
}

func (p *simPart) Claim(_ context.Context, c pipeline.Claim) (got pipeline.Claimed, err error) {
	session := c.Distribution.Session
	take := func(again bool) error {
		got = pipeline.Claimed{Version: c.Seen}
		if p.gone || p.life.dead || p.life != p.proc.life {
			return errDead
		}
		if got.Bar = p.full(c); got.Bar != (pipeline.Bar{}) && !(again && p.known[session] != nil && p.known[session].intent == p) {
			return nil
		}
		got.Bar = pipeline.Bar{}
		r := p.known[session]
		if r != nil && r.intent != nil && !r.intent.life.lives(time.Now()) && p.planted != "a doubt is taken back" {
			p.bury(r.intent.life)
		}
		switch {
		case r == nil && c.Seen == pipeline.NoRecords:
			r = &record{ticket: pipeline.Ticket(len(p.known) + 1), version: 1, intent: p}
			p.known[session] = r
			got.Ticket = r.ticket
			return nil
		case r == nil:
			got.Version = pipeline.NoRecords
			return nil
		case again && r.intent == p, p.planted == "an answer is matched by the session" && r.intent != nil && r.intent != p:
			got.Ticket = r.ticket
			return nil
		}
		blank := r.intent == nil && r.tried == 0 && r.status == ""
		if r.version == c.Seen && r.intent == nil || blank && c.Seen == pipeline.NoRecords {
			r.intent, got.Ticket = p, r.ticket
			r.version++
			return nil
		}
		got.Version = r.version
		if !blank {
			got.Records = []pipeline.Record{p.view(session, r)}
		}
		return nil
	}
	if p.planted == "a call before its claim is on disk" {
		p.mu.Lock()
		r := p.known[session]
		p.mu.Unlock()
		if r == nil && c.Seen == pipeline.NoRecords {
			go p.do(p.proc, func(bool) error {
				if p.known[session] == nil {
					p.known[session] = &record{ticket: pipeline.Ticket(len(p.known) + 1), version: 1, intent: p}
				}
				return nil
			})
			return pipeline.Claimed{Ticket: pipeline.Ticket(1000 + p.n(1000))}, nil
		}
	}
	err = p.do(p.proc, take)
	return got, err
}

func (p *simPart) Conclude(_ context.Context, t pipeline.Ticket, c pipeline.Conclusion) error {
	return p.do(p.proc, func(bool) error {
		for _, r := range p.known {
			if r.ticket == t {
				p.conclude(r, c)
			}
		}
		return nil
	})
}

// conclude is what the rules of the ledger make of a conclusion.
func (p *simPart) conclude(r *record, c pipeline.Conclusion) {
	open := r.intent == p
	if open {
		r.intent = nil
	}
	r.version++
	if !c.Called {
		return
	}
	buried := !open && r.status == pipeline.Uncertain && r.code == pipeline.CodeInterrupted
	r.at = time.Now()
	if r.tried++; r.status == pipeline.Delivered || !open && !buried && c.Status != pipeline.Delivered {
		return
	}
	if p.planted == "the dead have the last word" && !open {
		r.status, r.code = "", ""
		return
	}
	if r.status == pipeline.Uncertain && !buried && c.Status != pipeline.Delivered {
		return
	}
	if r.status, r.code, r.binding = c.Status, c.Code, c.Binding; c.Status == pipeline.Pending {
		if r.status = ""; buried {
			r.status = pipeline.Failed
		}
	}
}

func (p *simPart) Holds() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.planted == "a call has no fence":
		return nil
	case p.life.dead || p.life != p.proc.life:
		return errDead
	case p.proc.silence(time.Now()) > 1500*time.Millisecond:
		return errGone
	}
	return nil
}

func (p *simPart) Take(_ context.Context, n int) (text []byte, ok bool, err error) {
	err = p.do(p.proc, func(again bool) error {
		c := p.chunks[n]
		if ok = c != nil && c.released && (c.life == nil || again && c.life == p.life || p.planted == "an answer is matched by the session"); ok {
			c.life, text = p.life, c.text
		}
		return nil
	})
	return text, ok, err
}

func (p *simPart) Finish(_ context.Context, n int) error {
	return p.do(p.proc, func(bool) error {
		if c := p.chunks[n]; c != nil && c.life == p.life {
			delete(p.chunks, n)
		}
		return nil
	})
}

func (p *simPart) Hold(context.Context, []pipeline.Hold, bool) error { return nil }

func (p *simPart) Defer(_ context.Context, n int, rows []byte, wait time.Duration) error {
	return p.do(p.proc, func(bool) error {
		if c := p.chunks[n]; c != nil && c.life == p.life {
			p.chunks[n] = &chunk{text: rows, due: time.Now().Add(wait)}
		}
		return nil
	})
}

// full reports whether as much was sent as a claim may be one more of, and whether that may yet change.
func (w *world) full(c pipeline.Claim) (bar pipeline.Bar) {
	for i, most := range c.Restraint.Counts {
		sent, open := 0, 0
		for _, r := range w.known {
			switch {
			case r.intent != nil:
				open++
			case (r.status == pipeline.Delivered || r.status == pipeline.Uncertain) && !r.at.Before(most.Since):
				sent++
			}
		}
		if sent+open >= most.Messages {
			return pipeline.Bar{Full: i + 1, Open: sent < most.Messages}
		}
	}
	return bar
}

func (p *simPart) Tell(_ context.Context, said json.RawMessage) error {
	return p.do(p.proc, func(again bool) error {
		if !again && p.planted != "what is told is lost" {
			p.said = append(p.said, said)
		}
		return nil
	})
}

func (p *simPart) Leave(context.Context) error {
	return p.do(p.proc, func(bool) error {
		for _, r := range p.known {
			if r.intent == p {
				p.interrupt(r)
			}
		}
		for _, c := range p.chunks {
			if c.life == p.life && p.planted != "a claim is given back without its chunk" {
				c.life, c.asked = nil, time.Time{}
			}
		}
		p.gone = true
		return nil
	})
}
