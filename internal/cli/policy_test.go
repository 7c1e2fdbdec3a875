package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"hppsend/internal/hpp"
	"hppsend/pipeline"
)

// said is what the sources of settings say of a rule; empty: nothing.
type said struct{ flag, environment, profile, config, policy string }

// policed reads settings as a command does, on a machine that has a policy.
func policed(t *testing.T, flags func(*settings, *flagSet), args, environ []string, config, policy string) (*settings, error) {
	t.Helper()
	s := &settings{}
	f := pflag.NewFlagSet("run", pflag.ContinueOnError)
	flags(s, &flagSet{f})
	dir := t.TempDir()
	if config != "" {
		path := filepath.Join(dir, "hppsend.yaml")
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	if policy != "" {
		s.policyFile = PolicyFile{filepath.Join(dir, "policy.yaml"), os.Getuid()}
		if err := os.WriteFile(s.policyFile.Path, []byte(policy), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	return s, s.load(f, environ)
}

// of reads settings of which one rule is said by several.
func (w said) of(t *testing.T, rule string, more ...string) (*settings, error) {
	t.Helper()
	flags := (*settings).runFlags
	if rule == "approvers" {
		flags = (*settings).serveFlags
	}
	args := append([]string{"--environment", "production"}, more...)
	var environ []string
	config, policy := "", ""
	if w.flag != "" {
		args = append(args, "--"+rule+"="+w.flag)
	}
	if w.environment != "" {
		environ = []string{"HPPSEND_" + strings.ReplaceAll(strings.ToUpper(rule), "-", "_") + "=" + w.environment}
	}
	if w.config != "" {
		config = fmt.Sprintf("%s: %q\n", rule, w.config)
	}
	if w.profile != "" {
		config += fmt.Sprintf("profiles: {team: {%s: %q}}\n", rule, w.profile)
		args = append(args, "--profile", "team")
	}
	if w.policy != "" {
		policy = fmt.Sprintf("%s: %q\n", rule, w.policy)
		if slices.Contains(more, "lax") {
			policy += "allow-override: [" + rule + "]\n"
		}
	}
	args = slices.DeleteFunc(args, func(a string) bool { return a == "lax" })
	return policed(t, flags, args, environ, config, policy)
}

// values of each rule, the tightest first; those of one that has but two are its ends.
var values = map[string][]string{
	"rate":                 {"1/s", "2/s", "3/s", "unlimited"},
	"headroom":             {"90%", "80%", "70%", "0%"},
	"limit":                {"1", "2", "3", "0"},
	"canary":               {"30", "20", "10", "0"},
	"max-rejected":         {"1%", "2%", "30%", "0"},
	"stop-after-identical": {"1", "2", "30", "0"},
	"until":                {"", "tomorrow 01:00", "tomorrow 02:00", "tomorrow 03:00"},
	"between":              {"09:00-10:00", "08:00-11:00", "22:00-12:00"},
	"hidden":               {"refuse", "skip", "send"},
	"ragged":               {"refuse", "pad"},
	"unusual-phones":       {"refuse", "send"},
	"phones-without-plus":  {"refuse", "international"},
	"per-session":          {"one", "each-contact"},
	"retry-rejected":       {"false", "true"},
	"network-ledger":       {"false", "true"},
	"approvers":            {"2,100:3", "2", "1,5000:2", "1"},
	"suppress-unreadable":  {"0", "1", "20"},
	"cooldown":             {"8d", "7d", "24h"},
	"per-contact":          {"refuse", "first", "all"},
	"session-life":         {"12h", "1d", "48h"},
	"late":                 {"refuse", "skip"},
	"preflight":            {"true", "false"},
	"preflight-age":        {"10m", "1h", "90m"},
	"preflight-unclear":    {"pending", "send"},
	"fallback":             {"false", "true"},
	"hours":                {"tue 10:00-12:00", "mon-fri 09:00-12:00 13:00-20:00", "mon-fri 09:00-20:00", "daily 09:00-20:00", "mon-sat 08:00-24:00, sun 09:00-21:00"},
}

// TestRules has every rule said by everybody who may, in each pair of values, against everybody whom it binds.
func TestRules(t *testing.T) {
	t.Parallel()
	flagsOnly := []string{"preflight-unclear"}
	for _, r := range rules {
		all := values[r.flag]
		if len(all) == 0 && !r.adds && r.flag != "time-zone" && r.flag != "require-approval" {
			t.Errorf("%s: of this rule no values are tried", r.flag)
		}
		for i, a := range all {
			for j, b := range all {
				if c, ok := r.compare(&settings{environment: "production"}, a, b); a != "" && b != "" && (!ok || c != cmp.Compare(i, j)) {
					t.Errorf("%s: %s beside %s is %d, %t", r.flag, a, b, c, ok)
				}
			}
		}
	}
	for name, all := range values {
		all = slices.DeleteFunc(slices.Clone(all), func(v string) bool { return v == "" })
		if _, ok := ruleOf(name); !ok || slices.Contains(flagsOnly, name) { // it has no flag yet, or no file has it
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for holds, held := range all {
				for says, value := range all {
					tryRule(t, name, held, value, says > holds)
				}
			}
		})
	}
}

// tryRule has one value held and another said.
func tryRule(t *testing.T, name, held, value string, looser bool) {
	t.Helper()
	shown := freshFlag(name)
	holds := freshFlag(name)
	if err := errors.Join(shown.Value.Set(value), holds.Value.Set(held)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		said
		binds        bool   // who is heard first does not matter where nothing binds
		holder, hint string // where what holds stands, and what is said of it
	}{
		{said{flag: value, config: held}, true, "configuration file", "--override " + name},
		{said{flag: value, profile: held}, true, "profile team of configuration file", "--override " + name},
		{said{environment: value, config: held}, true, "configuration file", "--override " + name},
		{said{environment: value, profile: held}, true, "profile team of configuration file", "--override " + name},
		{said{flag: value, policy: held}, true, "policy ", "not overridden"},
		{said{environment: value, policy: held}, true, "policy ", "not overridden"},
		{said{config: value, policy: held}, true, "policy ", "not overridden"},
		{said{profile: value, policy: held}, true, "policy ", "not overridden"},
		{said{profile: value, config: held}, false, "", ""},
		{said{flag: value, environment: held}, false, "", ""},
	} {
		s, err := tc.of(t, name)
		if looser && tc.binds {
			var wrong *pipeline.Error
			if !errors.As(err, &wrong) || wrong.Kind != pipeline.Usage {
				t.Fatalf("%+v: got %v, want a usage error", tc.said, err)
			}
			for _, part := range []string{name, shown.Value.String(), holds.Value.String(), tc.holder} {
				if !strings.Contains(wrong.Problem, part) {
					t.Errorf("%+v: %q does not say %q", tc.said, wrong.Problem, part)
				}
			}
			if !strings.Contains(wrong.Todo, tc.hint) && name != "approvers" {
				t.Errorf("%+v: hint %q, want %q in it", tc.said, wrong.Todo, tc.hint)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%+v: %v", tc.said, err)
		}
		if got := s.flags.Lookup(name).Value.String(); got != shown.Value.String() {
			t.Errorf("%+v: %s is %q in force, want %q", tc.said, name, got, shown.Value)
		}
	}
	if !looser || name == "approvers" { // of which the page has no flag to override
		return
	}
	over := []string{"--override", name, "--reason", "the fair"}
	for _, w := range []said{{flag: value, config: held}, {environment: value, profile: held}, {flag: value, policy: held}} {
		s, err := w.of(t, name, append(over, "lax")...)
		if err != nil {
			t.Fatalf("%+v, overridden: %v", w, err)
		}
		got := s.loosenedRules()
		if f := s.flags.Lookup(name); f.Value.String() != shown.Value.String() || len(got) != 1 || got[0].Rule != name || got[0].Reason != "the fair" {
			t.Errorf("%+v, overridden: %s in force, and %+v is recorded", w, f.Value, got)
		}
	}
	if _, err := (said{flag: value, policy: held}).of(t, name, over...); err == nil {
		t.Errorf("%s: %s was overridden to %s, and the policy does not let it be", name, held, value)
	}
	if _, err := (said{flag: held, config: value}).of(t, name, over...); err == nil || !strings.Contains(err.Error(), "loosens nothing") {
		t.Errorf("%s: --override beside the tighter %s gives %v", name, held, err)
	}
}

// TestPolicyWithoutAnybody has a policy hold where nobody says anything, unless the program is tighter by itself.
func TestPolicyWithoutAnybody(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ rule, policy, want string }{
		{"rate", "10/s", "10/s"},
		{"rate", "100/s", ""}, // the default of production is 20/s
		{"headroom", "80%", "80%"},
		{"headroom", "10%", "50%"},
		{"canary", "5", "5"},
		{"limit", "9", "9"},
		{"max-rejected", "20%", "20%"},
		{"stop-after-identical", "0", "25"},
		{"stop-after-identical", "10", "10"},
		{"hidden", "send", "refuse"},
		{"unusual-phones", "refuse", "refuse"},
		{"between", "08:00-20:00", "08:00-20:00"},
		{"approvers", "2", "2"},
	} {
		s, err := said{policy: tc.policy}.of(t, tc.rule)
		if err != nil {
			t.Fatal(err)
		}
		f := s.flags.Lookup(tc.rule)
		if got := f.Value.String(); got != tc.want {
			t.Errorf("the policy says %s %s, and %q is in force, want %q", tc.rule, tc.policy, got, tc.want)
		}
		if from := s.source(f); (from == "default") != (tc.want != tc.policy) {
			t.Errorf("%s %s is from %s", tc.rule, f.Value, from)
		}
	}
	for environment, want := range map[string]float64{"production": 6, "sandbox": 6, "playground": 4} {
		s, err := policed(t, (*settings).runFlags, nil, nil, "", "rate: 6/s\n") // as by the icon, where it is asked later
		if err != nil {
			t.Fatal(err)
		}
		s.environment = environment
		target, _, err := s.target()
		if got := s.perSecond(target); err != nil || got != want {
			t.Errorf("in the %s the rate is %v, %v; want %v", environment, got, err, want)
		}
	}
}

// TestNeitherIsTighter has values of which each allows what the other does not: none stands for the other.
func TestNeitherIsTighter(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ rule, a, b string }{
		{"max-rejected", "20", "20%"},
		{"max-rejected", "1", "90%"},
		{"between", "08:00-10:00", "09:00-11:00"},
		{"between", "23:00-01:00", "00:00-02:00"},
		{"between", "08:00-10:00", "20:00-22:00"},
		{"approvers", "1,100:3", "2"},
	} {
		for _, w := range []said{{flag: tc.a, config: tc.b}, {flag: tc.b, config: tc.a}, {config: tc.a, policy: tc.b}} {
			if _, err := w.of(t, tc.rule); err == nil || !strings.Contains(err.Error(), "not in every case as tight") {
				t.Errorf("%s, %+v: %v", tc.rule, w, err)
			}
		}
	}
}

// TestQuotasHoldTogether has each period and method counted by itself: a further one holds beside, and one that is
// larger is refused.
func TestQuotasHoldTogether(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		said
		want  string // empty: refused
		where string
	}{
		{said{flag: "100/hour", config: "5000/day"}, "100/hour, 5000/day", ""},
		{said{flag: "sms 9000/day", config: "5000/day"}, "sms 9000/day, 5000/day", ""}, // which the other holds down
		{said{flag: "4000/day", config: "5000/day", policy: "6000/day"}, "4000/day, 6000/day, 5000/day", ""},
		{said{environment: "4000/day", profile: "5000/day", config: "7000/day"}, "4000/day, 5000/day, 7000/day", ""},
		{said{flag: "6000/day", config: "5000/day"}, "", "configuration file"},
		{said{environment: "6000/day", profile: "5000/day"}, "", "profile team"},
		{said{flag: "6000/day", policy: "5000/day"}, "", "policy "},
		{said{config: "6000/day", policy: "5000/day"}, "", "policy "},
		{said{profile: "email 6/week", policy: "email 5/week"}, "", "policy "},
	} {
		s, err := tc.of(t, "max-sends")
		if tc.want == "" {
			if err == nil || !strings.Contains(err.Error(), "is looser than the rule that stands in "+tc.where) {
				t.Errorf("%+v: %v", tc.said, err)
			}
			continue
		}
		if err != nil || s.rules.maxSends.String() != tc.want {
			t.Errorf("%+v: %v, and %s holds, want %s", tc.said, err, &s.rules.maxSends, tc.want)
		}
	}
	over := []string{"--override", "max-sends", "--reason", "the fair"}
	s, err := said{flag: "6000/day", config: "5000/day", policy: "9000/day"}.of(t, "max-sends", over...)
	if err != nil || s.rules.maxSends.String() != "6000/day, 9000/day" || len(s.loosenedRules()) != 1 {
		t.Errorf("overridden: %v, %s holds, and %+v is recorded", err, &s.rules.maxSends, s.loosenedRules())
	}
	for policy, want := range map[string]int{"": 2, "5000/day": 3} { // the playground's own stay beside a policy's
		s, err := said{policy: policy}.of(t, "max-sends")
		if err != nil {
			t.Fatal(err)
		}
		if got := s.restraints(hpp.Target{Environment: hpp.Playground}).Allowances; len(got) != want {
			t.Errorf("beside the policy %q the playground has %v", policy, got)
		}
	}
	if s, err := (said{flag: "30/day", policy: "5000/day"}).of(t, "max-sends"); err != nil || len(s.restraints(hpp.Target{Environment: hpp.Playground}).Allowances) != 2 {
		t.Errorf("what is said does not take the place of the playground's: %v", err)
	}
}

