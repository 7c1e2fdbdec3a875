package web

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"

	"hppsend/internal/desk"
	"hppsend/pipeline"
)

// live is how the sending of an upload stands, in the words of its reader. The script puts each text into the
// element that is named for it.
type live struct {
	State     desk.State        `json:"state"`
	Moving    bool              `json:"moving"` // it will change by itself
	Texts     map[string]string `json:"texts"`
	Done      int               `json:"done"`
	Due       int               `json:"due"`
	Canary    int               `json:"canary"`
	Stopping  bool              `json:"stopping"`
	Milestone string            `json:"milestone"` // what is worth being read out; changes seldom
	Version   int               `json:"version"`
}

func (c *call) live(u *desk.Upload) (live, <-chan struct{}) {
	now, changed, running := c.seat.Live(u)
	p := now.Progress
	l := live{
		State: u.State, Moving: u.State == desk.Running || u.State == desk.Approved, Done: p.Done(), Due: p.Due, Canary: now.Canary,
		Stopping: now.Stopping, Version: now.Version,
	}
	if l.Due == 0 {
		l.Due = u.Due
	}
	left := max(0, l.Due-l.Done)
	l.Texts = map[string]string{
		"state": capital(c.say.StateName(u.State)), "delivered": c.say.N(p.Delivered), "rejected": c.say.N(p.Rejected), "failed": c.say.N(p.Failed),
		"uncertain": c.say.N(p.Uncertain), "skipped": c.say.N(p.Skipped), "left": c.say.N(left), "waiting": c.waiting(now, u, running),
		"remaining": "", "notice": "",
	}
	if rate := p.Rate; left > 0 && rate > 0 && !math.IsInf(rate, 1) && p.Waiting == "" && running && !now.Checking {
		took := time.Duration(float64(left) / rate * float64(time.Second))
		l.Texts["remaining"] = c.say.T("%s left, until %s", c.say.Takes(took), c.say.When(time.Now().Add(took)))
	}
	if n := len(now.Notices); n > 0 {
		l.Texts["notice"] = now.Notices[n-1].Text
	}
	tenth := 0
	if l.Due > 0 {
		tenth = l.Done * 10 / l.Due * 10
	}
	l.Milestone = c.say.T("%s: %d %% done", l.Texts["state"], tenth)
	return l, changed
}

// waiting says why nothing is being sent; empty when something is.
func (c *call) waiting(now desk.Live, u *desk.Upload, running bool) string {
	switch {
	case u.State == desk.Approved && time.Now().Before(u.Start):
		return c.say.T("It starts on %s.", c.say.When(u.Start))
	case u.State == desk.Approved, u.State == desk.Running && !running:
		return c.say.T("It is about to start.")
	case now.Canary > 0:
		return c.say.T("The first %d messages were accepted. See that they arrived as they should: may the rest follow?", now.Canary)
	case now.Stopping:
		return c.say.T("It stops: the calls under way end, and no new ones are made.")
	case now.Checking:
		return c.say.T("All rows are checked once more before the first is sent.")
	case now.Progress.Rule == pipeline.CodeHours:
		return c.say.T("It waits until %s: where the people are who are left, it is not an hour at which they may be messaged. Then it goes on by itself.", c.say.When(now.Progress.Until))
	case now.Progress.Rule == pipeline.CodeQuota:
		return c.say.T("It waits until %s: as many messages were sent as may be in that time. Then it goes on by itself.", c.say.When(now.Progress.Until))
	case now.Progress.Waiting != "" && !now.Progress.Until.IsZero():
		return c.say.T("It waits until %s: %s.", c.say.When(now.Progress.Until), now.Progress.Waiting)
	case now.Progress.Waiting != "":
		return c.say.T("It waits: %s.", now.Progress.Waiting)
	}
	return ""
}

type progressView struct {
	uploadView
	Live live
	May  bool // stop, go on, answer
}

func (c *call) showProgress() error { return c.progressPage(nil) }

