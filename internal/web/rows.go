package web

import (
	"errors"
	"strconv"

	"hppsend/internal/desk"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

type rowsView struct {
	uploadView
	Counts   []statusCount
	Total    int
	Status   pipeline.Status // that is shown alone; empty for all
	Outcomes *desk.Outcomes
	Page     int
	Doubts   []ledger.Doubt
	Settle   bool // the person may say what became of uncertain rows
	GoOn     bool // rows are left, and the person may go on with them
	Reopen   bool
	SendBack bool // the person may keep others from going on
	Reason   string
	Again    string // of a form that was not taken
	None     bool   // nothing was sent yet
}

func (c *call) showRows() error { return c.rowsPage(nil) }

func (c *call) rowsPage(problem error) error {
	u, err := c.seat.Upload(c.ctx(), c.id())
	if err != nil {
		return err
	}
	v := rowsView{uploadView: c.uploadPage(u, "rows", c.say.T("What became of the rows")), Status: pipeline.Status(c.r.FormValue("status"))}
	v.Page, _ = strconv.Atoi(c.r.FormValue("page"))
	v.Page = max(v.Page, 0)
	v.Outcomes, err = c.seat.Outcomes(c.ctx(), u, v.Status, v.Page)
	if refusal := (*desk.Refusal)(nil); errors.As(err, &refusal) && refusal.Code == desk.Conflict {
		v.None, v.Outcomes, err = true, &desk.Outcomes{}, nil
	}
	if err != nil {
		return err
	}
	for _, status := range pipeline.Statuses() {
		if n := v.Outcomes.Tally.Status[status]; n > 0 {
			v.Counts = append(v.Counts, statusCount{status, n})
		}
		v.Total += v.Outcomes.Tally.Status[status]
	}
	if v.Doubts, err = c.seat.Doubts(c.ctx(), u); err != nil {
		return err
	}
	over := u.State == desk.Done || u.State == desk.Stopped
	v.Settle = c.seat.May(u.Account, desk.Settler) && len(v.Doubts) > 0
	v.GoOn = (u.State == desk.Stopped || u.State == desk.Done && v.Outcomes.Tally.Left > 0) && c.seat.May(u.Account, desk.Uploader, desk.Approver)
	v.Reopen = over && c.seat.May(u.Account, desk.Uploader) && v.Outcomes.Tally.Status[pipeline.Rejected] > 0
	v.SendBack = u.State == desk.Stopped && c.seat.May(u.Account, desk.Approver)
	v.Reason, v.Again = u.Reason, c.r.PostFormValue("reason")
	v.Mistakes = c.mistakes(problem)
	return c.shown("rows", v, problem)
}

// Session shows a session, and masks what is none.
func (v rowsView) Session(id string) string { return pipeline.ShownSession(id) }

func (c *call) settle() error {
	var tickets []pipeline.Ticket
	for _, one := range c.r.PostForm["ticket"] {
		if n, err := strconv.ParseInt(one, 10, 64); err == nil {
			tickets = append(tickets, pipeline.Ticket(n))
		}
	}
	as := c.r.PostFormValue("as")
	if as != string(pipeline.Delivered) && as != pipeline.NotSent {
		return c.rowsPage(&desk.Refusal{Code: desk.Invalid, Field: "as", Problem: "it is not said what became of them", Todo: "choose delivered or not sent"})
	}
	if _, err := c.seat.Settle(c.ctx(), c.id(), tickets, as == string(pipeline.Delivered), c.r.PostFormValue("reason")); err != nil {
		return c.rowsPage(err)
	}
	return c.said("/uploads/"+c.id()+"/rows", "settled")
}

func (c *call) reopen() error {
	u, err := c.seat.Reopen(c.ctx(), c.id())
	if err != nil {
		return c.rowsPage(err)
	}
	c.redirect("/uploads/" + u.ID + "/problems")
	return nil
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

// Prev and Next are the pages beside the one that is shown.
func (v rowsView) Prev() int { return v.Page - 1 }
func (v rowsView) Next() int { return v.Page + 1 }

// Over reports whether nothing of the upload is under way, so that it may be deleted.
func (v rowsView) Over() bool {
	return (v.Upload.State == desk.Done || v.Upload.State == desk.Stopped) && v.Seat.May(v.Upload.Account, desk.Uploader, desk.Administrator)
}
