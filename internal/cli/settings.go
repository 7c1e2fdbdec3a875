package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// settings are all flags of all commands; each command has some of them.
type settings struct {
	environment, region, endpoint, caFile, credentials string

	sheet, delimiter, encoding, ragged, hidden string
	headerRow                                  int
	columns                                    mappings
	country                                    country
	method, prefer, perSession, sessionFormat  string
	label, reminder                            string

	rate        rateFlag
	headroom    share
	concurrency int

	timeout, retryFor, grace          time.Duration
	maxAttempts                       int
	retryRejected, resendUncertain    bool
	limit, stopAfterIdentical, canary int
	maxRejected                       most
	until                             clock
	yes                               bool
	output, rejects, format           string
	ledger, config, logFormat         string
	json, quiet, createLedger         bool
	networkLedger                     bool
	metricsFile, archive              string
	onFinish                          []string
	skipBadFiles                      bool
	input, as, decisions, by          string
	all, force                        bool
	last                              int
	olderThan                         age
	profile                           string
	ask                               bool // before anything is sent, wherever to
	flags                             *pflag.FlagSet
	sources                           map[string]string // of what the command line does not say
	addr, script                      string
	latency                           time.Duration
	rateLimit                         int
}

// flagsOnly are settings that no environment variable and no file may hold: as standing orders they
// would undo the promises.
var flagsOnly = []string{"resend-uncertain", "create-ledger", "help", "config", "profile"}

// load fills in from the environment and the configuration file what the command line does not say.
// Every value goes through the flag's own parsing, wherever it comes from.
func (s *settings) load(flags *pflag.FlagSet, environ []string) error {
	vars := koanf.New("\x00")
	if err := vars.Load(env.Provider("\x00", env.Opt{
		Prefix:      "HPPSEND_",
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "HPPSEND_")), "_", "-"), value
		},
	}), nil); err != nil {
		return err
	}
	for name, value := range map[string]*string{"config": &s.config, "profile": &s.profile} {
		if text := vars.String(name); *value == "" {
			*value = text
		}
		vars.Delete(name)
	}
	s.flags, s.sources = flags, map[string]string{}
	known := knownFlags()
	apply := func(k *koanf.Koanf, source string) error {
		for key, value := range k.Raw() {
			switch {
			case slices.Contains(flagsOnly, key) || !slices.Contains(known, key):
				return unknownKey(key, source, known)
			case flags.Lookup(key) == nil || flags.Changed(key): // another command's, or the flag beats it
				continue
			}
			for _, text := range texts(value) {
				if err := flags.Set(key, text); err != nil {
					return &usageError{fmt.Sprintf("%s: %v", source, err), "mend the value, or take it out"}
				}
			}
			s.sources[key] = source
		}
		return nil
	}
	if err := apply(vars, "environment variables HPPSEND_…"); err != nil {
		return err
	}
	switch {
	case s.config == "" && s.profile != "":
		return &usageError{fmt.Sprintf("--profile %s: there is no configuration file that could have it", s.profile), "name one with --config"}
	case s.config != "":
		k := koanf.New("\x00")
		if err := k.Load(file.Provider(s.config), yaml.Parser()); err != nil {
			return &usageError{fmt.Sprintf("configuration file %s: %v", s.config, err), "name a readable YAML file with --config"}
		}
		if err := s.applyProfile(k, apply); err != nil {
			return err
		}
		if err := apply(k, "configuration file "+s.config); err != nil {
			return err
		}
	}
	return nil
}

// applyProfile applies the part of a configuration file that --profile names, and takes all such parts
// out of it.
func (s *settings) applyProfile(k *koanf.Koanf, apply func(*koanf.Koanf, string) error) error {
	profiles := k.Cut("profiles")
	k.Delete("profiles")
	names := slices.Sorted(maps.Keys(profiles.Raw()))
	for _, name := range names { // a wrong one is told before the night in which it is used
		for key := range profiles.Cut(name).Raw() {
			if known := knownFlags(); slices.Contains(flagsOnly, key) || !slices.Contains(known, key) {
				return unknownKey(key, fmt.Sprintf("profile %s of configuration file %s", name, s.config), known)
			}
		}
	}
	if s.profile == "" {
		return nil
	}
	if !slices.Contains(names, s.profile) {
		return &usageError{
			fmt.Sprintf("configuration file %s: there is no profile %q", s.config, s.profile),
			fmt.Sprintf("under profiles it has %q", names),
		}
	}
	return apply(profiles.Cut(s.profile), fmt.Sprintf("profile %s of configuration file %s", s.profile, s.config))
}

// unknownKey refuses what would otherwise be silently ignored.
func unknownKey(key, source string, known []string) error {
	if slices.Contains(flagsOnly, key) {
		return &usageError{fmt.Sprintf("%s: %s can only be given as a flag", source, key), "give it on the command line, for the run that needs it"}
	}
	bare := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
	}
	for _, k := range known {
		if bare(k) == bare(key) {
			return &usageError{fmt.Sprintf("%s: there is no setting %q", source, key), fmt.Sprintf("it is called %q", k)}
		}
	}
	return &usageError{fmt.Sprintf("%s: there is no setting %q", source, key), "the settings are called like the flags; hppsend run --help lists them"}
}

// texts gives a value of a configuration file as the flag would have it.
func texts(value any) []string {
	switch v := value.(type) {
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, texts(e)...)
		}
		return out
	case map[string]any:
		var out []string
		for key, e := range v {
			out = append(out, fmt.Sprintf("%s=%v", key, e))
		}
		return out
	case nil:
		return nil
	}
	return []string{fmt.Sprint(value)}
}
