package web

import (
	"math"
	"slices"
	"strings"
	"time"

	"hppsend/internal/campaign"
	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// summary is what would be sent, as the preview and the approver see it.
type summary struct {
	Sheet     *desk.Sheet
	Options   campaign.Options // of the account
	Channels  []channel
	Took      time.Duration // at the account's rate; 0 without one
	Rate      string
	Approvers int
	Target    string
	Real      bool // it goes to real people
}

// channel is how many messages go by a method to a country.
type channel struct {
	Method  pipeline.Method
	Country string
	Rows    int
}

func (c *call) summary(u *desk.Upload, sheet *desk.Sheet) (summary, error) {
	opt, approvers, err := c.seat.Account(u.Account)
	s := summary{Sheet: sheet, Options: opt, Approvers: approvers.For(sheet.Due), Target: opt.Target.Name, Real: opt.Target.Environment == "production"}
	for ch, n := range sheet.Messages {
		s.Channels = append(s.Channels, channel{ch.Method, ch.Country, n})
	}
	slices.SortFunc(s.Channels, func(a, b channel) int {
		if a.Rows != b.Rows {
			return b.Rows - a.Rows
		}
		return strings.Compare(string(a.Method)+a.Country, string(b.Method)+b.Country)
	})
	if rate := opt.Rate; rate > 0 && !math.IsInf(rate, 1) {
		s.Took = time.Duration(float64(sheet.Due) / rate * float64(time.Second))
	}
	return s, err
}

// MethodName is a method in the reader's language.
func (s speaker) MethodName(m pipeline.Method) string {
	if m == pipeline.SMS {
		return s.T("SMS")
	}
	return s.T("E-mail")
}

// StatusName is a status in the reader's language.
func (s speaker) StatusName(status pipeline.Status) string {
	return map[pipeline.Status]string{
		pipeline.Delivered: s.T("delivered"), pipeline.Rejected: s.T("rejected"), pipeline.Failed: s.T("failed"),
		pipeline.Uncertain: s.T("uncertain"), pipeline.Skipped: s.T("skipped"), pipeline.Pending: s.T("pending"),
	}[status]
}

type previewView struct {
	uploadView
	summary
	Ends  time.Time // when the last message goes, if it starts now
	Note  string
	At    string
	Alone bool // the person who asks may send it
}

func (c *call) showPreview() error { return c.previewPage(nil) }

func (c *call) previewPage(problem error) error {
	u, err := c.seat.Upload(c.ctx(), c.id())
	if err != nil {
		return err
	}
	sheet, err := c.seat.Sheet(c.ctx(), u, true)
	if err != nil {
		return err
	}
	if sheet.Refused != nil {
		c.redirect("/uploads/" + u.ID + "/reading")
		return nil
	}
	v := previewView{uploadView: c.uploadPage(u, "preview", c.say.T("%d messages to send", sheet.Due)), Note: c.r.FormValue("note"), At: c.r.FormValue("at")}
	if v.summary, err = c.summary(u, sheet); err != nil {
		return err
	}
	v.Ends = time.Now().Add(v.Took)
	v.Alone = v.Approvers == 0 && c.seat.May(u.Account, desk.Approver)
	v.Mistakes = c.mistakes(problem)
	return c.shown("preview", v, problem)
}

// startTime is the time that a form asks for, of the server's zone; zero for at once.
func (c *call) startTime() (time.Time, error) {
	if c.r.PostFormValue("when") != "at" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation("2006-01-02T15:04", c.r.PostFormValue("at"), time.Local)
	if err != nil {
		return at, &desk.Refusal{Code: desk.Invalid, Field: "start", Problem: "this is no time", Todo: "choose a day and a time"}
	}
	return at, nil
}

// ask asks for approval; where the account needs nobody else, it approves, too.
func (c *call) ask() error {
	start, err := c.startTime()
	if err != nil {
		return c.previewPage(err)
	}
	w := desk.Wish{Digest: c.r.PostFormValue("digest"), Note: c.r.PostFormValue("note"), Start: start}
	if c.r.PostFormValue("leave_out") != "" {
		w.LeftOut = number(c.r.PostFormValue("left_out"))
	}
	u, err := c.seat.Ask(c.ctx(), c.id(), w)
	if err != nil {
		return c.previewPage(err)
	}
	if u.Approvers > 0 || c.r.PostFormValue("send") == "" {
		return c.said("/uploads/"+u.ID+"/approval", "asked")
	}
	return c.approved(u.ID, u.Digest)
}

func (c *call) approved(id, digest string) error {
	u, err := c.seat.Approve(c.ctx(), id, digest)
	if err != nil {
		return c.approvalPage(err)
	}
	if u.State == desk.Approved && u.Start.Before(time.Now()) {
		return c.said("/uploads/"+u.ID+"/progress", "approved")
	}
	return c.said("/uploads/"+u.ID+"/approval", "approved")
}

type approvalView struct {
	uploadView
	summary
	Mends     []desk.Mend
	Left      []desk.Line // rows that are left out; the first of them
	Approvals []desk.Approval
	May       bool
	WhyNot    string
	Withdraw  bool
	Short     string // the digest, for people to compare
	Changed   bool   // it would not be the same any more
	Lapses    time.Time
	Reason    string
}

// maxShown is how many mends, or rows left out, an approval page lists.
const maxShown = 500

func (c *call) showApproval() error { return c.approvalPage(nil) }

func (c *call) approvalPage(problem error) error {
	u, err := c.seat.Upload(c.ctx(), c.id())
	if err != nil {
		return err
	}
	if u.State == desk.Draft && problem == nil {
		c.redirect("/uploads/" + u.ID + "/preview")
		return nil
	}
	sheet, err := c.seat.Sheet(c.ctx(), u, true)
	if err != nil {
		return err
	}
	v := approvalView{
		uploadView: c.uploadPage(u, "approval", c.say.T("Approve %d messages", u.Due)), Short: short(u.Digest),
		Changed: u.State == desk.Waiting && sheet.Digest != u.Digest, Lapses: u.Asked.Add(72 * time.Hour), Reason: c.r.PostFormValue("reason"),
		Withdraw: c.seat.May(u.Account, desk.Uploader) && (u.State == desk.Waiting || u.State == desk.Approved),
	}
	if v.summary, err = c.summary(u, sheet); err != nil {
		return err
	}
	if u.State != desk.Waiting {
		v.Title = c.say.T("Approval of %d messages", u.Due)
	}
	v.Approvers = u.Approvers
	if v.Mends, err = c.seat.Mends(c.ctx(), u); err != nil {
		return err
	}
	v.Mends = slices.DeleteFunc(v.Mends, func(m desk.Mend) bool { return m.Own })
	for _, l := range sheet.Lines {
		if l.Bad() && len(v.Left) < maxShown {
			v.Left = append(v.Left, l)
		}
	}
	if v.Approvals, err = c.seat.Approvals(c.ctx(), u); err != nil {
		return err
	}
	if u.State == desk.Waiting {
		if v.May, v.WhyNot, err = c.seat.MayApprove(c.ctx(), u); err != nil {
			return err
		}
	}
	if v.Clear && len(v.Mends) > 0 {
		if err := c.seat.Looked(c.ctx(), u, "approval"); err != nil {
			return err
		}
	} else if !v.Clear {
		v.Mends, v.Left = nil, nil
	}
	v.Mistakes = c.mistakes(problem)
	return c.shown("approval", v, problem)
}

// ColumnName is the header of a column.
func (v approvalView) ColumnName(i int) string {
	if i < len(v.Sheet.Input.Columns) {
		return v.Sheet.Input.Columns[i]
	}
	return ""
}

// short is a digest that people can compare by eye.
func short(digest string) string {
	if len(digest) < 12 {
		return digest
	}
	return strings.Join([]string{digest[:4], digest[4:8], digest[8:12]}, " ")
}

func (c *call) approve() error { return c.approved(c.id(), c.r.PostFormValue("digest")) }

func (c *call) sendBack() error {
	u, err := c.seat.SendBack(c.ctx(), c.id(), c.r.PostFormValue("reason"))
	if err != nil {
		return c.approvalPage(err)
	}
	return c.said("/uploads/"+u.ID, "sent-back")
}

func (c *call) withdraw() error {
	u, err := c.seat.Withdraw(c.ctx(), c.id())
	if err != nil {
		return c.approvalPage(err)
	}
	return c.said("/uploads/"+u.ID, "withdrawn")
}
