package cli

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"hppsend/pipeline"
)

// tellPlan says what a file was taken for, what would be sent, and what is wrong.
func (a *app) tellPlan(p *pipeline.Plan, perSecond float64) {
	for _, f := range p.Files {
		a.tellInput(f)
		a.tellGroups(f.Tally, "to be sent")
		for _, g := range slices.Concat(f.Tally.Groups, f.Tally.Further) {
			if g.Code != pipeline.CodeNotReached {
				a.lines.notice(g.Code, fmt.Sprintf("%s: %s, %s: %s", f.Input.Path, g.Status, where(g), g.Places[0].Reason))
			}
		}
	}
	switch {
	case p.PhonesWithoutPlus():
		a.say("notice", "phones_without_plus", "  note: digits without + are read as international numbers, in rows that name no country, since --phones-without-plus international says so")
	case p.WithoutPlus > p.Phones/2:
		a.say("notice", "phones_without_plus", fmt.Sprintf(
			"  note: %d of %d phone numbers are refused and would be numbers with a + before them. If this list leaves the + out of all its numbers, say --phones-without-plus international",
			p.WithoutPlus, p.Phones))
	}
	for _, g := range p.Notices {
		a.say("notice", g.Code, fmt.Sprintf("  note: %s: %s; sent all the same", where(g), g.Places[0].Reason))
	}
	if p.Due == 0 {
		a.tellOutlook(p)
		a.say("notice", "nothing_to_send", "Nothing is to be sent.")
		return
	}
	a.say("notice", "to_be_sent", fmt.Sprintf("To be sent: %s, %s at %s", messages(p.Messages), duration(p.Due, perSecond), rateText(perSecond)))
	a.tellOutlook(p)
	if p.Repeated > 0 {
		a.say("notice", "repeated_people", fmt.Sprintf("  note: %d people would get more than one message, for different sessions", p.Repeated))
	}
}

// say tells people on standard error and, as a notice, machines on standard output.
func (a *app) say(kind, code, text string) {
	a.console.say(text, "type", kind, "code", code)
	a.lines.notice(code, strings.TrimSpace(text))
}

func (a *app) tellInput(f pipeline.FilePlan) {
	in := f.Input
	what := strings.ToUpper(string(in.Format))
	if in.Sheet != "" {
		what += fmt.Sprintf(", sheet %q", in.Sheet)
	}
	if in.Format == pipeline.CSV {
		what += fmt.Sprintf(", %s, delimiter %s", cmp.Or(in.Encoding, "UTF-8"), delimiterName(in.Dialect.Delimiter))
	}
	if in.IsReport {
		what += ", a report of ours"
	}
	a.say("notice", "input", fmt.Sprintf("%s: %s, header in row %d, %s", in.Path, what, in.HeaderRow, rows(f.Tally.Rows)))
	var mapped []string
	for _, m := range in.Mapped {
		mapped = append(mapped, fmt.Sprintf("%s ← %q", m.Field, m.Column))
	}
	a.say("notice", "columns", "  columns: "+strings.Join(mapped, ", "))
	for _, m := range in.Also {
		a.say("notice", "columns", fmt.Sprintf("  not sent to, and read for the rules only: %s ← %q", m.Field, m.Column))
	}
	for _, c := range in.OptOut {
		text := "who has opted out"
		if c.Consent {
			text = "who has not agreed"
		}
		a.say("notice", "opt_out", fmt.Sprintf("  left out: %s, by the column %q", text, c.Column))
	}
	for _, n := range in.Notices {
		a.say("notice", "reading", "  note: "+n)
	}
}

func delimiterName(d rune) string {
	if d == '\t' {
		return "tab"
	}
	return fmt.Sprintf("%q", d)
}

// tellGroups lists the rows by status and code, with the first places of what a person may want to see.
func (a *app) tellGroups(t pipeline.Tally, pending string) {
	for _, s := range pipeline.Statuses() {
		if t.Status[s] == 0 {
			continue
		}
		name := string(s)
		if s == pipeline.Pending {
			name = pending
		}
		a.console.sayf("  %-28s %4d", name, t.Status[s])
		if s == pipeline.Pending && pending != string(pipeline.Pending) {
			continue
		}
		for _, g := range groupsOf(t.Groups, s) {
			a.tellGroup(g.Code, g)
		}
		for _, g := range groupsOf(t.Further, s) {
			a.tellGroup("also "+g.Code, g)
		}
	}
}

// groupsOf gives the groups of a status that have a code, the largest first.
func groupsOf(all []pipeline.Group, s pipeline.Status) []pipeline.Group {
	groups := slices.DeleteFunc(slices.Clone(all), func(g pipeline.Group) bool { return g.Status != s || g.Code == "" })
	slices.SortStableFunc(groups, func(a, b pipeline.Group) int { return b.Rows - a.Rows })
	return groups
}

func (a *app) tellGroup(name string, g pipeline.Group) {
	a.console.sayf("    %-26s %4d   %s", name, g.Rows, where(g))
	if len(g.Places) > 0 && g.Places[0].Reason != "" {
		a.console.sayf("      %s", g.Places[0].Reason)
	}
}

