package web

import (
	"bytes"
	_ "embed"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"hppsend/internal/desk"
	"hppsend/pipeline"
)

type homeView struct {
	view
	Accounts []string // for which the person may upload
	Uploads  []*desk.Upload
	More     int // how many come before the next page; 0: there is none
	Filter   desk.Filter
	States   []desk.State
	From, To string
	Next     string // the query of the next page
	Limit    int64
	KeepDays int
}

func (c *call) home() error { return c.homePage(nil) }

func (c *call) homePage(problem error) error {
	q := c.r.URL.Query()
	v := homeView{
		view: c.view(c.say.T("Send payment links")), Accounts: c.seat.AccountsAs(desk.Uploader), States: desk.States(),
		Limit: c.seat.Limits().Upload, KeepDays: int(c.seat.Keep().Hours() / 24), From: q.Get("from"), To: q.Get("to"),
		Filter: desk.Filter{State: desk.State(q.Get("state")), By: q.Get("by"), Words: q.Get("words")},
	}
	v.Filter.After, _ = strconv.Atoi(q.Get("after"))
	v.Filter.From, _ = time.ParseInLocation(time.DateOnly, v.From, time.Local)
	if to, err := time.ParseInLocation(time.DateOnly, v.To, time.Local); err == nil {
		v.Filter.To = to.AddDate(0, 0, 1)
	}
	var more bool
	var err error
	if v.Uploads, more, err = c.seat.Uploads(c.ctx(), v.Filter); err != nil {
		return err
	}
	if more {
		q.Del("said")
		q.Set("after", strconv.Itoa(v.Filter.After+len(v.Uploads)))
		v.Next = q.Encode()
	}
	v.Mistakes = c.mistakes(problem)
	return c.shown("home", v, problem)
}

// StateName is a state in the reader's language.
func (s speaker) StateName(state desk.State) string {
	return map[desk.State]string{
		desk.Draft: s.T("being prepared"), desk.Waiting: s.T("waits for approval"), desk.Approved: s.T("approved"), desk.Running: s.T("being sent"),
		desk.Stopped: s.T("stopped"), desk.Done: s.T("done"), desk.Deleted: s.T("deleted"),
	}[state]
}

// bring takes in a file, as it comes.
func (c *call) bring() error {
	return c.incoming(c.homePage, func(values map[string]string, name string, r io.Reader) error {
		account := values["account"]
		if accounts := c.seat.AccountsAs(desk.Uploader); account == "" && len(accounts) == 1 {
			account = accounts[0]
		}
		return c.brought(account, name, r)
	})
}

// incoming reads a form as it comes, whose last field is a file, and hands the file on with the values before it. Problem shows
// the page of the form.
func (c *call) incoming(problem func(error) error, take func(values map[string]string, name string, r io.Reader) error) error {
	select {
	case c.uploads <- struct{}{}:
		defer func() { <-c.uploads }()
	default:
		return problem(&desk.Refusal{Code: desk.TooSoon, Field: "file", Problem: "too many files are coming in at the moment", Todo: "try again in a minute"})
	}
	limit := c.seat.Limits().Upload + 1<<20
	c.r.Body = http.MaxBytesReader(c.w, &paced{body: c.r.Body, w: c.w, begun: time.Now()}, limit)
	rc := http.NewResponseController(c.w)
	rc.SetWriteDeadline(time.Time{})
	defer rc.SetReadDeadline(time.Time{})
	none := &desk.Refusal{Code: desk.Invalid, Field: "file", Problem: "no file came with this", Todo: "choose a file first"}
	parts, err := c.r.MultipartReader()
	if err != nil {
		return problem(none)
	}
	values := map[string]string{}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return problem(none)
		}
		if err != nil {
			return problem(cutOff(err))
		}
		if part.FormName() == "file" {
			return take(values, part.FileName(), part)
		}
		b, err := io.ReadAll(io.LimitReader(part, 200))
		if err != nil {
			return problem(cutOff(err))
		}
		if len(values) < 20 {
			values[part.FormName()] = string(b)
		}
	}
}

// cutOff is why an upload did not come to its end.
func cutOff(err error) error {
	if limit := (*http.MaxBytesError)(nil); errors.As(err, &limit) {
		return &desk.Refusal{Code: desk.TooMuch, Field: "file", Problem: "the file is larger than " + desk.Bytes(limit.Limit), Todo: "split it, or save it as .xlsx, which is compressed"}
	}
	return &desk.Refusal{Code: desk.Invalid, Field: "file", Problem: "the file did not come to its end", Todo: "try again; nothing was kept"}
}

