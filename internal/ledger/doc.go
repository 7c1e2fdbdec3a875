// Package ledger is the durable record of every distribution tried: a SQLite database in WAL mode with
// synchronous=FULL, and beside it the secret of its digests and a folder with a lock file for each
// living run. It is the only place that knows SQL.
//
// It promises that what Claim, Conclude, Begin and End have returned from is on disk as far as the
// operating system can tell, that two runs never hold the same session, and that no contact is in it
// in clear. Start from [Open], [Ledger.Begin] and [Ledger.View].
//
// All writes of a process go through one goroutine, which commits whatever has gathered, so that many
// senders share one sync of the disk.
package ledger