// TestOverridesAreMeant refuses what loosens nothing, or what nobody may loosen so.
func TestOverridesAreMeant(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		args, environ  []string
		config, policy string
		want           string // a part of the error
	}{
		{[]string{"--override", "rate"}, nil, "rate: 1/s\n", "", "without a reason"},
		{[]string{"--override", "rate", "--reason", "  "}, nil, "rate: 1/s\n", "", "without a reason"},
		{[]string{"--reason", "the fair"}, nil, "", "", "no rule that is loosened"},
		{[]string{"--override", "speed", "--reason", "the fair"}, nil, "", "", "no such rule"},
		{[]string{"--override", "label", "--reason", "the fair"}, nil, "label: May\n", "", "no such rule"},
		{[]string{"--override", "rate", "--reason", "the fair"}, nil, "", "", "loosens nothing"},
		{[]string{"--override", "rate", "--reason", "the fair", "--rate", "9/s"}, nil, "", "", "loosens nothing"},
		{[]string{"--override", "approvers", "--reason", "the fair"}, nil, "approvers: 2\n", "", "does not go by"},
		{[]string{"--override", "rate", "--reason", "the fair", "--canary", "1", "--rate", "9/s"}, nil, "rate: 1/s\ncanary: 5\n", "", "canary 1 is looser"},
		{nil, []string{"HPPSEND_OVERRIDE=rate"}, "", "", "only be given as a flag"},
		{nil, []string{"HPPSEND_REASON=fair"}, "", "", "only be given as a flag"},
		{nil, nil, "override: rate\n", "", "only be given as a flag"},
		{nil, nil, "", "override: rate\n", "is no rule"},
		{nil, nil, "", "label: May\n", "is no rule"},
		{nil, nil, "", "allow-override: [speed]\n", `no rule "speed"`},
		{nil, nil, "", "rate: fast\n", "a rate is written like"},
		{nil, nil, "", "rate: [\n", "nothing is sent without what it says"},
	} {
		_, err := policed(t, (*settings).runFlags, tc.args, tc.environ, tc.config, tc.policy)
		var wrong *pipeline.Error
		if !errors.As(err, &wrong) || wrong.Kind != pipeline.Usage || !strings.Contains(wrong.Problem, tc.want) {
			t.Errorf("%q, %q, %q: %v; want %q", tc.args, tc.config, tc.policy, err, tc.want)
		}
	}
}

