package campaign

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// Tracking says whose sessions are looked at, and how.
type Tracking struct {
	Target   string
	Wanted   func(ledger.RunInfo) bool // of the runs that sent them
	Age      time.Duration             // a session is not looked at again within it
	Zone     *time.Location            // that hours are told in
	Rate     float64                   // calls a second; +Inf for no limit
	Headroom float64                   // share of HPP's limit, 0 to 1, that is left to others
	Send     pipeline.SendConfig
}

// Tracked is how what was sent came out.
type Tracked struct {
	pipeline.Funnel
	Looked  int // sessions that were looked at now
	Settled int // doubts that ended by what was seen
	Ending  pipeline.Ending
}

// Open counts what was sent, and the sessions that are due for a look, without one.
func (t Tracking) Open(ctx context.Context, l *ledger.Ledger) (sent, due int, err error) {
	due, err = t.each(ctx, l, func(string) bool { return true }, func() { sent++ })
	return sent, due, err
}

// each gives every session that is due for a look once to a function, until it wants no more.
func (t Tracking) each(ctx context.Context, l *ledger.Ledger, look func(session string) bool, sent func()) (due int, err error) {
	given := map[string]bool{}
	now := time.Now()
	enough := fmt.Errorf("enough")
	err = l.EachSent(ctx, t.Target, t.Wanted, func(s ledger.Sent) error {
		sent()
		if given[s.Session] || !s.Seen.DueForLook(now, s.Time, t.Age) {
			return nil
		}
		given[s.Session] = true
		if due++; !look(s.Session) {
			return enough
		}
		return nil
	})
	if err == enough {
		err = nil
	}
	return due, err
}

// Track looks at the sessions of what was sent that have not ended, keeps what it learns in the ledger, ends the doubts
// that are proved by it, and counts how all came out. Its error tells that it could not be counted; why it looked no
// further is in the ending.
func Track(ctx context.Context, t Tracking, ports Ports, due int) (out Tracked, err error) {
	if due > 0 {
		var unread error
		sessions := func(yield func(string) bool) { _, unread = t.each(ctx, ports.Ledger, yield, func() {}) }
		if err := t.look(ctx, ports, sessions, due, &out); err != nil {
			return out, err
		}
		if out.Ending.Code == "" && unread != nil { // else the reading was broken off with it
			return out, unread
		}
	}
	ctx = context.WithoutCancel(ctx)
	var doubts []ledger.Sent
	count := func(counted func(ledger.Sent)) error {
		return ports.Ledger.EachSent(ctx, t.Target, t.Wanted, func(s ledger.Sent) error { counted(s); return nil })
	}
	if err := count(func(s ledger.Sent) {
		if s.Status == pipeline.Uncertain && s.Seen.OpenedSince(s.Time) {
			doubts = append(doubts, s)
		}
	}); err != nil {
		return out, err
	}
	settled, err := ports.Ledger.SettleOpened(ctx, doubts)
	if err != nil {
		return out, err
	}
	out.Settled = len(settled)
	return out, count(func(s ledger.Sent) {
		out.Add(s.Status == pipeline.Uncertain, s.Seen, t.aspects(s))
	})
}

// look looks at sessions, and keeps what it learns.
func (t Tracking) look(ctx context.Context, ports Ports, sessions iter.Seq[string], due int, out *Tracked) error {
	caller, err := ports.Dial()
	if err != nil {
		return err
	}
	defer caller.Close()
	pacer := pipeline.NewPacer(ports.Ledger.Pace(t.Target), t.Rate, t.Headroom)
	pacing, stopPacer := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { pipeline.Guarded(func() error { return pacer.Run(pacing) }) }) // its error comes back from every permit
	defer beside.Wait()
	defer stopPacer()
	watch := &lookWatch{Observer: ports.Observer}
	sending := pipeline.NewSending(t.Send, pacer, watch, ports.Stop)
	beside.Go(func() {
		pipeline.Guarded(func() error { t.obey(pacing, ports.Ledger, sending); return nil })
	})
	out.Ending = sending.Look(ctx, sessions, due, &pipeline.Distributor{
		Rules: pipeline.Rules{Target: t.Target, Preflight: &pipeline.Preflight{}}, Permits: pacer,
		Looker: caller, Looks: ports.Ledger.View(t.Target), Grace: t.Send.Grace,
	})
	out.Looked = watch.seen
	return nil
}

// obey has the looking rest while all runs are paused.
func (t Tracking) obey(ctx context.Context, l *ledger.Ledger, sending *pipeline.Sending) {
	every := time.NewTicker(orderEvery)
	defer every.Stop()
	for ctx.Err() == nil {
		pipeline.Guarded(func() error {
			o, err := l.Ordered(ctx)
			if err == nil {
				sending.Order(o)
			}
			return err
		})
		select {
		case <-every.C:
		case <-ctx.Done():
		}
	}
}

// aspects says of what was sent what it is by each.
func (t Tracking) aspects(s ledger.Sent) map[pipeline.Aspect]string {
	return map[pipeline.Aspect]string{
		pipeline.ByMethod: string(s.Method), pipeline.ByCountry: s.Country, pipeline.ByHour: s.Time.In(t.Zone).Format("15:00"),
		pipeline.ByLabel: s.Label, pipeline.ByReminder: s.Reminder,
	}
}

// lookWatch counts the sessions that were seen.
type lookWatch struct {
	pipeline.Observer
	seen int
}

func (w *lookWatch) Progress(p pipeline.Progress) {
	w.seen = p.Delivered
	w.Observer.Progress(p)
}
