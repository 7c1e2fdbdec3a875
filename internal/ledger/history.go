package ledger

import (
	"context"
	"database/sql"
	"math"
	"slices"
	"time"

	"hppsend/pipeline"
)

// RunState is a run as it stands now.
type RunState struct {
	RunInfo
	Lives     bool // its process is there
	Uncertain int  // of its rows, now
	Ordered   pipeline.Ordered
}

// Runs gives the last runs, the latest first; with a limit of 0 all of them.
func (l *Ledger) Runs(ctx context.Context, limit int) (all []RunState, err error) {
	defer func() { err = l.reading(err) }()
	if limit == 0 {
		limit = math.MaxInt
	}
	return l.runsWhere(ctx, "{whole} ORDER BY run.number DESC LIMIT ?", limit)
}

// RunsOfPlan gives the runs that an approved plan has, by its digest in hex, the latest first.
func (l *Ledger) RunsOfPlan(ctx context.Context, digest string) (all []RunState, err error) {
	defer func() { err = l.reading(err) }()
	begins := `{"plan":"` + digest + `"`
	return l.runsWhere(ctx, "{whole} AND substr(run.approval, 1, ?) = ? ORDER BY run.number DESC", len(begins), begins)
}

// runsWhere gives the runs that a condition holds for.
func (l *Ledger) runsWhere(ctx context.Context, where string, args ...any) (all []RunState, err error) {
	rows, err := l.rows(ctx, "SELECT "+runColumns+" WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		info, err := scanRun(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, RunState{RunInfo: info})
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range all {
		if err := l.stand(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// stand fills in how a run stands now.
func (l *Ledger) stand(ctx context.Context, r *RunState) error {
	var number int64
	var lives sql.NullBool
	err := l.row(ctx, `SELECT number, {lives run}, (SELECT count(*) FROM record d WHERE d.run = run.number AND d.status = 'uncertain')
		FROM run WHERE id = ?`, r.ID).Scan(&number, &lives, &r.Uncertain)
	if err != nil {
		return err
	}
	if r.Lives = r.Ended.IsZero() && l.alive(number, r.ID, lives); r.Lives {
		r.Ordered, err = l.Ordered(ctx, r.ID)
	}
	return err
}

// CodeCount is how many distributions have a status and a code.
type CodeCount struct {
	Status pipeline.Status
	Code   string
	Count  int
}

// Codes counts what the distributions of a run have come to by now, those that were settled or sent
// again since included, and what rules held back when its turn had come.
func (l *Ledger) Codes(ctx context.Context, run string) (all []CodeCount, err error) {
	defer func() { err = l.reading(err) }()
	rows, err := l.rows(ctx, `SELECT d.status, d.code, count(*) FROM record d JOIN run ON run.number = d.run
		WHERE run.id = ?1 AND d.status <> '' GROUP BY d.status, d.code
		UNION ALL SELECT held.status, held.code, count(*) FROM held JOIN run ON run.number = held.run WHERE run.id = ?1 AND held.late = {true} GROUP BY held.status, held.code
		ORDER BY 3 DESC, 1, 2`, run)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c CodeCount
		if err := rows.Scan(&c.Status, &c.Code, &c.Count); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// Purged is what a purge has forgotten, or would forget.
type Purged struct {
	Distributions, Delivered, Uncertain, Runs int
}

// forgettable is what a purge forgets of record r: what is old, and a gate only with all that lies beneath it.
const forgettable = `r.time < ?1 AND r.intent IS NULL AND (r.seq > 0 OR NOT EXISTS (SELECT 1 FROM record b
	WHERE b.session = r.session AND b.target = r.target AND b.seq > 0 AND (b.time >= ?1 OR b.intent IS NOT NULL)))`

// maxPurge is how many ids one transaction of a purge goes over, so that runs beside it can write.
const maxPurge = 20_000

// Purge forgets distributions that were last tried before a time, and runs of which nothing is left.
// What a living run has under way stays. A dry run only counts. It can be cut short at any moment, and
// goes on the next time.
func (l *Ledger) Purge(ctx context.Context, before time.Time, dry bool) (p Purged, err error) {
	at := before.UnixMilli()
	if err := l.update(ctx, endDead{}); err != nil {
		return p, err
	}
	// What is read at length is read outside a transaction that writes, for which runs would wait.
	var first, last int64
	if err := l.row(ctx, `SELECT count(*) FILTER (WHERE status <> '' OR attempts > 0), count(*) FILTER (WHERE status = 'delivered'),
		count(*) FILTER (WHERE status = 'uncertain'), coalesce(min(id), 1), coalesce(max(id), 0)
		FROM record r WHERE `+forgettable, at).
		Scan(&p.Distributions, &p.Delivered, &p.Uncertain, &first, &last); err != nil {
		return p, l.reading(err)
	}
	runs, err := l.spent(ctx, at)
	if p.Runs = len(runs); err != nil || dry {
		return p, l.reading(err)
	}
	for to := last; to >= first; to -= maxPurge { // from the end, so that what lies beneath a gate goes before it
		from := max(to-maxPurge+1, first)
		if err := l.update(ctx, forgetRecords{at, from, to}); err != nil {
			return p, err
		}
		l.store.tidy(ctx, false)
	}
	for group := range slices.Chunk(runs, maxPurge) {
		if err := l.update(ctx, forgetRuns(group)); err != nil {
			return p, err
		}
	}
	for _, forget := range []change{forgetReports{at}, forgetLooks{at}} {
		if err := l.update(ctx, forget); err != nil {
			return p, err
		}
	}
	if _, err := l.serverOf(); err == nil {
		if err := l.forgetTimes(ctx, at); err != nil {
			return p, err
		}
	}
	l.store.tidy(ctx, true)
	return p, nil
}

// forgetRecords forgets what is forgettable among records, by their ids, with who settled it.
type forgetRecords struct{ before, from, to int64 }

func (o forgetRecords) apply(t *txn) error {
	if err := t.exec(`UPDATE record SET version = {fresh} WHERE seq = 0 AND (session, target) IN (
		SELECT session, target FROM record r WHERE id BETWEEN ?2 AND ?3 AND seq > 0 AND `+forgettable+")", o.before, o.from, o.to); err != nil {
		return err
	}
	// Else something could come to lie beneath a gate that goes.
	if err := t.l.store.freeze(t, "id BETWEEN ?2 AND ?3 AND r.time < ?1 AND r.intent IS NULL", o.before, o.from, o.to); err != nil {
		return err
	}
	if err := t.exec("DELETE FROM record AS r WHERE id BETWEEN ?2 AND ?3 AND "+forgettable, o.before, o.from, o.to); err != nil {
		return err
	}
	return t.exec(`DELETE FROM settlement WHERE distribution BETWEEN ?1 AND ?2
		AND distribution NOT IN (SELECT id FROM record WHERE id BETWEEN ?1 AND ?2)`, o.from, o.to)
}

// forgetRuns forgets runs by their numbers.
type forgetRuns []int64

func (o forgetRuns) apply(t *txn) error {
	for _, number := range o {
		if err := t.exec("DELETE FROM run WHERE number = ?", number); err != nil {
			return err
		}
		if err := t.exec("DELETE FROM held WHERE run = ?", number); err != nil {
			return err
		}
	}
	return nil
}

// forgetReports forgets the reports that were written before a time.
type forgetReports struct{ before int64 }

func (o forgetReports) apply(t *txn) error {
	return t.exec("DELETE FROM report WHERE time < ?", o.before)
}

// spent gives the runs that ended before a time and have no record that a purge up to it leaves. No record
// can come to one that has ended, but the outcome of a process that was taken for dead.
func (l *Ledger) spent(ctx context.Context, at int64) (numbers []int64, err error) {
	rows, err := l.rows(ctx, `SELECT number FROM run WHERE ended < ?1 AND number NOT IN (
		SELECT coalesce(run, 0) FROM record r WHERE NOT (`+forgettable+`) UNION SELECT intent FROM record WHERE intent IS NOT NULL)`, at)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var number int64
		if err := rows.Scan(&number); err != nil {
			return nil, err
		}
		numbers = append(numbers, number)
	}
	return numbers, rows.Err()
}
