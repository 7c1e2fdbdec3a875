package web

import (
	"net/http"

	"hppsend/internal/desk"
)

type signInView struct {
	view
	To       string
	Login    string
	Provider string
}

func (c *call) showSignIn() error { return c.signInPage("", nil) }

func (c *call) signInPage(login string, err error) error {
	v := signInView{view: c.view(c.say.T("Sign in")), To: local(c.r.FormValue("to")), Login: login}
	if c.Provider != nil {
		v.Provider = c.Provider.Name
	}
	v.Mistakes = c.mistakes(err)
	return c.shown("signin", v, err)
}

func (c *call) doSignIn() error {
	login := c.r.PostFormValue("login")
	person, err := c.Desk.SignIn(c.ctx(), login, c.r.PostFormValue("password"), c.address(c.r))
	if err != nil {
		return c.signInPage(login, err)
	}
	if err := c.signIn(person); err != nil {
		return err
	}
	c.redirect(local(c.r.PostFormValue("to")))
	return nil
}

func (c *call) signOut() error {
	if err := c.seat.EndSession(c.ctx(), ""); err != nil {
		return err
	}
	c.setCookie("", -1)
	return c.said("/sign-in", "signed-out")
}

type invitationView struct {
	view
	Person desk.Person
	Name   string
	Alone  bool // there is no password to set
}

func (c *call) showInvitation() error { return c.invitation(nil) }

// invitation shows what a link is for. It is used up by the form alone, since others than people follow links.
func (c *call) invitation(problem error) error {
	p, err := c.Desk.Invited(c.ctx(), c.r.PathValue("token"))
	if err != nil {
		return err
	}
	v := invitationView{view: c.view(c.say.T("Welcome")), Person: p, Name: p.Name, Alone: c.Local}
	if name := c.r.PostFormValue("name"); name != "" {
		v.Name = name
	}
	v.Mistakes = c.mistakes(problem)
	return c.shown("invitation", v, problem)
}

func (c *call) accept() error {
	if c.r.PostFormValue("password") != c.r.PostFormValue("again") {
		return c.invitation(&desk.Refusal{Code: desk.Invalid, Field: "again", Problem: "the two passwords differ", Todo: "type the same twice"})
	}
	person, err := c.Desk.Accept(c.ctx(), c.r.PathValue("token"), c.r.PostFormValue("name"), c.r.PostFormValue("password"))
	if status(err) == http.StatusUnprocessableEntity && err != nil {
		return c.invitation(err)
	}
	if err != nil {
		return err
	}
	c.seat = nil // what it was signed in as is not that any more
	if err := c.signIn(person); err != nil {
		return err
	}
	c.redirect("/")
	return nil
}
