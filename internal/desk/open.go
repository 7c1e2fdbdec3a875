package desk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	_ "modernc.org/sqlite" // the driver

	"hppsend/internal/campaign"
	"hppsend/internal/ledger"
	"hppsend/pipeline"
)

// Open opens the desk in a folder, which no other process may have open. Where the ledgers are on a server, so are its
// books, and others may work with them.
func Open(ctx context.Context, cfg Config) (_ *Desk, err error) {
	d := newDesk(cfg)
	for i := range d.Accounts {
		a := &d.Accounts[i]
		a.key = a.Ledger.Key("page")
		a.Options.Outputs = campaign.Outputs{None: true}
		d.accounts[a.Name] = a
	}
	for _, dir := range []string{d.Folder, d.path("files"), d.path("tmp")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, broken("make the folder of the page", err)
		}
	}
	shared, err := d.sharedBooks(ctx)
	if err != nil {
		return nil, err
	}
	if shared == nil {
		if err := d.lockFolder(); err != nil {
			return nil, err
		}
	}
	if err := d.openBooks(ctx, shared); err != nil {
		return nil, errors.Join(err, d.unlock())
	}
	if err := errors.Join(d.clearTmp(), d.knowsBooks(ctx)); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if _, err := os.Stat(d.path("page.db")); err == nil && shared != nil {
		d.Log.Warn("the page has its books in the database of the ledger; those in its folder, of before, are not used", "folder", d.Folder)
	}
	return d, nil
}

// sharedBooks opens the books beside the ledger of the first account; nil where that is in a file. If they are shared all
// ledgers have to be: another host would not know what is sent by one in a file.
func (d *Desk) sharedBooks(ctx context.Context) (*sql.DB, error) {
	if len(d.Accounts) == 0 {
		return nil, nil
	}
	first := &d.Accounts[0]
	for i := range d.Accounts {
		a := &d.Accounts[i]
		if ledger.OnServer(a.Ledger.Info().Path) != ledger.OnServer(first.Ledger.Info().Path) {
			return nil, &pipeline.Error{
				Kind: pipeline.Usage, Problem: fmt.Sprintf("the accounts %s and %s cannot be on one page: the ledger of one is in a file, that of the other on a server", first.Name, a.Name),
				Todo: "move the one in the file with hppsend ledger move, or serve them apart",
			}
		}
	}
	return first.Ledger.Page(ctx)
}

func (d *Desk) lockFolder() error {
	d.lock = flock.New(d.path("page.lock"))
	switch held, err := d.lock.TryLock(); {
	case err != nil:
		return broken("lock the folder of the page", err)
	case !held:
		return &pipeline.Error{
			Kind: pipeline.Busy, Problem: "another hppsend serve works in " + d.Folder,
			Todo: "end that one first, or name another folder with --state",
		}
	}
	return nil
}

func (d *Desk) unlock() error {
	if d.lock == nil {
		return nil
	}
	return d.lock.Unlock()
}

// clearTmp removes what a process that was killed has left. Of a folder that is not locked another may be using some.
func (d *Desk) clearTmp() error {
	leftovers, err := filepath.Glob(d.path("tmp", "*"))
	if err != nil {
		return err
	}
	for _, path := range leftovers {
		if info, err := os.Stat(path); !d.db.shared || err == nil && time.Since(info.ModTime()) > lostAfter {
			os.RemoveAll(path)
		}
	}
	return nil
}

// Beside opens the books of a desk that another process may be working with, for its people and its audit trail
// alone: accounts need no more than their names.
func Beside(ctx context.Context, cfg Config) (*Desk, error) {
	d := newDesk(cfg)
	for i := range d.Accounts {
		d.accounts[d.Accounts[i].Name] = &d.Accounts[i]
	}
	var shared *sql.DB
	if ledger.OnServer(d.Server.Path) {
		var err error
		if shared, err = ledger.OpenPage(ctx, d.Server); err != nil {
			return nil, err
		}
	}
	return d, d.openBooks(ctx, shared)
}

func (d *Desk) openBooks(ctx context.Context, shared *sql.DB) error {
	if shared != nil {
		d.db = &books{DB: shared, shared: true}
		_, err := d.db.clock(ctx, d.db)
		if err != nil {
			err = errors.Join(broken("open the books of the page", err), d.db.Close())
		}
		return err
	}
	path := d.path("page.db")
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return broken("open the books of the page", err)
	} else if err := f.Close(); err != nil {
		return err
	}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "secure_delete(1)"},
		"_txlock": {"immediate"},
	}.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return broken("open the books of the page", err)
	}
	d.db = &books{DB: db}
	err = d.tx(ctx, func(t *txn) error {
		var version int
		if err := t.QueryRowContext(t.ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		switch version {
		case 0:
			return t.exec(schema + schemaV2 + "PRAGMA user_version = 2")
		case 1:
			return t.exec(schemaV2 + "PRAGMA user_version = 2")
		case 2:
			return nil
		}
		return fmt.Errorf("they are of a later version of hppsend (%d)", version)
	})
	if err != nil {
		return errors.Join(broken("open the books of the page, "+path, err), d.db.Close())
	}
	return nil
}

// knowsBooks sees that shared books were sealed by the secret of the ledger that they lie beside: they outlive one that is
// dropped.
func (d *Desk) knowsBooks(ctx context.Context) error {
	if !d.db.shared {
		return nil
	}
	const place = "books"
	k := d.Accounts[0].key
	return d.tx(ctx, func(t *txn) error {
		var sealed []byte
		if err := t.QueryRowContext(ctx, "SELECT sealed FROM about").Scan(&sealed); err != nil {
			return err
		}
		if sealed == nil {
			return t.exec("UPDATE about SET sealed = ?", k.seal(place, place))
		}
		if _, err := k.open(place, sealed); err != nil {
			return &pipeline.Error{
				Kind: pipeline.NoLedger, Problem: "the books of the page beside the ledger " + d.Accounts[0].Ledger.Info().Path + " are of another ledger",
				Todo: "see that the first account is the same on all hosts; if that ledger is gone for good, drop the schema of its page and say hppsend ledger migrate",
			}
		}
		return nil
	})
}
