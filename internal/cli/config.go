package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"hppsend/internal/hpp"
	"hppsend/internal/shown"
	"hppsend/pipeline"
	"hppsend/writer"
)

// showConfig is the config show command: every setting of a run as it is in force, in the form of a
// configuration file, and where it is from.
func (a *app) showConfig(_ context.Context, s *settings, _ []string) (int, error) {
	t, named, err := s.target() // an endpoint with a password in it is refused before it is shown
	if err != nil {
		return exitOK, err
	}
	var failed error
	s.flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Name == "config" || f.Name == "profile" || failed != nil {
			return
		}
		failed = a.showSetting(s, f)
	})
	if failed != nil || !named || a.lines != nil {
		return exitOK, failed
	}
	return exitOK, a.showCredentials(s, t)
}

// settingLine is a setting as machines are told of it.
type settingLine struct {
	Type   string      `json:"type"`
	Name   string      `json:"name"`
	Value  any         `json:"value"`
	Source string      `json:"source"`
	Rule   bool        `json:"rule"`
	Holds  []holdsLine `json:"holds,omitempty"`
}

// holdsLine is what holds of a rule, whatever else is said.
type holdsLine struct {
	Value    string `json:"value"`
	Source   string `json:"source"`
	Override bool   `json:"override"`
}

// showSetting shows one setting: its value, where it is from, and whether it can be loosened.
func (a *app) showSetting(s *settings, f *pflag.Flag) error {
	r, isRule := ruleOf(f.Name)
	line := settingLine{"setting", f.Name, shownValue(f), s.source(f), isRule, nil}
	for _, st := range s.held[f.Name] {
		line.Holds = append(line.Holds, holdsLine{st.text, st.name, s.may(r, st)})
	}
	if a.lines != nil {
		a.lines.write(line)
		return nil
	}
	setting, err := asYAML(f.Name, line.Value)
	if err != nil {
		return err
	}
	lead := ""
	if line.Source == "default" || slices.Contains(flagsOnly, f.Name) { // which no file may hold
		lead = "# "
	}
	said := line.Source
	for _, h := range line.Holds {
		said += "; " + h.String(line.Source, f.Value.String())
	}
	_, err = fmt.Fprintf(a.Stdout, "%s%-40s # %s\n", lead, setting, shown.Text(said))
	return err
}

// String says what of a setting, which has a value from a source, holds.
func (h holdsLine) String(source, value string) string {
	text := "a rule, cannot be loosened"
	if h.Source != source || h.Value != value {
		text = fmt.Sprintf("a rule, cannot be looser than %s of %s", h.Value, h.Source)
	}
	if h.Override {
		text += " without --override"
	}
	return text
}

// asYAML is a setting in the form of a configuration file. What is to be escaped is in the form of JSON, which
// is YAML too: the library lets line separators and direction characters through.
func asYAML(name string, value any) (string, error) {
	var inJSON bytes.Buffer
	if err := writer.NewEncoder(&inJSON).Encode(value); err != nil {
		return "", err
	}
	if strings.ContainsRune(inJSON.String(), '\\') {
		return name + ": " + strings.TrimSpace(inJSON.String()), nil
	}
	text, err := yaml.Marshal(map[string]any{name: value})
	return strings.TrimSuffix(string(text), "\n"), err
}

// shownValue gives a flag's value as a configuration file has it.
func shownValue(f *pflag.Flag) any {
	switch v := f.Value.(type) {
	case list:
		return *v.values
	case *allowances:
		var all []string
		for _, one := range *v {
			all = append(all, one.String())
		}
		return all
	case *mappings:
		return map[string]string(*v)
	case commandFlag:
		if len(*v.value) > 1 {
			return []string{(*v.value)[0], "…"} // arguments may well be keys to other services
		}
		return *v.value
	}
	text := f.Value.String()
	switch f.Value.Type() {
	case "bool":
		return text == "true"
	case "int":
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
	}
	return text
}

// showCredentials says whether there are credentials, and nothing of the password.
func (a *app) showCredentials(s *settings, t hpp.Target) error {
	c, err := a.credentialsFor(s, t)
	text := "credentials: user " + c.Username + ", with a password"
	if err != nil {
		text = err.Error()
	}
	_, err = fmt.Fprintln(a.Stdout, "# "+shown.Text(text))
	return err
}

// man is the man command: the manual pages, one for each command.
func (a *app) man(_ context.Context, _ *settings, args []string) (int, error) {
	if err := os.MkdirAll(args[0], 0o755); err != nil {
		return exitOK, usage(fmt.Sprintf("the folder %s cannot be made: %v", args[0], pipeline.WithoutPath(err)), "name another one")
	}
	root := a.root(new(int))
	root.DisableAutoGenTag = true
	if err := doc.GenManTree(root, &doc.GenManHeader{Title: "HPPSEND", Section: "1", Source: "hppsend " + version()}, args[0]); err != nil {
		return exitOK, err
	}
	a.console.sayf("The manual pages are in %s; one is read with: man -l %[1]s/hppsend-run.1", args[0])
	return exitOK, nil
}
