package ledger

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"hppsend/pipeline"
)

// Found is a distribution that the ledger has tried, or is trying, as people ask for it.
type Found struct {
	pipeline.Record
	Target  string
	Session string
	Sheet   string // where its row stood last
	Row     int
	File    string // of the run that tried it last; empty, with Label, where that is not known any more
	Label   string
}

// findQuery goes by record_contact.
const findQuery = "SELECT " + recordColumns + ` WHERE d.contact IN ({digests})
	AND d.target = (SELECT id FROM target WHERE name = ?) ORDER BY d.time, d.id`

// Find gives every distribution to any of the contacts, at all targets of the ledger, the oldest first. Where a contact
// was only the other one of a row, it was sent nothing, and that is not given.
func (l *Ledger) Find(ctx context.Context, contacts ...pipeline.Digest) ([]Found, error) {
	list, err := digestList(contacts)
	if err != nil {
		return nil, err
	}
	return l.found(ctx, findQuery, list)
}

// FindSessions gives every distribution for any of the sessions, in their canonical form, at all targets of the ledger.
func (l *Ledger) FindSessions(ctx context.Context, sessions ...string) ([]Found, error) {
	list, err := json.Marshal(slices.Sorted(slices.Values(sessions)))
	if err != nil {
		return nil, err
	}
	return l.found(ctx, lookupQuery, string(list))
}

// digestList is the value of {digests} in a statement.
func digestList(contacts []pipeline.Digest) (string, error) {
	names := make([]string, len(contacts))
	for i, d := range contacts {
		names[i] = hex.EncodeToString(d[:])
	}
	slices.Sort(names)
	list, err := json.Marshal(names)
	return string(list), err
}

func (l *Ledger) found(ctx context.Context, query, list string) (all []Found, err error) {
	defer func() { err = l.reading(err) }()
	rows, err := l.rows(ctx, "SELECT name FROM target ORDER BY id")
	if err != nil {
		return nil, err
	}
	targets, err := Column[string](rows)
	if err != nil {
		return nil, err
	}
	for _, target := range targets {
		at, err := l.View(target).found(ctx, query, list)
		if err != nil {
			return nil, err
		}
		all = append(all, at...)
	}
	slices.SortStableFunc(all, func(a, b Found) int { return a.Time.Compare(b.Time) })
	of := map[string]RunInfo{}
	for i := range all {
		f := &all[i]
		run, asked := of[f.Run]
		if !asked && f.Run != "" {
			if run, _, err = l.FindRun(ctx, f.Run); err != nil {
				return nil, err
			}
			of[f.Run] = run
		}
		f.File, f.Label = run.Path, run.Label
	}
	return all, nil
}

func (v *View) found(ctx context.Context, query, list string) (all []Found, err error) {
	rows, err := v.l.rows(ctx, query, list, v.target)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		k, err := v.scan(rows)
		if err != nil {
			return nil, err
		}
		if !k.blank() {
			all = append(all, Found{Record: k.Record, Target: v.target, Session: k.session, Sheet: k.sheet, Row: k.row})
		}
	}
	return all, rows.Err()
}

// Listed is since when a contact is on the ledger's own list of those that must never be messaged again, and by whom.
type Listed struct {
	Time time.Time
	Who  string
}

// OnList tells which of the contacts are on the ledger's own list.
func (l *Ledger) OnList(ctx context.Context, contacts ...pipeline.Digest) (_ map[pipeline.Digest]Listed, err error) {
	defer func() { err = l.reading(err) }()
	list, err := digestList(contacts)
	if err != nil {
		return nil, err
	}
	rows, err := l.rows(ctx, "SELECT contact, time, who FROM forgotten WHERE contact IN ({digests})", list)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[pipeline.Digest]Listed{}
	for rows.Next() {
		var text []byte
		var at int64
		var by Listed
		if err := rows.Scan(&text, &at, &by.Who); err != nil {
			return nil, err
		}
		var d pipeline.Digest
		copy(d[:], text)
		by.Time = time.UnixMilli(at)
		all[d] = by
	}
	return all, rows.Err()
}
