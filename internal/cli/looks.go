package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// lookSettings are those of looks at sessions.
type lookSettings struct {
	preflight bool
	age       age
	unclear   string
	sample    int
	since     age // of runs, for track
	trackAge  time.Duration

	expireAfter time.Duration // of the sandbox's
}

// lookFlags say whether sessions are looked at before their calls.
func (s *settings) lookFlags(f *flagSet) {
	f.BoolVar(&s.looks.preflight, "preflight", false, "look at each session before its call: what is paid, cancelled, disabled or expired is not sent")
	s.looks.age = age(time.Hour)
	f.Var(&s.looks.age, "preflight-age", "how long before the call that look may have been; then it is looked again")
	f.choice(&s.looks.unclear, "preflight-unclear", "pending", "what to do about rows whose session could not be seen, or is in a state that is not known", "pending", "send")
}

// preflight is what the flags say of looks before calls.
func (s *settings) preflight() (p pipeline.Preflight) {
	if s.looks.preflight {
		p = pipeline.Preflight{Age: time.Duration(s.looks.age), SendUnclear: s.looks.unclear == "send"}
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

// sampling readies a check to look at some of the sessions.
func (a *app) sampling(s *settings, look *inspection, named bool, opt *campaign.Options, ports *campaign.Ports) error {
	switch {
	case !named:
		return usage("--preflight-sample looks at sessions, and it is not said where", "name --environment production, playground or sandbox")
	case look.ledger == nil:
		return usage("--preflight-sample takes its turn in the ledger, and there is none yet", "make one with hppsend ledger create, or leave it out")
	}
	creds, err := a.credentialsFor(s, opt.Target)
	if err != nil {
		return err
	}
	s.timeout, s.concurrency = 30*time.Second, 16
	opt.Sample, opt.Rate, opt.Headroom = s.looks.sample, look.perSecond, 0.5
	opt.Send = pipeline.SendConfig{Concurrency: s.concurrency, MaxAttempts: 3, RetryFor: time.Minute, Grace: s.timeout, StopAfterIdentical: 25}
	ports.Dial = func() (campaign.Caller, error) { return s.dial(opt.Target, creds, look.ledger) }
	return nil
}

// tellSample tells how the sessions stand that were looked at.
func (i *inspection) tellSample(e campaign.Sampled) {
	var found []string
	for _, status := range slices.Sorted(maps.Keys(e.Found)) {
		found = append(found, fmt.Sprintf("%d %s", e.Found[status], status))
	}
	if e.Unseen > 0 {
		found = append(found, fmt.Sprintf("%d that could not be seen", e.Unseen))
	}
	i.say("notice", "preflight_sample", fmt.Sprintf("Of %s that would be sent %s looked at: %s.", rows(e.Due), sessionsWere(e.Looked), strings.Join(found, ", ")))
	if e.Ending.Code != "" {
		i.say("notice", e.Ending.Code, "Not all could be looked at: "+e.Ending.Reason)
	}
}

func sessionsWere(n int) string {
	if n == 1 {
		return "1 session was"
	}
	return fmt.Sprintf("%d sessions were", n)
}
