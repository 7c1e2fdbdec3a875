package cli

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"runtime"
	"strings"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/hpp"
	"hppsend/internal/ledger"
	"hppsend/internal/sign"
	"hppsend/pipeline"
)

// planSettings are those of a plan, and of who approves it.
type planSettings struct{ plan, submittedBy, requireApproval string }

// planFlags are those of a plan that a check writes and a run sends.
func (s *settings) planFlags(f *flagSet, usage string) {
	f.path(&s.plan, "plan", "", usage)
	f.StringVar(&s.submittedBy, "submitted-by", "", "`NAME` of who wants it sent, as the list of require-approval has it: somebody else has to approve")
}

// approvalFlags say who has to approve what is sent.
func (s *settings) approvalFlags(f *flagSet) {
	f.path(&s.requireApproval, "require-approval", "", "in production send only a --plan that one of this `FILE` has signed: allowed_signers as OpenSSH has it; belongs into the configuration file, which no flag overrules in this")
}

// planTerms puts into options what a plan says of them, in a check as in the run that sends it.
func (s *settings) planTerms(opt *campaign.Options) (err error) {
	opt.RetryRejected, opt.ResendUncertain = s.retryRejected, s.resendUncertain
	opt.Suppress = s.lists()
	opt.Rate, opt.Headroom = s.perSecond(opt.Target), float64(s.headroom)
	opt.Send.Limit, opt.Send.Canary, opt.Send.MaxRejected = s.limit, s.canary, pipeline.Threshold(s.maxRejected)
	opt.Restraints, err = s.ruled(opt.Target)
	return err
}

// requireApprovalKey is a setting that the configuration file has the last word on.
const requireApprovalKey = "require-approval"

// signerName is the user of this system as one who may have signed.
func signerName() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username[strings.LastIndexByte(u.Username, '\\')+1:] // less the domain of Windows
}

// userOf is the user that a plan is sent as. No password is needed to write one.
func (a *app) userOf(s *settings, t hpp.Target) (string, error) {
	c, err := a.credentialsFor(s, t)
	if c.Username != "" {
		return c.Username, nil
	}
	return "", cmp.Or(err, usage("the user is missing that the plan is sent as", "set KLARNA_USERNAME, or name a file that holds it with --credentials"))
}

// beginPlan sees before a check that the plan it is to write can be written.
func (a *app) beginPlan(s *settings, opt *campaign.Options) (err error) {
	if s.plan == stdout {
		return usage("--plan is a file, and not standard output", "name a file")
	}
	if err := campaign.PlanPlace(s.plan); err != nil {
		return err
	}
	opt.User, err = a.userOf(s, opt.Target)
	return err
}

// writePlan writes what a check has found as a plan, and says how it is approved.
func (a *app) writePlan(s *settings, opt campaign.Options, l *ledger.Ledger, plan *pipeline.Plan) error {
	if plan.Due == 0 {
		return usage("nothing is to be sent, so there is no plan", "see what became of the rows")
	}
	text, err := opt.WritePlan(l, plan, campaign.Submitter{Said: strings.TrimSpace(s.submittedBy), User: signerName() + " on " + hostname()}, time.Now())
	if err != nil {
		return err
	}
	if err := campaign.PlacePlan(s.plan, text); err != nil {
		return err
	}
	a.say("notice", "plan_written", fmt.Sprintf("Plan: %s, %s to be sent. To approve it: ssh-keygen -Y sign -n %s -f KEY %[4]s; then: hppsend run --plan %[4]s …",
		s.plan, rows(plan.Due), sign.Namespace, word(s.plan)))
	return nil
}

// needPlan refuses a run that a plan is needed for, and that has none.
func (s *settings) needPlan(t hpp.Target) error {
	if s.plan != "" || s.requireApproval == "" || t.Environment != hpp.Production {
		return nil
	}
	return usage(
		"in production nothing is sent without a plan that somebody has approved: "+cmp.Or(s.sources[requireApprovalKey], "--"+requireApprovalKey)+" says so",
		"hppsend check --plan plan.json … writes one; then: hppsend run --plan plan.json …",
	)
}

