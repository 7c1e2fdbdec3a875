package campaign

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hppsend/internal/ledger"
	"hppsend/internal/move"
	"hppsend/pipeline"
)

// Approval is by which plan a run goes, and who has approved that. Names are kept as they are: they are of whoever
// works with the program.
type Approval struct {
	Plan        string    `json:"plan"` // its digest in hex; it comes first, since the ledger finds runs by it
	SubmittedBy []string  `json:"submitted_by,omitempty"`
	By          []string  `json:"by,omitempty"`  // nobody, where none is asked for
	Key         string    `json:"key,omitempty"` // with which the file of the plan was signed
	Made        time.Time `json:"made,omitzero"` // when that was written
	Time        time.Time `json:"time"`          // of the last approval on the page; of a file, when its signature was looked at
}

// record is an approval as the ledger keeps it.
func (a *Approval) record() (json.RawMessage, error) {
	if a == nil {
		return nil, nil
	}
	return json.Marshal(a)
}

// ApprovalOf is who has approved a run; nil for nobody, and by no plan.
func ApprovalOf(run ledger.RunInfo) *Approval {
	var a Approval
	if json.Unmarshal(run.Approval, &a) != nil || a.Plan == "" {
		return nil
	}
	return &a
}

// String says it in a line.
func (a *Approval) String() string {
	if a == nil {
		return ""
	}
	text := "nobody"
	if len(a.By) > 0 {
		text = strings.Join(a.By, ", ")
	}
	if a.Key != "" {
		text += " with key " + a.Key
	}
	text += ": plan " + a.Plan[:min(12, len(a.Plan))]
	if len(a.SubmittedBy) > 0 {
		text += " of " + strings.Join(a.SubmittedBy, ", ")
	}
	return text
}

// skew is how far the clocks of those who work together may be apart.
const skew = 5 * time.Minute

// InTime refuses a plan that is too old, and a clock that has been set back, by which it might not be: last is when
// the ledger saw a run begin, zero for never.
func (p *PlanFile) InTime(now, last time.Time) error {
	const form = "2006-01-02 15:04:05 MST"
	switch {
	case p.Made.Sub(now) > skew:
		return usage(fmt.Sprintf("the plan %s was written on %s, and that is still to come by the clock of this machine", p.Path, p.Made.Local().Format(form)), "set the clock")
	case last.Sub(now) > skew:
		return usage(fmt.Sprintf("a run was begun on %s, and that is still to come by the clock of this machine: how old the plan %s is cannot be told", last.Local().Format(form), p.Path), "set the clock")
	case now.Sub(p.Made) > ApprovalLife:
		return usage(fmt.Sprintf("the plan %s was written on %s, more than %.0f hours ago, and holds no more", p.Path, p.Made.Local().Format(form), ApprovalLife.Hours()), "write it anew with hppsend check --plan, and have that approved")
	}
	return nil
}

// PlanPlace refuses to write a plan over what is something else, or what somebody has signed.
func PlanPlace(path string) error {
	if _, err := os.Lstat(path + ".sig"); err == nil {
		return usage(path+" is a plan that was signed, and is not replaced", "name another place, or take "+path+".sig away")
	}
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil
	case !info.Mode().IsRegular():
		return usage(path+" is there, and is no file", "name another place")
	}
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		begins := make([]byte, len(planBegins))
		if n, _ := f.Read(begins); string(begins[:n]) == planBegins {
			return nil
		}
	}
	return usage(path+" is there, and is no plan", "name another place, or move it away")
}

// PlacePlan writes a plan, which only its owner can read, where PlanPlace has nothing against it. What was there before
// is there until the new one is complete.
func PlacePlan(path string, text []byte) (err error) {
	if err := PlanPlace(path); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = &pipeline.Error{Kind: pipeline.Unwritten, Problem: "write the plan " + path, Todo: "see that the disk has room, or name another place", Err: pipeline.WithoutPath(err)}
		}
	}()
	f, err := os.CreateTemp(filepath.Dir(path), ".hppsend-*") // with the mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if _, there := os.Lstat(path); there != nil {
		return move.New(f.Name(), path)
	}
	return os.Rename(f.Name(), path)
}
