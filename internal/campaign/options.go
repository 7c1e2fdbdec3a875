package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
	"hppsend/reader"
)

// Reading says how a file is read and its rows are judged. It is recorded with each run, so that its report
// can be made again as it was.
type Reading struct {
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
	Fallback  bool              `json:"fallback,omitempty"`
	Label     string            `json:"label,omitempty"`
	OptOut    []string          `json:"opt_out,omitempty"`    // columns that say who is not to be messaged
	NoOptOut  []string          `json:"no_opt_out,omitempty"` // columns that seem to, and do not
	AnyOptOut bool              `json:"-"`                    // nothing is sent: columns of which neither is said are passed over
	Upload    *Upload           `json:"upload,omitempty"`
	Overrides []Override        `json:"overrides,omitempty"` // rules that were loosened for the run
}

// Override is a rule that was loosened for one run, and why. It is recorded with the run, in its summary and in its
// report.
type Override struct {
	Rule    string `json:"rule"`    // the setting
	Value   string `json:"value"`   // what holds, as the setting is written
	Instead string `json:"instead"` // of what stands in the configuration or the policy
	Source  string `json:"source"`  // which of them
	Reason  string `json:"reason"`
}

// String says it in a sentence's length.
func (o Override) String() string {
	value := o.Value
	if value == "" {
		value = "nothing"
	}
	return fmt.Sprintf("%s: %s instead of %s (%s), because: %s", o.Rule, value, o.Instead, o.Source, o.Reason)
}

// Upload is a file that came in by the page. What it holds, and what was typed into it, is not recorded.
type Upload struct {
	ID     string        `json:"id"`
	SHA256 string        `json:"sha256"` // of its bytes, in hex, without what was typed
	Kept   *reader.Kept  `json:"-"`
	Mends  []reader.Mend `json:"-"`
}

// ReadingOf is how a run has read its file.
func ReadingOf(run ledger.RunInfo) (r Reading, err error) {
	if err := json.Unmarshal(run.Options, &r); err != nil {
		return r, fmt.Errorf("the options of run %s: %w", run.ID, err)
	}
	if r.Sessions == "" { // of a time when every id was taken
		r.Sessions = string(pipeline.AnySession)
	}
	return r, nil
}

// OpenSessions opens a file of which only the sessions are looked up: its header needs no contact. The caller closes it.
func (r Reading) OpenSessions(ctx context.Context, path string, stdin io.Reader) (*reader.File, error) {
	return r.openAs(ctx, path, reader.Options{Stdin: stdin, Sessions: true})
}

func (r Reading) open(ctx context.Context, path string, stdin io.Reader) (*reader.File, error) {
	return r.openAs(ctx, path, reader.Options{Stdin: stdin})
}

func (r Reading) openAs(ctx context.Context, path string, opt reader.Options) (*reader.File, error) {
	opt.Sheet, opt.HeaderRow, opt.Map, opt.Encoding = r.Sheet, r.HeaderRow, r.Map, r.Encoding
	opt.OptOut, opt.NoOptOut, opt.AnyOptOut = r.OptOut, r.NoOptOut, r.AnyOptOut
	if r.Upload != nil {
		opt.Kept, opt.Mends = r.Upload.Kept, r.Upload.Mends
	}
	if r.Ragged == reader.RaggedPad {
		opt.Ragged = reader.RaggedPad
	}
	switch d := []rune(r.Delimiter); {
	case r.Delimiter == "tab" || r.Delimiter == `\t`:
		opt.Delimiter = '\t'
	case len(d) == 1:
		opt.Delimiter = d[0]
	case len(d) > 1:
		return nil, usage(fmt.Sprintf("--delimiter %q is not one character", r.Delimiter), "say --delimiter ';' or --delimiter tab")
	}
	return reader.OpenContext(ctx, path, opt)
}

// Rules are those of a check at a target, by what is known there; records may be nil.
func (r Reading) Rules(t hpp.Target, records pipeline.Records) pipeline.CheckConfig {
	cfg := pipeline.CheckConfig{
		Records: records,
		Rules: pipeline.Rules{
			Target: t.Name, Reminder: r.Reminder, EachContact: r.Each, Fallback: r.Fallback, Hidden: pipeline.HiddenRule(r.Hidden),
		},
		Defaults: pipeline.Defaults{
			Country: r.Country, Prefer: pipeline.Method(r.Prefer), Sessions: pipeline.SessionFormat(r.Sessions),
			PhonesWithoutPlus: r.BarePhone, RefuseUnusual: r.Unusual == "refuse",
			SessionFromURL: func(url string) (string, error) { return hpp.SessionFromURL(url, t.Origin) },
		},
	}
	if r.Method != "auto" {
		cfg.Defaults.Method = pipeline.Method(r.Method)
	}
	return cfg
}

// Options say what is sent, where to and how hard, and where it is reported.
type Options struct {
	Reading
	Target          hpp.Target
	User            string // of the credentials, for people
	RetryRejected   bool
	ResendUncertain bool
	LeftOut         int     // rejected rows that somebody has agreed to leave out: no brake counts them
	SkipRefused     bool    // the other files are sent when one is refused
	Rate            float64 // calls a second; +Inf for no limit
	Headroom        float64 // share of HPP's limit, 0 to 1, that is left to others
	Send            pipeline.SendConfig
	Sample          int // sessions that a check looks at
	Outputs         Outputs
	Archive         string // the folder for what is done with; empty for none
	Program         Program
	Workers         Workers
	Restraints      Restraints
	Suppress        Lists
	Approval        *Approval // who has approved what is sent; nil for nobody, and by no plan
}

// Program is who works, for people.
type Program struct {
	Version string
	Host    string
	PID     int
}

// usage is wrong usage or configuration; nothing was sent.
func usage(problem, todo string) error {
	return &pipeline.Error{Kind: pipeline.Usage, Problem: problem, Todo: todo}
}
