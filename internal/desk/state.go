package desk

import (
	"fmt"

	"hppsend/pipeline"
)

// State is how far an upload is.
type State string

// The states.
const (
	Draft    State = "draft"    // it may be mended
	Waiting  State = "waiting"  // somebody has asked for approval
	Approved State = "approved" // it is to start, now or at its time
	Running  State = "running"
	Stopped  State = "stopped" // rows are left that the approval still covers
	Done     State = "done"
	Deleted  State = "deleted" // only that it was there is known
)

// Action is what is done to an upload.
type Action string

// The actions.
const (
	Change   Action = "change" // of a cell, of how it is read, of the rows left out; voids approvals
	Ask      Action = "ask"
	Agree    Action = "agree" // an approval, after which others are needed
	Approve  Action = "approve"
	SendBack Action = "send_back"
	Lapse    Action = "lapse" // the approval is too old, or the plan is no longer what was approved
	Start    Action = "start"
	Halt     Action = "halt"   // the run has ended before its end
	Finish   Action = "finish" // the run has ended
	Reopen   Action = "reopen" // what was rejected is to be mended
	Delete   Action = "delete"
)

// States gives all states.
func States() []State { return []State{Draft, Waiting, Approved, Running, Stopped, Done, Deleted} }

// Actions gives all actions.
func Actions() []Action {
	return []Action{Change, Ask, Agree, Approve, SendBack, Lapse, Start, Halt, Finish, Reopen, Delete}
}

// after is the state that an action leads to.
func (s State) after(a Action) (State, error) {
	switch {
	case a == Change && s != Running && s != Deleted:
		return Draft, nil
	case a == Ask && s == Draft:
		return Waiting, nil
	case a == Agree && s == Waiting:
		return Waiting, nil
	case a == Approve && s == Waiting:
		return Approved, nil
	case a == SendBack && (s == Waiting || s == Approved || s == Stopped):
		return Draft, nil
	case a == Lapse && s != Running && s != Deleted:
		return Draft, nil
	case a == Start && (s == Approved || s == Stopped || s == Done): // of what is done rows may be left, as others find out
		return Running, nil
	case a == Halt && s == Running:
		return Stopped, nil
	case a == Finish && s == Running:
		return Done, nil
	case a == Reopen && (s == Stopped || s == Done):
		return Draft, nil
	case a == Delete && s != Running && s != Deleted:
		return Deleted, nil
	}
	return s, &Refusal{Code: Conflict, Problem: fmt.Sprintf("this cannot be done any more: the upload is %s", s), Todo: "look at how it stands now"}
}

// Code says what kind a refusal is of.
type Code string

// The kinds of refusals.
const (
	Invalid   Code = "invalid"   // what was given cannot be meant
	Conflict  Code = "conflict"  // it was done before, or something has changed meanwhile
	Forbidden Code = "forbidden" // not by this person
	NotFound  Code = "not_found"
	TooMuch   Code = "too_much" // a limit is reached
	TooSoon   Code = "too_soon" // likewise, and not for long
	Gone      Code = "gone"     // it was there, and is forgotten
)

// Refusal is why something was not done: nothing has changed.
type Refusal struct {
	Code    Code
	Field   string // of the form that asked, or empty
	Problem string
	Todo    string
}

func (r *Refusal) Error() string {
	if r.Todo == "" {
		return r.Problem
	}
	return r.Problem + "; " + r.Todo
}

func notFound() error {
	return &Refusal{Code: NotFound, Problem: "there is no such page", Todo: "see that the address is right"}
}

// broken is an error of the desk's own books.
func broken(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, pipeline.WithoutPath(err))
}
