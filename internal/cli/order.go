package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hppsend/internal/ledger"
	"hppsend/internal/queue"
	"hppsend/pipeline"
)

func (s *settings) orderFlags(f *flagSet) {
	s.ledgerFlags(f)
	f.StringVar(&s.by, "by", "", "`NAME` of who says so (default: the user of this machine)")
}

func (s *settings) orderAllFlags(f *flagSet) {
	s.orderFlags(f)
	f.BoolVar(&s.all, "all", false, "all runs on the ledger, those too that begin later")
}

// orderCommands are those by which a run is held, let go on, and ended from elsewhere.
func (a *app) orderCommands(code *int) []*cobra.Command {
	return []*cobra.Command{
		a.command(&settings{}, (*settings).orderAllFlags, code, a.order(pipeline.Pause))(&cobra.Command{
			Use: "pause RUN|--all", Short: "Have a run, or all, make no more calls for now", Args: runOrAll,
			Long: `Holds a run: calls under way end, no new one is made. With --all it is the emergency stop: no run on
the ledger makes a call any more, on whatever machine, nor does one that begins later. It is heard
within half a second. What --until and the life of the sessions allow goes on running out.`,
			Example: `  hppsend pause --environment production --all
  hppsend pause --environment production k3v9…`,
		}),
		a.command(&settings{}, (*settings).orderAllFlags, code, a.order(pipeline.GoOn))(&cobra.Command{
			Use: "resume RUN|--all", Short: "Let a run, or all, go on that were paused", Args: runOrAll,
			Example: `  hppsend resume --environment production --all`,
		}),
		a.command(&settings{}, (*settings).orderFlags, code, a.order(pipeline.Cancel))(&cobra.Command{
			Use: "cancel RUN", Short: "End a run: calls under way end, the rest stays pending", Args: oneRunOnly,
			Long: `Ends a run from elsewhere, as Ctrl-C does where it goes on: calls under way end, its reports are written,
and rows that were not reached are pending. The same command sends them later. A run of several
files ends with all of them; with the workers each file is a run of its own.`,
			Example: `  hppsend cancel --environment production k3v9…`,
		}),
	}
}

// runOrAll takes a run, or none beside --all.
func runOrAll(c *cobra.Command, args []string) error {
	all, err := c.Flags().GetBool("all")
	switch {
	case err != nil:
		return err
	case all && len(args) > 0:
		return usage("a run is named beside --all", "leave one of them out")
	case !all && len(args) == 0:
		return usage("no run is named", "hppsend runs lists those that go on; for all of them say "+c.CommandPath()+" --all")
	case !all:
		return oneRunOnly(c, args)
	}
	return nil
}

func oneRunOnly(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usage(fmt.Sprintf("%s takes one run, and there are %d", c.CommandPath(), len(args)), "say it for each of them")
	}
	return oneRun(c, args)
}

// order gives runs an order.
func (a *app) order(o pipeline.Order) func(context.Context, *settings, []string) (int, error) {
	return func(ctx context.Context, s *settings, args []string) (int, error) {
		t, l, err := a.ledgerOfRuns(ctx, s)
		if err != nil {
			return exitOK, err
		}
		defer l.Close()
		if s.all {
			return exitOK, a.orderAll(ctx, l, t.Name, o == pipeline.Pause, a.who(s))
		}
		run, ok, err := l.FindRun(ctx, args[0])
		if err != nil {
			return exitOK, err
		}
		if !ok {
			return exitOK, noSuchRun(l, args[0])
		}
		found, err := l.Order(ctx, run.ID, o, a.who(s))
		if err != nil {
			return exitOK, err
		}
		if found && o == pipeline.Cancel {
			if err := a.endIdle(ctx, l, run.ID); err != nil {
				return exitOK, err
			}
		}
		if !found {
			return exitOK, usage(fmt.Sprintf("run %s does not go on any more", run.ID), "hppsend runs lists those that do")
		}
		if all, err := l.Ordered(ctx); err == nil && all.Order != pipeline.GoOn && o == pipeline.GoOn {
			a.console.sayf("Run %s goes on once all do: they are %s.", run.ID, all)
			return exitOK, nil
		}
		a.console.sayf("Run %s %s.", run.ID, map[pipeline.Order]string{
			pipeline.Pause: "makes no call from now on, until hppsend resume " + a.targetFlag(t.Name) + " " + run.ID, pipeline.GoOn: "goes on", pipeline.Cancel: "makes no call any more, and ends once its reports are written",
		}[o])
		return exitOK, nil
	}
}

// endIdle ends a run that is with the workers, where none of them works on it.
func (a *app) endIdle(ctx context.Context, l *ledger.Ledger, run string) error {
	if l.Shareable() != nil {
		return nil
	}
	runs, err := l.SharedRuns(ctx, "")
	for _, r := range runs {
		if r.ID == run {
			return (&queue.Conductor{Ledger: queue.BookOf(l), Record: a.recordOf}).Step(ctx, r)
		}
	}
	return err
}

func (a *app) orderAll(ctx context.Context, l *ledger.Ledger, target string, halt bool, by string) error {
	changed, err := l.HaltAll(ctx, halt, by)
	switch {
	case err != nil:
		return err
	case halt && changed:
		a.console.sayf("No run on the ledger %s makes a call from now on, until hppsend resume %s --all.", l.Info().Path, a.targetFlag(target))
	case halt:
		a.console.say("All runs are paused already.")
	case changed:
		a.console.say("All runs go on, but for those that were paused one by one.")
	default:
		a.console.say("Nothing was paused by --all.")
	}
	return nil
}
