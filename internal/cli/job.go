package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/term"

	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
	"hppsend/reader"
)

// options are the settings that reading and judging a file depend on. They are recorded with each run,
// so that its report can be made again as it was.
type options struct {
	Sheet     string            `json:"sheet,omitempty"`
	HeaderRow int               `json:"header_row,omitempty"`
	Map       map[string]string `json:"map,omitempty"`
	Delimiter string            `json:"delimiter,omitempty"`
	Encoding  string            `json:"encoding,omitempty"`
	Ragged    string            `json:"ragged,omitempty"`
	Hidden    string            `json:"hidden"`
	Country   string            `json:"default_country,omitempty"`
	Method    string            `json:"method"`
	Prefer    string            `json:"prefer"`
	BarePhone bool              `json:"phones_without_plus,omitempty"`
	Unusual   string            `json:"unusual_phones,omitempty"`
	Each      bool              `json:"each_contact,omitempty"`
	Sessions  string            `json:"session_format,omitempty"`
	Reminder  string            `json:"reminder,omitempty"`
	Label     string            `json:"label,omitempty"`
}

func (s *settings) options() options {
	return options{
		Sheet: s.sheet, HeaderRow: s.headerRow, Map: s.columns, Delimiter: s.delimiter, Encoding: s.encoding,
		Ragged: s.ragged, Hidden: s.hidden, Country: string(s.country), Method: s.method, Prefer: s.prefer,
		Each: s.perSession == "each-contact", Sessions: s.sessionFormat, Label: s.label,
		BarePhone: s.phonesWithoutPlus == "international", Unusual: s.unusualPhones,
		Reminder: strings.ToLower(strings.Join(strings.Fields(s.reminder), " ")),
	}
}

func (o options) reading() (reader.Options, error) {
	out := reader.Options{Sheet: o.Sheet, HeaderRow: o.HeaderRow, Map: o.Map, Encoding: o.Encoding}
	if o.Ragged == reader.RaggedPad {
		out.Ragged = reader.RaggedPad
	}
	switch d := []rune(o.Delimiter); {
	case o.Delimiter == "tab" || o.Delimiter == `\t`:
		out.Delimiter = '\t'
	case len(d) == 1:
		out.Delimiter = d[0]
	case len(d) > 1:
		return out, usage(fmt.Sprintf("--delimiter %q is not one character", o.Delimiter), "say --delimiter ';' or --delimiter tab")
	}
	return out, nil
}

func (o options) checking(t hpp.Target, records pipeline.Records) pipeline.CheckConfig {
	cfg := pipeline.CheckConfig{
		Records: records,
		Rules: pipeline.Rules{
			Target: t.Name, Reminder: o.Reminder, EachContact: o.Each, Hidden: pipeline.HiddenRule(o.Hidden),
		},
		Defaults: pipeline.Defaults{
			Country: o.Country, Prefer: pipeline.Method(o.Prefer), Sessions: pipeline.SessionFormat(o.Sessions),
			PhonesWithoutPlus: o.BarePhone, RefuseUnusual: o.Unusual == "refuse",
			SessionFromURL: func(url string) (string, error) { return hpp.SessionFromURL(url, t.Origin) },
		},
	}
	if o.Method != "auto" {
		cfg.Defaults.Method = pipeline.Method(o.Method)
	}
	return cfg
}

// open opens the files in order; the caller closes what it got, also beside an error.
func open(ctx context.Context, paths []string, o options) (sources []*reader.File, err error) {
	opt, err := o.reading()
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		f, err := reader.OpenContext(ctx, path, opt)
		if err != nil {
			return sources, err
		}
		sources = append(sources, f)
	}
	return sources, nil
}

func closeAll(sources []*reader.File) {
	for _, f := range sources {
		f.Close()
	}
}

func asSources(files []*reader.File) []pipeline.Source {
	out := make([]pipeline.Source, len(files))
	for i, f := range files {
		out[i] = f
	}
	return out
}

// openLedger opens the ledger of a target. In production without a terminal a missing one is an error:
// a lost volume must not send everything again.
func (a *app) openLedger(ctx context.Context, s *settings, t hpp.Target, make bool) (*ledger.Ledger, error) {
	path := s.ledger
	if path == "" {
		dir, err := a.stateFolder()
		if err != nil {
			return nil, err
		}
		path = filepath.Join(dir, string(t.Environment)+".db")
	}
	create := make && (s.createLedger || t.Environment != hpp.Production || a.interactive())
	return ledger.Open(ctx, ledger.Options{
		Path: path, Environment: string(t.Environment), Create: create, Anew: s.createLedger, Network: s.networkLedger,
		Wait: busyWait(s.grace),
	})
}

// busyWait is how long a write waits for another process: what is not written within the grace time is tried
// several times in it, and no single try outlasts it.
func busyWait(grace time.Duration) time.Duration {
	if grace <= 0 { // a command that has none
		return 0
	}
	return min(max(grace/4, 100*time.Millisecond), 10*time.Second)
}

// interactive tells whether somebody is there who can be asked.
func (a *app) interactive() bool { return a.console.terminal() && term.IsTerminal(int(a.Stdin.Fd())) }

func (a *app) tellLedger(l *ledger.Ledger) {
	info := l.Info()
	a.console.sayf("Ledger %s, begun %s, %s", info.Path, info.Made.Local().Format("2006-01-02 15:04"), size(info.Size))
}

func size(bytes int64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%d KB", (bytes+1023)/1024)
}

// perSecond is the rate of a run, in calls a second.
func (s *settings) perSecond(t hpp.Target) float64 {
	if s.rate != 0 {
		return float64(s.rate)
	}
	switch t.Environment {
	case hpp.Sandbox:
		return 50
	case hpp.Playground:
		return 4
	}
	return 20
}

// validate finds every fault of the settings of a run at once.
func (s *settings) validate() error {
	var faults []string
	atLeast := func(flag string, value, least int) {
		if value < least {
			faults = append(faults, fmt.Sprintf("--%s is %d, and has to be %d at least", flag, value, least))
		}
	}
	positive := func(flag string, d time.Duration) {
		if d <= 0 {
			faults = append(faults, fmt.Sprintf("--%s is %s, and has to be more than nothing", flag, d))
		}
	}
	atLeast("concurrency", s.concurrency, 1)
	atLeast("max-attempts", s.maxAttempts, 1)
	atLeast("limit", s.limit, 0)
	atLeast("canary", s.canary, 0)
	atLeast("stop-after-identical", s.stopAfterIdentical, 0)
	positive("timeout", s.timeout)
	positive("retry-for", s.retryFor)
	positive("grace", s.grace)
	if s.concurrency > 4096 {
		faults = append(faults, "--concurrency is more than 4096")
	}
	if len(faults) > 0 {
		return usage(strings.Join(faults, "; "), "hppsend run --help tells what each flag means")
	}
	return nil
}

// duration says how long n calls take, in a form for people.
func duration(n int, perSecond float64) string {
	if math.IsInf(perSecond, 1) {
		return "as long as HPP takes"
	}
	d := time.Duration(float64(n) / perSecond * float64(time.Second))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("about %d s", int(math.Ceil(d.Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf("about %d min", int(math.Ceil(d.Minutes())))
	}
	return fmt.Sprintf("about %.1f h", d.Hours())
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

func encoded(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types
	}
	return b
}
