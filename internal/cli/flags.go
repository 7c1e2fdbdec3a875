package cli

import (
	"slices"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"hppsend/pipeline"
)

// flagSet adds a few kinds of flags to pflag's.
type flagSet struct{ *pflag.FlagSet }

func (f *flagSet) choice(p *string, name, value, usage string, allowed ...string) {
	*p = value
	f.Var(choice{p, allowed}, name, usage)
}

func (f *flagSet) path(p *string, name, short, usage string) {
	f.VarP(pathFlag{value: p}, name, short, usage)
}

// knownFlags are the names of the settings of all commands.
var knownFlags = sync.OnceValue(func() []string {
	var names []string
	for _, add := range []func(*settings, *flagSet){
		(*settings).runFlags, (*settings).checkFlags, (*settings).reportFlags, (*settings).settleFlags,
		(*settings).runsFlags, (*settings).purgeFlags, (*settings).sandboxFlags, (*settings).versionFlags,
		(*settings).serveFlags, (*settings).peopleFlags, (*settings).auditFlags, (*settings).acceptFlags, (*settings).moveFlags, (*settings).orderAllFlags, (*settings).workerFlags,
		(*settings).findFlags, (*settings).forgetFlags, (*settings).trackFlags,
	} {
		f := pflag.NewFlagSet("", pflag.ContinueOnError)
		add(&settings{}, &flagSet{f})
		f.VisitAll(func(fl *pflag.Flag) { names = append(names, fl.Name) })
	}
	slices.Sort(names)
	return slices.Compact(names)
})

func (s *settings) runFlags(f *flagSet) {
	s.targetFlags(f)
	s.credentialFlags(f)
	s.inputFlags(f)
	s.judgeFlags(f)
	s.ruleFlags(f)
	f.BoolVar(&s.rules.wait, "wait", false, "wait for rows that --hours, --holidays or --max-sends keeps for later, rather than to end and leave them pending")
	f.StringVar(&s.label, "label", "", "`TEXT` that names the run, for people")
	s.paceFlags(f)
	f.BoolVar(&s.retryRejected, "retry-rejected", false, "send again what HPP refused in an earlier run")
	f.BoolVar(&s.resendUncertain, "resend-uncertain", false, "send again what is uncertain: these people may get a second message")
	f.IntVar(&s.limit, "limit", 0, "try `N` rows at most, over all files; the rest stays pending")
	f.Var(&s.until, "until", "stop at this time of day, at most 12 hours ahead, or \"tomorrow HH:MM\"; the rest stays pending")
	f.Var(&s.between, "between", "send in this part of the day only: outside of it nothing is sent, and at its end the rest stays pending")
	f.BoolVar(&s.yes, "yes", false, "do not ask before sending in production")
	f.BoolVar(&s.skipBadFiles, "skip-bad-files", false, "send the other files when one is refused; it is told, and the exit code is that of its refusal")
	f.path(&s.archive, "archive", "", "move an input that ended with exit code 0 or 3, and its report, to this `FOLDER`, with the time in its name")
	f.path(&s.metricsFile, "metrics-file", "", "write how the run ended to this `FILE`, for Prometheus' textfile collector")
	f.Var(commandFlag{&s.onFinish}, "on-finish", "run this `COMMAND` at the end, with the summary as JSON on its standard input; given several times: the program, then its arguments")
	s.sharedFlags(f)
	s.planFlags(f, "send what this `PLAN` of hppsend check has, and nothing else")
	s.approvalFlags(f)
	f.BoolVar(&s.createLedger, "create-ledger", false, "make the production ledger if there is none, and any ledger where one was lost")
	s.policyFlags(f)
	s.outputFlags(f)
	s.reportPlaceFlags(f, "write the report to this `PATH`, or - for standard output; with several files, the folder for the reports")
}

func (s *settings) credentialFlags(f *flagSet) {
	f.path(&s.credentials, "credentials", "", "`FILE` with lines KLARNA_USERNAME=… and KLARNA_PASSWORD=…; else those environment variables")
	f.path(&s.caFile, "ca-file", "", "trust the certificate authorities in this `FILE`, PEM or DER, too")
}

