package web

import (
	"net/http"

	"hppsend/internal/desk"
)

type auditView struct {
	view
	Upload *desk.Upload // whose trail it is; nil for all
	Events []desk.Event
	More   int
}

// maxEvents is how many entries of a trail a page shows; hppsend audit export writes all.
const maxEvents = 500

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
	if len(v.Events) > maxEvents {
		v.More, v.Events = len(v.Events)-maxEvents, v.Events[:maxEvents]
	}
	return c.render("audit", http.StatusOK, v)
}
