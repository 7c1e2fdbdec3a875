package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hppsend/internal/contact"
	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// linesPage is how many rows a page of problems has.
const linesPage = 50

type problemsView struct {
	uploadView
	Sheet   *desk.Sheet
	Code    string // the problem that is shown alone; empty for all
	Columns []shownColumn
	Rows    []problemRow
	Page    int
	Pages   int
	Undo    bool // there is something to undo
}

// shownColumn is a column of the table of problems.
type shownColumn struct {
	Index int // of Input.Columns
	Name  string
	Field string // empty for a column that only helps to know the row
}

type problemRow struct {
	desk.Line
	ID    string
	Cells []problemCell
	Whole []string // what is wrong with the row as such
}

type problemCell struct {
	ID, Key string // of the input; what its form fields are called by
	Label   string
	Text    string
	Shown   string // what the person saw when the page was made
	Version int
	Edit    bool
	Wrong   string
	Mended  bool
	Was     string
	By      string
	Alike   int // further cells with the same text and a problem
	Batch   int64
}

// cellKey names a cell in a form; cellID in a page.
func cellKey(c desk.Cell) string { return fmt.Sprintf("%d.%d.%s", c.Row, c.Column, c.Sheet) }
func cellID(c desk.Cell) string  { return fmt.Sprintf("r%d-c%d", c.Row, c.Column) }

func parseCell(key string) (c desk.Cell, ok bool) {
	parts := strings.SplitN(key, ".", 3)
	if len(parts) < 3 {
		return c, false
	}
	var err, err2 error
	c.Row, err = strconv.Atoi(parts[0])
	c.Column, err2 = strconv.Atoi(parts[1])
	c.Sheet = parts[2]
	return c, err == nil && err2 == nil
}

// ProblemTitle says in words what there is to do about a group of problems.
func (s speaker) ProblemTitle(p desk.Problem) string {
	switch p.Field {
	case pipeline.FieldPhone:
		return s.T("Fix %d phone numbers", p.Rows)
	case pipeline.FieldEmail:
		return s.T("Fix %d e-mail addresses", p.Rows)
	case pipeline.FieldSession:
		return s.T("Fix %d session ids", p.Rows)
	case pipeline.FieldURL:
		return s.T("Fix %d links", p.Rows)
	case pipeline.FieldPhoneCountry:
		return s.T("Fix %d countries", p.Rows)
	case pipeline.FieldMethod:
		return s.T("Fix %d methods", p.Rows)
	}
	return s.T("Fix %d rows", p.Rows)
}

// Meaning is what a code means, and Todo what can be done about it.
func (s speaker) Meaning(code string) string { return s.T(pipeline.CodeOf(code).Meaning) }
func (s speaker) Todo(code string) string    { return s.T(pipeline.CodeOf(code).Todo) }

func (c *call) showProblems() error { return c.problemsPage(nil, nil) }

// problemsPage shows the rows with problems. Typed is what a person has typed that was not taken, by cell.
func (c *call) problemsPage(typed map[desk.Cell]string, problem error) error {
	u, err := c.seat.Upload(c.ctx(), c.id())
	if err != nil {
		return err
	}
	sheet, err := c.seat.Sheet(c.ctx(), u, false)
	if err != nil {
		return err
	}
	if sheet.Refused != nil {
		c.redirect("/uploads/" + u.ID + "/reading")
		return nil
	}
	mends, err := c.seat.Mends(c.ctx(), u)
	if err != nil {
		return err
	}
	v := problemsView{
		uploadView: c.uploadPage(u, "problems", c.say.T("Problems")), Sheet: sheet, Code: c.r.FormValue("code"),
	}
	if n := sheet.Bad(); n > 0 {
		v.Title = c.say.T("%d rows have problems", n)
	}
	table := sheet.Table()
	if c.r.PostFormValue("table") != table { // what was typed there was not typed into these cells
		typed = nil
	}
	at := map[desk.Cell]desk.Mend{}
	rows := map[string]bool{}
	for _, m := range mends {
		at[m.Cell] = m
		v.Undo = v.Undo || m.Batch > 0
		if !m.Own {
			rows[fmt.Sprintf("%d %s", m.Row, m.Sheet)] = true
		}
	}
	lines := slices.DeleteFunc(slices.Clone(sheet.Lines), func(l desk.Line) bool {
		return v.Code != "" && !l.Has(v.Code) && !rows[fmt.Sprintf("%d %s", l.Place.Row, l.Place.Sheet)]
	})
	v.Columns = shownColumns(sheet.Input)
	v.Pages = max(1, (len(lines)+linesPage-1)/linesPage)
	v.Page, _ = strconv.Atoi(c.r.FormValue("page"))
	v.Page = min(max(v.Page, 1), v.Pages)
	lines = lines[min((v.Page-1)*linesPage, len(lines)):min(v.Page*linesPage, len(lines))]
	alike := alikes(sheet, lines)
	for _, l := range lines {
		v.Rows = append(v.Rows, c.problemRow(v, l, at, typed, alike))
	}
	v.Mistakes = c.mistakes(problem)
	if v.Clear && len(v.Rows) > 0 {
		if err := c.seat.Looked(c.ctx(), u, fmt.Sprintf("problems, page %d", v.Page)); err != nil {
			return err
		}
	}
	return c.shown("problems", v, problem)
}

