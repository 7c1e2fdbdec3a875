package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"hppsend/pipeline"
)

// The upload page has its books in the same database, in a schema of their own beside the ledger's, so that several
// machines serve one page. What they mean is internal/desk's; they are made here since who serves may make no tables.

// pageMigrations bring the page's tables from one version to the next.
var pageMigrations = []string{pageSchema, pageV2}

// PageGrants are what who serves the page needs beside [Grants].
const PageGrants = `GRANT USAGE ON SCHEMA hppsend_page TO sender;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA hppsend_page TO sender;`

func (s *server) pageSchema() string { return s.schema + "_page" }

// pageTables makes the page's tables, or brings those that are there up to date: they outlive a ledger that is taken out of
// the database and comes back. The search path is that of the ledger before and after.
func (s *server) pageTables(ctx context.Context, tx pgx.Tx) error {
	var there bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'about')", s.pageSchema()).Scan(&there); err != nil {
		return err
	}
	name, version := pgx.Identifier{s.pageSchema()}.Sanitize(), 0
	if there {
		if err := tx.QueryRow(ctx, "SELECT version FROM "+name+".about").Scan(&version); err != nil {
			return err
		}
	}
	if version >= len(pageMigrations) {
		return nil
	}
	_, err := tx.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+name+"; SET LOCAL search_path TO "+name+";"+strings.Join(pageMigrations[version:], "")+
		"SET LOCAL search_path TO "+pgx.Identifier{s.schema}.Sanitize(), pgx.QueryExecModeSimpleProtocol)
	return err
}

// Page opens the books of the upload page, which the caller closes. They are nil for a ledger in a file, which has none
// beside it.
func (l *Ledger) Page(ctx context.Context) (*sql.DB, error) {
	s, ok := l.store.(*server)
	if !ok {
		return nil, nil
	}
	return s.page(ctx)
}

// OpenPage opens the books of the page beside a ledger on a server, for what needs no secret. The caller closes them.
func OpenPage(ctx context.Context, opt Options) (*sql.DB, error) {
	l, s, _, err := visit(ctx, opt)
	if err != nil {
		return nil, err
	}
	defer l.db.Close()
	return s.page(ctx)
}

func (s *server) page(ctx context.Context) (*sql.DB, error) {
	config := s.config.Copy()
	config.RuntimeParams["search_path"] = s.pageSchema()
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(s.connected), stdlib.OptionShouldPing(func(_ context.Context, p stdlib.ShouldPingParams) bool {
		return p.IdleDuration > 100*time.Millisecond // so that few pages are not shown after the server was started anew
	}))
	db.SetMaxIdleConns(4)
	db.SetMaxOpenConns(16)
	var version int
	err := db.QueryRowContext(ctx, "SELECT version FROM about").Scan(&version)
	if lists := 0; err == nil && version == len(pageMigrations) { // a right that was given before the last table was made is not one to it
		err = db.QueryRowContext(ctx, "SELECT count(*) FROM suppression").Scan(&lists)
	}
	code := (*pgconn.PgError)(nil)
	switch {
	case errors.As(err, &code) && (code.Code == "42P01" || code.Code == "3F000" || code.Code == "42501"):
		err = wrong(pipeline.NoLedger, s.path, "there are no books for the page beside it, or the user may not read them",
			"let an administrator say hppsend ledger migrate, and grant what hppsend help machines has for the page")
	case err != nil:
		err = s.explain(err)
	case version < len(pageMigrations):
		err = wrong(pipeline.NoLedger, s.path, "the books of the page beside it are of an earlier version of hppsend", "let an administrator say hppsend ledger migrate, and grant anew what hppsend help machines has for the page")
	case version > len(pageMigrations):
		err = wrong(pipeline.NoLedger, s.path, "the books of the page beside it are of a later version of hppsend", "install that version here too")
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}
