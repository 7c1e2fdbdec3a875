package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"hppsend/internal/campaign"
)

// wishDigest stands for a plan, when it was asked for, when it is to start, and how many rows are left out: all that
// somebody approves.
func wishDigest(plan [32]byte, asked, start time.Time, leftOut int) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "hppsend wish 1\n%x %d %d %d", plan, stamp(asked), stamp(start), leftOut))
	return sum[:]
}

// Asks reports whether what was asked for is the plan with a digest, as a sheet has it.
func (u *Upload) Asks(plan string) bool {
	var sum [32]byte
	n, err := hex.Decode(sum[:], []byte(plan))
	return err == nil && n == len(sum) && hex.EncodeToString(wishDigest(sum, u.Asked, u.Start, u.LeftOut)) == u.Digest
}

// keepPlan keeps what is approved, encrypted.
func (d *Desk) keepPlan(ctx context.Context, u *Upload, digest string, plan campaign.Approved) (err error) {
	k := d.accounts[u.Account].key
	f, err := os.CreateTemp(d.path("tmp"), "plan-*")
	if err != nil {
		return broken("keep the plan", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	w, err := k.writer(u.ID+" plan", f)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(w).Encode(plan); err != nil {
		return broken("keep the plan", err)
	}
	if err := errors.Join(w.Close(), f.Sync(), f.Close()); err != nil {
		return broken("keep the plan", err)
	}
	if err := os.Rename(f.Name(), d.planOf(u.ID, digest)); err != nil {
		return broken("keep the plan", err)
	}
	return d.shareOnce(ctx, d.planOf(u.ID, digest))
}

func (d *Desk) plan(u *Upload) (plan campaign.Approved, err error) {
	f, err := os.Open(d.planOf(u.ID, u.Digest))
	if err != nil {
		return plan, broken("read the plan", err)
	}
	defer f.Close()
	plain, size, err := d.accounts[u.Account].key.bytes(u.ID + " plan")(f)
	if err != nil {
		return plan, err
	}
	if err := json.NewDecoder(io.NewSectionReader(plain, 0, size)).Decode(&plan); err != nil {
		return plan, broken("read the plan", err)
	}
	if hex.EncodeToString(wishDigest(plan.Digest(), u.Asked, u.Start, u.LeftOut)) != u.Digest {
		return plan, &Refusal{Code: Conflict, Problem: "the plan that is kept is not the one that was approved", Todo: "ask for approval again"}
	}
	return plan, nil
}
