package campaign

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"hppsend/pipeline"
)

// Approved is a plan as somebody has approved it: what is sent, out of which content, where to and how.
type Approved struct {
	Account string // for which merchant account, or department
	Content [32]byte
	Terms   json.RawMessage // how it is read and sent, by Options.terms
	Effects []pipeline.Effect
}

// Plan makes of what a check has found in one file what is to be approved.
func (o Options) Plan(account string, plan *pipeline.Plan) (Approved, error) {
	terms, err := json.Marshal(o.terms())
	return Approved{Account: account, Content: plan.Files[0].Input.SHA256, Terms: terms, Effects: plan.Effects()}, err
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

// Digest is a SHA-256 over all that is approved.
func (a Approved) Digest() [32]byte {
	h := sha256.New()
	part := func(b []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	part([]byte("hppsend approved plan 1"))
	part([]byte(a.Account))
	part(a.Content[:])
	part(a.Terms)
	for _, e := range a.Effects {
		h.Write(e[:])
	}
	return [32]byte(h.Sum(nil))
}

// Holds refuses a plan that is more, or other, than what was approved. It may be less: what others have sent
// meanwhile is not sent again.
func (a Approved) Holds(now Approved) error {
	problem := ""
	switch grown := pipeline.Grown(a.Effects, now.Effects); {
	case a.Account != now.Account:
		problem = "it was approved for another account"
	case a.Content != now.Content:
		problem = "the file, or what was typed into it, has changed since it was approved"
	case string(a.Terms) != string(now.Terms):
		problem = "how it is read, where it is sent to or how has changed since it was approved"
	case grown > 0:
		problem = fmt.Sprintf("%s would be sent that were not to be sent when it was approved", counted(grown))
	default:
		return nil
	}
	return usage(problem+"; nothing was sent", "ask for approval again")
}
