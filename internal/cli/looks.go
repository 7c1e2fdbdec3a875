package cli

import (
	"context"
	"time"

	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// lookSettings are those of looks at sessions.
type lookSettings struct {
	preflight bool
	age       time.Duration
	unclear   string
	sample    int
	since     age // of runs, for track
	trackAge  time.Duration

	expireAfter time.Duration // of the sandbox's
}

// lookFlags say whether sessions are looked at before their calls.
func (s *settings) lookFlags(f *flagSet) {
	f.BoolVar(&s.looks.preflight, "preflight", false, "look at each session before its call: what is paid, cancelled, disabled or expired is not sent")
	f.DurationVar(&s.looks.age, "preflight-age", time.Hour, "how long before the call that look may have been; then it is looked again")
	f.choice(&s.looks.unclear, "preflight-unclear", "hold", "what to do about rows whose session could not be seen, or is in a state that is not known", "hold", "send")
}

// preflight is what the flags say of looks before calls.
func (s *settings) preflight() (p pipeline.Preflight) {
	if s.looks.preflight {
		p = pipeline.Preflight{Age: s.looks.age, SendUnclear: s.looks.unclear == "send"}
	}
	return p
}

// sentBefore tells the sandbox inside the program when a session was sent to one before it.
func sentBefore(l *ledger.Ledger, t hpp.Target) func(string) time.Time {
	if l == nil {
		return nil
	}
	view := l.View(t.Name)
	return func(session string) (first time.Time) {
		records, err := view.Lookup(context.Background(), []string{session})
		if err != nil {
			return time.Time{}
		}
		for _, rec := range records[0] {
			sent := rec.Status == pipeline.Delivered || rec.Status == pipeline.Uncertain
			if sent && (first.IsZero() || rec.Time.Before(first)) {
				first = rec.Time
			}
		}
		return first
	}
}
