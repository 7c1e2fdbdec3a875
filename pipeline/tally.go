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
