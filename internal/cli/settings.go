package cli

import (
	"cmp"
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

	"hppsend/internal/campaign"
	"hppsend/pipeline"
)

// settings are all flags of all commands; each command has some of them.
type settings struct {
	environment, region, endpoint, caFile, credentials string

	sheet, delimiter, encoding, ragged, hidden string
	headerRow                                  int
	columns                                    mappings
	country                                    country
	method, prefer, perSession, sessionFormat  string
	phonesWithoutPlus, unusualPhones           string
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
	between                           window
	yes                               bool
	output, rejects, format           string
	ledger, config, logFormat         string
	json, quiet, createLedger         bool
	networkLedger                     bool
	metricsFile, archive              string
	onFinish                          []string
	skipBadFiles                      bool
	input, as, decisions, by          string
	in                                []string
	column                            string
	undo                              bool
	reason, moveFrom, moveTo          string
	all, force                        bool
	shared, detach, watch             bool
	priority                          int
	schedules                         []schedule // of the configuration file
	listen                            string
	last                              int
	olderThan                         age
	profile                           string
	ask                               bool // before anything is sent, wherever to
	planSettings
	flags                  *pflag.FlagSet
	rules                  ruleSettings
	sources                map[string]string // of what the command line does not say
	held                   map[string]held   // what was said of rules
	policyFile             PolicyFile
	mayOverride, overrides []string // rules that the policy lets be overridden; that the command line loosens
	overridden             []campaign.Override
	mostRate               float64 // calls a second, by the policy; 0 for what it does not say
	addr, script           string
	page                   pageSettings
	latency                time.Duration
	rateLimit              int
	looks                  lookSettings
}

// flagsOnly are settings that no environment variable and no file may hold: as standing orders they
// would undo the promises, or turn a command into its contrary.
var flagsOnly = []string{"resend-uncertain", "create-ledger", "undo", "override", "reason", "preflight-unclear", "help", "config", "profile"}

// load fills in from the environment and the configuration file what the command line does not say.
// Every value goes through the flag's own parsing, wherever it comes from.
func (s *settings) load(flags *pflag.FlagSet, environ []string) error {
	vars := koanf.New("\x00")
	if err := vars.Load(env.Provider("\x00", env.Opt{
		Prefix:      "HPPSEND_",
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			if value == "" { // says nothing, rather than that the file's ledger is none
				return "", nil
			}
			return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "HPPSEND_")), "_", "-"), value
		},
	}), nil); err != nil {
		return err
	}
	if s.config == "" {
		if err := (pathFlag{value: &s.config}).Set(vars.String("config")); err != nil {
			return usage(fmt.Sprintf("environment variable HPPSEND_CONFIG: %v", err), "mend the value, or take it out")
		}
	}
	s.profile = cmp.Or(s.profile, vars.String("profile"))
	vars.Delete("config")
	vars.Delete("profile")
	s.flags, s.sources, s.held = flags, map[string]string{}, map[string]held{}
	if err := s.checkOverrides(); err != nil {
		return err
	}
	for _, name := range []string{"on-finish", "notify-command"} {
		f := flags.Lookup(name)
		if f == nil || !f.Changed {
			continue
		}
		if err := f.Value.(commandFlag).resolve(""); err != nil {
			return usage(fmt.Sprintf("--%s: %v", name, err), "name a program, or leave the flag out")
		}
	}
	if err := s.apply(vars, origin{name: "environment variables HPPSEND_…"}); err != nil {
		return err
	}
	if s.config == "" && s.profile != "" {
		return usage(fmt.Sprintf("--profile %s: there is no configuration file that could have it", s.profile), "name one with --config")
	}
	if s.config != "" {
		if err := s.loadFile(); err != nil {
			return err
		}
	}
	if err := s.applyPolicy(); err != nil {
		return err
	}
	return s.hold()
}

// loadFile fills in what neither the command line nor the environment says. Its relative paths are taken
// from its own folder: a ledger that lay elsewhere for each folder that a run is started in would be many.
func (s *settings) loadFile() error {
	k := koanf.New("\x00")
	folder, err := ownFolder(s.config)
	if err == nil {
		err = k.Load(file.Provider(s.config), yaml.Parser())
	}
	if err != nil {
		return usage(fmt.Sprintf("configuration file %s: %s", s.config, withoutQuotes(pipeline.WithoutPath(err))), "name a readable YAML file with --config")
	}
	if err := s.loadSchedules(k, folder); err != nil {
		return err
	}
	if err := s.applyProfile(k, folder); err != nil {
		return err
	}
	return s.apply(k, origin{name: "configuration file " + s.config, folder: folder, binds: true})
}

// withoutQuotes is an error less what it quotes of a file, which may be a password.
func withoutQuotes(err error) string {
	text, _, _ := strings.Cut(strings.Join(strings.Fields(err.Error()), " "), "`")
	if i := strings.IndexAny(text, `"'`); i >= 0 {
		text = text[:i] + "…"
	}
	return text
}

// apply takes in values that nothing before has said, and remembers what binds.
func (s *settings) apply(k *koanf.Koanf, from origin) error {
	known := knownFlags()
	for key, value := range k.Raw() {
		f := s.flags.Lookup(key)
		r, isRule := ruleOf(key)
		switch {
		case slices.Contains(flagsOnly, key) || !slices.Contains(known, key):
			return unknownKey(key, from.name, known)
		case f == nil || value == nil: // another command's, or nothing is said
			continue
		}
		if isRule && from.binds {
			if err := s.stands(r, value, from); err != nil {
				return err
			}
			if r.adds { // once all have spoken
				continue
			}
		}
		if f.Changed && !(isRule && r.adds) { // said before
			continue
		}
		if err := s.add(f, value, from); err != nil {
			return err
		}
	}
	return nil
}

// applyProfile applies the part of a configuration file that --profile names, and takes all such parts
// out of it.
func (s *settings) applyProfile(k *koanf.Koanf, folder string) error {
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
		return usage(
			fmt.Sprintf("configuration file %s: there is no profile %q", s.config, s.profile),
			fmt.Sprintf("under profiles it has %q", names),
		)
	}
	return s.apply(profiles.Cut(s.profile), origin{name: fmt.Sprintf("profile %s of configuration file %s", s.profile, s.config), folder: folder, binds: true})
}

// unknownKey refuses what would otherwise be silently ignored.
func unknownKey(key, source string, known []string) error {
	if slices.Contains(flagsOnly, key) {
		return usage(fmt.Sprintf("%s: %s can only be given as a flag", source, key), "give it on the command line, for the run that needs it")
	}
	bare := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
	}
	for _, k := range known {
		if bare(k) == bare(key) {
			return usage(fmt.Sprintf("%s: there is no setting %q", source, key), fmt.Sprintf("it is called %q", k))
		}
	}
	return usage(fmt.Sprintf("%s: there is no setting %q", source, key), "the settings are called like the flags; hppsend run --help lists them")
}
