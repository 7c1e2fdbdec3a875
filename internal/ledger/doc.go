// Package ledger is the durable record of every distribution tried. It is kept in a SQLite database (WAL,
// synchronous=FULL) with a secret and a folder of lock files beside it, or in a PostgreSQL database that several
// machines share; the rules are written once, over what either does in its own way, a store. It is the only
// place that knows SQL, but for that of the page's own books.
//
// It promises that what Claim, Conclude, Begin and End have returned from is on disk as far as the
// operating system can tell, that two runs never hold the same session, and that no contact is in it
// in clear. Start from [Open], [Ledger.Begin] and [Ledger.View].
//
// All writes of a process go through one goroutine, which commits whatever has gathered, so that many
// senders share one sync of the disk.
package ledger