// paceFlags say how fast and how hard is sent, and what stops it.
func (s *settings) paceFlags(f *flagSet) {
	f.Var(&s.rate, "rate", "most calls: 20/s, 100/m, 5000/h or unlimited (default 20/s in production, 4/s in the playground, 50/s in the sandbox)")
	s.headroom = 0.5
	f.Var(&s.headroom, "headroom", "go slower while less than this share of HPP's limit is left, which the shop's checkout shares")
	f.IntVar(&s.concurrency, "concurrency", 16, "calls under way at once")
	f.DurationVar(&s.timeout, "timeout", 30*time.Second, "longest time for one call; past it the row is uncertain")
	f.IntVar(&s.maxAttempts, "max-attempts", 5, "calls for one row while HPP is unavailable; then it is failed")
	f.DurationVar(&s.retryFor, "retry-for", 10*time.Minute, "stop the run when nothing succeeded for so long")
	f.DurationVar(&s.grace, "grace", 30*time.Second, "time for calls under way when the run is stopped, and for a ledger that cannot be written")
	f.IntVar(&s.stopAfterIdentical, "stop-after-identical", 25, "stop when HPP gives the same refusal `N` times in a row for one method; 0: never")
	f.IntVar(&s.canary, "canary", 0, "send the first `N` rows, and the rest only if all of them were accepted; asks on a terminal or on the page")
	f.Var(&s.maxRejected, "max-rejected", "do not start when more rows than this are rejected, and stop when more of the last 200 answers are refusals")
}

func (s *settings) checkFlags(f *flagSet) {
	s.targetFlags(f)
	s.inputFlags(f)
	s.judgeFlags(f)
	s.ruleFlags(f)
	s.credentialFlags(f)
	f.IntVar(&s.looks.sample, "preflight-sample", 0, "look at `N` of the sessions that would be sent, spread over the files, and tell how they stand")
	f.BoolVar(&s.retryRejected, "retry-rejected", false, "as if the run were to send again what HPP refused")
	f.BoolVar(&s.resendUncertain, "resend-uncertain", false, "as if the run were to send again what is uncertain")
	f.Var(&s.rate, "rate", "the rate by which to tell how long a run would take")
	s.planFlags(f, "write what would be sent to this `FILE`, to be approved; hppsend run --plan sends that and nothing else")
	f.StringVar(&s.label, "label", "", "`TEXT` that names the run; for --plan, as what follows")
	s.headroom = 0.5
	f.Var(&s.headroom, "headroom", "share of HPP's limit that the run leaves to the shop's checkout")
	f.IntVar(&s.limit, "limit", 0, "try `N` rows at most")
	f.IntVar(&s.canary, "canary", 0, "send the first `N` rows, and the rest only if all of them were accepted")
	f.Var(&s.maxRejected, "max-rejected", "how many rows may be rejected")
	f.BoolVar(&s.createLedger, "create-ledger", false, "make the production ledger if there is none: a plan is made with its secret")
	s.policyFlags(f)
	s.outputFlags(f)
	s.reportPlaceFlags(f, "write the rows with what was found to this `PATH`, or - for standard output; with several files, the folder")
}

func (s *settings) reportFlags(f *flagSet) {
	s.targetFlags(f)
	s.outputFlags(f)
	s.reportPlaceFlags(f, "write the report to this `PATH`, or - for standard output")
}

func (s *settings) settleFlags(f *flagSet) {
	s.targetFlags(f)
	f.path(&s.input, "input", "", "the `FILE` that the run was on: the contacts are listed too, masked")
	f.choice(&s.as, "as", "", "what became of the rows", decidedDelivered, decidedNotSent)
	f.BoolVar(&s.all, "all", false, "all uncertain rows of the run")
	f.path(&s.decisions, "decisions", "", "a table `FILE` with session_id and decision, or the run's report with hpp_status changed, to delivered or not-sent")
	f.StringVar(&s.by, "by", "", "who says so (default: the user of this machine)")
	s.outputFlags(f)
}

func (s *settings) runsFlags(f *flagSet) {
	s.targetFlags(f)
	f.IntVar(&s.last, "last", 20, "list the last `N` runs; 0: all")
	f.BoolVar(&s.watch, "watch", false, "go on telling how far they are, until none goes on")
	s.outputFlags(f)
}

func (s *settings) purgeFlags(f *flagSet) {
	s.targetFlags(f)
	f.Var(&s.olderThan, "older-than", "forget what was last tried longer ago, such as 90d")
	f.BoolVar(&s.force, "force", false, "also within the life of a session: what is forgotten could be sent twice")
	f.BoolVar(&s.yes, "yes", false, "do not ask")
	s.outputFlags(f)
}

