package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hppsend/pipeline"
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

// noTable reports whether a file that a pattern matches is plainly none that somebody put there to be sent: a
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
