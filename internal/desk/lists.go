package desk

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"hppsend/pipeline"
)

// List is a suppression list that an administrator of an account has brought: it holds for all uploads of the account,
// together with those of the configuration. Of the file no contact is kept but by a digest, and that encrypted.
type List struct {
	ID, Account string
	Name        string // of the file
	Made        time.Time
	By          string
	SHA256      string // of the file, in hex
	Contacts    int    // that it names, repeats counted
	Unreadable  int    // lines of it that name nobody who can be told
	Country     string // of its phone numbers that name none; empty for none
}

// listsOf gives those of an account, the oldest first.
func (d *Desk) listsOf(ctx context.Context, q queryer, a *Account) (all []List, err error) {
	rows, err := q.QueryContext(ctx, `SELECT l.id, l.name, l.made, p.name, l.sha256, l.contacts, l.unreadable, l.country
		FROM suppression l JOIN person p ON p.id = l.person WHERE l.account = ? ORDER BY l.made, l.id`, a.Name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		l := List{Account: a.Name}
		var name, sum []byte
		var made int64
		if err := rows.Scan(&l.ID, &name, &made, &l.By, &sum, &l.Contacts, &l.Unreadable, &l.Country); err != nil {
			return nil, err
		}
		if l.Name, err = a.key.open(l.ID+" name", name); err != nil {
			return nil, err
		}
		l.Made, l.SHA256 = moment(made), hex.EncodeToString(sum)
		all = append(all, l)
	}
	return all, rows.Err()
}

// idsOf tells lists from what they were before one was brought, replaced or removed.
func idsOf(all []List) (ids string) {
	for _, l := range all {
		ids += l.ID + " "
	}
	return ids
}

// listOf is where a list lies.
func (d *Desk) listOf(id string) string { return d.path("files", id+".list") }

// listed are lists as they were read.
type listed struct {
	ids  string
	all  []List
	made *pipeline.Suppression // nil for none
}

// suppressed reads the lists that hold for an account now. One that is replaced while it is read is looked for again.
func (d *Desk) suppressed(ctx context.Context, a *Account) (listed, error) {
	for again := 0; ; again++ {
		all, err := d.listsOf(ctx, d.db, a)
		if err != nil {
			return listed{}, broken("the suppression lists of the account", err)
		}
		now := listed{all: all}
		now.ids = idsOf(all)
		d.mu.Lock()
		known := d.lists[a.Name]
		d.mu.Unlock()
		if known.ids == now.ids {
			now.made = known.made
			return now, nil
		}
		var each []*pipeline.Suppression
		for _, l := range all {
			var one *pipeline.Suppression
			if one, err = d.readList(ctx, a, l); err != nil {
				break
			}
			each = append(each, one)
		}
		if errors.Is(err, os.ErrNotExist) && again < 3 {
			continue
		}
		if err == nil {
			now.made, err = pipeline.JoinSuppressions(each...)
		}
		if err != nil { // whoever is on it must not be messaged: nothing is sent without it
			return listed{}, broken("the suppression lists of the account", err)
		}
		d.mu.Lock()
		d.lists[a.Name] = now
		d.mu.Unlock()
		return now, nil
	}
}

func (d *Desk) readList(ctx context.Context, a *Account, l List) (*pipeline.Suppression, error) {
	if err := d.fetch(ctx, d.listOf(l.ID)); err != nil {
		return nil, err
	}
	f, err := os.Open(d.listOf(l.ID))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	plain, size, err := a.key.bytes(l.ID + " list")(f)
	if err != nil {
		return nil, err
	}
	return pipeline.ReadKeptSuppression(io.NewSectionReader(plain, 0, size))
}

// Lists gives the suppression lists of an account, for who administers it: those that were brought here, and the names of
// those that the configuration has.
func (s *Seat) Lists(ctx context.Context, account string) (brought []List, configured []string, err error) {
	a := s.d.accounts[account]
	if a == nil || !s.May(account, Administrator) {
		return nil, nil, notForYou()
	}
	brought, err = s.d.listsOf(ctx, s.d.db, a)
	return brought, a.Options.Suppress.Paths, err
}

// audited adds to the audit trail what the person did to a list.
func (s *Seat) audited(t *txn, l List, action string) error {
	return t.audit(Event{Person: s.ID, Account: l.Account, Action: action, Place: fmt.Sprintf("list %s, %d contacts", strings.ToLower(l.ID[:8]), l.Contacts), Digest: l.SHA256})
}