func (c *call) progressPage(problem error) error {
	u, err := c.seat.Upload(c.ctx(), c.id())
	if err != nil {
		return err
	}
	v := progressView{uploadView: c.uploadPage(u, "progress", c.say.T("Sending")), May: c.seat.May(u.Account, desk.Uploader, desk.Approver)}
	v.Live, _ = c.live(u)
	switch {
	case problem != nil:
	case u.State == desk.Done || u.State == desk.Stopped:
		c.redirect("/uploads/" + u.ID + "/rows")
		return nil
	case !v.Live.Moving:
		c.redirect("/uploads/" + u.ID)
		return nil
	}
	if v.Live.Moving {
		v.Refresh = 3
	}
	v.Mistakes = c.mistakes(problem)
	return c.shown("progress", v, problem)
}

func (c *call) progressNow() error {
	u, err := c.seat.Upload(c.ctx(), c.id())
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	now, _ := c.live(u)
	return json.NewEncoder(c.w).Encode(now)
}

// How a stream of events behaves: how often it writes at most, how long it is silent at most, and how long a write
// may take.
const (
	eventPace  = 250 * time.Millisecond
	eventQuiet = 15 * time.Second
	eventWrite = 10 * time.Second
)

// events streams how the sending stands, each time that it has changed.
func (c *call) events() error {
	id := c.id()
	if _, err := c.seat.Upload(c.ctx(), id); err != nil {
		return err
	}
	rc := http.NewResponseController(c.w)
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.w.Header().Set("X-Accel-Buffering", "no")
	for {
		u, err := c.seat.Upload(c.ctx(), id)
		if err != nil {
			return nil //nolint:nilerr // the stream has begun
		}
		now, changed := c.live(u)
		b, err := json.Marshal(now)
		if err != nil || !c.event(rc, fmt.Sprintf("id: %d\ndata: %s\n\n", now.Version, b)) || !now.Moving {
			return nil //nolint:nilerr // likewise
		}
		wait := eventQuiet
		if changed == nil { // it is not being sent yet
			wait = time.Second
		}
		if !c.pause(changed, wait) || !c.pause(nil, eventPace) || time.Now().After(c.seat.Until) {
			return nil
		}
		if _, ok, err := c.Desk.Peek(c.ctx(), c.token()); err != nil || !ok { // signed out meanwhile
			return nil //nolint:nilerr // likewise
		}
	}
}

// pause waits until something has happened, or for a time, and reports whether to go on.
func (c *call) pause(happens <-chan struct{}, most time.Duration) bool {
	select {
	case <-happens:
	case <-time.After(most):
	case <-c.ctx().Done():
		return false
	case <-c.end.Done():
		return false
	}
	return true
}

func (c *call) token() string {
	cookie, err := c.r.Cookie(c.cookieName())
	if err != nil {
		return ""
	}
	return cookie.Value
}

// event writes a part of a stream, and reports whether it could.
func (c *call) event(rc *http.ResponseController, text string) bool {
	if rc.SetWriteDeadline(time.Now().Add(eventWrite)) != nil {
		return false
	}
	defer rc.SetWriteDeadline(time.Time{}) // of HTTP/2 it would end a stream that is silent
	if _, err := c.w.Write([]byte(text)); err != nil {
		return false
	}
	return rc.Flush() == nil
}

func (c *call) stop() error {
	if _, err := c.seat.Stop(c.ctx(), c.id()); err != nil {
		return c.progressPage(err)
	}
	return c.said("/uploads/"+c.id()+"/progress", "stopping")
}

func (c *call) goOn() error {
	if err := c.seat.GoOn(c.ctx(), c.id()); err != nil {
		return c.rowsPage(err)
	}
	c.redirect("/uploads/" + c.id() + "/progress")
	return nil
}

func (c *call) answer() error {
	if err := c.seat.Answer(c.ctx(), c.id(), c.r.PostFormValue("go_on") == "yes"); err != nil {
		return c.progressPage(err)
	}
	c.redirect("/uploads/" + c.id() + "/progress")
	return nil
}

// statusCount is how many rows have a status.
type statusCount struct {
	Status pipeline.Status
	Rows   int
}
