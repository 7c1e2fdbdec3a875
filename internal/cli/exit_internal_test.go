package cli

import (
	"context"
	"syscall"
	"testing"

	"hppsend/pipeline"
)

// TestCheckCode takes every set of statuses that a file can have: the gravest decides.
func TestCheckCode(t *testing.T) {
	t.Parallel()
	gravest := []struct {
		status pipeline.Status
		code   int
	}{
		{pipeline.Uncertain, exitUncertain},
		{pipeline.Failed, exitFailed},
		{pipeline.Rejected, exitRejected},
		{pipeline.Delivered, exitOK},
		{pipeline.Skipped, exitOK},
	}
	for set := range 1 << len(gravest) {
		total, want := pipeline.Tally{Status: map[pipeline.Status]int{}}, exitOK
		for i := len(gravest) - 1; i >= 0; i-- {
			if set&(1<<i) != 0 {
				total.Status[gravest[i].status] = 2
				want = gravest[i].code
			}
		}
		if got := checkCode(total); got != want {
			t.Errorf("%v: exit code %d, want %d", total.Status, got, want)
		}
	}
}

// TestCodeOfWhatASignalBrokeOff is that of the signal, whatever waited.
func TestCodeOfWhatASignalBrokeOff(t *testing.T) {
	for _, err := range []error{
		context.Canceled,
		&pipeline.Error{Kind: pipeline.NoLedger, Err: context.Canceled},
		&pipeline.Error{Err: &pipeline.Error{Kind: pipeline.NoLedger, Err: context.Canceled}},
		&pipeline.Error{Kind: pipeline.BadInput, Err: context.Canceled},
	} {
		a := &app{}
		before := a.codeOf(err)
		a.first = syscall.SIGTERM
		if got := a.codeOf(err); got != exitTerminate || before == exitTerminate {
			t.Errorf("%T: exit code %d, and %d without a signal", err, got, before)
		}
	}
}
