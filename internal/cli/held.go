package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"hppsend/internal/campaign"
)

// origin is where values of settings are from.
type origin struct {
	name   string // for people
	folder string // from which its relative paths are taken; empty: the current
	binds  bool   // it is of the configuration: what it says of a rule may only be tightened
	policy bool   // it is the policy of the machine, which binds the configuration too
}

// stand is what is said of a rule by somebody who may say it, as its flag writes it.
type stand struct {
	origin
	text  string
	value any // as it was read
}

// held is what is said of a rule: by the policy, then by the configuration, a profile before the rest of its file.
// Of a rule that adds up there may be several of the configuration.
type held []stand

// stands remembers what is said of a rule.
func (s *settings) stands(r rule, value any, from origin) error {
	f := freshFlag(r.flag)
	if err := setFlag(f, value, from.folder); err != nil {
		return usage(fmt.Sprintf("%s: %s: %v", from.name, r.flag, err), "mend the value, or take it out")
	}
	all := s.held[r.flag]
	if !from.policy && !r.adds && len(all) > 0 { // the profile is as much of the configuration as the rest of its file
		return nil
	}
	s.held[r.flag] = append(all, stand{origin: from, text: f.Value.String(), value: value})
	return nil
}

// freshFlag is a flag of some command that nothing was said of.
func freshFlag(name string) *pflag.Flag {
	for _, add := range []func(*settings, *flagSet){(*settings).runFlags, (*settings).serveFlags} {
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		add(&settings{}, &flagSet{f})
		if fl := f.Lookup(name); fl != nil {
			return fl
		}
	}
	return nil
}

// hold sees that every rule is at least as tight as whoever may say so has it.
func (s *settings) hold() error {
	for _, r := range rules {
		f, all := s.flags.Lookup(r.flag), s.held[r.flag]
		if f == nil {
			continue
		}
		slices.SortStableFunc(all, func(a, b stand) int { return order(b.policy) - order(a.policy) })
		do := s.holdOne
		if r.adds {
			if err := s.holdClashing(r, f, all); err != nil {
				return err
			}
			do = s.addAll
		}
		for _, st := range all {
			if err := do(r, f, st); err != nil {
				return err
			}
		}
		if err := s.holdCrossed(r, all); err != nil {
			return err
		}
		if s.overriding(r) && !slices.ContainsFunc(s.overridden, func(o campaign.Override) bool { return o.Rule == r.flag }) {
			return s.nothingLoosened(r, all)
		}
	}
	for _, name := range s.overrides {
		if s.flags.Lookup(name) == nil {
			return usage(fmt.Sprintf("--override %s: this command does not go by that rule", name), "leave it out here")
		}
	}
	return nil
}

func (s *settings) nothingLoosened(r rule, all held) error {
	for _, st := range all {
		if !s.may(r, st) {
			return usage(fmt.Sprintf("--override %s: the rule stands in %s, which does not let it be overridden", r.flag, st.name), "leave it out")
		}
	}
	return usage(fmt.Sprintf("--override %s loosens nothing: all that is said is as tight as the configuration has it", r.flag),
		"leave it out; hppsend config show tells which rules hold")
}

func order(first bool) int {
	if first {
		return 1
	}
	return 0
}

// holdOne has a rule be as tight as it was said to be. Where nobody else says anything, what the policy says holds,
// unless the program is tighter by itself.
func (s *settings) holdOne(r rule, f *pflag.Flag, st stand) error {
	now := f.Value.String()
	c, ok := r.compare(s, now, st.text)
	switch {
	case ok && c <= 0:
		return nil
	case !f.Changed:
		if err := setFlag(f, st.value, st.folder); err != nil {
			return err
		}
		f.Changed, s.sources[r.flag] = true, st.name
		return nil
	}
	return s.loosened(r, now, s.source(f), ok, st)
}

// addAll adds what was said of a rule to what else is said of it.
func (s *settings) addAll(r rule, f *pflag.Flag, st stand) error {
	if s.overriding(r) && s.may(r, st) {
		return s.loosened(r, f.Value.String(), "command line", true, st)
	}
	return s.add(f, st.value, st.origin)
}

