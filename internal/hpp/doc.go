// Package hpp talks to Klarna's Hosted Payment Page: one call in, one verdict out.
//
// [Client.Send] asks HPP once to distribute the payment link of a session and judges the answer. It
// never repeats a call, neither by itself nor through Go's transport, and it knows of every call
// without an answer whether a byte of it left the machine. Start from [New], and from
// [ParseEndpoint] and [Region] for what may be talked to.
//
// No text that leaves the package shows the contacts of the distribution or the credentials. The
// package keeps no record, waits for no permit and decides on no retry: package pipeline does.
package hpp
