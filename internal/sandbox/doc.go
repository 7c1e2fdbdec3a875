// Package sandbox is an emulator of Klarna HPP's Distribute Session and Read Session calls: their validation,
// their answers, the rate limit that they share, and the faults that a client has to live through. Nothing that
// it is sent leaves the machine.
//
// It serves
//
//	POST /hpp/v1/sessions/{session_id}/distribution
//	GET  /hpp/v1/sessions/{session_id}
//	GET  /_sandbox/stats
//
// The last is [Stats] as JSON, for loopback without credentials; it is neither counted nor limited.
//
// What a call meets is decided by its session: by the steps of the [Script], else by the first group
// of its UUID, like the test cards of payment providers (see magic), else it is judged as HPP would and
// accepted. UUIDs are one session in either case of their letters. Start from [New] and [Server.Start].
//
// A look (GET) at a session that was never distributed finds it WAITING. Once it was, people live at a hundred
// times their usual speed, each session by its own id: of ten, six are opened within three seconds, and of those
// six, three are paid and one is cancelled within three more; see lifeOf. What has not ended is gone (404) when
// its life is over (--expire-after).
//
// A script is YAML. Each session has a list of steps, one for each call that has the right credentials
// and keeps to the rate limit; the last repeats. A step is the name of an action or a mapping:
//
//	sessions:
//	  c0000000-0000-4000-8000-000000000001: [unavailable, {do: throttled, retry_after: "1"}, accept]
//	  c0000000-0000-4000-8000-000000000002: [{do: gateway, status: 504, accepted: true}]
//	  "*": [{do: accept, latency: 50ms}] # every other session, the magic ones too
//	looks: # likewise one step for each look: a state of the session, also one that nobody knows, or an action
//	  c0000000-0000-4000-8000-000000000001: [WAITING, unavailable, IN_PROGRESS, COMPLETED]
//	  c0000000-0000-4000-8000-000000000003: [{do: WAITING, expires_in: -1m}, expired]
//
// Any step may have a latency. accepted: true says that the message goes out although the client does
// not hear of it; Stats then counts it. The actions, and what else each may be told:
//
//	accept        204 for a sound request, else HPP's refusal of it; status (2xx)
//	expired       404 NOT_FOUND
//	disabled      400 BAD_VALUE
//	refuse        400 with an error object; status, error_code, message (one or a list) and body,
//	              its form: messages, message or error_id
//	unavailable   503 with HPP's error object; accepted
//	throttled     429; retry_after (seconds or a date), reset (seconds)
//	denied        401
//	forbidden     403 with a firewall's page
//	gateway       502 with a gateway's page; status, accepted
//	error         500 with no body; status, accepted
//	redirect      302; status (3xx), location, accepted
//	hang          reads the call and never answers; accepted
//	reset_before  resets the connection without reading the body
//	reset_after   reads the call and resets the connection; accepted
//	cut           400 that ends in the midst of its body; status, accepted
//	huge          400 with a body of 4 MiB; size in bytes, status, accepted
//	drip          400 whose body comes a byte each latency, without end; status, accepted
//
// A look knows all of them but accept and disabled; its states may be told expires_in.
package sandbox
