// Package desk is where an upload lies from the moment it comes in until it is forgotten: it is checked,
// mended, approved by another person, sent, and reported on. It knows no HTTP; a page is a skin over it.
//
// Start at [Open] and [Seat.Bring]. The states of an upload and what may be done in each are in state.go, who
// may do it in people.go, what is approved in approve.go, and the record of all that in audit.go.
//
// What it promises: what was typed into an upload never touches the file; nothing is sent but what was
// approved, by people who had no hand in it; whatever is stopped, killed or started again goes on where it was,
// and nobody is messaged twice, since every run is a campaign on the ledger. Contacts lie in its folder
// encrypted; the audit trail holds none.
package desk