// where names the first rows of a group, as far as they are known.
func where(g pipeline.Group) string {
	if len(g.Places) == 0 {
		return ""
	}
	var at []string
	for _, e := range g.Places {
		at = append(at, fmt.Sprint(e.Place.Row))
	}
	text := "row " + at[0]
	if g.Rows > 1 {
		text = "rows " + strings.Join(at, ", ")
	}
	if g.Rows > len(at) {
		text += fmt.Sprintf(" and %d more", g.Rows-len(at))
	}
	return text
}

// messages says how many messages go by which method to which countries.
func messages(by map[pipeline.Channel]int) string {
	var parts []string
	for _, m := range []pipeline.Method{pipeline.SMS, pipeline.Email} {
		channels := slices.DeleteFunc(slices.Collect(maps.Keys(by)), func(c pipeline.Channel) bool { return c.Method != m })
		slices.SortFunc(channels, func(a, b pipeline.Channel) int {
			return cmp.Or(by[b]-by[a], strings.Compare(a.Country, b.Country))
		})
		total, countries := 0, []string{}
		for _, c := range channels {
			total += by[c]
			if c.Country != "" {
				countries = append(countries, fmt.Sprintf("%s %d", c.Country, by[c]))
			}
		}
		switch {
		case total == 0:
		case m == pipeline.SMS:
			parts = append(parts, fmt.Sprintf("%d by SMS (%s)", total, strings.Join(countries, ", ")))
		default:
			parts = append(parts, fmt.Sprintf("%d by e-mail", total))
		}
	}
	return strings.Join(parts, " and ")
}

func rows(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

func rateText(perSecond float64) string {
	if math.IsInf(perSecond, 1) {
		return "no limit of ours"
	}
	r := rateFlag(perSecond)
	return r.String()
}

// plainWord is what a shell takes as it stands.
var plainWord = regexp.MustCompile(`^[\pL\pN_./:@%+,=\\][\pL\pN_./:@%+,=\\-]*$`)

// word is a file's name as one word of a command that somebody is to type.
func word(name string) string {
	switch {
	case plainWord.MatchString(name) && (runtime.GOOS == "windows" || !strings.Contains(name, `\`)):
		return name
	case strings.HasPrefix(name, "-"): // else it is a flag
		return word("./" + name)
	case runtime.GOOS == "windows":
		return `"` + name + `"`
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// tellSummary says how a file came out, and what to do next.
func (a *app) tellSummary(s summary, t pipeline.Tally, ending pipeline.Ending) {
	a.console.say("")
	a.console.sayf("%s: %s, run %s", s.File, rows(t.Rows), s.Run)
	a.tellGroups(t, string(pipeline.Pending))
	switch delivered := t.Status[pipeline.Delivered]; {
	case t.SentNow > 0:
		a.console.sayf("  %d sent by this run. Delivered means that HPP accepted it for sending; there is no receipt from the phone.", t.SentNow)
	case delivered > 0:
		a.console.sayf("  Nothing was sent by this run: %d rows were delivered before.", delivered)
	}
	for _, o := range s.Overrides {
		a.console.sayf("  Rule overridden: %s", o)
	}
	a.tellFiles("Report", s)
	for _, line := range a.advice(s, t, ending) {
		a.console.say(line)
	}
}

// tellOverall sums up a run in one line, the last that it writes.
func (a *app) tellOverall(s summary) {
	a.console.sayf("In all: %s; exit code %d", s.counts, s.Exit)
}

// tellFiles says where the files are that were written.
func (a *app) tellFiles(what string, s summary) {
	if s.Report != "" && s.Report != stdout {
		a.console.sayf("%s: %s", what, s.Report)
	}
	if s.Rejects != "" {
		a.console.sayf("Rejected rows, to be mended and run: %s", s.Rejects)
	}
}

// advice is what a person can do about the rows that were not delivered.
func (a *app) advice(s summary, t pipeline.Tally, ending pipeline.Ending) []string {
	var out []string
	if ending.Code != "" && ending.Code != pipeline.StopSignal && ending.Err == nil {
		out = append(out, strings.ToUpper(ending.Reason[:1])+ending.Reason[1:]+".")
	}
	if t.Status[pipeline.Pending] > 0 {
		out = append(out, "The pending rows were not sent; the same command goes on with them.")
	}
	if t.Status[pipeline.Rejected] > 0 && s.Report != "" {
		out = append(out, "Mend the rejected rows in the report, and run the report: what was delivered is not sent again.")
		if strings.EqualFold(filepath.Ext(s.Report), ".csv") {
			out = append(out, "Excel drops the + of phone numbers when it opens a CSV file. To mend there, take a workbook: hppsend report "+a.targetFlag(s.Target)+" --format xlsx "+word(s.File))
		}
	}
	if t.Status[pipeline.Failed] > 0 {
		out = append(out, "The failed rows were surely not sent; the same command tries them again.")
	}
	if t.Status[pipeline.Uncertain] > 0 {
		doubt := "The uncertain rows may have been sent, and are left alone: ask Klarna, naming the correlation ids of the report, or the people"
		for _, run := range t.Doubts { // perhaps an earlier one's
			doubt += "; then: hppsend settle " + a.targetFlag(s.Target) + " " + run
		}
		out = append(out, doubt)
	}
	return out
}
