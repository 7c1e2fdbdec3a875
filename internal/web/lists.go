package web

import (
	"errors"
	"io"
	"path/filepath"
	"strings"

	"hppsend/internal/desk"
	"hppsend/pipeline"
	"hppsend/reader"
)

type listsView struct {
	view
	Of      []accountLists // of the accounts that the person administers
	Unread  []mistake      // the lines of a list that was not taken, for which it was not
	Further int            // others
	Account string         // that the form names
	Country string
}

// accountLists are the suppression lists of an account.
type accountLists struct {
	Account    string
	Lists      []desk.List
	Configured []string // names of those of the configuration
}

func (c *call) showLists() error { return c.listsPage(nil, nil) }

func (c *call) listsPage(said map[string]string, problem error) error {
	v := listsView{view: c.view(c.say.T("Suppression lists")), Account: said["account"], Country: said["country"]}
	accounts := c.seat.AccountsAs(desk.Administrator)
	for _, account := range append(accounts, "")[:max(1, len(accounts))] { // who administers none is told so
		of := accountLists{Account: account}
		var paths []string
		var err error
		if of.Lists, paths, err = c.seat.Lists(c.ctx(), account); err != nil {
			return err
		}
		for _, path := range paths {
			of.Configured = append(of.Configured, filepath.Base(path))
		}
		opt, _, err := c.seat.Account(account)
		if err != nil {
			return err
		}
		if said == nil {
			v.Country = opt.Suppress.Country
		}
		v.Of = append(v.Of, of)
	}
	v.Mistakes = c.mistakes(problem)
	if unread := (*reader.UnreadableLines)(nil); errors.As(problem, &unread) {
		v.Mistakes = []mistake{c.unread(unread)}
		for _, line := range unread.Lines[:min(len(unread.Lines), maxRefusals)] {
			v.Unread = append(v.Unread, c.mistakes(line)...)
		}
		v.Further = unread.Count - len(v.Unread)
	}
	return c.shown("lists", v, problem)
}

// unread says that lines of a list cannot be read, or that others cannot than was said.
func (c *call) unread(u *reader.UnreadableLines) mistake {
	if u.Count == 0 {
		return mistake{c.say.T("All lines of the list can be read; nothing of it was kept."), c.say.T("Leave the number of lines empty."), "unreadable"}
	}
	return mistake{
		c.say.T("%d lines of the list cannot be read, so that whoever is meant would be messaged; nothing of it was kept.", u.Count),
		c.say.T("Mend them; or say how many they are, if none of them matters."), "unreadable",
	}
}

// bringList takes in a suppression list, as it comes.
func (c *call) bringList() error {
	if !c.seat.MayAnywhere(desk.Administrator) {
		return c.listsPage(nil, nil)
	}
	return c.incoming(func(err error) error { return c.listsPage(nil, err) }, func(said map[string]string, name string, r io.Reader) error {
		l := desk.Listing{Account: said["account"], Name: name, Country: strings.TrimSpace(said["country"]), Replaces: said["replaces"]}
		if n := strings.TrimSpace(said["unreadable"]); n != "" {
			l.Unreadable = number(n)
		}
		_, err := c.seat.BringList(c.ctx(), l, r)
		refusal, known := (*desk.Refusal)(nil), (*pipeline.Error)(nil)
		switch {
		case err == nil:
			return c.said("/lists", "listed")
		case errors.As(err, &refusal) && refusal.Code == desk.Forbidden, c.ctx().Err() != nil:
			return err
		case errors.As(err, &refusal), errors.As(err, &known) && known.Kind == pipeline.BadInput:
			return c.listsPage(said, err)
		}
		return c.listsPage(said, cutOff(err))
	})
}

func (c *call) removeList() error {
	if err := c.seat.RemoveList(c.ctx(), c.id()); err != nil {
		return err
	}
	return c.said("/lists", "unlisted")
}
