package campaign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// ApprovalLife is how long an approval holds: on the page from the last that was given, for the file of a plan from
// when that was written, since a signature tells no time.
const ApprovalLife = 72 * time.Hour

// Approved is a plan as somebody has approved it: what is sent, out of which content, where to and how. Who has not the
// key of the ledger learns no contact from it.
type Approved struct {
	Account  string          // for which merchant account, or department
	Contents [][32]byte      // of each file a hash of its content, keyed
	Terms    json.RawMessage // how it is read and sent, by Options.terms
	Effects  []pipeline.Effect
}

// PlanKey is what the hashes of plans are keyed with: the same wherever the ledger is the same.
func PlanKey(l *ledger.Ledger) []byte { return l.Key("approved plan") }

// Plan makes of what a check has found what is to be approved, by a [PlanKey].
func (o Options) Plan(account string, key []byte, plan *pipeline.Plan) (Approved, error) {
	terms, err := o.approvedTerms()
	return Approved{Account: account, Contents: contents(key, plan), Terms: terms, Effects: plan.Effects(key)}, err
}

// contents are keyed, since the content of a file with one row could be found by trying all numbers.
func contents(key []byte, plan *pipeline.Plan) (all [][32]byte) {
	for _, f := range plan.Files {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte("content\n"))
		mac.Write(f.Input.SHA256[:])
		all = append(all, [32]byte(mac.Sum(nil)))
	}
	return all
}

// terms are the options that who approves a plan relies on.
func (o Options) terms() any {
	return struct {
		Reading         Reading
		Target, User    string
		RetryRejected   bool
		ResendUncertain bool
		Rate, Headroom  string
		Canary, Limit   int
		MaxRejected     string
		Version         string // another may read a cell otherwise
		Restraints      Restraints
	}{
		o.Reading, o.Target.Name, o.User, o.RetryRejected, o.ResendUncertain,
		fmt.Sprint(o.Rate), fmt.Sprint(o.Headroom), o.Send.Canary, o.Send.Limit, o.Send.MaxRejected.String(), o.Program.Version, o.Restraints,
	}
}

// approvedTerms are the terms with the contacts masked that people put into labels and into the names of sheets and
// columns. Whoever a message goes to, the effects say.
func (o Options) approvedTerms() (json.RawMessage, error) {
	plain, err := json.Marshal(o.terms())
	if err != nil {
		return nil, err
	}
	var terms, as map[string]json.RawMessage
	if err := json.Unmarshal(ledger.Masked(plain), &terms); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(plain, &as); err != nil {
		return nil, err
	}
	for _, name := range []string{"Target", "User", "Version"} { // whose digits are of no contact
		terms[name] = as[name]
	}
	return json.Marshal(terms)
}

// Digest is a SHA-256 over all that is approved.
func (a Approved) Digest() [32]byte {
	h := sha256.New()
	part := func(b []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	part([]byte("hppsend approved plan 2"))
	part([]byte(a.Account))
	for _, c := range a.Contents {
		part(c[:])
	}
	part(a.Terms)
	for _, e := range a.Effects {
		h.Write(e[:])
	}
	return [32]byte(h.Sum(nil))
}

// TermsHold refuses options that are not those that were approved; for that nothing has to be read.
func (a Approved) TermsHold(account string, o Options) error {
	if a.Account != account {
		return usage("it was approved for another account; nothing was sent", "ask for approval again")
	}
	terms, err := o.approvedTerms()
	if err != nil || string(terms) == string(a.Terms) {
		return err
	}
	return usage(
		"how it is read, where it is sent to or how has changed since it was approved: "+strings.Join(changes(a.Terms, terms), ", ")+"; nothing was sent",
		"send it as it was approved, or ask for approval again",
	)
}

// firstBeyond is how many rows are named that go beyond a plan.
const firstBeyond = 5

// Holds refuses a plan that is more, or other, than what was approved. It may be less: what others have sent
// meanwhile is not sent again, and files may be left out.
func (a Approved) Holds(account string, key []byte, o Options, now *pipeline.Plan) error {
	if err := a.TermsHold(account, o); err != nil {
		return err
	}
	for i, content := range contents(key, now) {
		if !slices.Contains(a.Contents, content) {
			return &pipeline.Error{
				Kind: pipeline.BadInput, Place: pipeline.Place{File: now.Files[i].Input.Path},
				Problem: "the file, or what was typed into it, is not what was approved; nothing was sent", Todo: "send the file that was approved, or ask for approval again",
			}
		}
	}
	n, places := now.Beyond(key, a.Effects, firstBeyond)
	if n == 0 {
		return nil
	}
	var at []string
	for _, p := range places[1:] {
		at = append(at, fmt.Sprint(p.Row))
	}
	more := ""
	if len(at) > 0 {
		more = fmt.Sprintf(", also rows %s", strings.Join(at, ", "))
	}
	if n > len(places) {
		more += fmt.Sprintf(" and %d more", n-len(places))
	}
	return &pipeline.Error{
		Kind: pipeline.BadInput, Place: places[0],
		Problem: fmt.Sprintf("%s would be sent that what was approved has not, this one the first%s; nothing was sent", counted(n), more),
		Todo:    "ask for approval again",
	}
}

// changes says which options were others, and what they are now.
func changes(was, now json.RawMessage) (all []string) {
	before, after := map[string]string{}, map[string]string{}
	flatten("", was, before)
	flatten("", now, after)
	names := slices.Sorted(maps.Keys(before))
	for name := range after {
		if _, ok := before[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	said := func(in map[string]string, name string) string {
		if v, ok := in[name]; ok {
			return v
		}
		return "not said"
	}
	for _, name := range names {
		if a, b := said(before, name), said(after, name); a != b {
			all = append(all, fmt.Sprintf("%s was %s and is %s", name, a, b))
		}
	}
	return all
}

// flatten gives the values of a document by their paths.
func flatten(path string, doc json.RawMessage, into map[string]string) {
	var parts map[string]json.RawMessage
	if json.Unmarshal(doc, &parts) != nil || parts == nil {
		into[path] = string(doc)
		return
	}
	for name, part := range parts {
		if path != "" {
			name = path + "." + name
		}
		flatten(name, part, into)
	}
}
