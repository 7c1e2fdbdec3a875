package sign

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"hppsend/pipeline"
)

// Signers are people who may sign, with their keys.
type Signers struct {
	path string
	all  []signer
}

// signer is a line of the list.
type signer struct {
	line          int
	people        []string
	key           ssh.PublicKey
	namespaces    string    // a list of patterns; empty for all
	after, before time.Time // zero for ever
}

func usage(problem, todo string) error {
	return &pipeline.Error{Kind: pipeline.Usage, Problem: problem, Todo: todo}
}

// Parse reads a list of people and keys that a path has. Where a line cannot be understood, or would let in whoever
// some authority certifies, the list is refused: nothing of it is passed over.
func Parse(path string, text []byte) (*Signers, error) {
	s := &Signers{path: path}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		one, err := parseLine(line)
		if err != nil {
			return nil, usage(fmt.Sprintf("%s, line %d: %v", path, n, err), "a line is: NAME [namespaces=\"hppsend\"] ssh-ed25519 AAAA…, as ssh-keygen(1) has it under ALLOWED SIGNERS")
		}
		one.line = n
		s.all = append(s.all, one)
	}
	if len(s.all) == 0 {
		return nil, usage(path+" lists nobody who may sign", "a line is: NAME ssh-ed25519 AAAA…, as ssh-keygen(1) has it under ALLOWED SIGNERS")
	}
	return s, nil
}

func parseLine(line string) (s signer, err error) {
	names, rest := strings.TrimPrefix(line, `"`), ""
	if names != line {
		names, rest, _ = strings.Cut(names, `"`)
	} else if i := strings.IndexAny(line, " \t"); i >= 0 {
		names, rest = line[:i], line[i:]
	}
	for name := range strings.SplitSeq(names, ",") {
		switch {
		case name == "":
			return s, errors.New("a name is empty")
		case strings.ContainsAny(name, "*?!"): // who has approved is to be known
			return s, fmt.Errorf("%q stands for several people, and one name is needed for each key", name)
		}
		s.people = append(s.people, name)
	}
	key, _, options, left, err := ssh.ParseAuthorizedKey([]byte(strings.TrimSpace(rest)))
	if err != nil || len(left) > 0 {
		return s, errors.New("there is no key that is understood")
	}
	if s.key = key; !slices.Contains(kinds, key.Type()) {
		return s, fmt.Errorf("a key of type %s is not taken", key.Type())
	}
	seen := map[string]bool{}
	for _, option := range options {
		name, value, _ := strings.Cut(option, "=")
		name = strings.ToLower(name)
		if seen[name] {
			return s, fmt.Errorf("%s is said twice", name)
		}
		seen[name] = true
		if err := s.option(name, value); err != nil {
			return s, err
		}
	}
	if !s.after.IsZero() && !s.before.IsZero() && !s.after.Before(s.before) {
		return s, errors.New("valid-before is not after valid-after")
	}
	return s, nil
}

// kinds are the types of keys that may sign. A hardware key signs with one too.
var kinds = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoSKECDSA256, ssh.KeyAlgoRSA,
}

func (s *signer) option(name, value string) (err error) {
	text := value
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		text = strings.ReplaceAll(value[1:len(value)-1], `\"`, `"`)
	} else if name != "cert-authority" {
		return fmt.Errorf(`the value of %s has to be in quotes`, name)
	}
	switch name {
	case "cert-authority":
		return errors.New("cert-authority is not understood here: list the key of each person")
	case "namespaces":
		if s.namespaces = text; text == "" {
			err = errors.New("namespaces is empty")
		}
	case "valid-after":
		s.after, err = moment(text)
	case "valid-before":
		s.before, err = moment(text)
	default:
		err = fmt.Errorf("the option %s is not known", name)
	}
	return err
}

// moment is a time as OpenSSH writes it: YYYYMMDD or YYYYMMDDHHMM or YYYYMMDDHHMMSS, in the zone of this machine, or
// with a Z in UTC.
func moment(text string) (time.Time, error) {
	zone, digits := time.Local, text
	if last := len(text) - 1; last >= 0 && (text[last] == 'Z' || text[last] == 'z') {
		zone, digits = time.UTC, text[:last]
	}
	form, ok := map[int]string{8: "20060102", 12: "200601021504", 14: "20060102150405"}[len(digits)]
	if !ok {
		return time.Time{}, fmt.Errorf("%q is no time such as 20270131 or 20270131120000Z", text)
	}
	t, err := time.ParseInLocation(form, digits, zone)
	if err != nil {
		return t, fmt.Errorf("%q is no time such as 20270131 or 20270131120000Z", text)
	}
	return t, nil
}

// matches reports whether a text is one of a list of patterns, in which * and ? stand for others, and none that
// begins with a ! is the text's, as ssh_config(5) has it under PATTERNS.
func matches(list, text string) (found bool) {
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, not := strings.CutPrefix(pattern, "!")
		if !match(pattern, text) {
			continue
		}
		if not {
			return false
		}
		found = true
	}
	return found
}

func match(pattern, text string) bool {
	for pattern != "" {
		switch {
		case pattern[0] == '*':
			for i := range len(text) + 1 {
				if match(pattern[1:], text[i:]) {
					return true
				}
			}
			return false
		case text == "" || pattern[0] != '?' && pattern[0] != text[0]:
			return false
		}
		pattern, text = pattern[1:], text[1:]
	}
	return text == ""
}