// shownColumns are those of our fields, and up to two others that help to know a row.
func shownColumns(in pipeline.Input) (columns []shownColumn) {
	field := map[string]string{}
	for _, m := range in.Mapped {
		field[m.Column] = m.Field
	}
	others := 0
	for i, name := range in.Columns {
		if field[name] == "" {
			if others++; others > 2 || strings.TrimSpace(name) == "" {
				continue
			}
		}
		columns = append(columns, shownColumn{i, name, field[name]})
	}
	return columns
}

// columnText is a column and what stands in it.
type columnText struct {
	column int
	text   string
}

// alikes counts the cells with the same text in the same column as one of some rows, among all rows with a problem.
func alikes(s *desk.Sheet, shown []desk.Line) map[columnText]int {
	n := map[columnText]int{}
	for _, l := range shown {
		for i, text := range l.Cells {
			n[columnText{i, text}] = 0
		}
	}
	for _, l := range s.Lines {
		for i, text := range l.Cells {
			if _, wanted := n[columnText{i, text}]; wanted && l.Bad() && !l.Whole {
				n[columnText{i, text}]++
			}
		}
	}
	return n
}

// oneLine is a cell as an input shows it. Browsers take line ends out of that, which would look like an edit.
var oneLine = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ")

func (c *call) problemRow(v problemsView, l desk.Line, at map[desk.Cell]desk.Mend, typed map[desk.Cell]string, alike map[columnText]int) problemRow {
	row := problemRow{Line: l, ID: fmt.Sprintf("r%d", l.Place.Row)}
	told := map[int]bool{}
	for _, col := range v.Columns {
		one := desk.Cell{Sheet: l.Place.Sheet, Row: l.Place.Row, Column: col.Index}
		cell := problemCell{
			ID: cellID(one), Key: cellKey(one), Label: c.say.T("%s, row %d", col.Name, l.Place.Row), Edit: col.Field != "" && v.Change && v.Clear && !l.Whole,
		}
		if col.Index < len(l.Cells) {
			cell.Text = oneLine.Replace(l.Cells[col.Index])
		}
		if m, ok := at[one]; ok {
			cell.Version, cell.Batch, cell.Mended, cell.Was, cell.By = m.Version, m.Batch, !m.Own, m.Was, m.By
		}
		cell.Shown = cell.Text
		if text, ok := typed[one]; ok {
			cell.Text = text
		}
		for i, f := range l.Findings {
			if l.Bad() && f.Field != "" && (f.Field == col.Field && (f.Column == "" || f.Column == col.Name) || f.Column == col.Name && col.Field == "") {
				told[i] = true
				if cell.Wrong == "" {
					cell.Wrong = f.Reason
				}
			}
		}
		if cell.Wrong != "" && cell.Text != "" {
			cell.Alike = alike[columnText{col.Index, cell.Shown}] - 1
		}
		if !v.Clear {
			cell.Text, cell.Shown, cell.Was = contact.MaskAll(contact.Mask(cell.Text)), "", ""
			cell.Wrong = contact.MaskAll(cell.Wrong)
		}
		row.Cells = append(row.Cells, cell)
	}
	for i, f := range l.Findings {
		if l.Bad() && !told[i] {
			reason := f.Reason
			if !v.Clear {
				reason = contact.MaskAll(reason)
			}
			row.Whole = append(row.Whole, reason)
		}
	}
	return row
}

// Prev and Next are the pages beside the one that is shown.
func (v problemsView) Prev() int { return v.Page - 1 }
func (v problemsView) Next() int { return v.Page + 1 }
