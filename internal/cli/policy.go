package cli

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"hppsend/internal/campaign"
	"hppsend/internal/ledger"
)

// rule is a setting that decides who is messaged, when, how many and how fast. Loosened, it could reach somebody
// who must not be reached, so that a flag and the environment may only tighten what the configuration says of it,
// and nothing loosens what the policy of the machine says.
type rule struct {
	flag    string
	tighter string                        // which value is, for people
	adds    bool                          // the values of all sources hold together: none can be taken away
	crossed string                        // the flag that takes back what this one says, value by value
	clashes func(said, holds string) bool // of values that add up: what is said would be looser than what holds by itself
	compare comparison                    // how two values stand to each other; nil where they add up
}

// rules are all of them. A setting is tighter when fewer people can be messaged, later, fewer at once, or by fewer
// guesses; what none of these can be said of is no rule, and a flag beats the file as ever.
var rules = []rule{
	{flag: "suppress", tighter: "more lists", adds: true},
	{flag: "suppress-unreadable", tighter: "fewer", compare: lower(number)},
	{flag: "opt-out", tighter: "more columns; --no-opt-out takes none of them back", adds: true, crossed: "no-opt-out"},
	{flag: "cooldown", tighter: "longer", compare: higher(ageNumber)},
	{flag: "per-contact", tighter: "refuse, then first, then all", compare: ranked("refuse", "first", "all")},
	{flag: "max-sends", tighter: "fewer in a period by a method, and further ones", adds: true, clashes: moreSends},
	{flag: "hours", tighter: "a part of the week that lies within", compare: withinWeek},
	{flag: "holidays", tighter: "more of them", adds: true},
	{flag: "time-zone", tighter: "the same", compare: fixed},
	{flag: "session-life", tighter: "shorter", compare: lower(ageNumber)},
	{flag: "late", tighter: "refuse, then skip", compare: ranked("refuse", "skip")},
	{flag: "preflight", tighter: "to look", compare: ranked("true", "false")},
	{flag: "preflight-age", tighter: "shorter", compare: lower(ageNumber)},
	{flag: "preflight-unclear", tighter: "pending, then send", compare: ranked("pending", "send")},
	{flag: "fallback", tighter: "not to", compare: ranked("false", "true")},
	{flag: "require-approval", tighter: "the same file", compare: fixed},
	{flag: "approvers", tighter: "no fewer people for any number of messages", compare: moreApprovers},

	{flag: "rate", tighter: "lower", compare: lower(rateNumber)},
	{flag: "headroom", tighter: "more of it", compare: higher(percentNumber)},
	{flag: "limit", tighter: "fewer rows; 0 is no limit", compare: lower(noneIfZero)},
	{flag: "canary", tighter: "more rows; 0 is none", compare: higher(number)},
	{flag: "max-rejected", tighter: "fewer, in the same form: a number or a share; 0 is any", compare: fewerRejected},
	{flag: "stop-after-identical", tighter: "fewer; 0 is never", compare: lower(noneIfZero)},
	{flag: "until", tighter: "sooner", compare: sooner},
	{flag: "between", tighter: "a part of the day that lies within", compare: within},

	{flag: "hidden", tighter: "refuse, then skip, then send", compare: ranked("refuse", "skip", "send")},
	{flag: "ragged", tighter: "refuse, then pad", compare: ranked("refuse", "pad")},
	{flag: "unusual-phones", tighter: "refuse, then send", compare: ranked("refuse", "send")},
	{flag: "phones-without-plus", tighter: "refuse, then international", compare: ranked("refuse", "international")},
	{flag: "per-session", tighter: "one, then each-contact", compare: ranked("one", "each-contact")},
	{flag: "retry-rejected", tighter: "not to", compare: ranked("false", "true")},
	{flag: "network-ledger", tighter: "not to", compare: ranked("false", "true")},
}

//go:embed help/rules.md
var helpRules string

//go:embed help/policy.md
var helpPolicy string

// helpOnPolicy is the help on who may loosen rules, with all of them and what is tighter.
func helpOnPolicy() string {
	var b strings.Builder
	b.WriteString(helpPolicy)
	for _, r := range rules {
		if !slices.Contains(knownFlags(), r.flag) {
			continue
		}
		fmt.Fprintf(&b, "    %-22s tighter: %s\n", r.flag, r.tighter)
	}
	return b.String()
}

// ruleOf finds a rule by its setting.
func ruleOf(name string) (rule, bool) {
	i := slices.IndexFunc(rules, func(r rule) bool { return r.flag == name && slices.Contains(knownFlags(), name) })
	if i < 0 {
		return rule{}, false
	}
	return rules[i], true
}

// policyFlags are those by which a rule is loosened for one run.
func (s *settings) policyFlags(f *flagSet) {
	f.Var(list{&s.overrides}, "override", "loosen this `RULE`, a setting that the configuration holds, for this run; needs --reason; may be given several times")
	f.StringVar(&s.reason, "reason", "", "`TEXT` that says why a rule is loosened; it is kept with the run, and in its report")
}

// checkOverrides refuses to loosen what is no rule, or without a reason.
func (s *settings) checkOverrides() error {
	if s.flags.Lookup("override") == nil {
		return nil
	}
	s.reason = strings.Join(strings.Fields(s.reason), " ")
	switch {
	case len(s.overrides) > 0 && s.reason == "":
		return usage("--override is given without a reason", "say --reason TEXT; it is kept with the run")
	case len(s.overrides) == 0 && s.flags.Changed("reason"):
		return usage("--reason is given, and no rule that is loosened for it", "name the rule with --override RULE, or leave --reason out")
	}
	for _, name := range s.overrides {
		if _, ok := ruleOf(name); !ok {
			return usage(fmt.Sprintf("--override %s: there is no such rule", name), "hppsend help policy lists the rules")
		}
	}
	return nil
}

// overriding reports whether the command line loosens a rule.
func (s *settings) overriding(r rule) bool { return slices.Contains(s.overrides, r.flag) }

// loosenedRules are the rules that do not hold, with the reason.
func (s *settings) loosenedRules() []campaign.Override {
	all := slices.Clone(s.overridden)
	for i := range all {
		all[i].Reason = s.reason
	}
	return all
}

// overridesOf are the rules that were loosened for a run that the ledger knows.
func overridesOf(run ledger.RunInfo) []campaign.Override {
	reading, err := campaign.ReadingOf(run)
	if err != nil { // of a program that is newer: its run is told all the same
		return nil
	}
	return reading.Overrides
}

// tellOverrides says, before anything is sent, which rules do not hold.
func (a *app) tellOverrides(all []campaign.Override) {
	for _, o := range all {
		a.say("notice", "rule_overridden", "A rule is overridden: "+o.String())
	}
}
