package desk

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hppsend/internal/contact"
	"hppsend/pipeline"
	"hppsend/reader"
)

// How much of a checked sheet is kept in memory, and up to how many rows a sheet is checked anew for each mend.
const (
	maxLines   = 10_000
	maxSheets  = 4
	smallSheet = 5_000
)

// Sheet is what a check has found of an upload, as it is mended.
type Sheet struct {
	Edits   int // of the upload that was checked
	Checked time.Time
	Partial bool     // rows that were mended since were judged each by itself
	Refused error    // the file as a whole cannot be sent as it is read; an *pipeline.Error
	Unsaid  []string // the columns of which somebody has to say whether they say who is not to be messaged; then it is refused

	Input    pipeline.Input
	Rows     int
	Status   map[pipeline.Status]int // pending rows are those that would be sent
	Due      int
	Messages map[pipeline.Channel]int
	Repeated int               // people who would get more than one message
	Others   []pipeline.Group  // rows that are neither sent nor a problem, by why; contacts in reasons are masked
	Lists    []InForce         // the suppression lists that it was judged by
	Outlook  *pipeline.Outlook // when its rows would go, if they went from now on; nil where no rule has to do with that
	TooLate  error             // some would not go before their sessions expire, and it cannot be sent so; an *pipeline.Error
	Remarks  []pipeline.Group  // on rows that are sent all the same
	Examples []Example

	Problems []Problem // the largest first
	Lines    []Line    // the rows that have problems, and those that were mended, in order; the first of very many
	More     int       // rows with problems that are not among Lines
	Digest   string    // of the plan
	lists    string    // of Lists those that were brought, by their ids
}

// InForce is a suppression list that a sheet was judged by.
type InForce struct {
	Name     string
	Contacts int    // that it names
	SHA256   string // of the file, in hex
	Since    time.Time
	By       string // who brought it; empty for one of the configuration, of which Since is zero
}

// listsIn tells of the lists of a plan, of which those that were brought come last.
func listsIn(all []pipeline.KeptList, brought []List) (in []InForce) {
	for i, l := range all {
		one := InForce{Name: filepath.Base(l.Name), Contacts: l.Count, SHA256: l.SHA256}
		if j := i - (len(all) - len(brought)); j >= 0 {
			one.Since, one.By = brought[j].Made, brought[j].By
		}
		in = append(in, one)
	}
	return in
}

// shownGroup is a group for people who may not see contacts.
func shownGroup(g pipeline.Group) pipeline.Group {
	g.Places = slices.Clone(g.Places)
	for i := range g.Places {
		g.Places[i].Place.File = ""
		g.Places[i].Reason = contact.MaskAll(g.Places[i].Reason)
	}
	return g
}

// Table tells how the file was cut into cells; as long as it is the same, each cell is where it was.
func (s *Sheet) Table() string { return reader.Table(s.Input) }

// Problem is all rows with one kind of problem.
type Problem struct {
	Code, Field string // Field is empty where the whole row is at fault
	Rows        int
}

// Line is a row that a person may have to mend.
type Line struct {
	Place    pipeline.Place
	Cells    []string // of Input.Columns, as they are mended
	Status   pipeline.Status
	Code     string
	Reason   string
	Findings []pipeline.Finding
	Whole    bool // the row as such cannot be read, and no cell of it can be mended
}

// Bad reports whether the row cannot be sent as it stands.
func (l Line) Bad() bool { return l.Status == pipeline.Rejected }

// Has reports whether the row has a problem.
func (l Line) Has(code string) bool {
	return l.Bad() && slices.ContainsFunc(l.Findings, func(f pipeline.Finding) bool { return f.Code == code })
}

// Example is a row that would be sent, masked.
type Example struct {
	Row     int
	Session string
	Method  pipeline.Method
	Contact string
}

func exampleOf(row pipeline.Row, out pipeline.Outcome) Example {
	to := row.Fields.Email
	if out.Method == pipeline.SMS {
		to = row.Fields.Phone
	}
	return Example{Row: row.Row, Session: pipeline.ShownSession(out.Session), Method: out.Method, Contact: contact.Mask(strings.TrimSpace(to))}
}

// line makes a Line of a row and what it was judged to be.
func line(row pipeline.Row, out pipeline.Outcome) Line {
	l := Line{Place: row.Place, Status: out.Status, Code: out.Code, Reason: out.Reason, Findings: slices.Clone(out.Findings), Whole: row.Fault().WholeRow()}
	l.Place.File = ""
	for _, c := range row.Cells {
		l.Cells = append(l.Cells, strings.Clone(cmp.Or(c.Shown, c.Text))) // what a person sees in the cell
	}
	if l.Bad() && len(l.Findings) == 0 { // HPP's word, of an earlier run
		l.Findings = []pipeline.Finding{{Code: out.Code, Field: map[pipeline.Method]string{
			pipeline.SMS: pipeline.FieldPhone, pipeline.Email: pipeline.FieldEmail,
		}[out.Method], Reason: out.Reason}}
	}
	return l
}

// spot is where a row is.
type spot struct {
	sheet string
	row   int
}

func spotOf(p pipeline.Place) spot { return spot{p.Sheet, p.Row} }

// count adds a row to the problems, or takes it away.
func (s *Sheet) count(l Line, n int) {
	if !l.Bad() {
		return
	}
	for i, f := range l.Findings {
		same := func(p Problem) bool { return p.Code == f.Code && p.Field == f.Field }
		if slices.ContainsFunc(l.Findings[:i], func(e pipeline.Finding) bool { return e.Code == f.Code && e.Field == f.Field }) {
			continue
		}
		at := slices.IndexFunc(s.Problems, same)
		if at < 0 {
			at = len(s.Problems)
			s.Problems = append(s.Problems, Problem{Code: f.Code, Field: f.Field})
		}
		s.Problems[at].Rows += n
	}
}

func (s *Sheet) sorted() {
	s.Problems = slices.DeleteFunc(s.Problems, func(p Problem) bool { return p.Rows <= 0 })
	slices.SortStableFunc(s.Problems, func(a, b Problem) int { return b.Rows - a.Rows })
}

// Bad is how many rows have problems.
func (s *Sheet) Bad() int { return s.Status[pipeline.Rejected] }

// at gives the line of a row.
func (s *Sheet) at(p spot) (*Line, bool) {
	i, ok := slices.BinarySearchFunc(s.Lines, p, func(l Line, p spot) int {
		return cmp.Or(cmp.Compare(l.Place.Sheet, p.sheet), l.Place.Row-p.row)
	})
	if !ok { // sheets of one report need not be in the order of their names
		i = slices.IndexFunc(s.Lines, func(l Line) bool { return spotOf(l.Place) == p })
	}
	if i < 0 || i >= len(s.Lines) {
		return nil, false
	}
	return &s.Lines[i], true
}
