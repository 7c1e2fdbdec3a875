package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/term"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
	"hppsend/reader"
	"hppsend/writer"
)

// output is where a report goes, and as what. The path - is standard output.
type output struct {
	path   string
	format pipeline.Format
}

// outputs are the files that are written for one input. Without --rejects that one has no path.
type outputs struct{ report, rejects output }

const stdout = "-"

// outputsFor finds the places of a file's report and of its rejected rows, before anything is sent.
func (a *app) outputsFor(ctx context.Context, s *settings, l *ledger.Ledger, in pipeline.Input, inputs []string) (out outputs, err error) {
	if in.Path == reader.Stdin {
		in.Path = "stdin"
	}
	if out.report, err = a.reportPlace(ctx, s, l, in, inputs); err != nil || s.rejects == "" {
		return out, err
	}
	out.rejects = s.named(s.rejects, in)
	if len(inputs) > 1 || isFolder(s.rejects) {
		name := filepath.Base(writer.Name(in.Path, s.formatOf(in), 1))
		out.rejects = output{filepath.Join(s.rejects, reportPart.ReplaceAllString(name, ".rejects.")), s.formatOf(in)}
	}
	if out.rejects.path == out.report.path {
		return out, &usageError{"-o and --rejects name the same place, " + out.report.path, "name two"}
	}
	return out, free(ctx, l, out.rejects, inputs, "--rejects")
}

var reportPart = regexp.MustCompile(`\.report(-\d+)?\.`)

// reportPlace finds the place of a report. One that is there is only replaced when it is still as it was
// written, so that one that somebody has mended is never lost.
func (a *app) reportPlace(ctx context.Context, s *settings, l *ledger.Ledger, in pipeline.Input, inputs []string) (output, error) {
	switch {
	case s.output == stdout:
		return s.onStdout(in, inputs, term.IsTerminal(int(a.Stdout.Fd())))
	case s.output == "":
		for n := 1; ; n++ {
			path := writer.Name(in.Path, s.formatOf(in), n)
			if ok, err := replaceable(ctx, l, path, &in.SHA256); err != nil || ok && !isInput(path, inputs) {
				return output{path, s.formatOf(in)}, err
			}
		}
	case len(inputs) > 1 || isFolder(s.output):
		out := output{filepath.Join(s.output, filepath.Base(writer.Name(in.Path, s.formatOf(in), 1))), s.formatOf(in)}
		return out, free(ctx, l, out, inputs, "-o")
	}
	out := s.named(s.output, in)
	return out, free(ctx, l, out, inputs, "-o")
}

// onStdout is the report on standard output, unless something else is written there.
func (s *settings) onStdout(in pipeline.Input, inputs []string, terminal bool) (output, error) {
	out := output{stdout, s.formatOf(in)}
	switch {
	case s.json:
		return out, &usageError{"-o - and --json both write to standard output", "leave one of them out"}
	case len(inputs) > 1:
		return out, &usageError{"-o - takes the report of one file, and there are several", "name a folder with -o"}
	case terminal && out.format == pipeline.XLSX:
		return out, &usageError{"a workbook is nothing to write to a terminal", "send it on, as in -o - > report.xlsx, or say --format csv"}
	}
	return out, nil
}

// formatOf is the format of reports on an input where no name decides it.
func (s *settings) formatOf(in pipeline.Input) pipeline.Format {
	if s.format != "" {
		return pipeline.Format(s.format)
	}
	return in.Format
}

// named is an output by its name, whose ending is its format unless --format says otherwise.
func (s *settings) named(path string, in pipeline.Input) output {
	format := s.formatOf(in)
	if s.format == "" {
		switch ext := pipeline.Format(strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".")); ext {
		case pipeline.CSV, pipeline.XLSX, pipeline.JSONL:
			format = ext
		}
	}
	return output{path, format}
}

// free refuses an output that would replace an input, or what somebody may have worked on.
func free(ctx context.Context, l *ledger.Ledger, out output, inputs []string, flag string) error {
	if isInput(out.path, inputs) {
		return &usageError{out.path + " is an input, and would be overwritten by the report", "name another place with " + flag}
	}
	ok, err := replaceable(ctx, l, out.path, nil)
	if err == nil && !ok {
		err = &usageError{
			out.path + " is there already, and is not a report as this program wrote it",
			"somebody may have worked on it: move it away, or name another place with " + flag,
		}
	}
	return err
}

// replaceable tells whether a report may be written to a path: nothing is there, or a report of ours,
// unchanged, of this input if one is given.
func replaceable(ctx context.Context, l *ledger.Ledger, path string, input *[32]byte) (bool, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	sum, err := hashFile(path)
	if err != nil || l == nil {
		return false, nil // a folder, a broken disk: not ours
	}
	of, known, err := l.ReportKnown(ctx, sum)
	return known && (input == nil || of == *input), err
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

// passOver leaves out reports of files that are named too, as a pattern like *.csv names them.
func (a *app) passOver(files []*reader.File) []*reader.File {
	named := map[string]bool{}
	for _, f := range files {
		named[stem(f.Input().Path)] = true
	}
	return slices.DeleteFunc(files, func(f *reader.File) bool {
		in := f.Input()
		of := reportOf.ReplaceAllString(stem(in.Path), "")
		if !in.IsReport || of == stem(in.Path) || !named[of] {
			return false
		}
		a.say("notice", "report_passed_over", in.Path+" is passed over: it was written for a file that is named too")
		f.Close()
		return true
	})
}

var reportOf = regexp.MustCompile(`\.(report|rejects)(-\d+)?$`)

// stem is a path without its ending.
func stem(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) }
