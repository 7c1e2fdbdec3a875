package ledger

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"hppsend/pipeline"
)

// Forgot is what was taken out of a ledger for the sake of a contact.
type Forgot struct {
	Listed  int // contacts that were not on the ledger's own list, and are now
	Records int // that were of a contact, and are of nobody's now
	Others  int // in which it was the row's other contact
}

// Forget puts contacts on the ledger's own list of those that must never be messaged again, and then takes out of the
// records what ties them to these: in place of each digest there is one of no contact, other in each record, so that
// sessions stay delivered, or in doubt. It is refused, with [pipeline.Busy], while a living run has a call to one of
// them under way; the list holds by then. Cut off at any moment, it goes on when it is called again.
func (l *Ledger) Forget(ctx context.Context, who string, contacts ...pipeline.Digest) (f Forgot, err error) {
	if f.Listed, err = l.NeverAgain(ctx, who, contacts...); err != nil {
		return f, err
	}
	list, err := digestList(contacts)
	if err != nil {
		return f, err
	}
	busy := &underWay{list: list}
	if err := l.update(ctx, busy); err != nil {
		return f, err
	}
	if busy.run != "" {
		return f, &pipeline.Error{
			Kind: pipeline.Busy, Problem: fmt.Sprintf("run %s has a call to this contact under way", busy.run),
			Todo: "it is on the list already, so nothing more is sent to it; say the same again in a minute, and the rest is forgotten too",
		}
	}
	for _, of := range []struct {
		column string
		n      *int
	}{{"contact", &f.Records}, {"other", &f.Others}} {
		// Read outside a transaction that writes: there is no index by the other contact.
		rows, err := l.rows(ctx, "SELECT id FROM record WHERE "+of.column+" IN ({digests}) ORDER BY id", list)
		if err != nil {
			return f, l.reading(err)
		}
		ids, err := Column[int64](rows)
		if err != nil {
			return f, l.reading(err)
		}
		for group := range slices.Chunk(ids, maxErased) {
			o := &erasure{ids: group, column: of.column, contacts: contacts}
			if err := l.update(ctx, o); err != nil {
				return f, err
			}
			*of.n += o.erased
		}
	}
	l.store.tidy(ctx, false)
	l.store.tidy(ctx, true)
	return f, nil
}

// maxErased is how many records one transaction changes.
const maxErased = 500

// underWay looks for a living run that has a call to one of the contacts open.
type underWay struct {
	list string
	run  string
}

func (o *underWay) apply(t *txn) error {
	o.run = ""
	if err := t.endDead(); err != nil {
		return err
	}
	// Claims lock the row of their run. One that did not see the list yet is waited for.
	running, err := t.query("SELECT number FROM run WHERE ended IS NULL ORDER BY number {lock}")
	if err != nil {
		return err
	}
	if _, err := Column[int64](running); err != nil {
		return err
	}
	for _, column := range []string{"contact", "other"} {
		rows, err := t.query("SELECT run.id FROM record d JOIN run ON run.number = d.intent WHERE d.intent IS NOT NULL AND d."+column+" IN ({digests}) ORDER BY d.id", o.list)
		if err != nil {
			return err
		}
		runs, err := Column[string](rows)
		if err != nil {
			return err
		}
		if len(runs) > 0 {
			o.run = wholeRun(runs[0])
			return nil
		}
	}
	return nil
}

// erasure takes contacts out of records, by their ids.
type erasure struct {
	ids      []int64
	column   string // contact or other
	contacts []pipeline.Digest

	erased int
}

func (o *erasure) apply(t *txn) error {
	o.erased = 0
	for _, id := range o.ids {
		if err := t.touch(id); err != nil { // first, as a claim does
			return err
		}
		for _, d := range o.contacts {
			var reason string
			var changed bool
			var err error
			if o.column == "other" {
				changed, err = t.changed("UPDATE record SET other = ?, version = "+newVersion+" WHERE id = ? AND other = ?", []byte{}, id, d[:])
			} else {
				nobody := nobodys()
				changed, err = t.changed("UPDATE record SET contact = ?, version = "+newVersion+" WHERE id = ? AND contact = ? AND intent IS NULL", nobody[:], id, d[:])
			}
			if err != nil {
				return err
			}
			if !changed {
				continue
			}
			o.erased++
			if err := t.get([]any{&reason}, "SELECT reason FROM record WHERE id = ?", id); err != nil {
				return err
			}
			if !strings.Contains(reason, "•") {
				continue
			}
			// What is left of a masked contact: its country, its first letters, its last digits.
			if err := t.exec("UPDATE record SET reason = ? WHERE id = ?", "what was said named the contact, and was forgotten with it", id); err != nil {
				return err
			}
		}
	}
	return nil
}

// nobodys is a digest of no contact, unlike every other.
func nobodys() (d pipeline.Digest) {
	rand.Read(d[1:])
	d[0] = pipeline.ForgottenVersion
	return d
}

// Remember takes contacts off the ledger's own list. It gives how many were on it. What was forgotten of them stays so.
func (l *Ledger) Remember(ctx context.Context, contacts ...pipeline.Digest) (int, error) {
	o := &remember{contacts: contacts}
	err := l.update(ctx, o)
	return o.taken, err
}

type remember struct {
	contacts []pipeline.Digest
	taken    int
}

func (o *remember) apply(t *txn) error {
	o.taken = 0
	for _, d := range o.contacts {
		changed, err := t.changed("DELETE FROM forgotten WHERE contact = ?", d[:])
		if err != nil {
			return err
		}
		if changed {
			o.taken++
		}
	}
	return nil
}
