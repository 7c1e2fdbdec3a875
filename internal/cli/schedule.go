package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a container may have none

	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"hppsend/internal/ledger"
	"hppsend/internal/queue"
)

// schedule is what is started by itself at its time: a run on files, by a profile of the configuration file.
type schedule struct {
	queue.Schedule
	files   []string
	profile string
}

// scheduleKeys are what a schedule has in a configuration file.
var scheduleKeys = []string{"files", "at", "time-zone", "profile", "within"}

// defaultWithin is how late what was missed is made up.
const defaultWithin = 2 * time.Hour

// loadSchedules takes the schedules out of a configuration file. A wrong one is told by every command, before the night
// in which it is used.
func (s *settings) loadSchedules(k *koanf.Koanf, folder string) error {
	all := k.Cut("schedule")
	k.Delete("schedule")
	for _, name := range slices.Sorted(maps.Keys(all.Raw())) {
		one := all.Cut(name)
		wrong := func(format string, args ...any) error {
			return usage(fmt.Sprintf("configuration file %s: schedule %s: %s", s.config, name, fmt.Sprintf(format, args...)),
				"it has files (a pattern, or several), at (a cron line such as 10 2 * * *), time-zone, and may have profile and within")
		}
		for key := range one.Raw() {
			if !slices.Contains(scheduleKeys, key) {
				return wrong("there is no setting %q", key)
			}
		}
		sch := schedule{files: one.Strings("files"), profile: one.String("profile")}
		if pattern := one.String("files"); pattern != "" && len(sch.files) == 0 {
			sch.files = []string{pattern}
		}
		if len(sch.files) == 0 {
			return wrong("it names no files")
		}
		for i, pattern := range sch.files {
			if !filepath.IsAbs(pattern) {
				sch.files[i] = filepath.Join(folder, pattern)
			}
		}
		if sch.profile != "" && !slices.Contains(k.MapKeys("profiles"), sch.profile) {
			return wrong("there is no profile %q", sch.profile)
		}
		zone, err := time.LoadLocation(one.String("time-zone"))
		if name := one.String("time-zone"); err != nil || name == "" || name == "Local" { // in which hosts may differ
			return wrong("its time-zone is %q, and has to be one that is called like Europe/Stockholm", name)
		}
		within := defaultWithin
		if text := one.String("within"); text != "" {
			if within, err = time.ParseDuration(text); err != nil || within <= 0 {
				return wrong("within is %q, and has to be a time such as 2h", text)
			}
		}
		if sch.Schedule, err = queue.NewSchedule(name, one.String("at"), zone, within); err != nil {
			return wrong("%v", err)
		}
		s.schedules = append(s.schedules, sch)
	}
	return nil
}

// clock starts what the configuration file has scheduled, on one of all workers that have such a file.
func (a *app) clock(s *settings, l *ledger.Ledger, log *slog.Logger) *queue.Clock {
	c := &queue.Clock{Ledger: l, Host: hostname(), Log: log, Start: func(ctx context.Context, name string) (string, int) {
		i := slices.IndexFunc(s.schedules, func(one schedule) bool { return one.Name == name })
		begun, code, err := a.runScheduled(ctx, s, s.schedules[i])
		if err != nil {
			a.console.fail(err)
		}
		switch code = a.codeBeside(code, err); {
		case begun:
			return ledger.TimeEnded, code
		case code == exitOK:
			return ledger.TimeEmpty, code
		}
		return ledger.TimeFailed, code
	}}
	for _, one := range s.schedules {
		c.Schedules = append(c.Schedules, one.Schedule)
	}
	return c
}

// runScheduled is the run command as a schedule has it: with its profile, by the workers, and asking nobody.
// It reports whether a run was begun.
func (a *app) runScheduled(ctx context.Context, s *settings, sch schedule) (begun bool, code int, err error) {
	one := &settings{}
	f := pflag.NewFlagSet("run", pflag.ContinueOnError)
	one.runFlags(&flagSet{f})
	one.config, one.profile = s.config, sch.profile
	if err := a.load(one, f); err != nil {
		return false, exitOK, err
	}
	for _, name := range []string{"environment", "region", "endpoint", "credentials", "ca-file", "ledger"} { // as the worker was told
		if of := s.flags.Lookup(name); !f.Lookup(name).Changed && of != nil && of.Changed {
			if err := f.Lookup(name).Value.Set(of.Value.String()); err != nil {
				return false, exitOK, err
			}
		}
	}
	one.shared, one.detach, one.yes = true, false, true
	one.label = cmp.Or(one.label, sch.Name)
	r, code, err := a.runOf(ctx, one, sch.files)
	return len(r.result.Files) > 0 || r.result.Away, code, err
}

// tellScheduled says what became of the times of the last week at which nothing was started.
func (a *app) tellScheduled(ctx context.Context, l *ledger.Ledger) error {
	if l.Shareable() != nil {
		return nil
	}
	all, err := l.ScheduledSince(ctx, time.Now().Add(-7*24*time.Hour))
	var missed, failed []string
	for _, s := range all {
		at := s.Name + " at " + s.Due.Local().Format("2006-01-02 15:04")
		switch {
		case s.State == ledger.TimeMissed:
			missed = append(missed, at)
		case s.State == ledger.TimeFailed || s.State == ledger.TimeEnded && s.Exit != exitOK && s.Exit != exitRejected:
			failed = append(failed, fmt.Sprintf("%s with exit code %d on %s", at, s.Exit, s.Host))
		}
	}
	if len(missed) > 0 {
		a.say("notice", "schedule_missed", "Nothing was started at these times, since no worker was there that could: "+strings.Join(missed, ", ")+".")
	}
	if len(failed) > 0 {
		a.say("notice", "schedule_failed", "What was started at these times has to be looked at: "+strings.Join(failed, ", ")+".")
	}
	return err
}
