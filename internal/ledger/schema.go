package ledger

import (
	"context"
	"database/sql"
)

// migration brings a database from one version of the schema to the next; the first makes a new one. A
// released one is never changed.
type migration struct {
	schema  string
	records func(context.Context, *sql.Tx) error // what is done to the records; nil for nothing
}

var migrations = []migration{{schema: schemaV1}, {schemaV2, oneForm}, {schema: schemaV3}, {schema: schemaV4}, {schema: schemaV5}}

// schemaV1 has a table distribution with one record per (session, target, reminder, method, contact, country).
// intent is the run that has an attempt open on it, status what the last attempt came to (empty while none
// has ended), run the run that made the last attempt. Contacts are digests. Times are Unix milliseconds,
// those of the pace nanoseconds.
const schemaV1 = `
CREATE TABLE meta (
	name  TEXT PRIMARY KEY,
	value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE target (
	id       INTEGER PRIMARY KEY,
	name     TEXT NOT NULL UNIQUE,
	next     INTEGER NOT NULL DEFAULT 0,
	pause    INTEGER NOT NULL DEFAULT 0,
	headroom REAL NOT NULL DEFAULT 1,
	slowed   INTEGER NOT NULL DEFAULT 0,
	written  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE run (
	number    INTEGER PRIMARY KEY AUTOINCREMENT,
	id        TEXT NOT NULL UNIQUE,
	target    INTEGER NOT NULL REFERENCES target (id),
	user_name TEXT NOT NULL,
	label     TEXT NOT NULL,
	reminder  TEXT NOT NULL,
	path      TEXT NOT NULL,
	sha256    BLOB NOT NULL,
	sheet     TEXT NOT NULL,
	options   TEXT NOT NULL,
	version   TEXT NOT NULL,
	host      TEXT NOT NULL,
	pid       INTEGER NOT NULL,
	started   INTEGER NOT NULL,
	ended     INTEGER,
	ending    TEXT NOT NULL DEFAULT '',
	reason    TEXT NOT NULL DEFAULT '',
	counts    TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX run_input ON run (sha256, target);
CREATE INDEX run_open ON run (number) WHERE ended IS NULL;

CREATE TABLE distribution (
	id             INTEGER PRIMARY KEY,
	session        TEXT NOT NULL,
	target         INTEGER NOT NULL REFERENCES target (id),
	reminder       TEXT NOT NULL,
	method         TEXT NOT NULL,
	contact        BLOB NOT NULL,
	country        TEXT NOT NULL,
	other          BLOB NOT NULL,
	sheet          TEXT NOT NULL,
	row            INTEGER NOT NULL,
	intent         INTEGER,
	run            INTEGER,
	time           INTEGER NOT NULL,
	attempts       INTEGER NOT NULL DEFAULT 0,
	status         TEXT NOT NULL DEFAULT '',
	binding        INTEGER NOT NULL DEFAULT 0,
	http_status    INTEGER NOT NULL DEFAULT 0,
	code           TEXT NOT NULL DEFAULT '',
	reason         TEXT NOT NULL DEFAULT '',
	correlation_id TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX distribution_key ON distribution (session, target, reminder, method, contact, country);
CREATE INDEX distribution_open ON distribution (intent) WHERE intent IS NOT NULL;
CREATE INDEX distribution_uncertain ON distribution (run) WHERE status = 'uncertain';

CREATE TABLE settlement (
	distribution INTEGER NOT NULL,
	code         TEXT NOT NULL,
	was          TEXT NOT NULL,
	who          TEXT NOT NULL,
	time         INTEGER NOT NULL
) STRICT;

CREATE TABLE report (
	sha256 BLOB NOT NULL,
	input  BLOB NOT NULL,
	path   TEXT NOT NULL,
	run    TEXT NOT NULL,
	time   INTEGER NOT NULL
) STRICT;
CREATE INDEX report_sha256 ON report (sha256);
`

// schemaV2 says of each run which schema it was written for: a process that had opened the ledger before it
// was brought to this one must not begin a run afterwards, since it writes sessions in other forms. gap is
// the time between two slots of the stretch that was taken last.
const schemaV2 = `
ALTER TABLE run ADD COLUMN schema INTEGER NOT NULL DEFAULT 1;
CREATE TRIGGER run_schema BEFORE INSERT ON run WHEN NEW.schema < 2
BEGIN SELECT RAISE(ABORT, 'a later version of hppsend has taken this ledger over'); END;
ALTER TABLE target ADD COLUMN gap INTEGER NOT NULL DEFAULT 0;
CREATE INDEX settlement_distribution ON settlement (distribution);
`

// fresh is a version that no gate has had before: it is drawn anew at each use. Statements say {fresh}.
const fresh = "(random() & 4611686018427387903 | 1)"

