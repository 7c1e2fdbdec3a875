package ledger

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"hppsend/pipeline"
)

// Share is what the workers need to know of a run that is handed to them.
type Share struct {
	Queue    string // who may send it: workers of the same
	Priority int    // 1 to 4; less goes first
	Spec     json.RawMessage
	State    json.RawMessage // what was decided so far
}

// SharedRun is a run that the workers send, as it stands now.
type SharedRun struct {
	RunInfo
	Share
	Ordered pipeline.Ordered
	Left    int // chunks that are not done
	Out     int // of these, released ones
	Taken   int // of these, those that a process works on
}

// serverOf gives the server that a ledger is on, for what only one can do.
func (l *Ledger) serverOf() (*server, error) {
	if s, ok := l.store.(*server); ok {
		return s, nil
	}
	return nil, &pipeline.Error{
		Kind: pipeline.Usage, Problem: "the ledger " + l.path + " is a file, and workers share one in a database",
		Todo: "name it with --ledger postgres://…; hppsend ledger move brings this one there",
	}
}

// Shareable gives the error that runs of this ledger cannot be handed to workers; nil when they can.
func (l *Ledger) Shareable() error {
	_, err := l.serverOf()
	return err
}

// Pool gives connections of their own to the database, as the queue of the workers needs them. The caller closes it.
func (l *Ledger) Pool(ctx context.Context) (*pgxpool.Pool, error) {
	s, err := l.serverOf()
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(s.config.ConnString())
	if err != nil {
		return nil, l.reading(err)
	}
	config.ConnConfig, config.MaxConns, config.AfterConnect = s.config.Copy(), 6, s.connected
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, l.reading(err)
	}
	return pool, nil
}

// chunkPlace is what a chunk is bound to: in another place it cannot be opened.
func chunkPlace(run string, n int) []byte { return fmt.Appendf(nil, "%s\n%d", run, n) }

func (l *Ledger) aead() cipher.AEAD { return AEAD(l.Key("chunk")) }

// AEAD encrypts by a key of 32 bytes, with a nonce of its own in each text.
func AEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return gcm
}

// AddChunk keeps the n-th chunk of a run that is about to be handed over, encrypted.
func (r *Run) AddChunk(ctx context.Context, n int, text []byte) error {
	sealed := r.l.aead().Seal(nil, nil, text, chunkPlace(r.id, n))
	return r.l.update(ctx, statement{"INSERT INTO chunk (run, n, sealed) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", []any{r.number, n, sealed}})
}

// statement is a change that is one statement.
type statement struct {
	query string
	args  []any
}

func (s statement) apply(t *txn) error { return t.exec(s.query, s.args...) }

// HandOver lets the workers send the run. It lives by itself from then on, until [Ledger.EndShared].
func (r *Run) HandOver(ctx context.Context, s Share) error {
	o := &handOver{run: r, Share: s}
	if err := r.l.update(ctx, o); err != nil {
		return err
	}
	if !o.done {
		return errRun
	}
	r.hold.release()
	return nil
}

type handOver struct {
	run *Run
	Share

	done bool
}

func (o *handOver) apply(t *txn) (err error) {
	if err := t.exec("INSERT INTO share (run, queue, priority, spec, state) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		o.run.number, o.Queue, o.Priority, string(o.Spec), string(o.State)); err != nil {
		return err
	}
	o.done, err = t.changed("UPDATE run SET shared = TRUE, process = NULL WHERE number = ? AND ended IS NULL", o.run.number)
	return err
}

