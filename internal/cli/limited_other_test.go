//go:build !linux && !darwin

package cli_test

// limited is the program; there is no limit to set on this system.
func limited() { program() }

// fatal likewise.
func fatal() { program() }
