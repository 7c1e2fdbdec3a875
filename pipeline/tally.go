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

// Tally counts outcomes. Its counts add up to the rows it was given.
type Tally struct {
	Rows    int
	SentNow int
	Left    int // in a report: rows that a later run sends, as they are
	Status  map[Status]int
	Groups  []Group  // in order of first appearance
	Doubts  []string // the runs whose calls left rows uncertain, likewise
	index   map[[2]string]int
}

func (t *Tally) add(p Place, out Outcome) {
	if t.Status == nil {
		t.Status, t.index = map[Status]int{}, map[[2]string]int{}
	}
	t.Rows++
	t.Status[out.Status]++
	if out.SentNow {
		t.SentNow++
	}
	if out.Status == Uncertain {
		t.doubt(out.Run)
	}
	key := [2]string{string(out.Status), out.Code}
	i, ok := t.index[key]
	if !ok {
		i = len(t.Groups)
		t.index[key] = i
		t.Groups = append(t.Groups, Group{Status: out.Status, Code: out.Code})
	}
	g := &t.Groups[i]
	g.Rows++
	if len(g.Places) < examplePlaces {
		g.Places = append(g.Places, Example{p, out.Reason})
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
		t.Status, t.index = map[Status]int{}, map[[2]string]int{}
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
	for _, g := range o.Groups {
		key := [2]string{string(g.Status), g.Code}
		i, ok := t.index[key]
		if !ok {
			t.index[key] = len(t.Groups)
			g.Places = slices.Clip(g.Places) // it is not ours to append to
			t.Groups = append(t.Groups, g)
			continue
		}
		t.Groups[i].Rows += g.Rows
		for _, e := range g.Places {
			if len(t.Groups[i].Places) < examplePlaces {
				t.Groups[i].Places = append(t.Groups[i].Places, e)
			}
		}
	}
}
