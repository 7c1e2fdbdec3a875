package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/term"

	"hppsend/internal/campaign"
	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// reading are the settings that reading and judging a file depend on.
func (s *settings) reading() campaign.Reading {
	return campaign.Reading{
		Sheet: s.sheet, HeaderRow: s.headerRow, Map: s.columns, Delimiter: s.delimiter, Encoding: s.encoding,
		Ragged: s.ragged, Hidden: s.hidden, Country: string(s.country), Method: s.method, Prefer: s.prefer,
		Each: s.perSession == "each-contact", Sessions: s.sessionFormat, Label: s.label, Overrides: s.loosenedRules(),
		BarePhone: s.phonesWithoutPlus == "international", Unusual: s.unusualPhones,
		Fallback: s.rules.fallback,
		OptOut:   s.rules.optOut, NoOptOut: s.rules.noOptOut,
		Reminder: strings.ToLower(strings.Join(strings.Fields(s.reminder), " ")),
	}
}

// outputs are the settings that say where reports go.
func (a *app) outputs(s *settings) (campaign.Outputs, error) {
	out := campaign.Outputs{
		Report: s.output, Rejects: s.rejects, Format: pipeline.Format(s.format),
		Stdout: a.Stdout, Screen: term.IsTerminal(int(a.Stdout.Fd())),
		Lost: func() (string, error) {
			dir, err := a.stateFolder()
			return filepath.Join(dir, "reports"), err
		},
	}
	if a.lines != nil {
		out.Rows = a.lines
	}
	if s.metricsFile != "" {
		out.Others = map[string]string{"--metrics-file": s.metricsFile}
	}
	if s.plan != "" {
		out.Others = maps.Clone(out.Others)
		if out.Others == nil {
			out.Others = map[string]string{}
		}
		out.Others["--plan"] = s.plan
	}
	if s.json && s.output == stdout {
		return out, usage("-o - and --json both write to standard output", "leave one of them out")
	}
	return out, nil
}

// stdout is standard output, as a path.
const stdout = "-"

func program() campaign.Program {
	return campaign.Program{Version: version(), Host: hostname(), PID: os.Getpid()}
}

// openLedger opens the ledger of a target. In production without a terminal a missing one is an error:
// a lost volume must not send everything again.
func (a *app) openLedger(ctx context.Context, s *settings, t hpp.Target, make bool) (*ledger.Ledger, error) {
	opt, err := a.ledgerAt(s, "")
	if err != nil {
		return nil, err
	}
	opt.Replace = s.createLedger
	opt.Create = make && (s.createLedger || !ledger.OnServer(opt.Path) && (t.Environment != hpp.Production || a.interactive()))
	return ledger.Open(ctx, opt)
}

// busyWait is how long a write waits for another process: what is not written within the grace time is tried
// several times in it, and no single try outlasts it.
func busyWait(grace time.Duration) time.Duration {
	if grace <= 0 { // a command that has none
		return 0
	}
	return min(max(grace/4, 100*time.Millisecond), 10*time.Second)
}

// interactive reports whether somebody is there who can be asked.
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
	if s.mostRate > 0 { // the default is, too, what the policy allows at most
		return min(defaultRate(t), s.mostRate)
	}
	return defaultRate(t)
}

// defaultRate is in calls a second.
func defaultRate(t hpp.Target) float64 {
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
	if s.shared && (s.priority < 1 || s.priority > 4) {
		faults = append(faults, fmt.Sprintf("--priority is %d, and has to be 1 to 4", s.priority))
	}
	switch {
	case s.detach && !s.shared:
		faults = append(faults, "--detach is for --shared")
	case s.detach && (s.archive != "" || s.metricsFile != "" || len(s.onFinish) > 0):
		faults = append(faults, "with --detach nobody waits for the end, so there is nothing to do then: --archive, --metrics-file, --on-finish")
	}
	if s.looks.preflight {
		positive("preflight-age", time.Duration(s.looks.age))
	}
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
