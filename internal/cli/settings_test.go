package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"hppsend/pipeline"
)

// loaded reads settings as the run command does.
func loaded(t *testing.T, args, environ []string, file string) (*settings, error) {
	t.Helper()
	s := &settings{}
	f := pflag.NewFlagSet("run", pflag.ContinueOnError)
	s.runFlags(&flagSet{f})
	if file != "" {
		path := filepath.Join(t.TempDir(), "hppsend.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	return s, s.load(f, environ)
}

func TestFlagBeatsEnvironmentBeatsFile(t *testing.T) {
	t.Parallel()
	const file = "rate: 3/s\nconcurrency: 2\ntimeout: 9s\nmap:\n  phone: Mobile\n  email: E-mail\nyes: true\n"
	s, err := loaded(t, []string{"--rate", "1/s"}, []string{"HPPSEND_RATE=2/s", "HPPSEND_CONCURRENCY=7", "PATH=/bin"}, file)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{s.rate.String(), s.concurrency, s.timeout.String(), s.columns, s.yes, s.maxAttempts}
	want := []any{"1/s", 7, "9s", mappings{"phone": "Mobile", "email": "E-mail"}, true, 5}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestWrongSettingsAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		environ []string
		file    string
		message string // a part of it
		hint    string // likewise
	}{
		{"a name that is nearly right", nil, "max_attempts: 3\n", `no setting "max_attempts"`, `"max-attempts"`},
		{"a name that is nothing", []string{"HPPSEND_SPEED=9"}, "", `no setting "speed"`, "--help"},
		{"a value that is wrong", nil, "rate: fast\n", "a rate is written like", "mend"},
		{"a value that is not allowed", []string{"HPPSEND_METHOD=fax"}, "", "it can be auto, sms, email", "mend"},
		{"a standing order to send twice", []string{"HPPSEND_RESEND_UNCERTAIN=true"}, "", "only be given as a flag", "command line"},
		{"a standing order to begin anew", nil, "create-ledger: true\n", "only be given as a flag", "command line"},
		{"no YAML", nil, "rate: [\n", "configuration file", "YAML"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := loaded(t, nil, tc.environ, tc.file)
			var usage *pipeline.Error
			if !errors.As(err, &usage) || usage.Kind != pipeline.Usage {
				t.Fatalf("got %v, want a usage error", err)
			}
			if !strings.Contains(usage.Error(), tc.message) || !strings.Contains(usage.Hint(), tc.hint) {
				t.Errorf("got %q, hint %q; want %q, hint %q in them", usage.Error(), usage.Hint(), tc.message, tc.hint)
			}
		})
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"20/s": "20/s", "120/m": "2/s", "30/m": "30/m", "7200/h": "2/s", "unlimited": "unlimited", "0.5/s": "30/m", "1000/S": "1000/s",
		"20": "", "0/s": "", "-1/s": "", "NaN/s": "", "Inf/s": "", "20/d": "", "": "", "1e400/s": "",
	} {
		var r rateFlag
		err := r.Set(text)
		if (err != nil) != (want == "") || err == nil && r.String() != want {
			t.Errorf("%q is %q, %v; want %q", text, r.String(), err, want)
		}
	}
}

func TestCredentialsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const both = "# the shop's\nKLARNA_USERNAME=K123456_abcd\nKLARNA_PASSWORD=\"s3cret=with=signs\"\n"
	for _, tc := range []struct {
		name, path, service, wrong string
	}{
		{"private", write("private", both, 0o600), "", ""},
		{"everybody can read it", write("open", both, 0o644), "", "others than you can read or change it (its mode is 0644)"},
		{"the group can read it", write("group", both, 0o640), "", "its mode is 0640"},
		{"everybody can write it", write("written", both, 0o602), "", "its mode is 0602"},
		{"the group can write it", write("shared", both, 0o620), "", "its mode is 0620"},
		{"only to be read", write("only", both, 0o400), "", ""},
		{"put there by the service manager", write("service/creds", both, 0o644), filepath.Join(dir, "service"), ""},
		{"a folder with the same beginning", write("service2/creds", both, 0o644), filepath.Join(dir, "service"), "others"},
		{"not lines", write("text", "K123456_abcd\n", 0o600), "", "line 1"},
		{"missing", filepath.Join(dir, "nowhere"), "", "no such file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			values, err := readCredentials(tc.path, tc.service)
			if tc.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wrong) {
					t.Errorf("got %v, want an error with %q", err, tc.wrong)
				}
				return
			}
			want := map[string]string{"KLARNA_USERNAME": "K123456_abcd", "KLARNA_PASSWORD": "s3cret=with=signs"}
			if diff := cmp.Diff(want, values); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestCredentialsAreWhatIsMeant has lines as shells and services are given them.
func TestCredentialsAreWhatIsMeant(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"KLARNA_PASSWORD=abc":                  "abc",
		"export KLARNA_PASSWORD=abc":           "abc",
		"export\tKLARNA_PASSWORD=abc":          "abc",
		" KLARNA_PASSWORD = abc ":              "abc",
		"KLARNA_PASSWORD=abc # the shop's":     "abc",
		"KLARNA_PASSWORD=abc\t#the shop's":     "abc",
		"KLARNA_PASSWORD=abc#def":              "abc#def",
		"KLARNA_PASSWORD=#abc":                 "#abc",
		`KLARNA_PASSWORD="abc # def"`:          "abc # def",
		`KLARNA_PASSWORD="abc" # the shop's`:   "abc",
		`export KLARNA_PASSWORD='a"c'  # it's`: `a"c`,
		`KLARNA_PASSWORD="a'c"`:                "a'c",
		`KLARNA_PASSWORD=a"c`:                  `a"c`,
		`KLARNA_PASSWORD=a$b\c`:                `a$b\c`,
		"KLARNA_PASSWORD=s3cret=with=signs==":  "s3cret=with=signs==",
		"KLARNA_PASSWORD=two words # three":    "two words",
		"KLARNA_PASSWORD=":                     "",
		"KLARNA_PASSWORD=abc\r":                "abc",
		"\ufeffKLARNA_PASSWORD=abc":            "abc",
		`KLARNA_PASSWORD="abc`:                 "refused",
		`KLARNA_PASSWORD="abc"def`:             "refused",
		"KLARNA_PASSWORD: abc":                 "refused",
		"set KLARNA_PASSWORD=abc":              "refused",
	} {
		path := filepath.Join(t.TempDir(), "credentials")
		if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		values, err := readCredentials(path, "")
		got := values["KLARNA_PASSWORD"]
		if err != nil {
			if got = "refused"; strings.Contains(err.Error(), "abc") {
				t.Errorf("%q is shown: %v", line, err)
			}
		}
		if got != want {
			t.Errorf("%q gives %q, %v; want %q", line, got, err, want)
		}
	}
}