// SharedRuns gives the runs that are with the workers: those of a queue, or with an empty one all.
func (l *Ledger) SharedRuns(ctx context.Context, queue string) (all []SharedRun, err error) {
	defer func() { err = l.reading(err) }()
	rows, err := l.rows(ctx, `SELECT run.id, target.name, run.user_name, run.label, run.reminder, run.path, run.version, run.host, run.pid, run.started,
		s.queue, s.priority, s.spec, s.state, (SELECT count(*) FROM chunk c WHERE c.run = s.run),
		(SELECT count(*) FROM chunk c WHERE c.run = s.run AND c.released),
		(SELECT count(*) FROM chunk c WHERE c.run = s.run AND c.released AND c.process IS NOT NULL)
		FROM share s JOIN run ON run.number = s.run JOIN target ON target.id = run.target WHERE run.ended IS NULL AND run.shared AND (?1 = '' OR s.queue = ?1) ORDER BY s.priority, s.run`, queue)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r := SharedRun{RunInfo: RunInfo{Shared: true}}
		var spec, state string
		var started int64
		if err := rows.Scan(&r.ID, &r.Target, &r.UserName, &r.Label, &r.Reminder, &r.Path, &r.Version, &r.Host, &r.PID, &started, &r.Queue, &r.Priority, &spec, &state, &r.Left, &r.Out, &r.Taken); err != nil {
			return nil, err
		}
		r.Spec, r.State, r.Started = json.RawMessage(spec), json.RawMessage(state), time.UnixMilli(started)
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Ordered, err = l.Ordered(ctx, all[i].ID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Follow is for who waits for a run that the workers have: it makes no calls, and can tell what the report has counted.
// It gives nil when no run of theirs is on this content at the target, in the same round.
func (l *Ledger) Follow(ctx context.Context, content RunInfo) (*Run, error) {
	busy, err := l.Busy(ctx, content.SHA256, content.Target)
	if err != nil || busy == nil || !busy.Shared || busy.Reminder != content.Reminder {
		return nil, err
	}
	r := &Run{View: l.View(busy.Target), reminder: busy.Reminder, id: busy.ID}
	if err := l.row(ctx, "SELECT number, target FROM run WHERE id = ?", busy.ID).Scan(&r.number, &r.targetID); err != nil {
		return nil, l.reading(err)
	}
	r.owner = r.number
	return r, nil
}

// ID names the run; of a part it is that of the whole.
func (r *Run) ID() string { return r.id }

// Worker is a process that takes work, for people.
type Worker struct {
	Queue, Target, UserName string
	Version, Host           string
	PID                     int
	Started                 time.Time
}

// Enlist enters this process among the workers, as long as it lives or until leave is called. dead reports whether
// it was taken for dead meanwhile: then it is to leave, and may enlist anew.
func (l *Ledger) Enlist(ctx context.Context, w Worker) (dead func() bool, leave func(), err error) {
	s, err := l.serverOf()
	if err != nil {
		return nil, nil, err
	}
	h, err := s.hold(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	process := h.(*share).process
	if err := l.update(ctx, statement{"DELETE FROM worker w WHERE NOT EXISTS (SELECT FROM beat b WHERE b.process = w.process)", nil}); err != nil { // which were killed
		h.release()
		return nil, nil, err
	}
	if err := l.update(ctx, statement{`INSERT INTO worker (process, queue, target, user_name, version, host, pid, started) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (process) DO UPDATE SET queue = excluded.queue`, []any{process, w.Queue, w.Target, w.UserName, w.Version, w.Host, w.PID, w.Started.UnixMilli()}}); err != nil {
		h.release()
		return nil, nil, err
	}
	return func() bool { return isFinal(h.lost()) }, func() {
		l.update(context.WithoutCancel(ctx), statement{"DELETE FROM worker WHERE process = ?", []any{process}})
		h.release()
	}, nil
}

// Workers gives the living workers.
func (l *Ledger) Workers(ctx context.Context) (all []Worker, err error) {
	defer func() { err = l.reading(err) }()
	rows, err := l.rows(ctx, `SELECT queue, target, user_name, version, host, pid, started FROM worker WHERE lives(process) ORDER BY host, pid`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var w Worker
		var at int64
		if err := rows.Scan(&w.Queue, &w.Target, &w.UserName, &w.Version, &w.Host, &w.PID, &at); err != nil {
			return nil, err
		}
		w.Started = time.UnixMilli(at)
		all = append(all, w)
	}
	return all, rows.Err()
}

// Join makes this process one of those that send a shared run: what it claims is open for it alone, and is in doubt
// when it dies, while the records are those of the run. The caller ends it with Leave. The error is [ErrOver] when the
// run has ended.
func (l *Ledger) Join(ctx context.Context, run string, version string) (*Run, error) {
	s, err := l.serverOf()
	if err != nil {
		return nil, err
	}
	h, err := s.hold(ctx, run)
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname()
	o := &join{whole: run, hold: h.(*share), version: version, host: host}
	if err = l.update(ctx, o); err == nil && o.over {
		err = ErrOver
	}
	if err != nil {
		h.release()
		return nil, err
	}
	r := &Run{View: l.View(o.target), reminder: o.reminder, hold: h, id: run, owner: o.owner, process: o.hold.process}
	r.targetID, r.number = o.targetID, o.number
	return r, nil
}

// ErrOver says that a shared run has ended.
var ErrOver = errors.New("the run has ended")

// join enters a part of a run.
type join struct {
	whole, version, host string
	hold                 *share

	over                    bool
	number, owner, targetID int64
	target, reminder        string
}

func (o *join) apply(t *txn) error {
	err := t.get([]any{&o.owner, &o.targetID, &o.target, &o.reminder}, `SELECT run.number, run.target, target.name, run.reminder FROM run JOIN target ON target.id = run.target
		WHERE run.id = ? AND run.shared AND run.ended IS NULL`, o.whole)
	if o.over = errors.Is(err, sql.ErrNoRows); o.over {
		return nil
	}
	if err != nil {
		return err
	}
	if err := t.get([]any{&o.number}, `INSERT INTO run (id, part_of, target, user_name, label, reminder, path, sha256, sheet, options, version, host, pid, started, schema)
		VALUES (?, ?, ?, '', '', ?, '', '', '', '{}', ?, ?, ?, ?, {schema}) ON CONFLICT (id) DO UPDATE SET ended = NULL RETURNING number`,
		fmt.Sprintf("%s.%d", o.whole, o.hold.process), o.owner, o.targetID, o.reminder, o.version, o.host, os.Getpid(), time.Now().UnixMilli()); err != nil {
		return err
	}
	return o.hold.entered(t, o.number)
}

// Leave ends the part of this process in a run. What it has open is uncertain; the chunks that it had go to others.
func (r *Run) Leave(ctx context.Context) error {
	defer r.hold.release()
	return r.l.update(ctx, leave{r.number, r.owner, r.process})
}

type leave struct{ number, owner, process int64 }

func (o leave) apply(t *txn) error {
	if err := t.exec("UPDATE run SET ended = ? WHERE number = ? AND part_of IS NOT NULL AND ended IS NULL", time.Now().UnixMilli(), o.number); err != nil {
		return err
	}
	if err := t.interrupt(o.number); err != nil {
		return err
	}
	if err := t.exec("UPDATE chunk SET process = NULL, asked = NULL WHERE run = ? AND process = ?", o.owner, o.process); err != nil {
		return err
	}
	return t.exec("DELETE FROM run WHERE number = ? AND part_of IS NOT NULL", o.number)
}
