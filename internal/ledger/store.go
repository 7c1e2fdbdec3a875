package ledger

import (
	"context"
	"database/sql"
	"time"

	"hppsend/pipeline"
)

// store is the database that a ledger is kept in, as far as one does in its own way what another does otherwise.
// The rules of the ledger are written once, over it, in SQL that has a few words of our own in braces.
type store interface {
	// open connects, or makes the ledger, and fills in what is recorded of it.
	open(ctx context.Context, opt Options) error
	// reason says in our words why it could not be opened, and gives what of the error is worth showing.
	reason(err error) (problem, todo string, cause error)
	// sql puts a statement into the words of the database.
	sql(query string) string
	// args puts values into a form that the database takes.
	args(args []any) []any
	// hold keeps a run alive in the eyes of all who ask, from before it is entered until release.
	hold(ctx context.Context, run string) (hold, error)
	// lives reports whether a run that has not ended is alive. told is what the column {lives} says.
	lives(run string, told sql.NullBool) bool
	// fading reports whether a run that is taken for alive may have died a moment ago.
	fading(ctx context.Context, run string) bool
	// bury lets go of what a dead run has left beside its records, within the transaction that ends it. It reports
	// false for one that lives after all.
	bury(t *txn, number int64, run string) (bool, error)
	// within bounds the time of a transaction.
	within() (context.Context, context.CancelFunc)
	// connect makes sure, before it, that there is a connection to write on.
	connect(ctx context.Context) error
	// many makes those of a group of changes that it can make in few statements, and gives the others.
	many(t *txn, group []*op) ([]*op, error)
	// alone keeps others from making the same change at once, until the transaction ends.
	alone(t *txn) error
	// freeze keeps what a query over record r finds as it is until the transaction ends.
	freeze(t *txn, where string, args ...any) error
	// again reports whether a group that failed is to be tried again; it waits for when.
	again(err error, tries int, since time.Time) bool
	// withPace changes the row of a target's pace, by the clock of the ledger.
	withPace(ctx context.Context, target string, change paceChange) error
	// tidy gives room back, as far as nobody is held up by it: after each stretch of a purge, and at its end.
	tidy(ctx context.Context, end bool)
	// todo says what a person is to do about an error of reading or writing.
	todo(err error, reading bool) string
	// seal ends sending by the ledger, which is taken over to a place.
	seal(t *txn, place string) error
	// sealDone records that all of it is at that place.
	sealDone(t *txn) error
	// sealedFor gives the place that the ledger is, or was, taken over to.
	sealedFor(ctx context.Context) (sealedTo, error)
	// secretText is the secret as its file has it.
	secretText() (string, error)
	info() Info
	close() error // before the connections
}

// hold keeps a run alive.
type hold interface {
	// entered is told the number of the run within the transaction that enters it.
	entered(t *txn, number int64) error
	// lost gives why no call may begin any more, or for the moment; nil while one may.
	lost() error
	// ready waits for the moment to be over.
	ready(ctx context.Context) error
	release()
}

// errRun says that the ledger took a run for dead, and what it had open for doubts.
var errRun = &pipeline.Error{
	Kind: pipeline.NoLedger, Problem: "the ledger has taken this run for dead, since it had not heard of it for some seconds",
	Todo: "see that this machine and its way to the database are well; the same command then goes on where this one stopped",
}
