// Package sign tells who has signed a text with a key of OpenSSH: a signature as ssh-keygen -Y sign writes it
// (PROTOCOL.sshsig), judged by a list of people and keys as ssh-keygen(1) describes it under ALLOWED SIGNERS.
//
// It promises that a signature is by a key of the list, for this program's namespace, of exactly these bytes, and that
// the key was valid at the time asked for. It knows no certificates, and says so rather than passing them over.
// Start at [Parse].
package sign