func (s *settings) sandboxFlags(f *flagSet) {
	f.StringVar(&s.addr, "addr", "127.0.0.1:8085", "listen on this `ADDRESS` of this machine")
	f.path(&s.script, "script", "", "YAML `FILE` that says how named sessions behave")
	f.IntVar(&s.rateLimit, "rate-limit", 0, "answer 429 beyond `N` calls a second; 0: never")
	f.DurationVar(&s.latency, "latency", 0, "wait so long before each answer")
	f.DurationVar(&s.looks.expireAfter, "expire-after", 0, "let sessions expire so long after they were first named; 0: 47h, as HPP's")
	s.commonFlags(f)
}

func (s *settings) versionFlags(f *flagSet) {
	f.BoolVar(&s.json, "json", false, "as JSON")
	s.commonFlags(f)
}

func (s *settings) targetFlags(f *flagSet) {
	f.choice(&s.environment, "environment", "", "where to send to; there is no default", "production", "playground", "sandbox")
	f.choice(&s.region, "region", "eu", "Klarna's region", "eu", "na", "oc")
	f.StringVar(&s.endpoint, "endpoint", "", "another `URL` to send to: https, or http on this machine")
	f.VarP(pathFlag{value: &s.ledger, ledger: true}, "ledger", "", "the `LEDGER`: a file (default in $XDG_STATE_HOME/hppsend, one for each environment), or postgres://… for several machines")
	f.BoolVar(&s.networkLedger, "network-ledger", false, "take a ledger on a network file system, whose locks may not hold; for several machines use --ledger postgres://…")
}

func (s *settings) inputFlags(f *flagSet) {
	f.StringVar(&s.sheet, "sheet", "", "the `NAME` of the sheet of a workbook")
	f.IntVar(&s.headerRow, "header-row", 0, "the `NUMBER` of the row with the headers, as the spreadsheet program shows it (default: found)")
	f.Var(&s.columns, "map", `which column is which field, as in phone="Mobile"; phone= sends to no phone, and reads the column only for the rules; may be given several times`)
	f.StringVar(&s.delimiter, "delimiter", "", "the `CHARACTER` between the cells of a CSV file, or tab (default: found)")
	f.StringVar(&s.encoding, "encoding", "", "the `NAME` of the encoding of a CSV file, such as windows-1252 (default: found)")
	f.choice(&s.ragged, "ragged", "refuse", "what to do about rows with fewer cells than the header", "refuse", "pad")
	f.choice(&s.hidden, "hidden", "refuse", "what to do about rows hidden in the spreadsheet program", "refuse", "skip", "send")
}

func (s *settings) judgeFlags(f *flagSet) {
	f.Var(&s.country, "default-country", "the country of local phone numbers in rows that name none, such as SE")
	f.choice(&s.phonesWithoutPlus, "phones-without-plus", "refuse", "what to do about digits that are a number only with a plus, in rows that name no country; international: in all such rows the plus is missing", "refuse", "international")
	f.choice(&s.unusualPhones, "unusual-phones", "send", "what to do about numbers of a possible length that no numbering plan knows", "send", "refuse")
	f.choice(&s.method, "method", "auto", "for rows that name no method; auto: by the contact that is there", "auto", "sms", "email")
	f.choice(&s.prefer, "prefer", "email", "for rows with both contacts and no method", "email", "sms")
	f.choice(&s.sessionFormat, "session-format", "auto", "what is taken for a session id; auto: a UUID, or what cannot be a phone number, a date or another cell",
		string(pipeline.AutoSession), string(pipeline.UUIDSession), string(pipeline.AnySession))
	f.choice(&s.perSession, "per-session", "one", "whether a session goes to one contact only", "one", "each-contact")
	f.Var(reminderFlag{&s.reminder}, "reminder", "start a further round with this `NAME`: only sessions that were delivered before")
}

func (s *settings) outputFlags(f *flagSet) {
	f.BoolVar(&s.json, "json", false, "write JSON lines to standard output")
	f.BoolVar(&s.quiet, "quiet", false, "write nothing to standard error but errors")
	f.choice(&s.logFormat, "log-format", "text", "how standard error is written", "text", "json")
	s.commonFlags(f)
}

func (s *settings) reportPlaceFlags(f *flagSet, usage string) {
	f.path(&s.output, "output", "o", usage)
	f.choice(&s.format, "format", "", "the format of the report (default: by the ending of its name, else the input's)", "csv", "xlsx", "jsonl")
	f.path(&s.rejects, "rejects", "", "write the rejected rows to this `PATH` too, to be mended and run; with several files, the folder")
}

func (s *settings) commonFlags(f *flagSet) {
	f.path(&s.config, "config", "", "YAML `FILE` with settings called like the flags")
	f.StringVar(&s.profile, "profile", "", "the `NAME` of a part of that file, under profiles, that comes before the rest")
}
