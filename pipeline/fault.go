package pipeline

import (
	"errors"
	"io/fs"
)

// Kind is what an error puts an end to. It is itself an error, to be asked for with errors.Is.
type Kind string

// The kinds of errors that people see. An error that is none of them is a run that broke.
const (
	Usage        Kind = "usage"         // wrong usage or configuration; nothing was sent
	BadInput     Kind = "bad input"     // an input was refused as a whole; nothing of it was sent
	InputChanged Kind = "input changed" // it is no longer what was checked
	Busy         Kind = "busy"          // another run sends the content; nothing of it was sent
	NoLedger     Kind = "no ledger"     // the ledger cannot be had
	Braked       Kind = "braked"        // a brake holds before anything is sent
	Stopped      Kind = "stopped"       // by a signal, before anything was sent
	Unwritten    Kind = "unwritten"     // a report could not be written
)

func (k Kind) Error() string { return string(k) }

// Error is a fault as people are told of it: one line that says where and what, one that says what to do.
type Error struct {
	Kind    Kind // empty for a run that broke
	Place   Place
	Problem string // what is wrong; may be empty where the cause says it
	Todo    string // what to do about it
	Err     error  // the cause; may be nil
}

func (e *Error) Error() string {
	text := e.Place.String()
	for _, part := range []string{e.Problem, message(e.Err)} {
		if text != "" && part != "" {
			text += ": "
		}
		text += part
	}
	return text
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether the error is of a kind.
func (e *Error) Is(kind error) bool { return e.Kind != "" && kind == error(e.Kind) }

// Hint says what to do.
func (e *Error) Hint() string { return e.Todo }

// Hint is what an error says is to be done about it; empty where it says nothing.
func Hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// WithoutPath leaves out the path that an error of the file system repeats.
func WithoutPath(err error) error {
	if e, ok := err.(*fs.PathError); ok {
		return e.Err
	}
	return err
}
