package desk

// schema is version 1. What is sealed is encrypted for its place. Times are Unix milliseconds.
//
// Three rules stand here and not only in the code above it: who has had a hand in an upload does not approve it,
// nothing runs that was not approved, and the audit trail is only added to.
const schema = `
CREATE TABLE person (
	id       TEXT PRIMARY KEY,
	login    TEXT NOT NULL UNIQUE COLLATE NOCASE,
	name     TEXT NOT NULL,
	password TEXT,
	issuer   TEXT,
	subject  TEXT,
	disabled INTEGER NOT NULL DEFAULT 0,
	made     INTEGER NOT NULL,
	UNIQUE (issuer, subject)
) STRICT;

CREATE TABLE role (
	person  TEXT NOT NULL REFERENCES person (id),
	account TEXT NOT NULL,
	role    TEXT NOT NULL,
	PRIMARY KEY (person, account, role)
) STRICT, WITHOUT ROWID;

CREATE TABLE invitation (
	hash    BLOB PRIMARY KEY,
	person  TEXT NOT NULL REFERENCES person (id),
	expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
	hash   BLOB PRIMARY KEY,
	id     TEXT NOT NULL UNIQUE,
	person TEXT NOT NULL REFERENCES person (id),
	made   INTEGER NOT NULL,
	seen   INTEGER NOT NULL,
	agent  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE upload (
	id        TEXT PRIMARY KEY,
	account   TEXT NOT NULL,
	state     TEXT NOT NULL,
	person    TEXT NOT NULL REFERENCES person (id),
	made      INTEGER NOT NULL,
	changed   INTEGER NOT NULL,
	name      BLOB,
	sha256    BLOB NOT NULL,
	size      INTEGER NOT NULL,
	reading   BLOB,
	edits     INTEGER NOT NULL DEFAULT 0,
	digest    BLOB,
	approvers INTEGER NOT NULL DEFAULT 1,
	asker     TEXT REFERENCES person (id),
	asked     INTEGER NOT NULL DEFAULT 0,
	left_out  INTEGER NOT NULL DEFAULT 0,
	due       INTEGER NOT NULL DEFAULT 0,
	start     INTEGER NOT NULL DEFAULT 0,
	canary    TEXT NOT NULL DEFAULT '',
	stopping  INTEGER NOT NULL DEFAULT 0,
	note      BLOB,
	reason    BLOB
) STRICT;
CREATE INDEX upload_account ON upload (account, made);
CREATE INDEX upload_content ON upload (sha256);
CREATE INDEX upload_state ON upload (state, changed);

CREATE TABLE hand (
	upload TEXT NOT NULL REFERENCES upload (id),
	person TEXT NOT NULL REFERENCES person (id),
	PRIMARY KEY (upload, person)
) STRICT, WITHOUT ROWID;

CREATE TABLE mend (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	upload  TEXT NOT NULL REFERENCES upload (id),
	batch   INTEGER NOT NULL,
	undoes  INTEGER NOT NULL DEFAULT 0,
	cell    BLOB NOT NULL,
	version INTEGER NOT NULL,
	place   BLOB,
	was     BLOB,
	text    BLOB,
	person  TEXT NOT NULL REFERENCES person (id),
	time    INTEGER NOT NULL,
	UNIQUE (upload, cell, version)
) STRICT;

CREATE TABLE approval (
	upload TEXT NOT NULL REFERENCES upload (id),
	digest BLOB NOT NULL,
	person TEXT NOT NULL REFERENCES person (id),
	time   INTEGER NOT NULL,
	PRIMARY KEY (upload, person)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER approval_by_another BEFORE INSERT ON approval
WHEN EXISTS (SELECT 1 FROM upload u JOIN hand h ON h.upload = u.id WHERE u.id = NEW.upload AND u.approvers > 0 AND h.person = NEW.person)
BEGIN SELECT RAISE(ABORT, 'who has had a hand in an upload does not approve it'); END;

CREATE TRIGGER approval_of_this BEFORE INSERT ON approval
WHEN NOT EXISTS (SELECT 1 FROM upload u WHERE u.id = NEW.upload AND u.state = 'waiting' AND u.digest = NEW.digest)
BEGIN SELECT RAISE(ABORT, 'what is approved is not what waits for approval'); END;

CREATE TRIGGER run_of_approved BEFORE UPDATE OF state ON upload
WHEN NEW.state = 'running' AND (SELECT count(*) FROM approval a JOIN person p ON p.id = a.person WHERE a.upload = NEW.id AND a.digest = NEW.digest AND NOT p.disabled) < max(1, NEW.approvers)
BEGIN SELECT RAISE(ABORT, 'nothing is sent that was not approved'); END;

CREATE TABLE run (
	id      INTEGER PRIMARY KEY,
	upload  TEXT NOT NULL REFERENCES upload (id),
	run     TEXT NOT NULL UNIQUE,
	mends   INTEGER NOT NULL,
	started INTEGER NOT NULL
) STRICT;
CREATE INDEX run_upload ON run (upload, id);

CREATE TABLE shape (
	account TEXT NOT NULL,
	shape   BLOB NOT NULL,
	reading BLOB NOT NULL,
	PRIMARY KEY (account, shape)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
	seq     INTEGER PRIMARY KEY,
	time    INTEGER NOT NULL,
	person  TEXT NOT NULL,
	account TEXT NOT NULL,
	action  TEXT NOT NULL,
	upload  TEXT NOT NULL,
	place   TEXT NOT NULL,
	digest  TEXT NOT NULL,
	hash    BLOB NOT NULL
) STRICT;
CREATE INDEX event_upload ON event (upload, seq);
CREATE TRIGGER event_unchanged BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
CREATE TRIGGER event_kept BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
`

// schemaV2 has the suppression lists that an account's administrators have brought. What they hold lies beside uploads,
// encrypted.
const schemaV2 = `
CREATE TABLE suppression (
	id         TEXT PRIMARY KEY,
	account    TEXT NOT NULL,
	name       BLOB NOT NULL,
	sha256     BLOB NOT NULL,
	contacts   INTEGER NOT NULL,
	unreadable INTEGER NOT NULL,
	country    TEXT NOT NULL,
	person     TEXT NOT NULL REFERENCES person (id),
	made       INTEGER NOT NULL
) STRICT;
CREATE INDEX suppression_account ON suppression (account, made);
`
