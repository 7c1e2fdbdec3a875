package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hppsend/pipeline"
	"hppsend/reader"
)

// expand gives the files that the arguments stand for: those that are there, and those that a pattern
// such as inbox/*.csv finds, where no shell has looked. A pattern that finds nothing is told, since a
// folder may well be empty on some nights; one in a folder that is not there is refused.
func (a *app) expand(args []string) (paths []string, err error) {
	var nothing error // where some patterns find nothing but what is passed over
	for _, arg := range args {
		if _, err := os.Stat(arg); err == nil || !strings.ContainsAny(arg, "*?[") {
			paths = append(paths, arg)
			continue
		}
		found, err := filepath.Glob(arg)
		if err != nil {
			return nil, usage(fmt.Sprintf("%s is no pattern of file names: %v", arg, err), "* stands for any characters, ? for one, [ab] for a or b")
		}
		folder := filepath.Dir(arg)
		if _, err := os.Stat(folder); err != nil && !strings.ContainsAny(folder, "*?[") {
			return nil, &pipeline.Error{
				Kind:  pipeline.BadInput,
				Place: pipeline.Place{File: arg}, Problem: "there is no folder " + folder, Todo: "see that the path is right",
			}
		}
		if len(found) == 0 {
			a.console.warn("No file matches " + arg + ".")
			a.lines.notice("no_match", "no file matches "+arg)
		}
		slices.Sort(found)
		for _, name := range found {
			if !noTable(name, arg) {
				paths = append(paths, name)
				continue
			}
			a.say("notice", "passed_over", name+" matches "+arg+" and is no table that somebody would send; it is passed over.")
			nothing = &pipeline.Error{
				Kind:  pipeline.BadInput,
				Place: pipeline.Place{File: arg}, Problem: "nothing that it matches is a table", Todo: "see that the files are there, complete, and no longer being copied",
			}
		}
	}
	if len(paths) > 0 {
		return paths, nil
	}
	return nil, nothing
}

// noTable tells whether a file that a pattern matches is plainly none that somebody put there to be sent: a
// folder, what programs and systems keep beside their files, what a copy or a download has not finished,
// and, as in a shell, what is hidden, unless the pattern says so.
func noTable(path, pattern string) bool {
	name := strings.ToLower(filepath.Base(path))
	if name[0] == '.' && filepath.Base(pattern)[0] != '.' {
		return true
	}
	for _, pattern := range []string{
		"~$*", ".~lock.*#", "*~", "#*#", ".#*", ".*.sw?", "*.lock", // owner files, locks and copies of office programs and editors
		".ds_store", "._*", "thumbs.db", "desktop.ini", ".directory", ".localized", ".nfs*", ".fuse_hidden*", ".goutputstream-*",
		"*.part", "*.partial", "*.crdownload", "*.download", "*.opdownload", "*.filepart", "*.aria2", "*.tmp", "*.temp",
		".hppsend-*", // a report that is being written
	} {
		if ok, _ := filepath.Match(pattern, name); ok {
			return true
		}
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// open opens the inputs, in order, and leaves out reports of files that are named too.
func (c *campaign) open(ctx context.Context, paths []string) error {
	for _, path := range paths {
		files, err := open(ctx, []string{path}, c.opt)
		if err == nil {
			if err = c.notBusy(ctx, files[0].Input()); err != nil {
				closeAll(files)
			}
		}
		if err == nil {
			c.files = append(c.files, files...)
		} else if err = c.skip(err); err != nil {
			return err
		}
	}
	c.files = c.passOver(c.files)
	return distinct(c.files)
}

// notBusy refuses a file that another run is sending now.
func (c *campaign) notBusy(ctx context.Context, in pipeline.Input) error {
	busy, err := c.ledger.Busy(ctx, in.SHA256, c.target.Name)
	if err == nil && busy != nil {
		err = busy.Busy()
	}
	return err
}

// skip takes note of a file that is refused, when the others are to be sent all the same.
func (c *campaign) skip(err error) error {
	if !c.s.skipBadFiles || !errors.Is(err, pipeline.BadInput) && !errors.Is(err, pipeline.Busy) {
		return err
	}
	c.console.fail(err)
	if c.lines != nil {
		c.lines.fail(err)
	}
	c.skipped = append(c.skipped, err)
	return nil
}

// check judges all rows of all files, and tries the places of their reports.
func (c *campaign) check(ctx context.Context, paths []string) (err error) {
	cfg := c.opt.checking(c.target, c.ledger.View(c.target.Name))
	cfg.Rules.RetryRejected, cfg.Rules.ResendUncertain = c.s.retryRejected, c.s.resendUncertain
	for {
		if c.plan, err = pipeline.Check(ctx, cfg, asSources(c.files)...); err == nil {
			err = c.findPlaces(ctx, paths)
		}
		var input *pipeline.Error
		if !errors.As(err, &input) || input.Kind != pipeline.BadInput {
			return err
		}
		if err := c.skip(err); err != nil {
			return err
		}
		i := slices.IndexFunc(c.files, func(f *reader.File) bool { return f.Input().Path == input.Place.File })
		if i < 0 {
			return err
		}
		c.files[i].Close()
		c.files = slices.Delete(c.files, i, i+1)
	}
}

// findPlaces finds where the reports will lie, before anything is sent.
func (c *campaign) findPlaces(ctx context.Context, paths []string) (err error) {
	if c.places, err = c.app.places(c.s, c.ledger, paths); err != nil {
		return err
	}
	c.outputs = nil
	for _, f := range c.plan.Files {
		out, err := c.places.find(ctx, f, true)
		if err != nil {
			return err
		}
		c.outputs = append(c.outputs, out)
	}
	return nil
}

// distinct refuses the same content under two names, which could only be a mistake.
func distinct(files []*reader.File) error {
	seen := map[[32]byte]string{}
	for _, f := range files {
		in := f.Input()
		if other, ok := seen[in.SHA256]; ok {
			return usage(other+" and "+in.Path+" have the same content", "name one of them")
		}
		seen[in.SHA256] = in.Path
	}
	return nil
}
