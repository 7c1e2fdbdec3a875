package ledger

import (
	"bytes"
	"context"
	"errors"
	"os"
	"time"

	"hppsend/internal/contact"
	"hppsend/pipeline"
)

// Standing is how a ledger stands, for people.
type Standing struct {
	Info
	State     string // open, incoming, ready, leaving or moved
	MovedTo   string
	Living    int  // runs
	Uncertain int  // records in doubt
	Secret    bool // this machine has it
	Gap       string
	Halted    pipeline.Ordered // all runs are, by a person

	// Of a server only.
	Server    string // its version
	Commit    string // synchronous_commit
	Standbys  int    // connected ones
	Lag       bool   // a fail-over to one of them can lose what was committed
	Encrypted bool   // the way there
	Workers   []Worker
	PageSize  int64 // bytes that the books of the page take
}

// Stand says how a ledger stands, also one that nothing may be sent by.
func Stand(ctx context.Context, opt Options) (Standing, error) {
	opt.Sealed, opt.Create = true, false
	if !OnServer(opt.Path) {
		l, err := Open(ctx, opt)
		if err != nil {
			return Standing{}, err
		}
		defer l.Close()
		st := Standing{Info: l.Info(), State: stateOpen, Secret: true}
		to, err := l.store.sealedFor(ctx)
		if err != nil {
			return st, l.reading(err)
		}
		st.MovedTo = to.place
		if st.MovedTo != "" {
			st.State = stateMoved
		}
		return st, l.livesNow(ctx, &st)
	}
	l, s, m, err := visit(ctx, opt)
	if err != nil {
		return Standing{}, err
	}
	defer l.db.Close()
	st := Standing{Info: s.info(), State: m.state, MovedTo: m.place}
	st.Path, st.Environment, st.Made = l.path, m.environment, time.UnixMilli(m.made)
	s.check = m.check
	if l.secret, err = s.readSecret(m); err == nil {
		st.Secret = true
		conn, err := l.db.Conn(ctx)
		if err != nil {
			return st, l.explain(err)
		}
		defer conn.Close()
		if err := s.back(ctx, conn); isFinal(err) {
			st.Gap = pipeline.Hint(err)
		} else if err != nil {
			return st, l.explain(err)
		}
	}
	if err := l.row(ctx, `SELECT current_setting('server_version'), current_setting('synchronous_commit'), coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), FALSE),
		count(*), count(*) > 0 AND current_setting('synchronous_standby_names') = '' FROM pg_stat_replication`).
		Scan(&st.Server, &st.Commit, &st.Encrypted, &st.Standbys, &st.Lag); err != nil {
		return st, l.reading(err)
	}
	if st.Workers, err = l.Workers(ctx); err != nil {
		return st, err
	}
	st.PageSize = s.takes(ctx, s.pageSchema())
	return st, l.livesNow(ctx, &st)
}

func (l *Ledger) livesNow(ctx context.Context, st *Standing) (err error) {
	if st.Halted, err = l.Ordered(ctx); err != nil {
		return err
	}
	runs, err := l.Runs(ctx, 0)
	for _, r := range runs {
		if st.Uncertain += r.Uncertain; r.Lives {
			st.Living++
		}
	}
	return err
}

// visit connects to a server and reads what its ledger is, whatever it may be used for.
func visit(ctx context.Context, opt Options) (*Ledger, *server, meta, error) {
	l := &Ledger{}
	s, err := newServer(l, opt)
	if err != nil {
		return nil, nil, meta{}, err
	}
	err = s.throughPooler(ctx)
	if err == nil {
		err = s.exists(ctx)
	}
	var m meta
	if err == nil {
		m, err = s.meta(ctx)
	}
	if err == nil && m.environment != opt.Environment {
		err = otherEnvironment(l.path, m.environment, opt.Environment)
	}
	if err != nil {
		l.db.Close()
		return nil, nil, meta{}, l.explain(err)
	}
	return l, s, m, nil
}

// ExportSecret gives the secret of a ledger in a form that [ImportSecret] takes.
func ExportSecret(ctx context.Context, opt Options) (string, error) {
	opt.Sealed, opt.Create = true, false
	l, err := Open(ctx, opt)
	if err != nil {
		return "", err
	}
	defer l.Close()
	text, err := l.store.secretText()
	if err != nil {
		return "", l.failed("export the secret of", err)
	}
	return text, nil
}

// ImportSecret has the secret of a ledger on a server on this machine from now on, if it is the right one.
func ImportSecret(ctx context.Context, opt Options, text string) error {
	if !OnServer(opt.Path) {
		return &pipeline.Error{Kind: pipeline.Usage, Problem: "the secret of a ledger in a file lies beside it", Todo: "copy it together with the ledger, while nothing runs"}
	}
	l, s, m, err := visit(ctx, opt)
	if err != nil {
		return err
	}
	defer l.db.Close()
	key, err := parseSecret(text)
	if err != nil {
		return wrong(pipeline.Usage, l.path, "what was given holds no secret", "give the output of hppsend ledger secret export as it is")
	}
	if !bytes.Equal(key.check(), m.check) {
		return wrong(pipeline.Usage, l.path, "the secret is that of another ledger", "export it where this ledger is used: hppsend ledger secret export")
	}
	if err := s.bring(m.check, text); err != nil {
		return l.failed("import the secret of", err)
	}
	return nil
}

// Accept accounts for a gap that was seen in a ledger on a server: from then on its sessions that were sent in the
// meantime are sent again if a file names them. It reports false when there is none.
func Accept(ctx context.Context, opt Options, who, why string) (bool, error) {
	if !OnServer(opt.Path) {
		return false, &pipeline.Error{Kind: pipeline.Usage, Problem: "a gap is seen in a ledger on a server only", Todo: "name it with --ledger postgres://…"}
	}
	l, s, m, err := visit(ctx, opt)
	if err != nil {
		return false, err
	}
	defer l.db.Close()
	s.check = m.check
	if l.secret, err = s.readSecret(m); err != nil {
		return false, err
	}
	conn, err := l.db.Conn(ctx)
	if err != nil {
		return false, l.explain(err)
	}
	defer conn.Close()
	err = s.back(ctx, conn)
	if !isFinal(err) {
		if err != nil {
			err = l.explain(err)
		}
		return false, err
	}
	if _, err := conn.ExecContext(ctx, "INSERT INTO accepted (who, reason) VALUES ($1, $2)", contact.MaskAll(who), contact.MaskAll(why)); err != nil {
		return false, l.explain(err)
	}
	return true, s.back(ctx, conn)
}

// Migrate brings a ledger on a server up to date. One in a file is when it is opened.
func Migrate(ctx context.Context, opt Options) error {
	if !OnServer(opt.Path) {
		l, err := Open(ctx, opt)
		if err != nil {
			return err
		}
		return l.Close()
	}
	l, s, _, err := visit(ctx, opt)
	if err != nil {
		return err
	}
	defer l.db.Close()
	if err := s.migrate(ctx); err != nil {
		return l.explain(err)
	}
	return nil
}

// Exists reports whether there is a ledger at a place; an error says that it cannot be told.
func Exists(ctx context.Context, opt Options) (bool, error) {
	if OnServer(opt.Path) {
		l, _, _, err := visit(ctx, opt)
		if errors.Is(err, ErrMissing) {
			return false, nil
		}
		if err == nil {
			l.db.Close()
		}
		return err == nil, err
	}
	path, err := placeOf(opt.Path)
	if err != nil {
		return false, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.Size() > 0, err
}
