package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
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
		setting, err := asYAML(f.Name, shownValue(f))
		if err != nil {
			failed = err
			return
		}
		source := "default"
		if from, ok := s.sources[f.Name]; ok {
			source = from
		} else if f.Changed {
			source = "command line"
		}
		lead := ""
		if source == "default" {
			lead = "# "
		}
		_, failed = fmt.Fprintf(a.Stdout, "%s%-40s # %s\n", lead, setting, shown.Text(source))
	})
	if failed != nil || !named {
		return exitOK, failed
	}
	return exitOK, a.showCredentials(s, t)
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
