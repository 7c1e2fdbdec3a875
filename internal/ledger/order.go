package ledger

import (
	"context"
	"encoding/json"
	"time"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// Order gives an order to a run that has not ended, and reports false when it has. One that was cancelled stays so.
func (l *Ledger) Order(ctx context.Context, run string, o pipeline.Order, by string) (bool, error) {
	c := &orderRun{run: run, order: o, by: contact.MaskAll(by)}
	err := l.update(ctx, c)
	return c.found, err
}

type orderRun struct {
	run, by string
	order   pipeline.Order

	found bool
}

func (o *orderRun) apply(t *txn) (err error) {
	if err := t.endDead(); err != nil {
		return err
	}
	o.found, err = t.changed("UPDATE run SET wish = ?, wish_by = ?, wish_at = ? WHERE id = ? AND ended IS NULL AND wish <> 'cancel'",
		string(o.order), o.by, time.Now().UnixMilli(), o.run)
	return err
}

// HaltAll pauses every run on the ledger, those too that begin later, or lets them go on: the emergency stop. It reports
// whether that changed anything.
func (l *Ledger) HaltAll(ctx context.Context, halt bool, by string) (bool, error) {
	c := &haltAll{halt: halt, by: contact.MaskAll(by)}
	err := l.update(ctx, c)
	return c.changed, err
}

type haltAll struct {
	halt bool
	by   string

	changed bool
}

func (o *haltAll) apply(t *txn) (err error) {
	if o.halt {
		o.changed, err = t.changed("INSERT INTO halt (who, time) SELECT CAST(? AS TEXT), CAST(? AS BIGINT) WHERE NOT EXISTS (SELECT 1 FROM halt)", o.by, time.Now().UnixMilli())
		return err
	}
	o.changed, err = t.changed("DELETE FROM halt WHERE time >= 0")
	return err
}

// Ordered gives what is ordered of any of some runs, by their ids: to be cancelled before to pause, all before one.
func (l *Ledger) Ordered(ctx context.Context, runs ...string) (o pipeline.Ordered, err error) {
	defer func() { err = l.reading(err) }()
	ids, err := json.Marshal(append([]string{}, runs...))
	if err != nil {
		return o, err
	}
	rows, err := l.rows(ctx, `SELECT wish, wish_by, wish_at FROM run WHERE wish <> '' AND id IN ({among})
		UNION ALL SELECT 'pause', who, time FROM halt`, string(ids))
	if err != nil {
		return o, err
	}
	defer rows.Close()
	for rows.Next() {
		var one pipeline.Ordered
		var at int64
		if err := rows.Scan(&one.Order, &one.By, &at); err != nil {
			return o, err
		}
		if one.Time = time.UnixMilli(at); o.Order != pipeline.Cancel {
			o = one
		}
	}
	return o, rows.Err()
}
