package desk

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Shared books keep the files of uploads too, encrypted as they lie in the folder of a desk, which has those that it has
// needed: what is lost there is fetched again.

// pieceSize is how much of a file one row has.
const pieceSize = 1 << 20

// uploadOf gives the upload that a file of the folder belongs to.
func uploadOf(path string) string {
	id, _, _ := strings.Cut(filepath.Base(path), ".")
	return id
}

// share puts a file of the folder into shared books.
func (d *Desk) share(ctx context.Context, path string) error {
	if !d.db.shared {
		return nil
	}
	return broken("keep the upload", inPieces(ctx, d.db, path, d.db.now()))
}

// shareOnce is share for a file whose like may be there already, and is as good.
func (d *Desk) shareOnce(ctx context.Context, path string) error {
	if !d.db.shared {
		return nil
	}
	return broken("keep the upload", d.tx(ctx, func(t *txn) error {
		var there bool
		if err := t.QueryRowContext(ctx, "SELECT count(*) > 0 FROM piece WHERE upload = ? AND file = ?", uploadOf(path), filepath.Base(path)).Scan(&there); err != nil || there {
			return err
		}
		return inPieces(ctx, t, path, t.now)
	}))
}

// inPieces writes a file into the books.
func inPieces(ctx context.Context, to interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, path string, now time.Time,
) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, pieceSize)
	for n := 0; ; n++ {
		m, err := io.ReadFull(f, buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if _, err := to.ExecContext(ctx, "INSERT INTO piece (upload, file, n, sealed, made) VALUES (?, ?, ?, ?, ?)",
			uploadOf(path), filepath.Base(path), n, buf[:m], stamp(now)); err != nil {
			return err
		}
	}
}

// fetch has a file of shared books in the folder, if it is there; one that is not kept any more is taken away.
func (d *Desk) fetch(ctx context.Context, path string) error {
	if !d.db.shared {
		return nil
	}
	_, err, _ := d.fetches.Do(path, func() (any, error) { return nil, d.fetchOnce(context.WithoutCancel(ctx), path) })
	return broken("fetch the upload", err)
}

func (d *Desk) fetchOnce(ctx context.Context, path string) error {
	var pieces, size int64
	if err := d.db.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(octet_length(sealed)), 0) FROM piece WHERE upload = ? AND file = ?", uploadOf(path), filepath.Base(path)).
		Scan(&pieces, &size); err != nil {
		return err
	}
	info, err := os.Stat(path)
	switch {
	case pieces == 0:
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	case err == nil && info.Size() == size:
		return nil
	}
	f, err := os.CreateTemp(d.path("tmp"), "fetched-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	for n := int64(0); n < pieces; n++ {
		var sealed []byte
		err := d.db.QueryRowContext(ctx, "SELECT sealed FROM piece WHERE upload = ? AND file = ? AND n = ?", uploadOf(path), filepath.Base(path), n).Scan(&sealed)
		if errors.Is(err, sql.ErrNoRows) { // it was deleted meanwhile
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := f.Write(sealed); err != nil {
			return err
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// unshare takes files out of shared books that were brought, and never came to be an upload.
func (d *Desk) unshare(ctx context.Context, upload string) error {
	if !d.db.shared {
		return nil
	}
	_, err := d.db.ExecContext(ctx, "DELETE FROM piece WHERE upload = ?", upload)
	return err
}
