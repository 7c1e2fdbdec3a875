package web

import (
	"net/http"

	"hppsend/internal/desk"
)

type auditView struct {
	view
	Upload *desk.Upload // whose trail it is; nil for all
	Events []desk.Event
	More   bool // there may be older ones; hppsend audit export writes all
}

func (c *call) showTrail() error { return c.trail(c.id()) }
func (c *call) showAudit() error { return c.trail("") }

func (c *call) trail(id string) error {
	v := auditView{view: c.view(c.say.T("Audit trail"))}
	var err error
	if id != "" {
		if v.Upload, err = c.seat.Upload(c.ctx(), id); err != nil {
			return err
		}
	}
	if v.Events, err = c.seat.Trail(c.ctx(), id); err != nil {
		return err
	}
	v.More = len(v.Events) == desk.TrailPage
	return c.render("audit", http.StatusOK, v)
}
