package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
	"hppsend/reader"
	"hppsend/writer"
)

// output is where a report goes, and as what. The path - is standard output.
type output struct {
	path   string // the first of its names that is free; empty for what is not wanted
	format pipeline.Format
	n      int                // of the name
	name   func(n int) string // the n-th choice of a name, from 1
	flag   string             // that names another
	named  bool               // by the user, as a file
	temp   string             // where standard output's lies until it is complete; empty for the system's folder
}

// outputs are the files that are written for one input.
type outputs struct{ report, rejects output }

const stdout = "-"

// Outputs say where reports go, and as what.
type Outputs struct {
	None    bool            // no report is written: it can be made at any time
	Report  string          // a file, a folder, or - for Stdout; empty for beside the input
	Rejects string          // a file or a folder for the rejected rows; empty for none
	Format  pipeline.Format // empty for that of the file's name, else that of the input
	// Others are further files that are written, by the setting that names them.
	Others map[string]string
	Rows   pipeline.Sink // gets each row too; nil for none
	Stdout io.Writer
	Screen bool   // Stdout is a terminal
	Temp   string // the folder for what goes to Stdout until it is complete; empty for the system's
	// Lost gives the folder for reports that cannot lie where they belong.
	Lost func() (string, error)
}

// places finds where an invocation writes, before anything is sent, and sees to it that no file is lost by
// that: what is there is replaced only while it is as this program wrote it, for the very same input.
type places struct {
	Outputs
	obs     pipeline.Observer
	program Program
	ledger  *ledger.Ledger // that knows the reports; nil knows none
	inputs  []string
	planned map[string]string // places by what names them
	written map[string]bool
	loose   bool // it was said that others may read what is written
}

func (o Outputs) places(l *ledger.Ledger, obs pipeline.Observer, by Program, inputs []string) (*places, error) {
	p := &places{Outputs: o, obs: obs, program: by, ledger: l, inputs: inputs, planned: map[string]string{}, written: map[string]bool{}}
	for setting, path := range o.Others {
		p.planned[placeOf(path)] = setting
		if isInput(path, inputs) {
			return nil, overwritten(path, setting)
		}
	}
	return p, nil
}

// find gives the places of a file's report, if it is wanted, and of its rejected rows. What cannot be
// written there is refused.
func (p *places) find(ctx context.Context, f pipeline.FilePlan, report bool) (out outputs, err error) {
	if report {
		if out.report, err = p.one(ctx, f, p.Report, "-o"); err != nil {
			return out, err
		}
	}
	if p.Rejects != "" {
		out.rejects, err = p.one(ctx, f, p.Rejects, "--rejects")
	}
	return out, err
}

func (p *places) one(ctx context.Context, f pipeline.FilePlan, wanted, flag string) (out output, err error) {
	if wanted == stdout && flag == "-o" {
		out, err = p.onStdout(f.Input)
	} else {
		out, err = p.choose(ctx, f.Input, p.wanted(f.Input, wanted, flag))
	}
	if err == nil {
		err = try(out, f)
	}
	return out, err
}

// wanted is an output by what the user says of it: nothing, a folder, or a file.
func (p *places) wanted(in pipeline.Input, where, flag string) output {
	if in.Path == reader.Stdin {
		in.Path = "stdin"
	}
	out := output{format: p.formatOf(in), flag: flag}
	beside := func(n int) string { return writer.Name(in.Path, out.format, n) }
	switch folder := len(p.inputs) > 1 || isFolder(where); {
	case where == "":
		out.name = beside
	case folder && flag == "-o":
		out.name = func(n int) string { return filepath.Join(where, filepath.Base(beside(n))) }
	case folder:
		name := reportPart.ReplaceAllString(filepath.Base(beside(1)), ".rejects.")
		out.name = func(n int) string { return numbered(filepath.Join(where, name), n) }
	default:
		out.format, out.named = p.byName(where, in), true
		out.name = func(n int) string { return numbered(where, n) }
	}
	return out
}

var reportPart = regexp.MustCompile(`\.report(-\d+)?\.`)

// numbered is a name with a number before its ending, from the second on.
func numbered(path string, n int) string {
	if n == 1 {
		return path
	}
	return fmt.Sprintf("%s-%d%s", stem(path), n, filepath.Ext(path))
}

// choose finds the first of an output's names that is free. Only what is there counts on; that a name
// cannot be had for another reason is found out by trying it.
func (p *places) choose(ctx context.Context, in pipeline.Input, out output) (output, error) {
	for n := 1; n <= maxNames; n++ {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		out.n, out.path = n, out.name(n)
		at := placeOf(out.path)
		if other := p.planned[at]; other != "" {
			if out.named && n == 1 {
				return out, usage(fmt.Sprintf("%s and %s name the same place, %s", other, out.flag, out.path), "name two")
			}
			continue
		}
		if _, err := os.Lstat(out.path); err == nil {
			if out.named && n == 1 {
				if err := p.unexpected(ctx, out); err != nil {
					return out, err
				}
			}
			if ok, err := p.mayReplace(ctx, in)(out.path); err != nil {
				return out, err
			} else if !ok {
				continue
			}
		}
		p.planned[at] = out.flag
		if out.named && n > 1 {
			say(p.obs, "report_numbered", fmt.Sprintf("%s is there already, for another file or as that was before; %s is written.", out.name(1), out.path))
		}
		return out, nil
	}
	return out, usage(fmt.Sprintf("%s is there already, and %d others of its name", out.name(1), maxNames-1), "move them away")
}

