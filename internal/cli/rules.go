package cli

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/hpp"
	"hppsend/pipeline"
)

// ruleSettings are the rules of a campaign: who must not be messaged, how much may be sent, and when.
type ruleSettings struct {
	cooldown   age
	perContact string
	maxSends   allowances
	timeZone   zone
	fallback   bool
	wait       bool

	suppress           []string
	suppressUnreadable int
	optOut, noOptOut   []string

	hours        hoursFlag
	holidays     []string
	sessionLife  age
	sessionsFrom string
	late, order  string
}

func (s *settings) ruleFlags(f *flagSet) {
	s.lookFlags(f)
	r := &s.rules
	f.Var(&r.cooldown, "cooldown", "skip who was sent anything within this time, such as 7d, by whatever other campaign")
	f.choice(&r.perContact, "per-contact", string(pipeline.EachSession), "what to do about people with several sessions in one campaign",
		string(pipeline.EachSession), string(pipeline.FirstSession), string(pipeline.OneSession))
	f.Var(pathsFlag{&r.suppress}, "suppress", "never message whom this list has: CSV, XLSX, or one contact a line; phones, e-mail addresses or their SHA-256; may be given several times")
	f.IntVar(&r.suppressUnreadable, "suppress-unreadable", 0, "`N` lines of those lists cannot be read, and do not matter")
	f.Var(list{&r.optOut}, "opt-out", "the `COLUMN` says who has opted out, or who has agreed, and holds; may be given several times")
	f.Var(list{&r.noOptOut}, "no-opt-out", "the `COLUMN` reads as if it said who has opted out, and means something else; may be given several times")
	f.Var(&r.maxSends, "max-sends", "most messages in an hour, a day or a week, over all runs: 5000/day, or \"sms 20/day\"; may be given several times (default in the playground: sms 20/day and email 100/day)")
	f.BoolVar(&r.fallback, "fallback", false, "try a row's other contact where HPP refuses the first for what it is, such as a country that it does not send to")
	f.Var(&r.timeZone, "time-zone", "the time zone by which hours, days and weeks are counted, and of recipients of whom none is known, such as Europe/Stockholm (default: this machine's, and none)")
	f.Var(&r.hours, "hours", "when people may be messaged, by their own clocks: \"mon-fri 09:00-20:00, sat 10:00-16:00\"")
	f.Var(holidaysFlag{&r.holidays}, "holidays", "leave out holidays where people are: national, or a `FILE` of dates or a calendar (.ics); may be given several times")
	f.Var(&r.sessionLife, "session-life", "sessions expire after this time, such as 48h: rows that will not go before are told of")
	f.StringVar(&r.sessionsFrom, "sessions-from", "", "the `TIME` at which the sessions were made, such as 2026-12-01T18:00 or 2026-12-01T18:00:00+01:00")
	f.choice(&r.late, "late", lateRefuse, "what to do about rows that will not go before their sessions expire", lateRefuse, lateSkip)
	f.choice(&r.order, "order", orderInput, "which rows go first; expiry: the soonest to expire", orderInput, orderExpiry)
}

// ruled are the rules for a target, with those of the files that they name.
func (s *settings) ruled(t hpp.Target) (campaign.Restraints, error) {
	out := s.restraints(t)
	err := s.times(&out)
	return out, err
}

// restraints are the rules for a target, but for those on when people may be messaged.
func (s *settings) restraints(t hpp.Target) campaign.Restraints {
	r := s.rules
	out := campaign.Restraints{
		Cooldown: time.Duration(r.cooldown), PerContact: r.perContact, Allowances: r.maxSends, Zone: r.timeZone.name(), Preflight: s.preflight(),
	}
	if t.Environment == hpp.Playground && !s.saidBeside("max-sends") {
		out.Allowances = append(slices.Clone(out.Allowances),
			pipeline.Allowance{Messages: 20, Per: pipeline.Day, Method: pipeline.SMS}, pipeline.Allowance{Messages: 100, Per: pipeline.Day, Method: pipeline.Email})
	}
	return out
}

// lists are the suppression lists. They are read by the same country as the input.
func (s *settings) lists() campaign.Lists {
	return campaign.Lists{
		Paths: s.rules.suppress, Unreadable: s.rules.suppressUnreadable, Country: string(s.country), WithoutPlus: s.phonesWithoutPlus == "international",
	}
}

// pathsFlag are several files, each as pathFlag has it.
type pathsFlag struct{ values *[]string }

func (pathsFlag) several()         {}
func (pathsFlag) Type() string     { return "PATH" }
func (p pathsFlag) String() string { return strings.Join(*p.values, " ") }

func (p pathsFlag) Set(text string) error { return p.from("", text) }

// from takes a relative path from a folder, as pathFlag.from does.
func (p pathsFlag) from(folder, text string) error {
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("it is empty")
	}
	var path string
	err := pathFlag{value: &path}.from(folder, text)
	if err == nil && !slices.Contains(*p.values, path) {
		*p.values = append(*p.values, path)
	}
	return err
}

// allowances are how many messages may be sent in each period.
type allowances []pipeline.Allowance

func (allowances) several()     {}
func (allowances) Type() string { return "[METHOD ]N/PERIOD" }
func (a *allowances) String() string {
	var out []string
	for _, one := range *a {
		out = append(out, one.String())
	}
	return strings.Join(out, ", ")
}

func (a *allowances) Set(text string) error {
	method, number := "", strings.TrimSpace(text)
	if before, after, ok := strings.Cut(number, " "); ok {
		method, number = strings.ToLower(before), strings.TrimSpace(after)
	}
	number, per, _ := strings.Cut(number, "/")
	n, err := strconv.ParseUint(number, 10, 31)
	known := slices.Contains([]pipeline.Period{pipeline.Hour, pipeline.Day, pipeline.Week}, pipeline.Period(per))
	if err != nil || !known || method != "" && method != string(pipeline.SMS) && method != string(pipeline.Email) {
		return fmt.Errorf("it is written like 5000/day, 200/hour, 20000/week or \"sms 20/day\"")
	}
	*a = append(*a, pipeline.Allowance{Messages: int(n), Per: pipeline.Period(per), Method: pipeline.Method(method)})
	return nil
}

// zone is the name of a time zone; empty for the machine's.
type zone string

func (z *zone) Type() string   { return "ZONE" }
func (z *zone) String() string { return string(*z) }
func (z *zone) Set(text string) error {
	if _, err := time.LoadLocation(text); err != nil || text == "" || text == "Local" {
		return fmt.Errorf("a time zone is named like Europe/Stockholm, America/New_York or UTC")
	}
	*z = zone(text)
	return nil
}

// name gives the zone as others than this machine know it.
func (z zone) name() string {
	if z == "" {
		return localZone()
	}
	return string(z)
}

// localZone is the name of this machine's time zone, as far as it tells; else what Go calls it.
func localZone() string {
	link, _ := os.Readlink("/etc/localtime")
	_, linked, _ := strings.Cut(link, "zoneinfo/")
	for _, name := range []string{strings.TrimPrefix(os.Getenv("TZ"), ":"), linked} {
		if _, err := time.LoadLocation(name); err == nil && name != "" {
			return name
		}
	}
	return time.Local.String()
}
