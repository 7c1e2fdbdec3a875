package web

import (
	"errors"
	"fmt"
	"net/url"
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
	Mends   int  // cells that differ from the file
	Undo    bool // there is something to undo
	Edits   int
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
	Todo    string
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
		uploadView: c.uploadPage(u, "problems", c.say.T("Problems")), Sheet: sheet, Code: c.r.FormValue("code"), Edits: u.Edits,
	}
	if n := sheet.Bad(); n > 0 {
		v.Title = c.say.T("%d rows have problems", n)
	}
	at := map[desk.Cell]desk.Mend{}
	rows := map[string]bool{}
	for _, m := range mends {
		at[m.Cell] = m
		if !m.Own {
			v.Mends++
			rows[fmt.Sprintf("%d %s", m.Row, m.Sheet)] = true
		}
	}
	v.Undo = len(mends) > 0
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
			if _, wanted := n[columnText{i, text}]; wanted && l.Bad() {
				n[columnText{i, text}]++
			}
		}
	}
	return n
}

func (c *call) problemRow(v problemsView, l desk.Line, at map[desk.Cell]desk.Mend, typed map[desk.Cell]string, alike map[columnText]int) problemRow {
	row := problemRow{Line: l, ID: fmt.Sprintf("r%d", l.Place.Row)}
	told := map[int]bool{}
	for _, col := range v.Columns {
		one := desk.Cell{Sheet: l.Place.Sheet, Row: l.Place.Row, Column: col.Index}
		cell := problemCell{
			ID: cellID(one), Key: cellKey(one), Label: c.say.T("%s, row %d", col.Name, l.Place.Row), Edit: col.Field != "" && v.Change && v.Clear,
		}
		if col.Index < len(l.Cells) {
			cell.Text = l.Cells[col.Index]
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
					cell.Wrong, cell.Todo = f.Reason, pipeline.CodeOf(f.Code).Todo
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
			row.Whole = append(row.Whole, f.Reason)
		}
	}
	return row
}

// problemsPath is where the form came from, and goes back to.
func (c *call) problemsPath() string {
	q := url.Values{}
	for _, name := range []string{"code", "page"} {
		if value := c.r.PostFormValue(name); value != "" {
			q.Set(name, value)
		}
	}
	return "/uploads/" + c.id() + "/problems?" + q.Encode()
}

// mend takes the cells of the form that are not as they were shown: all of the page, the one that a script sends, or
// all that are alike.
func (c *call) mend() error {
	u, err := c.seat.Upload(c.ctx(), c.id())
	if err != nil {
		return err
	}
	var edits []desk.Edit
	typed := map[desk.Cell]string{}
	for name, values := range c.r.PostForm {
		key, ok := strings.CutPrefix(name, "t.")
		cell, whole := parseCell(key)
		if !ok || !whole || len(values) == 0 {
			continue
		}
		if values[0] == c.r.PostFormValue("o."+key) && c.r.PostFormValue("alike") != key {
			continue
		}
		version, err := strconv.Atoi(c.r.PostFormValue("v." + key))
		if err != nil {
			continue
		}
		typed[cell] = values[0]
		if c.r.PostFormValue("alike") == key {
			all, err := c.seat.Alike(c.ctx(), u, cell, values[0])
			if err != nil {
				return c.problemsPage(typed, err)
			}
			edits = append(edits, all...)
			continue
		}
		edits = append(edits, desk.Edit{Cell: cell, Text: values[0], Version: version})
	}
	if len(edits) == 0 {
		return c.said(c.problemsPath(), "unchanged")
	}
	slices.SortFunc(edits, func(a, b desk.Edit) int { return strings.Compare(cellKey(a.Cell), cellKey(b.Cell)) })
	if _, _, err := c.seat.Mend(c.ctx(), u.ID, edits); err != nil {
		refusal := (*desk.Refusal)(nil)
		if errors.As(err, &refusal) && refusal.Field == "" && len(edits) == 1 {
			refusal.Field = cellID(edits[0].Cell)
		}
		return c.problemsPage(typed, err)
	}
	return c.said(c.problemsPath(), "saved")
}

func (c *call) undo() error {
	batch, _ := strconv.ParseInt(c.r.PostFormValue("batch"), 10, 64)
	if _, _, err := c.seat.Undo(c.ctx(), c.id(), batch); err != nil {
		return c.problemsPage(nil, err)
	}
	return c.said(c.problemsPath(), "undone")
}

type pasteView struct {
	uploadView
	From, Block, Code, PageNo string
	Edits                     int // of the upload, when this was shown
	Cells                     []pasted
}

// pasted is a cell that a block would fill.
type pasted struct {
	Row      int
	Column   string
	Old, New string
}

// paste shows what a block from a spreadsheet program would fill, and fills it when that is confirmed.
func (c *call) paste() error {
	u, err := c.seat.Upload(c.ctx(), c.id())
	if err != nil {
		return err
	}
	text, code := c.r.PostFormValue("block"), c.r.PostFormValue("code")
	from, ok := parseCell(c.r.PostFormValue("from"))
	block, err := desk.Block(text)
	switch {
	case err != nil:
		return c.problemsPage(nil, err)
	case !ok || len(block) == 0:
		return c.problemsPage(nil, &desk.Refusal{Code: desk.Invalid, Field: "block", Problem: "there is nothing to fill in, or no cell to begin at", Todo: "choose the first cell, and paste what you have copied"})
	}
	edits, err := c.seat.Pasted(c.ctx(), u, from, code, block)
	if err != nil {
		return c.problemsPage(nil, err)
	}
	if c.r.PostFormValue("apply") != "" {
		if c.r.PostFormValue("edits") != strconv.Itoa(u.Edits) {
			return c.problemsPage(nil, &desk.Refusal{Code: desk.Conflict, Problem: "the sheet was changed since you looked", Todo: "paste once more, and see what would be filled now"})
		}
		if _, _, err := c.seat.Mend(c.ctx(), u.ID, edits); err != nil {
			return c.problemsPage(nil, err)
		}
		return c.said(c.problemsPath(), "filled")
	}
	sheet, err := c.seat.Sheet(c.ctx(), u, false)
	if err != nil {
		return err
	}
	v := pasteView{
		uploadView: c.uploadPage(u, "problems", c.say.T("Fill %d cells?", len(edits))),
		From:       c.r.PostFormValue("from"), Block: text, Code: code, PageNo: c.r.PostFormValue("page"), Edits: u.Edits,
	}
	for _, e := range edits {
		one := pasted{Row: e.Row, Column: sheet.Input.Columns[e.Column], New: e.Text}
		for _, l := range sheet.Lines {
			if l.Place.Row == e.Row && l.Place.Sheet == e.Sheet && e.Column < len(l.Cells) {
				one.Old = l.Cells[e.Column]
			}
		}
		v.Cells = append(v.Cells, one)
	}
	return c.render("paste", 200, v)
}

// Prev and Next are the pages beside the one that is shown.
func (v problemsView) Prev() int { return v.Page - 1 }
func (v problemsView) Next() int { return v.Page + 1 }
