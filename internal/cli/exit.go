package cli

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"

	"hppsend/internal/campaign"
	"hppsend/pipeline"
)

// The exit codes; the README's table says what each means.
const (
	exitOK        = 0
	exitBroken    = 1
	exitUsage     = 2
	exitRejected  = 3
	exitUncertain = 4
	exitPending   = 5
	exitInput     = 6
	exitFailed    = 7
	exitBusy      = 75
	exitInterrupt = 130
	exitTerminate = 143
)

// usage is wrong usage or configuration; nothing was sent.
func usage(problem, todo string) error {
	return &pipeline.Error{Kind: pipeline.Usage, Problem: problem, Todo: todo}
}

// codeBeside is the exit code of a command that gave a code and an error; one that came to nothing
// gives none of its own.
func (a *app) codeBeside(code int, err error) int {
	if code == exitOK && err != nil {
		return a.codeOf(err)
	}
	return code
}

// codeOf gives the exit code of an error that ended the program before anything was sent, or that
// broke a run.
func (a *app) codeOf(err error) int {
	switch {
	case errors.Is(err, context.Canceled) && a.caught() != nil, errors.Is(err, pipeline.Stopped): // whatever was broken off by it
		return a.signalCode()
	case errors.Is(err, pipeline.Usage):
		return exitUsage
	case errors.Is(err, pipeline.Busy), errors.Is(err, pipeline.NoLedger):
		return exitBusy
	case errors.Is(err, pipeline.BadInput):
		return exitInput
	case errors.Is(err, pipeline.Braked):
		return exitPending
	}
	return exitBroken
}

// exitCode is the code of a run that came to its reports.
func (a *app) exitCode(total pipeline.Tally, ending pipeline.Ending) int {
	switch {
	case ending.Err != nil:
		return exitBroken
	case a.caught() != nil:
		return a.signalCode()
	case total.Status[pipeline.Pending] > 0:
		return exitPending
	}
	return checkCode(total)
}

// checkCode is the code of a check: pending rows are those that would go.
func checkCode(total pipeline.Tally) int {
	switch {
	case total.Status[pipeline.Uncertain] > 0:
		return exitUncertain
	case total.Status[pipeline.Failed] > 0:
		return exitFailed
	case total.Status[pipeline.Rejected] > 0:
		return exitRejected
	}
	return exitOK
}

// signals is what the user or the system has asked of the process.
type signals struct {
	stop  chan struct{} // closed by the first: no new call
	mu    sync.Mutex
	first os.Signal
}

// listen turns the first signal into a closed stop channel and the second into the end of the context.
func (a *app) listen(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	a.stop = make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; n < 2; n++ {
			select {
			case sig := <-a.Signals:
				if n == 1 {
					cancel()
					return
				}
				a.mu.Lock()
				a.first = sig
				a.mu.Unlock()
				close(a.stop)
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, func() { cancel(); <-done }
}

func (s *signals) caught() os.Signal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first
}

// signalCode is that of an interrupt for what a person types, and of SIGTERM for all else, such as a
// closed terminal.
func (s *signals) signalCode() int {
	switch s.caught() {
	case os.Interrupt, syscall.SIGQUIT:
		return exitInterrupt
	}
	return exitTerminate
}

// untilStop is a context that ends at the first signal, for what can be broken off without loss.
func (a *app) untilStop(ctx context.Context) (context.Context, context.CancelFunc) {
	return campaign.UntilStop(ctx, a.stop)
}
