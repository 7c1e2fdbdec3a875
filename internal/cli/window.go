package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	_ "time/tzdata" // a container has TZ, and often no table of zones

	"hppsend/pipeline"
)

// clock is a time of day in this machine's zone, today or tomorrow.
type clock struct {
	set, tomorrow bool
	time          time.Duration // since midnight
}

func (c *clock) Type() string { return "HH:MM" }

func (c *clock) String() string {
	text := time.Time{}.Add(c.time).Format("15:04")
	switch {
	case !c.set:
		return ""
	case c.tomorrow:
		return "tomorrow " + text
	}
	return text
}

func (c *clock) Set(text string) error {
	text, tomorrow := strings.CutPrefix(strings.ToLower(strings.TrimSpace(text)), "tomorrow")
	t, err := time.Parse("15:04", strings.TrimSpace(text))
	if err != nil {
		return errors.New("a time of day is written like 06:00, or tomorrow 06:00")
	}
	*c = clock{true, tomorrow, time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute}
	return nil
}

// on is that time of the day that lies so many days after another.
func (c clock) on(now time.Time, days int) time.Time {
	return time.Date(now.Year(), now.Month(), now.Day()+days, int(c.time.Hours()), int(c.time.Minutes())%60, 0, 0, now.Location())
}

// mostAhead is how far the time of --until may lie ahead. What is farther has most likely passed today, as
// for a night's run that starts in the morning.
const mostAhead = 12 * time.Hour

// end is the time that --until means; zero when none was given.
func (c clock) end(now time.Time) (time.Time, error) {
	switch {
	case !c.set:
		return time.Time{}, nil
	case c.tomorrow:
		return c.on(now, 1), nil
	}
	at := c.on(now, 0)
	if !at.After(now) {
		at = c.on(now, 1)
	}
	if at.Sub(now) > mostAhead {
		return at, usage(
			fmt.Sprintf("it is %s, and the next %s is more than 12 hours ahead, %s", now.Format("15:04 MST"), c.String(), moment(at)),
			fmt.Sprintf(`--until "tomorrow %s" says that; --between 02:00-%[1]s gives both ends, so that a run that starts late sends nothing`, c.String()),
		)
	}
	return at, nil
}

// window is a part of the day, which may go over midnight.
type window struct{ from, to clock }

func (w *window) Type() string { return "HH:MM-HH:MM" }

func (w *window) String() string {
	if !w.from.set {
		return ""
	}
	return w.from.String() + "-" + w.to.String()
}

func (w *window) Set(text string) error {
	from, to, _ := strings.Cut(text, "-")
	var v window
	if v.from.Set(from) != nil || v.to.Set(to) != nil || v.from.tomorrow || v.to.tomorrow || v.from == v.to {
		return errors.New("two times of day are written like 02:00-06:00")
	}
	*w = v
	return nil
}

// end is when the part of the day ends that a time is in; zero when none was given. Outside of it nothing
// is sent.
func (w window) end(now time.Time) (time.Time, error) {
	if !w.from.set {
		return time.Time{}, nil
	}
	over := 0
	if w.to.time < w.from.time {
		over = 1
	}
	for _, day := range []int{-1, 0} {
		if end := w.to.on(now, day+over); !now.Before(w.from.on(now, day)) && now.Before(end) {
			return end, nil
		}
	}
	return time.Time{}, &pipeline.Error{
		Kind: pipeline.Braked, Problem: fmt.Sprintf("it is %s, outside %s; nothing was sent", now.Format("15:04 MST"), w.String()),
		Todo: "start it in that part of the day, or change --between",
	}
}

// ends is when the sending has to end, by --until or --between.
func (s *settings) ends(now time.Time) (time.Time, error) {
	if s.until.set || s.between.from.set {
		if err := knownZone(os.Getenv("TZ")); err != nil {
			return time.Time{}, err
		}
	}
	switch {
	case s.between.from.set && s.until.set && len(s.held["until"])+len(s.held["between"]) == 0:
		return time.Time{}, usage("--until and --between both say when to stop", "give one of them; the other may come from the configuration")
	case s.between.from.set && s.until.set: // one of them is a rule: both hold
		end, err := s.between.end(now)
		if err != nil {
			return end, err
		}
		until, err := s.until.end(now)
		if until.Before(end) {
			end = until
		}
		return end, err
	case s.between.from.set:
		return s.between.end(now)
	}
	return s.until.end(now)
}

// knownZone refuses a TZ that Go does not know, which it takes for UTC without a word.
func knownZone(tz string) error {
	name := strings.TrimPrefix(tz, ":")
	var err error
	if filepath.IsAbs(name) {
		var data []byte
		if data, err = os.ReadFile(name); err == nil {
			_, err = time.LoadLocationFromTZData(name, data)
		}
	} else {
		_, err = time.LoadLocation(name)
	}
	if err != nil || name == "Local" { // that Go looks for a file of this name
		return usage("the time zone that TZ names is not known here", "name one such as TZ=Europe/Stockholm, or unset TZ")
	}
	return nil
}

// moment is a time as people read it, with its day and its zone.
func moment(at time.Time) string { return at.Format("Mon 2006-01-02 15:04 MST") }
