package ledger

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"hppsend/pipeline"
)

// within bounds a transaction, so that a way that is cut is noticed.
func (s *server) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 10*time.Second)
}

// many makes the usual claims and outcomes of a group in one statement each: first claims of sessions that have no
// records, and outcomes of first attempts.
func (s *server) many(t *txn, group []*op) ([]*op, error) {
	rest, err := s.bar(t, group)
	if err != nil {
		return nil, err
	}
	if err := s.guard(t, rest); err != nil {
		return nil, err
	}
	if rest, err = s.claims(t, rest); err != nil {
		return nil, err
	}
	return s.conclusions(t, rest)
}

// bar takes the claims out of a group whose run was ended as a dead one, and keeps the others from being ended until
// their claims are on disk.
func (s *server) bar(t *txn, group []*op) ([]*op, error) {
	var numbers []int64
	for _, o := range group {
		if c, ok := o.change.(*claim); ok && !slices.Contains(numbers, c.run.number) {
			numbers = append(numbers, c.run.number)
		}
	}
	if len(numbers) == 0 {
		return group, nil
	}
	rows, err := t.query("SELECT number FROM run WHERE number = ANY(?) AND ended IS NULL ORDER BY number FOR SHARE", numbers)
	if err != nil {
		return nil, err
	}
	living, err := Column[int64](rows)
	if err != nil {
		return nil, err
	}
	rest := make([]*op, 0, len(group))
	for _, o := range group {
		if c, ok := o.change.(*claim); ok {
			if c.buried = !slices.Contains(living, c.run.number); c.buried {
				continue
			}
		}
		rest = append(rest, o)
	}
	return rest, nil
}

