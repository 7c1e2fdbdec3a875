package ledger

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// RunInfo is what is recorded of one invocation on one file, for people. Contacts in the names are masked
// when it is recorded; the reminder must hold none.
type RunInfo struct {
	ID       string
	Target   string
	UserName string // of the credentials
	Label    string
	Reminder string
	Path     string // of the input
	SHA256   [32]byte
	Sheet    string
	Options  json.RawMessage // what the judgement of the rows depended on
	Version  string
	Host     string
	PID      int
	Started  time.Time
	Ended    time.Time // zero while it lives, or when it died
	Ending   string    // the code of its ending; empty when it went through
	Reason   string
	Counts   json.RawMessage
	Lists    []pipeline.KeptList // the suppression lists by which it went
	Shared   bool                // handed to the workers: no process of its own keeps it alive
	Approval json.RawMessage     // who has approved it, and by which plan; empty for nobody. It begins with {"plan":"DIGEST", and names people as they are
}

// Busy is the error that the content of a run's input is being sent by that run.
func (r *RunInfo) Busy() error {
	if r.Shared {
		return &pipeline.Error{
			Kind: pipeline.Busy,
			Problem: fmt.Sprintf("%s is being sent by the workers, as run %s that was handed to them from %s at %s",
				r.Path, r.ID, r.Host, r.Started.Local().Format("2006-01-02 15:04:05")),
			Todo: "wait for that run to end, or end it with hppsend cancel; then start this one again",
		}
	}
	return &pipeline.Error{
		Kind: pipeline.Busy,
		Problem: fmt.Sprintf("%s is being sent by run %s, process %d on %s, since %s",
			r.Path, r.ID, r.PID, r.Host, r.Started.Local().Format("2006-01-02 15:04:05")),
		Todo: "wait for that run to end, or stop it; then start this one again",
	}
}

// Judges reports whether the rows are judged by the same options.
func (r *RunInfo) Judges(options json.RawMessage) bool {
	return string(maskedJSON(options)) == string(r.Options)
}

// Run is a living run. It implements pipeline.Records and pipeline.Ledger.
type Run struct {
	*View
	reminder string
	hold     hold
	id       string // of the whole run
	process  int64  // of a part
	owner    int64  // the number of the run that this is a process's part of; its own where it is whole

	lastSheet, lastMasked string // of the writing goroutine
}

// Begin enters a run. It returns the other's Busy when one with the same content lives. What dead runs left
// open is uncertain from then on. The caller ends the run with End.
func (l *Ledger) Begin(ctx context.Context, info RunInfo) (*Run, error) {
	info = info.masked()
	h, err := l.store.hold(ctx, info.ID)
	if err != nil {
		return nil, err
	}
	o := &begin{RunInfo: info, hold: h}
	err = l.unlessFading(ctx, func() (*RunInfo, error) {
		err := l.update(ctx, o)
		return o.same, err
	})
	r := &Run{View: l.View(info.Target), reminder: info.Reminder, hold: h, id: info.ID}
	r.targetID, r.number, r.owner = o.target, o.number, o.number
	if err == nil && o.same != nil {
		err = o.same.Busy()
	}
	if err != nil {
		h.release()
		return nil, err
	}
	return r, nil
}

// begin enters a run.
type begin struct {
	RunInfo
	hold hold

	again          bool     // it may be on disk already
	same           *RunInfo // that lives, so that this one was not entered
	target, number int64
}

func (o *begin) retried() { o.again = true }

