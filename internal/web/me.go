package web

import (
	"net/http"

	"hppsend/internal/desk"
)

type meView struct {
	view
	Sessions []desk.Session
}

func (c *call) showMe() error {
	sessions, err := c.seat.Sessions(c.ctx())
	if err != nil {
		return err
	}
	return c.render("me", http.StatusOK, meView{c.view(c.say.T("Where you are signed in")), sessions})
}

func (c *call) endSession() error {
	if err := c.seat.EndSession(c.ctx(), c.id()); err != nil {
		return err
	}
	return c.said("/me", "ended")
}
