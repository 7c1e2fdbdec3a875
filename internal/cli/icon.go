package cli

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"hppsend/internal/hpp"
)

// runWindow is what happens to files that are dropped on the program's icon, or named without a command
// on a terminal: a run that asks before it sends, in a window that stays open.
func (a *app) runWindow(ctx context.Context, paths []string) int {
	code, err := a.runInWindow(ctx, paths)
	if err != nil {
		a.console.fail(err)
		code = a.codeBeside(code, err)
	}
	a.console.warn("")
	a.console.warn("Press Enter to close this window.")
	a.answer(ctx)
	return code
}

func (a *app) runInWindow(ctx context.Context, paths []string) (int, error) {
	s := &settings{}
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	s.runFlags(&flagSet{flags})
	if err := a.load(s, flags); err != nil {
		return exitOK, err
	}
	s.ask = true
	if _, named, err := s.target(); err != nil || named {
		if err != nil {
			return exitOK, err
		}
		return a.run(ctx, s, paths)
	}
	a.console.warn("Where to? Type production, playground or sandbox (which only tries it, on this machine): ")
	asked, cancel := a.untilStop(ctx)
	defer cancel()
	word, err := a.answer(asked)
	if err != nil {
		return exitOK, err
	}
	switch env := hpp.Environment(strings.ToLower(word)); env {
	case hpp.Production, hpp.Playground, hpp.Sandbox:
		s.environment = string(env)
		return a.run(ctx, s, paths)
	}
	return exitOK, usage("that is none of the three; nothing was sent", "start again")
}

// areFiles reports whether all arguments are files, and none could have been meant for a command.
func areFiles(args []string) bool {
	for _, arg := range args {
		if info, err := os.Stat(arg); err != nil || info.IsDir() {
			return false
		}
	}
	return true
}
