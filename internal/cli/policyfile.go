package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/knadh/koanf/parsers/yaml"

	"hppsend/internal/queue"
	"hppsend/pipeline"
)

// PolicyFile is where the rules of a machine stand, and whose it has to be: what it says is not to be changed by
// those whom it binds.
type PolicyFile struct {
	Path  string // empty: the one of the system
	Owner int    // the user id; 0 for root
}

// policyKey is what a policy has beside rules: those that --override may loosen all the same.
const policyKey = "allow-override"

// maxPolicy is far more than all rules need.
const maxPolicy = 1 << 20

// applyPolicy has the rules hold that the policy of this machine says, whatever the configuration is. Commands that
// send nothing do without: an emergency stop must not depend on it.
func (s *settings) applyPolicy() error {
	if !slices.ContainsFunc(rules, func(r rule) bool { return r.flag != "network-ledger" && s.flags.Lookup(r.flag) != nil }) {
		return nil // which every command has that has a ledger
	}
	return s.takePolicy()
}

// takePolicy remembers what the policy says.
func (s *settings) takePolicy() error {
	policy, folder, err := s.readPolicy()
	if err != nil {
		return err
	}
	if may := policy[policyKey]; may != nil {
		s.mayOverride = textsOf(may)
	}
	delete(policy, policyKey)
	for _, name := range s.mayOverride {
		if _, ok := ruleOf(name); !ok {
			return usage(fmt.Sprintf("%s: %s: there is no rule %q", s.policySource(), policyKey, name), "it names rules; hppsend help policy lists them")
		}
	}
	for key, value := range policy {
		r, ok := ruleOf(key)
		switch {
		case !ok:
			return usage(fmt.Sprintf("%s: %s is no rule", s.policySource(), key), "only rules and "+policyKey+" stand there; hppsend help policy lists them, and other settings belong into a configuration file")
		case value == nil:
			continue
		}
		if err := s.stands(r, value, origin{name: s.policySource(), folder: folder, policy: true}); err != nil {
			return err
		}
	}
	if all := s.held["rate"]; len(all) > 0 && all[len(all)-1].policy {
		var err error
		s.mostRate, err = rateNumber(s, all[len(all)-1].text)
		return err
	}
	return nil
}

// tightened is how a worker on this machine sends what another has handed over: no faster, and leaving no less to
// the shop, than this machine's policy allows. The other rules are judged where it is handed over.
func (s *settings) tightened() (func(*queue.Spec), error) {
	if err := s.takePolicy(); err != nil {
		return nil, err
	}
	least := 0.0
	for _, st := range s.held["headroom"] {
		if n, err := percent(st.text); err == nil && st.policy {
			least = max(least, n)
		}
	}
	return func(spec *queue.Spec) {
		if s.mostRate > 0 && !math.IsInf(s.mostRate, 1) && (spec.Rate == 0 || spec.Rate > s.mostRate) {
			spec.Rate = s.mostRate
		}
		spec.Headroom = max(spec.Headroom, least)
	}, nil
}

func (s *settings) policySource() string { return "policy " + s.policyFile.Path }

// readPolicy reads the policy of this machine, and gives its folder; nil where there is none. One that others than
// its owner can change, or that cannot be read, lets nothing be sent.
func (s *settings) readPolicy() (map[string]any, string, error) {
	if s.policyFile.Path == "" {
		return nil, "", nil
	}
	wrong := func(err error) error {
		return usage(fmt.Sprintf("%s: %s; nothing is sent without what it says", s.policySource(), withoutQuotes(pipeline.WithoutPath(err))),
			"whoever administers this machine is to mend it: a YAML file of root's that all can read and no other can write, in a folder like that")
	}
	path, err := filepath.EvalSymlinks(s.policyFile.Path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, link := os.Lstat(s.policyFile.Path); link == nil { // to nowhere
			return nil, "", wrong(err)
		}
		return nil, "", nil
	}
	if err != nil {
		return nil, "", wrong(err)
	}
	for _, folder := range []string{filepath.Dir(s.policyFile.Path), filepath.Dir(path)} {
		info, err := os.Stat(folder)
		if err == nil {
			err = ownedBy(info, s.policyFile.Owner)
		}
		if err != nil {
			return nil, "", wrong(fmt.Errorf("its folder: %w", err))
		}
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, "", wrong(errors.New("it is no file"))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, "", wrong(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		err = ownedBy(info, s.policyFile.Owner)
	}
	if err != nil {
		return nil, "", wrong(err)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxPolicy+1))
	if err == nil && len(text) > maxPolicy {
		err = errors.New("it is larger than 1 MB")
	}
	var policy map[string]any
	if err == nil {
		policy, err = yaml.Parser().Unmarshal(text)
	}
	if err != nil {
		return nil, "", wrong(err)
	}
	return policy, filepath.Dir(path), nil
}