// guard keeps others from judging the same contacts, and the same counts, at once, until the transaction ends.
func (s *server) guard(t *txn, group []*op) error {
	var keys []string
	for _, o := range group {
		c, ok := o.change.(*claim)
		if !ok {
			continue
		}
		if !c.Restraint.Cooldown.IsZero() || c.Restraint.Once {
			for _, d := range [][]byte{c.contact, c.other} {
				if len(d) > 0 {
					keys = append(keys, "contact "+hex.EncodeToString(d))
				}
			}
		}
		if len(c.Restraint.Counts) > 0 {
			keys = append(keys, fmt.Sprint("sends ", c.run.targetID))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys) // so that nobody waits for each other
	return t.exec(`SELECT count(pg_advisory_xact_lock(hashtextextended(current_setting('search_path') || ' ' || key, 0)))
		FROM unnest(?::text[]) WITH ORDINALITY AS k (key, n)`, slices.Compact(keys))
}

// Column reads the one column of rows, and closes them.
func Column[T any](rows *sql.Rows) (all []T, err error) {
	defer rows.Close()
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// gate is what a claim is of.
type gate struct {
	session string
	target  int64
}

// claims makes the gates of sessions that were judged to have no records. Of several claims of one session one is
// among them: what comes back is given to it alone. Whoever comes back empty-handed asks by itself.
func (s *server) claims(t *txn, group []*op) (rest []*op, err error) {
	first := map[gate]*claim{}
	of := map[*op]*claim{}
	for _, o := range group {
		c, ok := o.change.(*claim)
		if !ok || c.Seen != pipeline.NoRecords || c.again || c.restrained() {
			rest = append(rest, o)
			continue
		}
		if at := (gate{c.Distribution.Session, c.run.targetID}); first[at] == nil {
			first[at] = c
			of[o] = c
			c.got = pipeline.Claimed{Version: c.Seen}
		}
		rest = append(rest, o)
	}
	if len(first) < 2 {
		return rest, nil
	}
	if forgets, err := t.forgets(); err != nil || forgets { // each is judged by itself
		return rest, err
	}
	all := make([]*claim, 0, len(first))
	for _, c := range first {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *claim) int { return strings.Compare(a.Distribution.Session, b.Distribution.Session) }) // two groups wait for each other in one order
	n := len(all)
	sessions, targets, runs, rows := make([]string, n), make([]int64, n), make([]int64, n), make([]int64, n)
	reminders, methods, countries, sheets := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	contacts, others := make([][]byte, n), make([][]byte, n)
	for i, c := range all {
		d := c.Distribution
		sessions[i], targets[i], runs[i], rows[i] = d.Session, c.run.targetID, c.run.number, int64(c.Place.Row)
		reminders[i], methods[i], countries[i], sheets[i] = c.run.reminder, string(d.Method), d.Country, c.run.sheet(c.Place)
		contacts[i], others[i] = c.contact, c.other
	}
	got, err := t.query(`INSERT INTO record (session, target, seq, version, reminder, method, contact, country, other, sheet, row, intent, time)
		SELECT session, target, 0, {fresh}, reminder, method, contact, country, other, sheet, row, run, ?::bigint FROM unnest(?::text[], ?::bigint[], ?::text[],
			?::text[], ?::bytea[], ?::text[], ?::bytea[], ?::text[], ?::bigint[], ?::bigint[])
			AS c (session, target, reminder, method, contact, country, other, sheet, row, run)
		ON CONFLICT DO NOTHING RETURNING session, target, id`,
		time.Now().UnixMilli(), sessions, targets, reminders, methods, contacts, countries, others, sheets, rows, runs)
	if err != nil {
		return nil, err
	}
	defer got.Close()
	for got.Next() {
		var at gate
		var ticket pipeline.Ticket
		if err := got.Scan(&at.session, &at.target, &ticket); err != nil {
			return nil, err
		}
		first[at].got.Ticket = ticket
	}
	return slices.DeleteFunc(rest, func(o *op) bool { return of[o] != nil && of[o].got.Ticket != 0 }), got.Err()
}

// conclusions closes first attempts at gates: to what state.concluded makes of them.
func (s *server) conclusions(t *txn, group []*op) (rest []*op, err error) {
	usual := map[int64]*op{}
	for _, o := range group {
		o.made = false // an earlier try may have been undone
		if c, ok := o.change.(*conclusion); ok && c.Called && usual[int64(c.ticket)] == nil {
			usual[int64(c.ticket)] = o
		}
	}
	if len(usual) < 2 {
		return group, nil
	}
	n := len(usual)
	ids, runs, owners, statuses, codes := make([]int64, 0, n), make([]int64, 0, n), make([]int64, 0, n), make([]string, 0, n), make([]string, 0, n)
	reasons, correlations, http, times, binding := make([]string, 0, n), make([]string, 0, n), make([]int64, 0, n), make([]int64, 0, n), make([]bool, 0, n)
	for id := range usual {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		c := usual[id].change.(*conclusion)
		status := string(c.Status)
		if c.Status == pipeline.Pending {
			status = ""
		}
		runs, owners, statuses, codes, reasons = append(runs, c.run), append(owners, c.owner), append(statuses, status), append(codes, c.Code), append(reasons, c.Reason)
		correlations, http, times = append(correlations, c.CorrelationID), append(http, int64(c.HTTPStatus)), append(times, c.Time.UnixMilli())
		binding = append(binding, c.Binding)
	}
	rows, err := t.query(`UPDATE record r SET intent = NULL, run = c.owner, attempts = attempts + 1, status = c.status, binding = c.binding,
		http_status = c.http_status, code = c.code, reason = c.reason, correlation_id = c.correlation_id, time = c.time, version = {fresh}
		FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::boolean[], ?::bigint[], ?::text[], ?::text[], ?::text[], ?::bigint[])
			AS c (id, run, owner, status, binding, http_status, code, reason, correlation_id, time)
		WHERE r.id = c.id AND r.intent = c.run AND r.status = '' AND r.seq = 0 RETURNING r.id`,
		ids, runs, owners, statuses, binding, http, codes, reasons, correlations, times)
	if err != nil {
		return nil, err
	}
	done, err := Column[int64](rows)
	if err != nil {
		return nil, err
	}
	for _, id := range done {
		usual[id].made = true
	}
	return slices.DeleteFunc(slices.Clone(group), func(o *op) bool { return o.made }), nil
}

// again waits for the next try, if one may help: after a connection that was lost, a deadlock, a lock that took long.
func (s *server) again(err error, tries int, since time.Time) bool {
	s.broken = true // what has become of it is not looked into
	pause := min(20*time.Millisecond<<min(tries, 6), time.Second)
	if !passing(err) || time.Since(since)+pause > s.wait {
		return false
	}
	time.Sleep(pause)
	return true
}

// passing reports whether an error may be over at the next try.
func passing(err error) bool {
	var code *pgconn.PgError
	if errors.As(err, &code) {
		switch code.Code[:2] {
		case "08", "53", "57", "40": // connection, resources, shutdown, deadlock
			return true
		}
		return code.Code == "55P03" || code.Code == "25P03" || code.Code == "25P02" // waited for a lock, or was waited for
	}
	return !errors.As(err, new(*pipeline.Error)) && !errors.As(err, new(*pipeline.Bug)) // nothing of the database's: the way to it
}

func (s *server) alone(t *txn) error {
	return t.exec("SELECT pg_advisory_xact_lock(locks, 0) FROM meta")
}

func (s *server) freeze(t *txn, where string, args ...any) error {
	return t.exec("SELECT id FROM record r WHERE "+where+" ORDER BY id FOR UPDATE", args...)
}

// connect takes another connection for the writing goroutine, where the last has failed.
func (s *server) connect(ctx context.Context) error {
	if !s.broken {
		return nil
	}
	clear(s.statements)
	drop(s.conn)
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	if err := s.back(ctx, conn); err != nil {
		drop(conn)
		return err
	}
	s.conn, s.broken = conn, false
	return nil
}

// bury takes the row of a dead process away, which no word of it brings back. What it is about to claim is waited for
// where its run is ended.
func (s *server) bury(t *txn, number int64, _ string) (bool, error) {
	var process int64
	if err := t.get([]any{&process}, "SELECT coalesce(process, 0) FROM run WHERE number = ?", number); err != nil || s.life.mine(process) {
		return false, err
	}
	if err := t.exec(`DELETE FROM beat WHERE process = (SELECT process FROM run WHERE number = ?) AND NOT lives(process, heard)`, number); err != nil {
		return false, err
	}
	var lives bool
	err := t.get([]any{&lives}, "SELECT EXISTS (SELECT FROM beat WHERE process = (SELECT process FROM run WHERE number = ? AND ended IS NULL))", number)
	return !lives, err
}

// withPace reads the row and the clock of the database, and writes the row if it is still the same. Nobody holds a lock
// on it in between, who could be frozen then.
func (s *server) withPace(ctx context.Context, target string, change paceChange) error {
	began := time.Now()
	for tries := 1; ; tries++ {
		done, err := s.paceOnce(ctx, target, change)
		switch {
		case err != nil && (ctx.Err() != nil || time.Since(began) > s.wait || !passing(err)):
			return s.unwritten(err)
		case done:
			return nil
		case err != nil:
			select {
			case <-time.After(min(20*time.Millisecond<<min(tries, 6), time.Second)):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// paceWait is how long one look at the pace may take.
const paceWait = 5 * time.Second

func (s *server) paceOnce(ctx context.Context, target string, change paceChange) (done bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, paceWait) // so that a way that is cut is noticed
	defer cancel()
	if _, err := s.db.ExecContext(ctx, "INSERT INTO target (name) SELECT $1::text WHERE NOT EXISTS (SELECT FROM target WHERE name = $1) ON CONFLICT DO NOTHING", target); err != nil {
		return false, err
	}
	var row pace
	var now clock
	now.early = time.Now()
	if err := s.db.QueryRowContext(ctx, "SELECT "+paceColumns+", (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000 FROM target WHERE name = $1", target).
		Scan(append(row.fields(), &now.at)...); err != nil {
		return false, err
	}
	now.late = time.Now()
	was := row.values()
	if row.follow(now.at); !change(&row, now) {
		return true, nil
	}
	res, err := s.db.ExecContext(ctx, `UPDATE target SET next = $1, gap = $2, pause = $3, written = $4, headroom = $5, slowed = $6
		WHERE name = $7 AND next = $8 AND gap = $9 AND pause = $10 AND written = $11 AND headroom = $12 AND slowed = $13`,
		append(append(row.values(), target), was...)...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

func (s *server) close() error {
	s.life.end()
	return nil
}