// takePlan reads the plan that is to be sent, and who has approved it. Without one nothing has to be approved here.
func (r *invocation) takePlan(ctx context.Context) error {
	s := r.s
	if s.plan == "" {
		return nil
	}
	signers, err := s.signers()
	if err != nil {
		return err
	}
	now := time.Now()
	if r.plan, err = campaign.ReadPlan(s.plan, r.ledger); err != nil {
		return err
	}
	last, err := r.ledger.Runs(ctx, 1)
	if err != nil {
		return err
	}
	var begun time.Time
	if len(last) > 0 {
		begun = last[0].Started
	}
	if err := r.plan.InTime(now, begun); err != nil {
		return err
	}
	if err := r.plan.TermsHold("", r.opt); err != nil {
		return err
	}
	r.opt.Approval = &campaign.Approval{Plan: hex.EncodeToString(r.plan.Digest[:]), Made: r.plan.Made, Time: now.UTC().Truncate(time.Second)}
	for _, name := range []string{r.plan.SubmittedBy, s.submittedBy} {
		if name = strings.TrimSpace(name); name != "" && (len(r.opt.Approval.SubmittedBy) == 0 || r.opt.Approval.SubmittedBy[0] != name) {
			r.opt.Approval.SubmittedBy = append(r.opt.Approval.SubmittedBy, name)
		}
	}
	if len(r.opt.Approval.SubmittedBy) == 0 {
		r.opt.Approval.SubmittedBy = []string{r.plan.WrittenBy}
	}
	defer func() { r.plan.Bytes = nil }() // they are large, and were for the signature
	if signers == nil {
		if _, err := os.Lstat(s.plan + ".sig"); err == nil {
			r.say("notice", "signature_not_needed", s.plan+".sig is not looked at: "+requireApprovalKey+" names nobody who may approve.")
		}
		return nil
	}
	return r.approved(signers, now)
}

// approved sees who has signed the plan, and that it is somebody else.
func (r *invocation) approved(signers *sign.Signers, now time.Time) error {
	path := r.s.plan + ".sig"
	todo := fmt.Sprintf("somebody else who may has to sign it: ssh-keygen -Y sign -n %s -f KEY %s", sign.Namespace, word(r.s.plan))
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return usage(fmt.Sprintf("nobody has approved the plan %s: there is no %s", r.s.plan, path), todo)
	}
	text, err := campaign.ReadSmall(path, 1<<16)
	if err != nil {
		return err
	}
	by, err := signers.Verify(r.plan.Bytes, text, now)
	if err != nil {
		return usage(fmt.Sprintf("the signature %s approves nothing: %v", path, err), todo)
	}
	writer, _, _ := strings.Cut(r.plan.WrittenBy, " on ")
	for _, who := range []struct{ name, does string }{
		{r.plan.SubmittedBy, "wants the plan sent"},
		{r.s.submittedBy, "wants the plan sent"},
		{writer, "wrote the plan"},
		{signerName(), "runs it"},
	} {
		if who.name != "" && by.Is(who.name) {
			return usage(fmt.Sprintf("the plan %s was signed by %s, and %s %s", r.s.plan, strings.Join(by.By, ", "), who.name, who.does), todo)
		}
	}
	r.opt.Approval.By, r.opt.Approval.Key = by.By, by.Key
	r.say("notice", "approved", "Approved by "+r.opt.Approval.String()+".")
	return nil
}

// signers are those who may approve; nil where nobody has to.
func (s *settings) signers() (*sign.Signers, error) {
	if s.requireApproval == "" {
		return nil, nil
	}
	if info, err := os.Stat(s.requireApproval); err == nil && info.Mode().Perm()&0o022 != 0 && runtime.GOOS != "windows" {
		return nil, usage(fmt.Sprintf("%s says who approves, and others than its owner can change it (its mode is %#o)", s.requireApproval, info.Mode().Perm()), "chmod go-w it")
	}
	text, err := campaign.ReadSmall(s.requireApproval, 1<<20)
	if err != nil {
		return nil, err
	}
	return sign.Parse(s.requireApproval, text)
}

// holdsPlan refuses what is not, or is more than, what the plan has, and a plan that has brought about all that it could.
func (r *invocation) holdsPlan(ctx context.Context, now *pipeline.Plan) error {
	if r.plan == nil {
		return nil
	}
	if err := r.plan.Holds("", campaign.PlanKey(r.ledger), r.opt, now); err != nil {
		return err
	}
	runs, err := r.ledger.RunsOfPlan(ctx, r.opt.Approval.Plan)
	if err != nil {
		return err
	}
	over := map[[32]byte]ledger.RunState{} // contents that a run by this plan has left nothing of
	for _, run := range runs {
		if s := (runLine{RunState: run}).summary(); !run.Lives && s.Rows > 0 && s.Pending+s.Failed == 0 {
			over[run.SHA256] = run
		}
	}
	left := len(now.Files)
	var spent pipeline.FilePlan
	for _, f := range now.Files {
		if _, ok := over[f.Input.SHA256]; ok {
			if left--; f.Due > 0 || spent.Input.Path == "" {
				spent = f
			}
		}
	}
	if spent.Input.Path == "" || left > 0 && spent.Due == 0 {
		return nil
	}
	run := over[spent.Input.SHA256]
	return usage(
		fmt.Sprintf("the plan %s is spent: run %s of %s has sent all that it had of %s", r.s.plan, run.ID, moment(run.Started), spent.Input.Path),
		"hppsend report writes the report again; what is to be sent anew needs a plan of its own",
	)
}
