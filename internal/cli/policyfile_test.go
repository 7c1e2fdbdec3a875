package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"hppsend/pipeline"
)

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
