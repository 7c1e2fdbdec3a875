package web

import (
	"hppsend/internal/desk"
)

type peopleView struct {
	view
	People   []desk.Person
	Accounts []string // that the person administers
	Roles    []desk.Role
	Link     string // of the invitation that was just made
	For      string
}

func (c *call) showPeople() error { return c.peoplePage("", "", nil) }

func (c *call) peoplePage(link, who string, problem error) error {
	people, err := c.seat.People(c.ctx())
	if err != nil {
		return err
	}
	v := peopleView{
		view: c.view(c.say.T("People")), People: people, Accounts: c.seat.AccountsAs(desk.Administrator), Roles: desk.Roles(), Link: link, For: who,
	}
	v.Mistakes = c.mistakes(problem)
	return c.shown("people", v, problem)
}

// RoleName is a role in the reader's language.
func (s speaker) RoleName(r desk.Role) string {
	return map[desk.Role]string{
		desk.Viewer: s.T("viewer"), desk.Uploader: s.T("uploader"), desk.Approver: s.T("approver"),
		desk.Settler: s.T("settler"), desk.Administrator: s.T("administrator"),
	}[r]
}

func roles(names []string) (all []desk.Role) {
	for _, name := range names {
		all = append(all, desk.Role(name))
	}
	return all
}

func (c *call) invite() error {
	login := c.r.PostFormValue("login")
	token, err := c.seat.Invite(c.ctx(), login, c.r.PostFormValue("name"), c.r.PostFormValue("account"), roles(c.r.PostForm["role"]))
	if err != nil {
		return c.peoplePage("", "", err)
	}
	if token == "" { // known already: the roles are all that there was to give
		return c.said("/people", "roles")
	}
	return c.peoplePage(c.link("/invitation/"+token), login, nil)
}

func (c *call) giveRoles() error {
	if err := c.seat.GiveRoles(c.ctx(), c.id(), c.r.PostFormValue("account"), roles(c.r.PostForm["role"])); err != nil {
		return c.peoplePage("", "", err)
	}
	return c.said("/people", "roles")
}

func (c *call) reinvite() error {
	token, err := c.seat.Reinvite(c.ctx(), c.id())
	if err != nil {
		return c.peoplePage("", "", err)
	}
	return c.peoplePage(c.link("/invitation/"+token), c.r.PostFormValue("login"), nil)
}

func (c *call) disable() error {
	disabled := c.r.PostFormValue("disabled") == "true"
	if err := c.seat.Disable(c.ctx(), c.id(), disabled); err != nil {
		return c.peoplePage("", "", err)
	}
	if disabled {
		return c.said("/people", "disabled")
	}
	return c.said("/people", "enabled")
}
