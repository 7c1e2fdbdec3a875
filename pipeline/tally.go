package pipeline

import (
	"maps"
	"slices"
)

// examplePlaces is how many places a tally remembers for each code.
const examplePlaces = 3

// Group is the rows that share a status and a code.
type Group struct {
	Status Status
	Code   string
	Rows   int
	Places []Example // the first few
}

// Example is one row of a group.
type Example struct {
	Place  Place
	Reason string
}

// group finds or makes the group of a status and a code.
func group(groups *[]Group, s Status, code string) *Group {
	i := slices.IndexFunc(*groups, func(g Group) bool { return g.Status == s && g.Code == code })
	if i < 0 {
		i = len(*groups)
		*groups = append(*groups, Group{Status: s, Code: code})
	}
	return &(*groups)[i]
}

// count adds a row to the group.
func (g *Group) count(p Place, reason string) {
	g.Rows++
	if len(g.Places) < examplePlaces {
		g.Places = append(g.Places, Example{p, reason})
	}
}

// Tally counts outcomes. Its counts add up to the rows it was given.
type Tally struct {
	Rows    int
	SentNow int
	Left    int // in a report: rows that a later run sends, as they are
	Status  map[Status]int
	Groups  []Group  // in order of first appearance
	Further []Group  // likewise, of what else was found of rows that carry another code
	Doubts  []string // the runs whose calls left rows uncertain, likewise
}

func (t *Tally) add(p Place, out Outcome) {
	if t.Status == nil {
		t.Status = map[Status]int{}
	}
	t.Rows++
	t.Status[out.Status]++
	if out.SentNow {
		t.SentNow++
	}
	if out.Status == Uncertain {
		t.doubt(out.Run)
	}
	reason := out.Reason
	if len(out.Findings) > 0 {
		reason = out.Findings[0].Reason
	}
	group(&t.Groups, out.Status, out.Code).count(p, reason)
	for i, f := range out.Findings {
		if sameCode := func(o Finding) bool { return o.Code == f.Code }; !slices.ContainsFunc(out.Findings[:i], sameCode) && i > 0 {
			group(&t.Further, out.Status, f.Code).count(p, f.Reason)
		}
	}
}

func (t *Tally) doubt(run string) {
	if run != "" && !slices.Contains(t.Doubts, run) {
		t.Doubts = append(t.Doubts, run)
	}
}

// Reached counts a file whose rows cannot be read again: as the check found them, but for those that the
// run has brought to an outcome, which done counts. Where these and those that are left stand is not known.
func (f FilePlan) Reached(done []Group) (t Tally) {
	left := f.Due
	for _, g := range done {
		left -= g.Rows
		t.Add(Tally{Rows: g.Rows, Status: map[Status]int{g.Status: g.Rows}, Groups: []Group{g}})
		if g.Status == Failed {
			t.Left += g.Rows
		}
	}
	t.SentNow = t.Status[Delivered]
	if t.Status[Uncertain] > 0 {
		t.doubt(f.Run)
	}
	t.Left += left
	planned := f.Tally
	planned.Status = maps.Clone(planned.Status)
	planned.Rows -= f.Due - left
	planned.Status[Pending] -= f.Due - left
	planned.Groups = slices.Clone(planned.Groups)
	for i, g := range planned.Groups {
		if g.Status == Pending && g.Code == CodeNotReached {
			planned.Groups[i] = Group{Status: g.Status, Code: g.Code, Rows: g.Rows - (f.Due - left)}
		}
	}
	planned.Groups = slices.DeleteFunc(planned.Groups, func(g Group) bool { return g.Rows <= 0 })
	t.Add(planned)
	return t
}

// Add joins the counts of another tally to this one.
func (t *Tally) Add(o Tally) {
	if t.Status == nil {
		t.Status = map[Status]int{}
	}
	t.Rows += o.Rows
	t.SentNow += o.SentNow
	t.Left += o.Left
	for s, n := range maps.All(o.Status) {
		t.Status[s] += n
	}
	for _, run := range o.Doubts {
		t.doubt(run)
	}
	join(&t.Groups, o.Groups)
	join(&t.Further, o.Further)
}

// join adds the counts of groups to those of others.
func join(groups *[]Group, others []Group) {
	for _, o := range others {
		g := group(groups, o.Status, o.Code)
		g.Rows += o.Rows
		g.Places = append(g.Places, o.Places[:min(len(o.Places), examplePlaces-len(g.Places))]...)
	}
}
