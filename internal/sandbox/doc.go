// Package sandbox is an emulator of Klarna HPP's Distribute Session call, with its validation, its
// answers, its rate limit and its faults. Nothing that it is sent leaves the machine.
//
// It serves
//
//	POST /hpp/v1/sessions/{session_id}/distribution
//	GET  /hpp/v1/sessions/{session_id}
//	GET  /_sandbox/stats
//
// The last, which needs no credentials, tells what was accepted and when, as [Stats].
//
// A session behaves as the [Script] says; else as the first group of a UUID says, like the test cards
// of payment providers (see magic); else it is accepted. Start from [New] and [Server.Start].
package sandbox
