package cli

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"hppsend/internal/hpp"
	"hppsend/internal/sandbox"
	"hppsend/pipeline"
)

// target is the side that the settings name; ok is false when they name none.
func (s *settings) target() (t hpp.Target, ok bool, err error) {
	env := hpp.Environment(s.environment)
	switch {
	case s.endpoint != "":
		if t, err = hpp.ParseEndpoint(s.endpoint); err != nil {
			return t, false, err
		}
		if env != "" && env != t.Environment {
			return t, false, usage(
				fmt.Sprintf("--endpoint %s is %s, and --environment says %s", t.Origin, t.Environment, env),
				"leave one of them out",
			)
		}
		return t, true, nil
	case env == "":
		return t, false, nil
	case env == hpp.Sandbox:
		return hpp.Target{Environment: hpp.Sandbox, Name: "sandbox"}, true, nil
	}
	t, err = hpp.Region(env, s.region)
	return t, err == nil, err
}

// targetFlag is the flag that names a target again, in a command that somebody is to type.
func targetFlag(name string) string {
	if name == string(hpp.Sandbox) {
		return "--environment sandbox"
	}
	return "--endpoint " + name
}

// targetFlag is how a command is to be typed that goes on from this one: for the same target, by the same ledger.
func (a *app) targetFlag(name string) string { return targetFlag(name) + a.ledgerFlag }

// needTarget is target for commands that cannot do without one.
func (s *settings) needTarget() (hpp.Target, error) {
	t, ok, err := s.target()
	if err == nil && !ok {
		err = usage(
			"no environment is named, and there is no default",
			"say --environment production, --environment playground, or --environment sandbox to try it on this machine",
		)
	}
	return t, err
}

// credentialsFor reads the credentials: from the file that is named, else from the environment. The
// sandbox inside the program has its own.
func (a *app) credentialsFor(s *settings, t hpp.Target) (hpp.Credentials, error) {
	own := hpp.Credentials{Username: sandbox.DefaultUsername, Password: sandbox.DefaultPassword}
	if t.Environment == hpp.Sandbox && t.Origin == "" {
		return own, nil
	}
	values := map[string]string{}
	for _, kv := range a.Env {
		if name, value, ok := strings.Cut(kv, "="); ok {
			values[name] = value
		}
	}
	if s.credentials != "" {
		var err error
		if values, err = readCredentials(s.credentials, values["CREDENTIALS_DIRECTORY"]); err != nil {
			return hpp.Credentials{}, err
		}
	}
	c := hpp.Credentials{Username: values["KLARNA_USERNAME"], Password: hpp.Secret(values["KLARNA_PASSWORD"])}
	switch {
	case c.Username != "" && c.Password != "":
		return c, nil
	case t.Environment == hpp.Sandbox && c.Username == "" && c.Password == "":
		return own, nil
	}
	return c, usage(
		"the credentials are missing: KLARNA_USERNAME and KLARNA_PASSWORD",
		"set both environment variables, or name a file that holds both with --credentials",
	)
}

// readCredentials reads lines NAME=value, as shells and services take them. A file that others can read or
// write is refused, unless a service manager put it where only the service can look.
func readCredentials(path, service string) (map[string]string, error) {
	refuse := func(format string, args ...any) error {
		return usage(
			"credentials file "+path+": "+fmt.Sprintf(format, args...),
			"it holds two lines, KLARNA_USERNAME=… and KLARNA_PASSWORD=…, and only you can read it (chmod 600)",
		)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, refuse("%v", pipeline.WithoutPath(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, refuse("%v", pipeline.WithoutPath(err))
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" && !under(path, service) && !under(path, "/run/secrets") {
		return nil, refuse("others than you can read or change it (its mode is %#o)", mode)
	}
	values := map[string]string{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := assignment.FindStringSubmatch(line)
		if m == nil {
			return nil, refuse("line %d is not of the form NAME=value", n)
		}
		values[m[1]] = m[2] + m[3] + m[4]
	}
	if err := lines.Err(); err != nil {
		return nil, refuse("%v", err)
	}
	return values, nil
}

// assignment is NAME=value: a value in quotes is all that they hold, and one without ends at a comment,
// which a blank parts from it. A backslash or a dollar sign stands for itself.
var assignment = regexp.MustCompile(`^(?:export\s+)?(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^"'\s]\S*?(?:\s+[^#\s]\S*?)*)?)(?:\s+#.*)?\s*$`)

func under(path, folder string) bool {
	if folder == "" {
		return false
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(folder, full)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// stateFolder is where ledgers lie, and reports that could not be written where they belong.
func (a *app) stateFolder() (string, error) {
	for _, kv := range a.Env {
		dir, ok := strings.CutPrefix(kv, "XDG_STATE_HOME=")
		if !ok || dir == "" {
			continue
		}
		if !filepath.IsAbs(dir) || strings.Contains(dir, "$") { // to pass it over would be another ledger, in silence
			return "", usage("XDG_STATE_HOME is not the absolute path of a folder", "write the path out, or unset it; where nothing expands them, ~ and $HOME stand for themselves")
		}
		return filepath.Join(dir, "hppsend"), nil
	}
	if runtime.GOOS == "windows" {
		dir, err := os.UserCacheDir()
		return filepath.Join(dir, "hppsend"), err
	}
	home, err := homeFolder()
	if err != nil {
		return "", usage("there is no home folder to keep the ledger in", "name one with --ledger, or set XDG_STATE_HOME")
	}
	return filepath.Join(home, ".local", "state", "hppsend"), nil
}