// TestPolicyOfAnother refuses a policy that those whom it binds could have written, or that cannot be read.
func TestPolicyOfAnother(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		spoil func(dir, path string) error
		owner int    // beside the user
		want  string // empty: it holds
	}{
		{"as it has to be", func(dir, path string) error { return nil }, 0, ""},
		{"only to be read", func(dir, path string) error { return os.Chmod(path, 0o444) }, 0, ""},
		{"the group can write it", func(dir, path string) error { return os.Chmod(path, 0o664) }, 0, "others than its owner"},
		{"everybody can write it", func(dir, path string) error { return os.Chmod(path, 0o646) }, 0, "others than its owner"},
		{"the group can put another there", func(dir, path string) error { return os.Chmod(dir, 0o775) }, 0, "its folder: others than its owner"},
		{"everybody can put another there", func(dir, path string) error { return os.Chmod(dir, 0o777) }, 0, "its folder: others than its owner"},
		{"another's", func(dir, path string) error { return nil }, 1, "has to be user"},
		{"a folder", func(dir, path string) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o755))
		}, 0, "it is no file"},
		{"a link to nowhere", func(dir, path string) error {
			return errors.Join(os.Remove(path), os.Symlink(filepath.Join(dir, "other.yaml"), path))
		}, 0, "no such file"},
		{"a link to where others write", func(dir, path string) error {
			there := filepath.Join(dir, "there")
			return errors.Join(os.Mkdir(there, 0o755), os.Chmod(there, 0o777), os.Rename(path, filepath.Join(there, "p.yaml")), os.Symlink(filepath.Join(there, "p.yaml"), path))
		}, 0, "its folder: others than its owner"},
		{"larger than can be meant", func(dir, path string) error {
			return os.WriteFile(path, []byte("rate: 1/s\n"+strings.Repeat("# more\n", 1<<18)), 0o644)
		}, 0, "larger than"},
	} {
		dir := filepath.Join(t.TempDir(), "hppsend")
		path := filepath.Join(dir, "policy.yaml")
		if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(path, []byte("canary: 7\n"), 0o644), tc.spoil(dir, path)); err != nil {
			t.Fatal(err)
		}
		for name, flags := range map[string]func(*settings, *flagSet){"run": (*settings).runFlags, "check": (*settings).checkFlags, "serve": (*settings).serveFlags, "pause": (*settings).orderAllFlags} {
			s := &settings{policyFile: PolicyFile{path, os.Getuid() + tc.owner}}
			f := pflag.NewFlagSet(name, pflag.ContinueOnError)
			flags(s, &flagSet{f})
			err := s.load(f, nil)
			want := tc.want
			if name == "pause" { // nothing must keep it from its work
				want = ""
			}
			switch {
			case want == "" && (err != nil || name == "run" && s.canary != 7):
				t.Errorf("%s, %s: %v, and the canary is %d", tc.name, name, err, s.canary)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("%s, %s: %v; want %q", tc.name, name, err, want)
			}
		}
	}
}

