// Package pipeline is the domain of hppsend: rows of a spreadsheet in, exactly one outcome for each
// of them out.
//
// A run has three passes. [Check] reads every row of every [Source] and judges it, before the first
// call, and returns a [Plan]. [Send] reads the rows again and brings each one that is due to its
// outcome, which lives in the [Ledger]. [Report] reads them a third time and joins them with the
// ledger into a [Sink]; it can be made again at any time.
//
// Start from [Plan], [Deliver] and [Outcome]. The package knows no file format, no SQL and no HTTP:
// those are behind the ports Source, Ledger, Pace, Sender, Observer and Sink.
package pipeline
