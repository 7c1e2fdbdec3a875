package cli

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/spf13/pflag"
)

// setFlag sets a flag to a value of the environment or of a configuration file, by the flag's own parsing.
// Its errors say what the flag takes, and nothing of the value: a password may be in the wrong place.
func setFlag(f *pflag.Flag, value any, folder string) error {
	given, err := texts(f, value)
	if err != nil {
		return err
	}
	for _, text := range given {
		if secretive(text) {
			return errors.New("it looks like a password, and is not shown; credentials are in the environment or in a file of their own")
		}
		if path, ok := f.Value.(pathFlag); ok {
			err = path.from(folder, text)
		} else if paths, ok := f.Value.(pathsFlag); ok {
			err = paths.from(folder, text)
		} else if holidays, ok := f.Value.(holidaysFlag); ok {
			err = holidays.from(folder, text)
		} else if f.Value.Set(text) != nil {
			err = wanted(f, text)
		}
		if err != nil {
			return err
		}
	}
	if command, ok := f.Value.(commandFlag); ok {
		return command.resolve(folder)
	}
	return nil
}

// wanted says what a flag takes, without the text that it did not take.
func wanted(f *pflag.Flag, text string) error {
	switch f.Value.Type() {
	case "bool":
		return errors.New("it is true or false")
	case "int":
		return errors.New("it is a whole number")
	case "duration":
		return errors.New("a time is written like 30s, 10m or 1h30m")
	}
	return f.Value.Set(text) // ours quote nothing
}

// texts gives a value as the flag would have it on the command line. Only a flag that may be given several
// times takes several values, and only the map of columns takes names with them.
func texts(f *pflag.Flag, value any) ([]string, error) {
	_, columns := f.Value.(*mappings)
	_, several := f.Value.(several)
	var out []string
	add := func(lead string, v any) error {
		switch v.(type) {
		case map[string]any, []any:
			return errors.New("it takes plain values, and there is a table in it")
		case nil:
			v = ""
		}
		out = append(out, lead+fmt.Sprint(v))
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		if !columns {
			return nil, errors.New("it takes one value, and there is a table, which is not shown")
		}
		for name, e := range v {
			if err := add(name+"=", e); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		if !columns && !several {
			return nil, errors.New("it takes one value, and there are several")
		}
		for _, e := range v {
			if err := add("", e); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return out, add("", value)
}

// secret is how Klarna's passwords begin, a file with one, or a URL that holds one.
var secret = regexp.MustCompile(`(?i)klarna_(live|test)_api_|klarna_password\s*[=:]|://[^/\s@]*:[^/\s@]*@`)

// secretive reports whether a text is, or holds, what looks like a password.
func secretive(text string) bool { return secret.MatchString(text) }
