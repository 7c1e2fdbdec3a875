package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// pathKeys are the settings that name files, as the flags tell.
func pathKeys(t *testing.T) (keys []string) {
	t.Helper()
	for _, add := range []func(*settings, *flagSet){(*settings).runFlags, (*settings).settleFlags, (*settings).sandboxFlags} {
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		add(&settings{}, &flagSet{f})
		f.VisitAll(func(fl *pflag.Flag) {
			if _, ok := fl.Value.(pathFlag); ok {
				keys = append(keys, fl.Name)
			}
		})
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// TestEveryPathIsMeantOnce gives every setting that names a file in every way there is.
func TestEveryPathIsMeantOnce(t *testing.T) {
	keys := pathKeys(t)
	want := []string{"archive", "ca-file", "config", "credentials", "decisions", "input", "ledger", "metrics-file", "output", "plan", "rejects", "require-approval", "script"}
	if !slices.Equal(keys, want) {
		t.Fatalf("the settings with a path are %q, want %q", keys, want)
	}
	home, current, conf := t.TempDir(), t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Chdir(current)
	current, _ = os.Getwd()
	conf, _ = filepath.EvalSymlinks(conf)
	cases := []struct {
		given, fromHere, fromFile string // empty: refused
	}{
		{"x/y.z", current + "/x/y.z", conf + "/x/y.z"},
		{"./x", current + "/x", conf + "/x"},
		{"x/", current + "/x/", conf + "/x/"},
		{"../x", current + "/../x", conf + "/../x"},
		{"~/x", home + "/x", home + "/x"},
		{"~", home, home},
		{"./~/x", current + "/~/x", conf + "/~/x"},
		{"x~", current + "/x~", conf + "/x~"},
		{"/x//y", "/x/y", "/x/y"},
		{"/x/../y", "/x/../y", "/x/../y"},
		{"-", "-", "-"},
		{"$HOME/x", "", ""},
		{"${HOME}/x", "", ""},
		{"/x/$USER", "", ""},
		{"~anna/x", "", ""},
		{"~$x.xlsx", "", ""},
		{"x\ny", "", ""},
	}
	for _, key := range keys {
		for _, c := range cases {
			for _, way := range []string{"flag", "environment", "file", "profile"} {
				if key == "config" && way != "flag" && way != "environment" || key == "config" && (c.given == "-" || c.given == "~") {
					continue
				}
				var args, environ []string
				text := ""
				want := c.fromFile
				switch way {
				case "flag":
					args, want = []string{"--" + key + "=" + c.given}, c.fromHere
				case "environment":
					environ, want = []string{"HPPSEND_" + strings.ToUpper(strings.ReplaceAll(key, "-", "_")) + "=" + c.given}, c.fromHere
				case "file":
					text = fmt.Sprintf("%s: %q\n", key, c.given)
				case "profile":
					text, args = fmt.Sprintf("profiles: {p: {%s: %q}}\n", key, c.given), []string{"--profile", "p"}
				}
				if text != "" {
					if err := os.WriteFile(conf+"/c.yaml", []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
					args = append(args, "--config", conf+"/c.yaml")
				}
				got, err := pathSetting(key, args, environ)
				if (err == nil) != (want != "") && key != "config" || got != want && err == nil {
					t.Errorf("%s: %q by %s is %q, %v; want %q", key, c.given, way, got, err, want)
				}
				if err != nil && way != "flag" && want == "" && len(c.given) > 3 && strings.Contains(err.Error(), c.given) {
					t.Errorf("%s: %q by %s is shown: %v", key, c.given, way, err)
				}
			}
		}
	}
}

func pathSetting(key string, args, environ []string) (string, error) {
	s := &settings{}
	f := pflag.NewFlagSet("run", pflag.ContinueOnError)
	switch key {
	case "input", "decisions":
		s.settleFlags(&flagSet{f})
	case "script":
		s.sandboxFlags(&flagSet{f})
	default:
		s.runFlags(&flagSet{f})
	}
	if err := f.Parse(args); err != nil {
		return "", err
	}
	if err := s.load(f, environ); err != nil {
		return "", err
	}
	return f.Lookup(key).Value.String(), nil
}

func TestProgramAtTheEnd(t *testing.T) {
	t.Setenv("HOME", "/home/anna")
	for _, c := range []struct {
		given []string
		want  []string // nil: refused
	}{
		{[]string{"notify"}, []string{"notify"}},
		{[]string{"notify --channel a b"}, []string{"notify", "--channel", "a", "b"}},
		{[]string{"./notify --all"}, []string{"/etc/hpp send/notify", "--all"}},
		{[]string{"bin/notify"}, []string{"/etc/hpp send/bin/notify"}},
		{[]string{"~/notify", "~/x", "$HOME"}, []string{"/home/anna/notify", "~/x", "$HOME"}},
		{[]string{"/opt/my notify", "x"}, []string{"/opt/my notify", "x"}},
		{[]string{"$HOME/notify"}, nil},
		{[]string{" "}, nil},
		{nil, nil},
	} {
		words := slices.Clone(c.given)
		err := commandFlag{&words}.resolve("/etc/hpp send")
		if (err == nil) != (c.want != nil) || err == nil && !slices.Equal(words, c.want) {
			t.Errorf("%q is %q, %v; want %q", c.given, words, err, c.want)
		}
	}
}