// noRules are the settings of a run, and of the page, that are no rules: loosened, none of them has anybody messaged
// who would not be, or more at once.
var noRules = map[string]string{
	"environment": "where to", "region": "where to", "endpoint": "where to", "ledger": "which ledger: each environment has its own",
	"credentials": "as whom", "ca-file": "as whom",
	"sheet": "what is read", "header-row": "what is read", "map": "what is read", "delimiter": "what is read", "encoding": "what is read",
	"default-country": "how it is read", "method": "how it is read", "prefer": "how it is read", "session-format": "HPP knows no such session",
	"label": "for people", "reminder": "which round it is",
	"concurrency": "the rate holds for all calls together", "timeout": "past it nothing is sent again", "max-attempts": "of a call that was not accepted",
	"retry-for": "likewise", "grace": "of calls that were made",
	"resend-uncertain": "a flag only", "create-ledger": "a flag only", "override": "a flag only", "reason": "a flag only",
	"yes": "an answer, not a rule", "wait": "what holds a row back holds it back while it waits", "skip-bad-files": "the others are judged as ever",
	"archive": "where to", "metrics-file": "where to", "on-finish": "afterwards", "output": "where to", "format": "for people", "rejects": "where to",
	"shared": "by whom it is sent", "detach": "by whom it is sent", "priority": "before whom",
	"json": "for machines", "quiet": "for people", "log-format": "for people", "config": "who speaks", "profile": "who speaks",

	"addr": "the page", "account": "the page", "people": "the page", "public-url": "the page", "tls-cert": "the page", "tls-key": "the page",
	"behind-proxy": "the page", "state": "the page", "keep": "the page", "max-upload": "the page", "max-per-person": "the page",
	"notify-command": "the page", "no-browser": "the page", "oidc-issuer": "the page", "oidc-client": "the page", "oidc-secret-file": "the page",
	"oidc-name": "the page", "oidc-groups": "the page", "oidc-role": "the page", "oidc-scope": "the page",
}

