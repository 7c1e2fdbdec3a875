package web

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hppsend/internal/desk"
)

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
	table := c.r.PostFormValue("table")
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
			all, err := c.seat.Alike(c.ctx(), u, table, cell, values[0])
			if err != nil {
				return c.problemsPage(typed, err)
			}
			for i := range all {
				if all[i].Cell == cell { // which somebody else may have changed since it was shown
					all[i].Version = version
				}
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
	if _, _, err := c.seat.Mend(c.ctx(), u.ID, table, edits); err != nil {
		refusal := (*desk.Refusal)(nil)
		if errors.As(err, &refusal) && refusal.Code == desk.Invalid && refusal.Field == "" && len(edits) == 1 {
			refusal.Field = cellID(edits[0].Cell)
		}
		return c.problemsPage(typed, err)
	}
	return c.said(c.problemsPath(), "saved")
}

func (c *call) undo() error {
	if c.r.PostFormValue("batch") == "all" {
		if _, _, err := c.seat.Restore(c.ctx(), c.id()); err != nil {
			return c.readingPage(err)
		}
		return c.said("/uploads/"+c.id()+"/reading", "undone")
	}
	batch, _ := strconv.ParseInt(c.r.PostFormValue("batch"), 10, 64)
	if _, _, err := c.seat.Undo(c.ctx(), c.id(), batch); err != nil {
		return c.problemsPage(nil, err)
	}
	return c.said(c.problemsPath(), "undone")
}

type pasteView struct {
	uploadView
	From, Block, Code, PageNo, Table string
	Edits                            int // of the upload, when this was shown
	Cells                            []pasted
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
	if !c.seat.May(u.Account, desk.Uploader) { // else it would show cells to who may not see them
		return &desk.Refusal{Code: desk.Forbidden, Problem: "you cannot upload for this account", Todo: "choose another, or ask its administrator for the role uploader"}
	}
	table, text, code := c.r.PostFormValue("table"), c.r.PostFormValue("block"), c.r.PostFormValue("code")
	from, ok := parseCell(c.r.PostFormValue("from"))
	block, err := desk.Block(text)
	switch {
	case err != nil:
		return c.problemsPage(nil, err)
	case !ok || len(block) == 0:
		return c.problemsPage(nil, &desk.Refusal{Code: desk.Invalid, Field: "block", Problem: "there is nothing to fill in, or no cell to begin at", Todo: "choose the first cell, and paste what you have copied"})
	}
	edits, err := c.seat.Pasted(c.ctx(), u, table, from, code, block)
	if err != nil {
		return c.problemsPage(nil, err)
	}
	if c.r.PostFormValue("apply") != "" {
		if c.r.PostFormValue("edits") != strconv.Itoa(u.Edits) {
			return c.problemsPage(nil, &desk.Refusal{Code: desk.Conflict, Problem: "the sheet was changed since you looked", Todo: "paste once more, and see what would be filled now"})
		}
		if _, _, err := c.seat.Mend(c.ctx(), u.ID, table, edits); err != nil {
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
		From:       c.r.PostFormValue("from"), Block: text, Code: code, PageNo: c.r.PostFormValue("page"), Table: table, Edits: u.Edits,
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
