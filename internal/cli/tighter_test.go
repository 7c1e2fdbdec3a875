package cli

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"hppsend/internal/hpp"
)

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