func (c *call) brought(account, name string, r io.Reader) error {
	u, known, err := c.seat.Bring(c.ctx(), account, name, r)
	refusal := (*desk.Refusal)(nil)
	switch {
	case errors.As(err, &refusal) && refusal.Code == desk.Forbidden: // the first page may have no form for it
		return err
	case errors.As(err, &refusal):
		return c.homePage(err)
	case err != nil && c.ctx().Err() == nil:
		return c.homePage(cutOff(err))
	case err != nil:
		return err
	}
	to := "/uploads/" + u.ID + "?said=uploaded"
	if known.Upload != "" {
		to += "&" + query("upload", known.Upload)
	}
	if known.Run != "" {
		to += "&" + query("run", known.Run)
	}
	c.redirect(to)
	return nil
}

// paced gives a body as long as it keeps coming: a minute, and 16 kB a second from then on.
type paced struct {
	body  io.ReadCloser
	w     http.ResponseWriter
	begun time.Time
	n     int64
}

func (p *paced) Read(b []byte) (int, error) {
	http.NewResponseController(p.w).SetReadDeadline(p.begun.Add(time.Minute + time.Duration(p.n/16_000)*time.Second))
	n, err := p.body.Read(b)
	p.n += int64(n)
	return n, err
}

func (p *paced) Close() error { return p.body.Close() }

//go:embed sample.csv
var sampleFile []byte

func (c *call) bringSample() error {
	return c.brought(c.r.PostFormValue("account"), "sample.csv", bytes.NewReader(sampleFile))
}

// upload sends who asks for an upload to the step that it is at.
func (c *call) upload() error {
	u, err := c.seat.Upload(c.ctx(), c.id())
	if err != nil {
		return err
	}
	step, err := c.step(u)
	if err != nil {
		return err
	}
	if q := c.r.URL.RawQuery; q != "" {
		step += "?" + q
	}
	c.redirect("/uploads/" + u.ID + "/" + step)
	return nil
}

func (c *call) step(u *desk.Upload) (string, error) {
	switch u.State {
	case desk.Waiting, desk.Approved:
		return "approval", nil
	case desk.Running:
		return "progress", nil
	case desk.Stopped, desk.Done:
		return "rows", nil
	case desk.Deleted:
		return "audit", nil
	}
	sheet, err := c.seat.Sheet(c.ctx(), u, false)
	switch {
	case err != nil:
		return "", err
	case sheet.Refused != nil || u.Edits == 0 && uncertain(sheet): // once a person has said something, it is certain
		return "reading", nil
	case sheet.Bad() > 0:
		return "problems", nil
	}
	return "preview", nil
}

// uncertain reports whether a person should look at what a file was taken for before anything else.
func uncertain(s *desk.Sheet) bool {
	if len(s.Input.Notices) > 0 {
		return true
	}
	for _, p := range s.Problems {
		if p.Code == pipeline.CodeMissingCountry || p.Rows == s.Rows && s.Rows > 1 {
			return true
		}
	}
	return false
}

// uploadView is what the pages of an upload have in common.
type uploadView struct {
	view
	Upload *desk.Upload
	Step   string
	Change bool         // the person may change it, in the state that it is in
	Clear  bool         // the person sees its contacts
	Before *desk.Upload // with the same content; nil when none is known
	Run    string       // of the command line, likewise
}

// runID is what a run is called.
var runID = regexp.MustCompile(`^[a-z0-9]{12}$`)

// uploadPage gives what the pages of an upload have in common, and refuses those of one that is deleted.
func (c *call) uploadPage(u *desk.Upload, step, title string) uploadView {
	v := uploadView{
		view: c.view(title), Upload: u, Step: step, Clear: c.seat.Clear(u.Account),
		Change: c.seat.May(u.Account, desk.Uploader) && u.State == desk.Draft,
	}
	q := c.r.URL.Query()
	if before, err := c.seat.Upload(c.ctx(), q.Get("upload")); err == nil {
		v.Before = before
	}
	if run := q.Get("run"); runID.MatchString(run) {
		v.Run = run
	}
	return v
}

func (c *call) remove() error {
	if err := c.seat.Delete(c.ctx(), c.id()); err != nil {
		return err
	}
	return c.said("/", "deleted")
}