// schemaV3 keeps the records of a session at a target in turn: seq 0 is the gate, which every claim takes,
// and has its own version; those of other rounds, methods, contacts and countries lie beneath it, from 1 on.
// The version of a gate is another after every change to any record of its session. A gate without a status,
// an attempt or an intent is blank: its claim was taken back, and it is no record. An earlier program finds
// no table by the old name.
const schemaV3 = `
CREATE TABLE record (
	id             INTEGER PRIMARY KEY,
	session        TEXT NOT NULL,
	target         INTEGER NOT NULL,
	seq            INTEGER NOT NULL,
	version        INTEGER NOT NULL,
	intent         INTEGER,
	run            INTEGER,
	time           INTEGER NOT NULL,
	attempts       INTEGER NOT NULL DEFAULT 0,
	status         TEXT NOT NULL DEFAULT '',
	reminder       TEXT NOT NULL,
	method         TEXT NOT NULL,
	contact        BLOB NOT NULL,
	country        TEXT NOT NULL,
	other          BLOB NOT NULL,
	sheet          TEXT NOT NULL,
	row            INTEGER NOT NULL,
	binding        INTEGER NOT NULL DEFAULT 0,
	http_status    INTEGER NOT NULL DEFAULT 0,
	code           TEXT NOT NULL DEFAULT '',
	reason         TEXT NOT NULL DEFAULT '',
	correlation_id TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO record SELECT id, session, target, n, iif(n = 0, ` + fresh + `, 0), intent, run, time, attempts, status, reminder,
	method, contact, country, other, sheet, row, binding, http_status, code, reason, correlation_id
	FROM (SELECT *, row_number() OVER (PARTITION BY session, target ORDER BY id) - 1 AS n FROM distribution) ORDER BY id;
DROP TABLE distribution;

-- The judge of every claim, and the way of every lookup.
CREATE UNIQUE INDEX record_key ON record (session, target, seq);
-- What a run leaves open is found by its number when it ends (interrupt).
CREATE INDEX record_open ON record (intent) WHERE intent IS NOT NULL;
-- The doubts of a run are listed and counted (Doubts, Runs).
CREATE INDEX record_uncertain ON record (run) WHERE status = 'uncertain';

DROP TRIGGER run_schema;
CREATE TRIGGER run_schema BEFORE INSERT ON run WHEN NEW.schema < 3
BEGIN SELECT RAISE(ABORT, 'a later version of hppsend has taken this ledger over'); END;
`

// schemaV4 has what people order: a run to pause or to be cancelled, and all to pause while halt has a row. An earlier
// program would not obey.
const schemaV4 = `
ALTER TABLE run ADD COLUMN wish TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN wish_by TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN wish_at INTEGER NOT NULL DEFAULT 0;
CREATE TABLE halt (
	who  TEXT NOT NULL,
	time INTEGER NOT NULL
) STRICT;
DROP TRIGGER run_schema;
CREATE TRIGGER run_schema BEFORE INSERT ON run WHEN NEW.schema < 4
BEGIN SELECT RAISE(ABORT, 'a later version of hppsend has taken this ledger over'); END;
`

// schemaV5 has what the rules of a campaign need to know:
//
//   - held has the rows of a run's file that a rule has held back, by their number in it from 0, and why; late ones were
//     when their turn came. A report takes them from there: lists, clock and ledger are others by then.
//   - seen has what was last known of sessions themselves: status is HPP's, waiting when one was last seen not opened yet,
//     opened when it was first seen opened; 0 for never.
//   - forgotten has the contacts that must never be messaged again.
//   - run.lists has the suppression lists by which a run went, run.approval who has approved it, as JSON.
//
// An earlier program would not heed them.
const schemaV5 = `
CREATE TABLE held (
	run    INTEGER NOT NULL,
	n      INTEGER NOT NULL,
	status TEXT NOT NULL,
	code   TEXT NOT NULL,
	reason TEXT NOT NULL,
	late   INTEGER NOT NULL,
	PRIMARY KEY (run, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE seen (
	session TEXT NOT NULL,
	target  INTEGER NOT NULL,
	status  TEXT NOT NULL,
	updated INTEGER NOT NULL DEFAULT 0,
	expires INTEGER NOT NULL DEFAULT 0,
	looked  INTEGER NOT NULL,
	waiting INTEGER NOT NULL DEFAULT 0,
	opened  INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (session, target)
) STRICT, WITHOUT ROWID;
CREATE TABLE forgotten (
	contact BLOB NOT NULL PRIMARY KEY,
	who     TEXT NOT NULL,
	time    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE run ADD COLUMN lists TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN approval TEXT NOT NULL DEFAULT '';
-- When a contact was last sent anything (LastSent), and everything that was (Find).
CREATE INDEX record_contact ON record (contact);
-- How much was sent in a stretch of time (MaxSends).
CREATE INDEX record_sent ON record (target, time) WHERE status IN ('delivered', 'uncertain');
DROP TRIGGER run_schema;
CREATE TRIGGER run_schema BEFORE INSERT ON run WHEN NEW.schema < 5
BEGIN SELECT RAISE(ABORT, 'a later version of hppsend has taken this ledger over'); END;
`
