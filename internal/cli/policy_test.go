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

// noRules are the settings of a run, and of the page, that are no rules: loosened, none of them has anybody messaged
// who would not be, or more at once.
var noRules = map[string]string{
	"sessions-from": "when the sessions of one file were made", "order": "the same rows go, in another order",
	"environment": "where to", "region": "where to", "endpoint": "where to", "ledger": "which ledger: each environment has its own",
	"credentials": "as whom", "ca-file": "as whom",
	"sheet": "what is read", "header-row": "what is read", "map": "what is read", "delimiter": "what is read", "encoding": "what is read",
	"default-country": "how it is read", "method": "how it is read", "prefer": "how it is read", "session-format": "HPP knows no such session",
	"no-opt-out": "what it takes back, opt-out does not let it",
	"label":      "for people", "reminder": "which round it is",
	"concurrency": "the rate holds for all calls together", "timeout": "past it nothing is sent again", "max-attempts": "of a call that was not accepted",
	"retry-for": "likewise", "grace": "of calls that were made",
	"resend-uncertain": "a flag only", "create-ledger": "a flag only", "override": "a flag only", "reason": "a flag only",
	"yes": "an answer, not a rule", "wait": "what holds a row back holds it back while it waits", "skip-bad-files": "the others are judged as ever",
	"archive": "where to", "metrics-file": "where to", "on-finish": "afterwards", "output": "where to", "format": "for people", "rejects": "where to",
	"shared": "by whom it is sent", "detach": "by whom it is sent", "priority": "before whom",
	"plan": "it makes less of what is sent; whether there has to be one, require-approval says", "submitted-by": "one more who may not approve",
	"json": "for machines", "quiet": "for people", "log-format": "for people", "config": "who speaks", "profile": "who speaks",
	"preflight-sample": "what a check shows",

	"addr": "the page", "account": "the page", "people": "the page", "public-url": "the page", "tls-cert": "the page", "tls-key": "the page",
	"behind-proxy": "the page", "state": "the page", "keep": "the page", "max-upload": "the page", "max-per-person": "the page",
	"notify-command": "the page", "no-browser": "the page", "oidc-issuer": "the page", "oidc-client": "the page", "oidc-secret-file": "the page",
	"oidc-name": "the page", "oidc-groups": "the page", "oidc-role": "the page", "oidc-scope": "the page",
}

// coming are rules whose flags are not there yet.
var coming = map[string]bool{}

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