// unexpected refuses a named output that is an input, or something that this program did not write: the
// name is a mistake, or somebody has worked on the file.
func (p *places) unexpected(ctx context.Context, out output) error {
	if isInput(out.path, p.inputs) {
		return overwritten(out.path, out.flag)
	}
	if _, known, err := p.known(ctx, out.path); err != nil || known {
		return err
	}
	return usage(
		out.path+" is there already, and is not a report as this program wrote it",
		"somebody may have worked on it: move it away, or name another place with "+out.flag,
	)
}

func overwritten(path, flag string) error {
	return usage(path+" is an input, and would be overwritten", "name another place with "+flag)
}

// mayReplace tells of a file whether a report on the input may take its place: it is one that this program
// wrote for the same input, unchanged, and not in this invocation.
func (p *places) mayReplace(ctx context.Context, in pipeline.Input) func(path string) (bool, error) {
	return func(path string) (bool, error) {
		if p.written[placeOf(path)] || isInput(path, p.inputs) {
			return false, nil
		}
		of, known, err := p.known(ctx, path)
		return known && of == in.SHA256, err
	}
}

// known reports whether a file is a report as it was written, and for which input.
func (p *places) known(ctx context.Context, path string) (input [32]byte, ok bool, err error) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || p.ledger == nil {
		return input, false, nil
	}
	sum, err := HashFile(path)
	if err != nil {
		return input, false, nil // what cannot be read is kept
	}
	return p.ledger.ReportKnown(ctx, sum)
}

// try writes an output, but for its rows and its name, and takes it away again, so that what cannot be
// reported is found out before anything is sent.
func try(out output, f pipeline.FilePlan) error {
	r, err := begin(out, f)
	if err == nil {
		defer r.Abort()
		_, err = r.Finish()
	}
	switch {
	case errors.Is(err, writer.ErrColumns):
		var why *pipeline.Error
		errors.As(err, &why)
		return &pipeline.Error{
			Kind:    pipeline.BadInput,
			Place:   pipeline.Place{File: f.Input.Path, Sheet: f.Input.Sheet},
			Problem: "there is no room for the columns of its report", Todo: why.Todo, Err: why.Err,
		}
	case err != nil:
		return usage(err.Error()+"; nothing was sent", strings.ReplaceAll(pipeline.Hint(err), "-o", out.flag))
	}
	return nil
}

// begin begins an output. One for standard output is complete before its first byte is written there.
func begin(out output, f pipeline.FilePlan) (*writer.Report, error) {
	path := out.path
	if path == stdout {
		path = filepath.Join(cmp.Or(out.temp, os.TempDir()), "hppsend."+string(out.format))
	}
	return writer.Create(path, out.format, f.Input, f.Raw)
}

// onStdout is the report on standard output, unless something else is written there.
func (p *places) onStdout(in pipeline.Input) (output, error) {
	out := output{path: stdout, format: p.formatOf(in), flag: "TMPDIR", temp: p.Temp}
	switch {
	case len(p.inputs) > 1:
		return out, usage("-o - takes the report of one file, and there are several", "name a folder with -o")
	case out.format == pipeline.XLSX && p.Screen:
		return out, usage("a workbook is nothing to write to a terminal", "send it on, as in -o - > report.xlsx, or say --format csv")
	}
	return out, nil
}

// formatOf is the format of reports on an input where no name decides it.
func (o Outputs) formatOf(in pipeline.Input) pipeline.Format {
	if o.Format != "" {
		return o.Format
	}
	return in.Format
}

// byName is the format that the ending of a name asks for, unless --format says otherwise.
func (o Outputs) byName(path string, in pipeline.Input) pipeline.Format {
	switch ext := pipeline.Format(strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".")); ext {
	case pipeline.CSV, pipeline.XLSX, pipeline.JSONL:
		if o.Format == "" {
			return ext
		}
	}
	return o.formatOf(in)
}

// placeOf is one form for all names of a place, also where case or composition do not tell names apart.
func placeOf(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	dir, base := filepath.Split(path)
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return filepath.Join(dir, strings.ToLower(norm.NFC.String(base)))
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func isInput(path string, inputs []string) bool {
	a, err := os.Stat(path)
	if err != nil {
		return false
	}
	for _, in := range inputs {
		if b, err := os.Stat(in); err == nil && os.SameFile(a, b) {
			return true
		}
	}
	return false
}

// stem is a path without its ending.
func stem(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) }
