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
				"it has files (a pattern, or several), at (a cron line such as 10 2 * * *), and may have time-zone, profile and within")
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
		zone, err := time.LoadLocation(cmp.Or(one.String("time-zone"), "Local"))
		if err != nil {
			return wrong("there is no time zone %q; one is called like Europe/Stockholm", one.String("time-zone"))
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
	c := &queue.Clock{Ledger: l, Host: hostname(), Log: log, Start: func(ctx context.Context, name string) int {
		i := slices.IndexFunc(s.schedules, func(one schedule) bool { return one.Name == name })
		code, err := a.runScheduled(ctx, s, s.schedules[i])
		if err != nil {
			a.console.fail(err)
		}
		return a.codeBeside(code, err)
	}}
	for _, one := range s.schedules {
		c.Schedules = append(c.Schedules, one.Schedule)
	}
	return c
}

// runScheduled is the run command as a schedule has it: with its profile, by the workers, and asking nobody.
func (a *app) runScheduled(ctx context.Context, s *settings, sch schedule) (int, error) {
	one := &settings{}
	f := pflag.NewFlagSet("run", pflag.ContinueOnError)
	one.runFlags(&flagSet{f})
	one.config, one.profile = s.config, sch.profile
	if err := one.load(f, a.Env); err != nil {
		return exitOK, err
	}
	one.shared, one.detach, one.yes = true, false, true
	one.label = cmp.Or(one.label, sch.Name)
	if one.environment == "" && one.endpoint == "" { // as the worker's command line says it
		one.environment, one.region, one.endpoint, one.credentials = s.environment, s.region, s.endpoint, s.credentials
	}
	one.ledger = cmp.Or(one.ledger, s.ledger)
	return a.run(ctx, one, sch.files)
}

// tellScheduled says what became of the times of the last week at which nothing was started.
func (a *app) tellScheduled(ctx context.Context, l *ledger.Ledger) error {
	if l.Shareable() != nil {
		return nil
	}
	all, err := l.ScheduledSince(ctx, time.Now().Add(-7*24*time.Hour))
	var missed []string
	for _, s := range all {
		if s.State == ledger.TimeMissed {
			missed = append(missed, s.Name+" at "+s.Due.Local().Format("2006-01-02 15:04"))
		}
	}
	if len(missed) > 0 {
		a.say("notice", "schedule_missed", "Nothing was started at these times, since no worker was there: "+strings.Join(missed, ", ")+".")
	}
	return err
}
