package ledger

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"hppsend/pipeline"
)

// The upload page has its books in the same database, in a schema of their own beside the ledger's, so that several
// machines serve one page. What they mean is internal/desk's; they are made here since who serves may make no tables.

// pageVersion is that of pageSchema.
const pageVersion = 1

// PageGrants are what who serves the page needs beside [Grants].
const PageGrants = `GRANT USAGE ON SCHEMA hppsend_page TO sender;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA hppsend_page TO sender;`

func (s *server) pageSchema() string { return s.schema + "_page" }

// pageTables makes the page's tables, if they are not there: they outlive a ledger that is taken out of the database
// and comes back. The search path is that of the ledger before and after.
func (s *server) pageTables(ctx context.Context, tx pgx.Tx) error {
	var there bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'about')", s.pageSchema()).Scan(&there); err != nil || there {
		return err
	}
	name := pgx.Identifier{s.pageSchema()}.Sanitize()
	_, err := tx.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+name+"; SET LOCAL search_path TO "+name+";"+pageSchema+
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
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(s.connected))
	db.SetMaxIdleConns(4)
	db.SetMaxOpenConns(16)
	var version int
	err := db.QueryRowContext(ctx, "SELECT version FROM about").Scan(&version)
	code := (*pgconn.PgError)(nil)
	switch {
	case errors.As(err, &code) && (code.Code == "42P01" || code.Code == "3F000" || code.Code == "42501"):
		err = wrong(pipeline.NoLedger, s.path, "there are no books for the page beside it, or the user may not read them",
			"let an administrator say hppsend ledger migrate, and grant what hppsend help machines has for the page")
	case err != nil:
		err = s.explain(err)
	case version != pageVersion:
		err = wrong(pipeline.NoLedger, s.path, "the books of the page beside it are of a later version of hppsend", "install that version here too")
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// pageSchema has the tables of the desk's own schema, and beside them:
//
//   - about has one row: the version, and by what the desk knows that the books are of the ledger's secret.
//   - piece has the files of uploads, encrypted, cut into pieces.
//   - sending has a row for each upload that is being sent: by which desk, when that was heard of by the clock of the
//     database, and how it stands, encrypted.
//   - signin has sign-ins that are under way at an identity provider, under the hash of their state, encrypted.
//
// The rules that the desk's triggers hold hold here too. Their functions have the schema's own search path, so that they
// hold for whoever comes by another.
const pageSchema = `
CREATE TABLE about (
	one     boolean PRIMARY KEY DEFAULT TRUE CHECK (one),
	version integer NOT NULL,
	sealed  bytea
);
INSERT INTO about (version) VALUES (1);

CREATE TABLE person (
	id       text PRIMARY KEY,
	login    text NOT NULL,
	name     text NOT NULL,
	password text,
	issuer   text,
	subject  text,
	disabled boolean NOT NULL DEFAULT FALSE,
	made     bigint NOT NULL,
	UNIQUE (issuer, subject)
);
CREATE UNIQUE INDEX person_login ON person (lower(login COLLATE "C"));

CREATE TABLE role (
	person  text NOT NULL REFERENCES person (id),
	account text NOT NULL,
	role    text NOT NULL,
	PRIMARY KEY (person, account, role)
);

CREATE TABLE invitation (
	hash    bytea PRIMARY KEY,
	person  text NOT NULL REFERENCES person (id),
	expires bigint NOT NULL
);

CREATE TABLE session (
	hash   bytea PRIMARY KEY,
	id     text NOT NULL UNIQUE,
	person text NOT NULL REFERENCES person (id),
	made   bigint NOT NULL,
	seen   bigint NOT NULL,
	agent  text NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE signin (
	hash   bytea PRIMARY KEY,
	sealed bytea NOT NULL,
	begun  bigint NOT NULL
);

CREATE TABLE upload (
	id        text PRIMARY KEY,
	account   text NOT NULL,
	state     text NOT NULL,
	person    text NOT NULL REFERENCES person (id),
	made      bigint NOT NULL,
	changed   bigint NOT NULL,
	name      bytea,
	sha256    bytea NOT NULL,
	size      bigint NOT NULL,
	reading   bytea,
	edits     bigint NOT NULL DEFAULT 0,
	digest    bytea,
	approvers bigint NOT NULL DEFAULT 1,
	asker     text REFERENCES person (id),
	asked     bigint NOT NULL DEFAULT 0,
	left_out  bigint NOT NULL DEFAULT 0,
	due       bigint NOT NULL DEFAULT 0,
	start     bigint NOT NULL DEFAULT 0,
	canary    text NOT NULL DEFAULT '',
	stopping  boolean NOT NULL DEFAULT FALSE,
	note      bytea,
	reason    bytea
) WITH (fillfactor = 70);
CREATE INDEX upload_account ON upload (account, made);
CREATE INDEX upload_content ON upload (sha256);
CREATE INDEX upload_state ON upload (state, changed);

CREATE TABLE piece (
	upload text NOT NULL,
	file   text NOT NULL,
	n      integer NOT NULL,
	sealed bytea NOT NULL,
	made   bigint NOT NULL,
	PRIMARY KEY (upload, file, n)
);
ALTER TABLE piece ALTER sealed SET STORAGE EXTERNAL;

CREATE TABLE sending (
	upload text PRIMARY KEY REFERENCES upload (id),
	desk   text NOT NULL,
	heard  timestamptz NOT NULL DEFAULT clock_timestamp(),
	live   bytea
) WITH (fillfactor = 50);

CREATE TABLE hand (
	upload text NOT NULL REFERENCES upload (id),
	person text NOT NULL REFERENCES person (id),
	PRIMARY KEY (upload, person)
);

CREATE TABLE mend (
	id      bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	upload  text NOT NULL REFERENCES upload (id),
	batch   bigint NOT NULL,
	undoes  bigint NOT NULL DEFAULT 0,
	cell    bytea NOT NULL,
	version bigint NOT NULL,
	place   bytea,
	was     bytea,
	text    bytea,
	person  text NOT NULL REFERENCES person (id),
	time    bigint NOT NULL,
	UNIQUE (upload, cell, version)
);

CREATE TABLE approval (
	upload text NOT NULL REFERENCES upload (id),
	digest bytea NOT NULL,
	person text NOT NULL REFERENCES person (id),
	time   bigint NOT NULL,
	PRIMARY KEY (upload, person)
);

CREATE FUNCTION approval_holds() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
	IF EXISTS (SELECT FROM upload u JOIN hand h ON h.upload = u.id WHERE u.id = NEW.upload AND u.approvers > 0 AND h.person = NEW.person) THEN
		RAISE EXCEPTION 'who has had a hand in an upload does not approve it';
	END IF;
	IF NOT EXISTS (SELECT FROM upload u WHERE u.id = NEW.upload AND u.state = 'waiting' AND u.digest = NEW.digest) THEN
		RAISE EXCEPTION 'what is approved is not what waits for approval';
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER approval_holds BEFORE INSERT OR UPDATE ON approval FOR EACH ROW EXECUTE FUNCTION approval_holds();

CREATE FUNCTION run_of_approved() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
	IF (SELECT count(*) FROM approval a JOIN person p ON p.id = a.person WHERE a.upload = NEW.id AND a.digest = NEW.digest AND NOT p.disabled) < greatest(1, NEW.approvers) THEN
		RAISE EXCEPTION 'nothing is sent that was not approved';
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER run_of_approved BEFORE INSERT OR UPDATE OF state ON upload FOR EACH ROW WHEN (NEW.state = 'running') EXECUTE FUNCTION run_of_approved();

CREATE TABLE run (
	id      bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	upload  text NOT NULL REFERENCES upload (id),
	run     text NOT NULL UNIQUE,
	mends   bigint NOT NULL,
	started bigint NOT NULL
);
CREATE INDEX run_upload ON run (upload, id);

CREATE TABLE shape (
	account text NOT NULL,
	shape   bytea NOT NULL,
	reading bytea NOT NULL,
	PRIMARY KEY (account, shape)
);

CREATE TABLE event (
	seq     bigint PRIMARY KEY,
	time    bigint NOT NULL,
	person  text NOT NULL,
	account text NOT NULL,
	action  text NOT NULL,
	upload  text NOT NULL,
	place   text NOT NULL,
	digest  text NOT NULL,
	hash    bytea NOT NULL
);
CREATE INDEX event_upload ON event (upload, seq);

CREATE FUNCTION event_kept() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
	RAISE EXCEPTION 'the audit trail is only added to';
END
$$;
CREATE TRIGGER event_kept BEFORE UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION event_kept();
CREATE TRIGGER event_whole BEFORE TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION event_kept();
`