// coming are rules whose flags are not there yet.
var coming = map[string]bool{
	"hours": true, "holidays": true, "suppress": true, "suppress-unreadable": true, "opt-out": true, "session-life": true,
	"late": true, "preflight": true, "preflight-age": true, "preflight-unclear": true, "fallback": true, "require-approval": true,
}

// TestEverySettingIsARuleOrNot has whoever adds a flag say whether it is one.
func TestEverySettingIsARuleOrNot(t *testing.T) {
	t.Parallel()
	all := map[string]bool{}
	for _, add := range []func(*settings, *flagSet){(*settings).runFlags, (*settings).checkFlags, (*settings).serveFlags} {
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		add(&settings{}, &flagSet{f})
		f.VisitAll(func(f *pflag.Flag) { all[f.Name] = true })
	}
	for name := range all {
		_, isRule := ruleOf(name)
		if _, not := noRules[name]; isRule == not {
			t.Errorf("--%s: is it a rule? It stands in the table of rules, or in this test with the reason why it is none: once", name)
		}
	}
	for _, r := range rules {
		if r.tighter == "" || (r.compare == nil) != r.adds {
			t.Errorf("%s: it is not said what is tighter", r.flag)
		}
		if all[r.flag] == coming[r.flag] {
			t.Errorf("%s: there is no such flag, or it has come", r.flag)
		}
	}
	for name := range noRules {
		if !all[name] {
			t.Errorf("%s: there is no such flag", name)
		}
	}
}

