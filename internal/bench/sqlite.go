package main

import (
	"context"
	"database/sql"
	"errors"
	"time"

	_ "modernc.org/sqlite"

	"hppsend/pipeline"
)

// bareSQLite is what the database alone takes for an intent and an outcome of each row: one INSERT and
// one UPDATE by prepared statements, 32 rows to a commit that is synced, and one index.
func bareSQLite(args []string) (func() (int, error), error) {
	path, rows, err := target(args)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, `CREATE TABLE intent (id INTEGER PRIMARY KEY, session TEXT NOT NULL,
		contact BLOB NOT NULL, time INTEGER NOT NULL, status TEXT, correlation TEXT) STRICT;
		CREATE UNIQUE INDEX intent_key ON intent (session, contact)`); err != nil {
		return nil, err
	}
	var prepared [4]*sql.Stmt
	for i, query := range []string{
		"BEGIN IMMEDIATE", "COMMIT",
		"INSERT INTO intent (session, contact, time) VALUES (?, ?, ?)",
		"UPDATE intent SET status = ?, correlation = ?, time = ? WHERE id = ?",
	} {
		if prepared[i], err = conn.PrepareContext(ctx, query); err != nil {
			return nil, err
		}
	}
	begin, commit, insert, update := prepared[0], prepared[1], prepared[2], prepared[3]
	contact := make([]byte, len(pipeline.Digest{}))
	return func() (int, error) {
		const group = 32
		for from := 0; from < rows; from += group {
			for _, change := range []func(i int) error{
				func(i int) error {
					_, err := insert.Exec(personAt(i).session, contact, time.Now().UnixMilli())
					return err
				},
				func(i int) error {
					_, err := update.Exec("delivered", personAt(i).session, time.Now().UnixMilli(), i+1)
					return err
				},
			} {
				if _, err := begin.Exec(); err != nil {
					return from, err
				}
				for i := from; i < min(from+group, rows); i++ {
					if err := change(i); err != nil {
						return i, err
					}
				}
				if _, err := commit.Exec(); err != nil {
					return from, err
				}
			}
		}
		return rows, errors.Join(conn.Close(), db.Close())
	}, nil
}
