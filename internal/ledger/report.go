package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"hppsend/internal/contact"
)

// ReportWritten records the bytes of a report, so that only those are ever replaced.
func (l *Ledger) ReportWritten(ctx context.Context, report, input [32]byte, path, run string) error {
	return l.update(ctx, written{report, input, contact.MaskAll(path), run})
}

// written is a report that was written for an input.
type written struct {
	report, input [32]byte
	path, run     string
}

func (o written) apply(t *txn) error {
	return t.exec("INSERT INTO report (sha256, input, path, run, time) VALUES (?, ?, ?, ?, ?)",
		o.report[:], o.input[:], o.path, o.run, time.Now().UnixMilli())
}

// reportQuery goes by report_sha256.
const reportQuery = "SELECT input FROM report WHERE sha256 = ? ORDER BY time DESC LIMIT 1"

// ReportKnown reports whether bytes are those of a report that was written, and for which input.
func (l *Ledger) ReportKnown(ctx context.Context, report [32]byte) (input [32]byte, ok bool, err error) {
	defer func() { err = l.reading(err) }()
	var sum []byte
	err = l.row(ctx, reportQuery, report[:]).Scan(&sum)
	if errors.Is(err, sql.ErrNoRows) {
		return input, false, nil
	}
	copy(input[:], sum)
	return input, err == nil, err
}