// TestPolicyBindsWhoeverLoads has what the page and a schedule load for themselves be bound as the command is.
func TestPolicyBindsWhoeverLoads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config, policy := filepath.Join(dir, "hppsend.yaml"), filepath.Join(dir, "policy.yaml")
	for path, text := range map[string]string{
		config: "environment: sandbox\nprofiles:\n  fast: {rate: 9/s}\n  slow: {rate: 1/s}\nschedule:\n" +
			"  night: {files: none.csv, at: \"10 2 * * *\", time-zone: UTC, profile: fast}\n  day: {files: none.csv, at: \"10 2 * * *\", time-zone: UTC, profile: slow}\n",
		policy: "rate: 5/s\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a := &app{Process: Process{Policy: PolicyFile{policy, os.Getuid()}, Args: []string{"serve", "--config", config}}}
	bound := func(what string, err error, looser bool) {
		t.Helper()
		if is := err != nil && strings.Contains(err.Error(), "rate 9/s is looser than the rule that stands in policy"); is != looser {
			t.Errorf("%s: %v", what, err)
		}
	}
	of := func(profile string) error {
		_, err := a.profileSettings(&settings{config: config}, profile, (*settings).serveFlags)
		return err
	}
	bound("an account", of("fast"), true)
	bound("an account that is as slow", of("slow"), false)
	s := &settings{config: config}
	f := pflag.NewFlagSet("worker", pflag.ContinueOnError)
	s.workerFlags(&flagSet{f})
	if err := s.load(f, nil); err != nil || len(s.schedules) != 2 {
		t.Fatal(err, s.schedules)
	}
	for _, one := range s.schedules {
		if one.profile == "fast" { // the other would begin
			_, _, err := a.runScheduled(t.Context(), s, one)
			bound("a schedule", err, true)
		}
	}
}

