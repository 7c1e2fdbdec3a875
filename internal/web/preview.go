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
	Approvers int
	Target    string
	Real      bool // it goes to real people
	Read      []fact
	Rules     []rule
	First     string // when the first message goes, and the last, if it starts now; empty where no rule has to do with that
	Last      string
	Remedies  []string // what would have all rows go before their sessions expire, where some would not
}

// fact is how a file is read, or what of it is sent.
type fact struct {
	Name, Value string
	Other       bool // than the account's files are otherwise
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
	if o := sheet.Outlook; o != nil && !o.Last.IsZero() {
		s.Took, s.First, s.Last = max(time.Until(o.Last), 1), c.say.WhenIn(o.First, o.Zone), c.say.WhenIn(o.Last, o.Zone)
	}
	if sheet.TooLate != nil {
		s.Remedies = c.remedies(sheet.Outlook)
	}
	s.Read, s.Rules = c.facts(u, sheet, opt.Reading), c.rules(u, sheet, opt)
	return s, err
}

// facts says how an upload is read, and by what of it other people, or more, would be sent to.
func (c *call) facts(u *desk.Upload, sheet *desk.Sheet, usual campaign.Reading) (all []fact) {
	r, in := u.Reading, sheet.Input
	add := func(name, value string, other bool) {
		if value != "" {
			all = append(all, fact{name, value, other})
		}
	}
	yes := func(b bool) string {
		if b {
			return c.say.T("yes")
		}
		return ""
	}
	add(c.say.T("Sheet"), in.Sheet, false)
	add(c.say.T("Row with the headers"), c.say.N(in.HeaderRow), false)
	for _, m := range in.Mapped {
		_, said := r.Map[m.Field]
		add(c.say.FieldName(m.Field), m.Column, said)
	}
	for _, field := range readFields {
		if column, said := r.Map[field]; said && column == "" {
			add(c.say.FieldName(field), c.say.T("no column"), true)
		}
	}
	add(c.say.T("Country of phone numbers that name none"), r.Country, r.Country != usual.Country)
	add(c.say.T("The phone numbers begin with the country's code, without a plus"), yes(r.BarePhone), r.BarePhone != usual.BarePhone)
	if r.Method != "auto" {
		add(c.say.T("Send by"), c.say.MethodName(pipeline.Method(r.Method)), r.Method != usual.Method)
	}
	add(c.say.T("Rows that have both"), c.say.MethodName(pipeline.Method(r.Prefer)), r.Prefer != usual.Prefer)
	if r.Hidden != string(pipeline.RefuseHidden) {
		hidden := c.say.T("leave them out")
		if r.Hidden == string(pipeline.SendHidden) {
			hidden = c.say.T("send them, too")
		}
		add(c.say.T("Rows that are hidden in the spreadsheet"), hidden, r.Hidden != usual.Hidden)
	}
	add(c.say.T("A session may go to each of several contacts"), yes(r.Each), r.Each != usual.Each)
	add(c.say.T("Send again what Klarna refused before"), yes(r.RetryRejected), r.RetryRejected)
	add(c.say.T("Name of a reminder: only sessions that were delivered before"), r.Reminder, r.Reminder != usual.Reminder)
	return all
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
	Further   int         // others that are
	Approvals []desk.Approval
	May       bool
	WhyNot    string
	Withdraw  bool
	Short     string // the digest, for people to compare
	Changed   bool   // it would not be the same any more
	Lapses    time.Time
	Reason    string
}

// maxShown is how many of the rows that are left out an approval page lists.
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
		Changed: u.State == desk.Waiting && !u.Asks(sheet.Digest), Lapses: u.Asked.Add(72 * time.Hour), Reason: c.r.PostFormValue("reason"),
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
	v.Further = sheet.Bad() - len(v.Left)
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