// add adds values to those that a setting has.
func (s *settings) add(f *pflag.Flag, value any, from origin) error {
	if err := setFlag(f, value, from.folder); err != nil {
		return usage(fmt.Sprintf("%s: %s: %v", from.name, f.Name, err), "mend the value, or take it out")
	}
	source := from.name
	if f.Changed {
		source = s.source(f) + ", " + source
	}
	f.Changed, s.sources[f.Name] = true, source
	return nil
}

// holdClashing refuses a value that would add nothing, since it is looser than one that holds. Nothing was added yet.
func (s *settings) holdClashing(r rule, f *pflag.Flag, all held) error {
	if r.clashes == nil {
		return nil
	}
	for _, st := range all {
		said := held{{origin: origin{name: s.source(f)}, text: f.Value.String()}}
		if st.policy {
			said = append(said, all...)
		}
		for _, one := range said {
			if !one.policy && r.clashes(one.text, st.text) && !(s.overriding(r) && s.may(r, st)) {
				return s.loosened(r, one.text, one.name, true, st)
			}
		}
	}
	return nil
}

// saidBeside reports whether anybody but the policy says something of a rule.
func (s *settings) saidBeside(name string) bool {
	f := s.flags.Lookup(name)
	return f != nil && f.Changed && (!strings.HasPrefix(s.source(f), "policy ") || slices.ContainsFunc(s.held[name], func(st stand) bool { return st.binds }))
}

// holdCrossed refuses to take back, by another flag, a value that was said to hold.
func (s *settings) holdCrossed(r rule, all []stand) error {
	f := s.flags.Lookup(r.crossed)
	if f == nil || s.overriding(r) {
		return nil
	}
	for _, st := range all {
		for _, taken := range valuesOf(f) {
			if slices.ContainsFunc(textsOf(st.value), func(v string) bool { return sameName(v, taken) }) {
				return s.loosened(r, fmt.Sprintf("without %q", taken), s.source(f), true, st)
			}
		}
	}
	return nil
}

// sameName reports whether two names of a column are one, as people write them.
func sameName(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

// valuesOf are the values of a flag that may be given several times.
func valuesOf(f *pflag.Flag) []string {
	if l, ok := f.Value.(list); ok {
		return *l.values
	}
	return []string{f.Value.String()}
}

// textsOf are the values that a file has.
func textsOf(value any) (all []string) {
	if several, ok := value.([]any); ok {
		for _, v := range several {
			all = append(all, fmt.Sprint(v))
		}
		return all
	}
	return []string{fmt.Sprint(value)}
}

// may reports whether a rule may be loosened that somebody has said.
func (s *settings) may(r rule, st stand) bool {
	return !st.policy || slices.Contains(s.mayOverride, r.flag)
}

// loosened takes note that a rule is loosened by who may, or refuses it.
func (s *settings) loosened(r rule, to, source string, comparable bool, st stand) error {
	may := s.may(r, st)
	if s.overriding(r) && may {
		s.overridden = append(s.overridden, campaign.Override{Rule: r.flag, Value: to, Instead: st.text, Source: st.name})
		return nil
	}
	problem := "is looser than"
	if !comparable {
		problem = "is not in every case as tight as"
	}
	err := fmt.Sprintf("%s: %s %s %s the rule that stands in %s: %s", source, r.flag, shownText(to), problem, st.name, shownText(st.text))
	if !may {
		return usage(err, "leave it out, or tighten it; what the policy of the machine says is not overridden")
	}
	if s.flags.Lookup("override") == nil {
		return usage(err, "leave it out, or tighten it; whoever keeps the configuration may change it there")
	}
	return usage(err, fmt.Sprintf("leave it out, or tighten it; for this run alone --override %s --reason TEXT loosens it, and is kept with the run", r.flag))
}

func shownText(text string) string {
	if text == "" {
		return "(none)"
	}
	return text
}

// source says where the value of a setting is from.
func (s *settings) source(f *pflag.Flag) string {
	if from, ok := s.sources[f.Name]; ok {
		return from
	}
	if f.Changed {
		return "command line"
	}
	return "default"
}
