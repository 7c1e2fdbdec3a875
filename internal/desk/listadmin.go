package desk

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"hppsend/internal/contact"
	"hppsend/pipeline"
	"hppsend/reader"
)

// maxLists is how many lists an account may have here.
const maxLists = 100

// Listing is how a suppression list is to be read, and which it takes the place of.
type Listing struct {
	Account    string
	Name       string // of the file
	Country    string // of phone numbers that name none; empty for none
	Unreadable int    // lines that cannot be read, and are known not to matter
	Replaces   string // the id of a list of the account; empty for none
}

// BringList takes in a suppression list, as it is read from r, for an account that the person administers. Where a line of it
// cannot be read nothing is kept, and the error has all of them, as [reader.ReadSuppression] says.
func (s *Seat) BringList(ctx context.Context, l Listing, r io.Reader) (_ List, err error) {
	a := s.d.accounts[l.Account]
	if a == nil || !s.May(l.Account, Administrator) {
		return List{}, notForYou()
	}
	made := List{ID: newID(), Account: l.Account, Name: fileName(l.Name), By: s.Name, Unreadable: l.Unreadable}
	switch country, known := contact.Country(l.Country); {
	case l.Country == "":
	case !known:
		return List{}, &Refusal{Code: Invalid, Field: "country", Problem: "this is no country", Todo: "write it in English, or as two letters such as SE"}
	default:
		made.Country = country
	}
	if l.Unreadable < 0 {
		return List{}, &Refusal{Code: Invalid, Field: "unreadable", Problem: "this is no number of lines", Todo: "count the lines that cannot be read, or leave it empty"}
	}
	defer func() {
		if err != nil {
			os.Remove(s.d.listOf(made.ID))
			s.d.unshare(context.WithoutCancel(ctx), made.ID)
		}
	}()
	found, err := s.d.keepList(ctx, a, &made, r)
	if err != nil {
		return List{}, err
	}
	kept := found.Lists()[0]
	made.SHA256, made.Contacts = kept.SHA256, kept.Count
	if err := s.d.share(ctx, s.d.listOf(made.ID)); err != nil {
		return List{}, err
	}
	err = s.d.tx(ctx, func(t *txn) error { return s.enterList(t, a, &made, l.Replaces) })
	if err != nil {
		return List{}, err
	}
	if l.Replaces != "" {
		s.d.unkeepList(l.Replaces)
		s.d.shed(ctx)
	}
	return made, nil
}

// keepList reads a list, which lies encrypted until then, and keeps what it was read as.
func (d *Desk) keepList(ctx context.Context, a *Account, l *List, r io.Reader) (*pipeline.Suppression, error) {
	path, place := d.path("tmp", "list-"+l.ID), l.ID+" brought"
	defer os.Remove(path)
	size, _, err := store(path, place, a.key, io.LimitReader(r, d.Limits.Upload+1))
	switch {
	case err != nil:
		return nil, err
	case size == 0:
		return nil, &Refusal{Code: Invalid, Field: "file", Problem: "the file is empty, or none was chosen", Todo: "choose a file, and see whether it was saved to its end"}
	case size > d.Limits.Upload:
		return nil, &Refusal{Code: TooMuch, Field: "file", Problem: fmt.Sprintf("the file is larger than %s", Bytes(d.Limits.Upload)), Todo: "split it, or save it as .xlsx, which is compressed"}
	}
	defer d.inTurn()()
	found, _, err := reader.ReadSuppression(ctx, []string{l.Name}, reader.ListOptions{
		Country: l.Country, WithoutPlus: a.Options.Suppress.WithoutPlus, Unreadable: l.Unreadable, Kept: &reader.Kept{Path: path, Bytes: a.key.bytes(place)},
	})
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(d.listOf(l.ID), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, broken("keep the list", err)
	}
	defer f.Close()
	w, err := a.key.writer(l.ID+" list", f)
	if err != nil {
		return nil, err
	}
	if _, err := found.WriteTo(w); err != nil {
		return nil, broken("keep the list", err)
	}
	return found, broken("keep the list", errors.Join(w.Close(), f.Sync(), f.Close()))
}

// enterList enters a list into the books, in place of another or beside the others.
func (s *Seat) enterList(t *txn, a *Account, l *List, replaces string) error {
	l.Made = t.now
	lists, err := s.d.listsOf(t.ctx, t, a)
	if err != nil {
		return err
	}
	action, there, same := "list_add", replaces == "", false
	for _, other := range lists {
		if other.ID == replaces {
			action, there = "list_replace", true
		} else if other.SHA256 == l.SHA256 && other.Country == l.Country {
			same = true
		}
	}
	switch {
	case !there:
		return &Refusal{Code: Conflict, Problem: "the list is not here any more", Todo: "look at the lists as they are now"}
	case same:
		return &Refusal{Code: Conflict, Field: "file", Problem: "this list is here already", Todo: "there is nothing to do"}
	case replaces == "" && len(lists) >= maxLists:
		return &Refusal{Code: TooMuch, Field: "file", Problem: "the account has as many lists as it may have", Todo: "put some together, and remove them"}
	}
	if replaces != "" {
		if err := t.dropList(replaces); err != nil {
			return err
		}
	}
	sum, err := hex.DecodeString(l.SHA256)
	if err != nil {
		return err
	}
	return errors.Join(
		t.exec("INSERT INTO suppression (id, account, name, sha256, contacts, unreadable, country, person, made) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			l.ID, a.Name, a.key.seal(l.ID+" name", l.Name), sum, l.Contacts, l.Unreadable, l.Country, s.ID, stamp(t.now)),
		s.audited(t, *l, action),
	)
}

// dropList takes a list out of the books.
func (t *txn) dropList(id string) error {
	if t.b.shared {
		if err := t.exec("DELETE FROM piece WHERE upload = ?", id); err != nil {
			return err
		}
	}
	return t.exec("DELETE FROM suppression WHERE id = ?", id)
}

// unkeepList removes what lies of a list in the folder.
func (d *Desk) unkeepList(id string) {
	if err := os.Remove(d.listOf(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		d.fault("a suppression list that holds no longer could not be removed", id, err)
	}
}

// RemoveList removes a suppression list of an account that the person administers: whom it has may be messaged again.
func (s *Seat) RemoveList(ctx context.Context, id string) error {
	if !s.MayAnywhere(Administrator) {
		return notForYou()
	}
	err := s.d.tx(ctx, func(t *txn) error {
		for _, account := range s.AccountsAs(Administrator) {
			lists, err := s.d.listsOf(ctx, t, s.d.accounts[account])
			if err != nil {
				return err
			}
			for _, l := range lists {
				if l.ID == id {
					return errors.Join(t.dropList(id), s.audited(t, l, "list_remove"))
				}
			}
		}
		return notFound()
	})
	if err != nil {
		return err
	}
	s.d.unkeepList(id)
	s.d.shed(ctx)
	return nil
}