// TestRulesThatAddUp has what a policy, a configuration and the command line say of lists hold together: none can be
// taken away but by an override, which leaves the policy's.
func TestRulesThatAddUp(t *testing.T) {
	t.Parallel()
	of := func(args []string, overrides, may []string) (suppress []string, s *settings, err error) {
		f := pflag.NewFlagSet("run", pflag.ContinueOnError)
		for _, name := range []string{"suppress", "opt-out", "no-opt-out"} {
			f.Var(list{new([]string)}, name, "")
		}
		if err := f.Parse(args); err != nil {
			t.Fatal(err)
		}
		policy, config := origin{name: "policy p", policy: true}, origin{name: "configuration file c", binds: true}
		s = &settings{flags: f, sources: map[string]string{}, overrides: overrides, mayOverride: may, reason: "the fair", held: map[string]held{
			"suppress": {{config, "b c", []any{"b", "c"}}, {policy, "a", "a"}},
			"opt-out":  {{config, "Do Not Call", "Do Not Call"}},
		}}
		err = s.hold()
		return valuesOf(f.Lookup("suppress")), s, err
	}
	for _, tc := range []struct {
		args, overrides, may []string
		want                 string // the lists that hold
		recorded             int
		wrong                string
	}{
		{want: "a b c"},
		{args: []string{"--suppress", "x", "--suppress", "y"}, want: "x y a b c"},
		{args: []string{"--suppress", "x"}, overrides: []string{"suppress"}, want: "x a", recorded: 1},
		{overrides: []string{"suppress"}, may: []string{"suppress"}, want: "", recorded: 2},
		{args: []string{"--opt-out", "consent", "--no-opt-out", "other"}, want: "a b c"},
		{args: []string{"--no-opt-out", "do not  CALL"}, wrong: `opt-out without "do not  CALL" is looser than the rule that stands in configuration file c: Do Not Call`},
		{args: []string{"--no-opt-out", "Do Not Call"}, overrides: []string{"opt-out"}, want: "a b c", recorded: 1},
	} {
		got, s, err := of(tc.args, tc.overrides, tc.may)
		switch {
		case tc.wrong != "":
			if err == nil || !strings.Contains(err.Error(), tc.wrong) {
				t.Errorf("%q: %v", tc.args, err)
			}
		case err != nil || strings.Join(got, " ") != tc.want || len(s.loosenedRules()) != tc.recorded:
			t.Errorf("%q, overriding %q: %q, %v, and %+v is recorded; want %q", tc.args, tc.overrides, got, err, s.overridden, tc.want)
		}
		if tc.want == "x y a b c" && s.sources["suppress"] != "command line, policy p, configuration file c" {
			t.Errorf("the lists are from %s", s.sources["suppress"])
		}
	}
	if c, ok := withinWeek(nil, "mon-fri 09:00-20:00", ""); c != -1 || !ok {
		t.Errorf("hours beside none are %d, %t", c, ok)
	}
	if c, ok := withinWeek(nil, "sat 10:00-16:00", "mon-fri 09:00-20:00"); ok {
		t.Errorf("a Saturday beside a week is %d, %t", c, ok)
	}
	for _, tc := range []struct {
		a, b string
		c    int
		ok   bool
	}{{"x", "x", 0, true}, {"x", "", -1, true}, {"", "x", 1, true}, {"y", "x", 0, false}} {
		if c, ok := fixed(nil, tc.a, tc.b); c != tc.c || ok != tc.ok {
			t.Errorf("%q beside %q is %d, %t", tc.a, tc.b, c, ok)
		}
	}
}