func (o *begin) apply(t *txn) (err error) {
	if err := t.l.store.alone(t); err != nil {
		return err
	}
	if err := t.endDead(); err != nil {
		return err
	}
	if o.again {
		if err := t.get([]any{&o.number, &o.target}, "SELECT number, target FROM run WHERE id = ?", o.ID); !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	if o.same, err = t.same(o.RunInfo); err != nil || o.same != nil {
		return err
	}
	if o.target, err = t.target(o.Target); err != nil {
		return err
	}
	var last int64 // read where outcomes will be written beside their records, so that damage there is seen before any call
	if err := t.get([]any{&last}, "SELECT coalesce(max(time), 0) FROM record WHERE target = ? AND status IN ('delivered', 'uncertain')", o.target); err != nil {
		return err
	}
	if err := t.get([]any{&o.number}, `INSERT INTO run (id, target, user_name, label, reminder, path, sha256, sheet,
		options, version, host, pid, started, lists, approval, schema) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {schema}) RETURNING number`,
		o.ID, o.target, o.UserName, o.Label, o.Reminder, o.Path, o.SHA256[:], o.Sheet,
		string(o.Options), o.Version, o.Host, o.PID, o.Started.UnixMilli(), listed(o.Lists), string(o.Approval)); err != nil {
		return err
	}
	return o.hold.entered(t, o.number)
}

// Over tells that the run has made its last call. An attempt that is still open, since its outcome could
// not be written, is in doubt from then on for all who ask here, and for others once the run has ended.
func (r *Run) Over() { r.l.over.Store(r.number, true) }

// End records how a run ended and lets go of its lock. What it has open is uncertain from then on.
func (r *Run) End(ctx context.Context, ending pipeline.Finding, counts json.RawMessage) error {
	defer r.hold.release()
	return r.l.update(ctx, end{r.number, ending.Code, contact.MaskAll(ending.Reason), string(maskedJSON(counts))})
}

// end records how a run ended.
type end struct {
	number               int64
	code, reason, counts string
}

func (o end) apply(t *txn) error {
	if err := t.interrupt(o.number); err != nil {
		return err
	}
	return t.exec("UPDATE run SET ended = ?, ending = ?, reason = ?, counts = ? WHERE number = ?",
		time.Now().UnixMilli(), o.code, o.reason, o.counts, o.number)
}

// Holds reports whether a call may begin on what the run has claimed: nil, or why not, for good or for the moment.
func (r *Run) Holds() error { return r.hold.lost() }

// alive reports whether a run that has not ended is alive: told is what the column {lives} says.
func (l *Ledger) alive(number int64, id string, told sql.NullBool) bool {
	if _, over := l.over.Load(number); over {
		return false
	}
	if _, dead := l.dead.Load(number); dead {
		return false
	}
	lives := l.store.lives(id, told)
	if !lives && !told.Valid { // whose file is free is dead for good
		l.dead.Store(number, true)
	}
	return lives
}

// endDead ends the runs whose process is gone; what they had open may have been sent.
func (t *txn) endDead() error {
	rows, err := t.query("SELECT number, id, {lives run} FROM run WHERE ended IS NULL")
	if err != nil {
		return err
	}
	defer rows.Close()
	dead := map[int64]string{}
	for rows.Next() {
		var number int64
		var id string
		var lives sql.NullBool
		if err := rows.Scan(&number, &id, &lives); err != nil {
			return err
		}
		if !t.l.alive(number, id, lives) {
			dead[number] = id
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, number := range slices.Sorted(maps.Keys(dead)) {
		if _, err := t.bury(number, dead[number]); err != nil {
			return err
		}
	}
	return nil
}

// bury ends a run whose process is gone, and reports false for one that lives after all. A run that is over, but has
// not ended yet, has its doubts made and ends by itself.
func (t *txn) bury(number int64, id string) (dead bool, err error) {
	if _, over := t.l.over.Load(number); over {
		return true, t.interrupt(number)
	}
	if dead, err := t.l.store.bury(t, number, id); err != nil || !dead {
		return false, err
	}
	if err := t.exec("UPDATE run SET ended = ?, ending = ?, reason = ? WHERE number = ? AND ended IS NULL", time.Now().UnixMilli(),
		pipeline.CodeInterrupted, "its process was gone; it may have been killed", number); err != nil {
		return false, err
	}
	return true, t.interrupt(number) // only now, when it can claim nothing more
}

// interrupt makes uncertain what a dead run had open. What was in doubt before stays so, whatever the run may still say.
func (t *txn) interrupt(number int64) error {
	if err := t.exec(`UPDATE record SET version = {fresh} WHERE seq = 0
		AND (session, target) IN (SELECT session, target FROM record WHERE intent = ? AND seq > 0)`, number); err != nil {
		return err
	}
	if err := t.exec(`UPDATE record SET version = `+newVersion+`, status = ?,
		code = CASE WHEN status = ? THEN ? ELSE ? END, reason = ?, binding = FALSE, http_status = 0,
		correlation_id = '', attempts = attempts + 1, run = {owner}, intent = NULL WHERE intent = ? AND status <> ?`,
		pipeline.Uncertain, pipeline.Uncertain, pipeline.CodeNoClearAnswer, pipeline.CodeInterrupted, interruptedReason, number, pipeline.Delivered); err != nil {
		return err
	}
	return t.exec("UPDATE record SET intent = NULL, version = "+newVersion+" WHERE intent = ?", number)
}

const interruptedReason = "the run was cut off while a call for this session was under way; it may have been sent"

// same finds a living run on the same content.
func (t *txn) same(info RunInfo) (*RunInfo, error) {
	rows, err := t.query("SELECT "+runColumns+" WHERE run.ended IS NULL AND run.sha256 = ? AND target.name = ?",
		info.SHA256[:], info.Target)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, rows.Err()
	}
	other, err := scanRun(rows)
	return &other, err
}

// target gives the number of a target, which is entered when it is new.
func (t *txn) target(name string) (id int64, err error) {
	if err := t.exec("INSERT INTO target (name) VALUES (?) ON CONFLICT DO NOTHING", name); err != nil {
		return 0, err
	}
	err = t.get([]any{&id}, "SELECT id FROM target WHERE name = ?", name)
	return id, err
}

const runColumns = `run.id, target.name, run.user_name, run.label, run.reminder, run.path, run.sha256, run.sheet,
	run.options, run.version, run.host, run.pid, run.started, run.ended, run.ending, run.reason, run.counts, run.lists, {shared}, run.approval
	FROM run JOIN target ON target.id = run.target`

func scanRun(rows interface{ Scan(...any) error }) (RunInfo, error) {
	var r RunInfo
	var sum []byte
	var options, counts, lists, approval string
	var started int64
	var ended sql.NullInt64
	err := rows.Scan(&r.ID, &r.Target, &r.UserName, &r.Label, &r.Reminder, &r.Path, &sum, &r.Sheet, &options,
		&r.Version, &r.Host, &r.PID, &started, &ended, &r.Ending, &r.Reason, &counts, &lists, &r.Shared, &approval)
	copy(r.SHA256[:], sum)
	r.Options, r.Counts, r.Approval = json.RawMessage(options), json.RawMessage(counts), json.RawMessage(approval)
	if lists != "" && err == nil {
		err = json.Unmarshal([]byte(lists), &r.Lists)
	}
	r.Started = time.UnixMilli(started)
	if ended.Valid {
		r.Ended = time.UnixMilli(ended.Int64)
	}
	return r, err
}

// lastRunQuery goes by run_input.
const lastRunQuery = "SELECT " + runColumns + " WHERE run.sha256 = ? AND target.name = ? ORDER BY run.number DESC LIMIT 1"

// LastRun finds the last run on an input at a target, whatever the file was called; ok is false when
// there was none.
func (l *Ledger) LastRun(ctx context.Context, input [32]byte, target string) (info RunInfo, ok bool, err error) {
	defer func() { err = l.reading(err) }()
	info, err = scanRun(l.row(ctx, lastRunQuery, input[:], target))
	if errors.Is(err, sql.ErrNoRows) {
		return RunInfo{}, false, nil
	}
	return info, err == nil, err
}

// LastRunOfUpload finds the last run at a target on a file that came in by the page, by the SHA-256 of its bytes,
// whatever was typed into it there; ok is false when there was none.
func (l *Ledger) LastRunOfUpload(ctx context.Context, file [32]byte, target string) (info RunInfo, ok bool, err error) {
	defer func() { err = l.reading(err) }()
	info, err = scanRun(l.row(ctx, "SELECT "+runColumns+
		" WHERE run.options -> 'upload' ->> 'sha256' = ? AND target.name = ? ORDER BY run.number DESC LIMIT 1", hex.EncodeToString(file[:]), target))
	if errors.Is(err, sql.ErrNoRows) {
		return RunInfo{}, false, nil
	}
	return info, err == nil, err
}

// Busy finds a living run on the same content at a target; nil when there is none.
func (l *Ledger) Busy(ctx context.Context, input [32]byte, target string) (busy *RunInfo, err error) {
	o := &busyWith{content: RunInfo{SHA256: input, Target: target}}
	err = l.unlessFading(ctx, func() (*RunInfo, error) {
		err := l.update(ctx, o)
		return o.run, err
	})
	return o.run, err
}

// unlessFading looks for a living run, and again as long as the one that is found may have died a moment ago: on a
// server that takes some seconds to be believed, and a run that is started anew after a kill is not to be refused.
func (l *Ledger) unlessFading(ctx context.Context, look func() (*RunInfo, error)) error {
	const most = 6 * time.Second // longer than anybody is taken for alive after his death
	for began := time.Now(); ; {
		found, err := look()
		if err != nil || found == nil || time.Since(began) > most || !l.store.fading(ctx, found.ID) {
			return err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// busyWith looks for a living run on a content.
type busyWith struct {
	content RunInfo
	run     *RunInfo
}

func (o *busyWith) apply(t *txn) (err error) {
	if err = t.endDead(); err == nil {
		o.run, err = t.same(o.content)
	}
	return err
}

// endDead ends the runs whose process is gone.
type endDead struct{}

func (endDead) apply(t *txn) error { return t.endDead() }
